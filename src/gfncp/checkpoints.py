"""Checkpoints: a folder with `model.safetensors` and `config.json`, written atomically, never unpickled."""

import json
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from gfncp.configuration import Configuration, parse

PRETRAINED = Path(__file__).parent / "pretrained"
DEFAULT = "mog-2d"  # the checkpoint that is used where none is named


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Run ``write`` on a temporary file beside ``path`` and move it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")  # made by `write`, with the usual permissions
    try:
        write(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def save(model: nn.Module, configuration: Configuration, folder: Path) -> None:
    """Write a checkpoint into ``folder``."""
    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    write_atomically(Path(folder) / "model.safetensors", lambda path: save_file(state, path))
    text = json.dumps(configuration.model_dump(mode="json"), indent=2) + "\n"
    write_atomically(Path(folder) / "config.json", lambda path: path.write_text(text))


def load(name_or_path: str | Path) -> nn.Module:
    """The model of a checkpoint that ships with the package (``mog-2d``, ``mnist``) or lies in a folder.

    Raises:
        ValueError: there is no such checkpoint, or its files do not fit together.
    """
    with torch.random.fork_rng(devices=[]):  # initial weights are drawn, to be replaced
        model = load_configuration(name_or_path).build()
    path = find(name_or_path) / "model.safetensors"
    try:
        model.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise ValueError(f"{path}: not the weights that config.json describes ({error})") from None
    return model.eval()


def load_kind(name_or_path: str | Path, *kinds: str) -> nn.Module:
    """The model of a checkpoint that must hold a network of one of the given kinds.

    Raises:
        ValueError: it holds another kind, or `load` fails.
    """
    kind = load_configuration(name_or_path).network.kind
    if kind not in kinds:
        accepted = " or ".join(map(repr, kinds))
        raise ValueError(
            f"checkpoint={str(name_or_path)!r} holds a network of kind {kind!r}: accepted is {accepted}"
        )
    return load(name_or_path)


def load_configuration(name_or_path: str | Path) -> Configuration:
    """The configuration that a checkpoint was trained with."""
    path = find(name_or_path) / "config.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: not a readable JSON file ({error})") from None
    return parse(values, str(path))


def find(name_or_path: str | Path) -> Path:
    """The folder of a checkpoint."""
    for folder in (PRETRAINED / str(name_or_path), Path(name_or_path)):
        if (folder / "config.json").is_file():
            return folder
    shipped = sorted(path.parent.name for path in PRETRAINED.glob("*/config.json"))
    raise ValueError(
        f"checkpoint={str(name_or_path)!r}: accepted are {shipped} or a folder with "
        "model.safetensors and config.json"
    )


def seeded(seed: int, *path: int) -> torch.Generator:
    """A random stream that is a function of its address alone."""
    state = np.random.SeedSequence([seed, *path]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> 1))
