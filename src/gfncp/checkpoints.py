"""Checkpoints: a folder with `model.safetensors` and `config.json`, written atomically, never unpickled."""

import json
import shutil
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from gfncp.configuration import Configuration, parse
from gfncp.files import write_atomically, write_text
from gfncp.networks.interfaces import Network
from gfncp.shipped import CONFIGURATION, DEFAULT, FILES, PRETRAINED, WEIGHTS, find  # noqa: F401 (re-exported)

RANGES = "range.json"  # optional, see `gfncp.estimators.ranges`

Version = tuple[int, int, int]  # of a file: when it was written, its number on the disk, its size


def save(model: nn.Module, configuration: Configuration, folder: Path) -> None:
    """Write a checkpoint into ``folder``."""
    save_configuration(configuration, folder)
    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    write_atomically(Path(folder) / WEIGHTS, lambda path: save_file(state, path))


def save_configuration(configuration: Configuration, folder: Path) -> None:
    """Write a configuration to the folder of its checkpoint."""
    text = json.dumps(configuration.model_dump(mode="json"), indent=2) + "\n"
    write_text(Path(folder) / CONFIGURATION, text)


def copy(source: Path, folder: Path) -> None:
    """Copy the files of a checkpoint from one folder to another."""
    for name in FILES:
        write_atomically(Path(folder) / name, partial(shutil.copyfile, source / name))
    if (source / RANGES).is_file():
        write_atomically(Path(folder) / RANGES, partial(shutil.copyfile, source / RANGES))
    else:  # files of another checkpoint may be there
        (Path(folder) / RANGES).unlink(missing_ok=True)


def load(name_or_path: str | Path) -> Network:
    """Return the model of a checkpoint that ships with the package (``mog-2d``, ``mnist``) or is a folder.

    Raises:
        ValueError: there is no such checkpoint, or its files do not fit together.
    """
    return _built(load_configuration(name_or_path), name_or_path)


def _built(configuration: Configuration, name_or_path: str | Path) -> Network:
    """Return the network of a configuration with the weights of a checkpoint."""
    with torch.device("meta"):  # a shape without storage
        shape = configuration.build()
    weights = weights_for(shape, name_or_path)
    with torch.random.fork_rng(devices=[]):  # initial weights are drawn, to be replaced
        model = configuration.build()
    model.load_state_dict(weights)
    return model.eval()


def weights_for(network: nn.Module, name_or_path: str | Path) -> dict[str, Tensor]:
    """Return the weights of a checkpoint for a network of the same architecture; see `read_weights`."""
    return read_weights(find(name_or_path) / WEIGHTS, network)


def read_weights(path: Path, like: nn.Module) -> dict[str, Tensor]:
    """Return the weights in a file, for a module that may have no storage (on the device ``meta``).

    Their names and shapes are compared with the file's header before anything is allocated.

    Raises:
        ValueError: there is no such file, it is damaged, or holds the weights of another module.
    """
    expected = {name: list(value.shape) for name, value in like.state_dict().items()}
    try:
        with safe_open(path, "pt") as file:
            found = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
        for name in expected | found:
            if expected.get(name) != found.get(name):
                raise ValueError(f"{name} has shape {found.get(name)}, not {expected.get(name)}")
        return load_file(path)
    except (OSError, SafetensorError, ValueError) as error:
        raise ValueError(f"{path}: not the weights of the configured network ({error})") from None


@dataclass(frozen=True)
class Checkpoint:
    """Network and the configuration of its training, read once and shared: neither is changed."""

    network: Network
    configuration: Configuration


def read_checkpoint(
    name_or_path: str | Path, *kinds: str, device: str | torch.device | None = None
) -> Checkpoint:
    """Return a checkpoint, from memory if its files are those that were read last time.

    Args:
        kinds: kinds of networks that are accepted; none for all.
        device: where the network is to be; None for the processor.

    Raises:
        ValueError: it holds another kind, or `load` fails.
        RuntimeError: there is no such device, or another error of ``torch.nn.Module.to``.
    """
    folder = find(name_or_path)
    kind = read_json(folder / CONFIGURATION).network.kind
    if kinds and kind not in kinds:
        accepted = " or ".join(map(repr, kinds))
        raise ValueError(
            f"checkpoint={str(name_or_path)!r} holds a network of kind {kind!r}: accepted is {accepted}"
        )
    versions = tuple(_version(folder / name) for name in FILES if (folder / name).exists())
    return _read(folder.resolve(), versions, device)


@lru_cache(maxsize=4)
def _read(folder: Path, versions: tuple[Version, ...], device: str | torch.device | None) -> Checkpoint:
    configuration = load_configuration(folder)
    return Checkpoint(_built(configuration, folder).to(device), configuration)


def load_configuration(name_or_path: str | Path) -> Configuration:
    """Return the configuration that a checkpoint was trained with."""
    return read_json(find(name_or_path) / CONFIGURATION)


def read_json(path: Path) -> Configuration:
    """Return the configuration in a JSON file, from memory if the file is the one that was read last time.

    Raises:
        ValueError: there is no such file, it is damaged, or `gfncp.configuration.parse` fails.
    """
    return _parsed(path, _version(path) if path.is_file() else (0, 0, 0))


def _version(path: Path) -> Version:
    """Return what changes when a file is written."""
    about = path.stat()
    return about.st_mtime_ns, about.st_ino, about.st_size


@lru_cache(maxsize=16)
def _parsed(path: Path, version: Version) -> Configuration:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # RecursionError: deeply nested brackets
        raise ValueError(f"{path}: not a readable JSON file ({error})") from None
    return parse(values, str(path))
