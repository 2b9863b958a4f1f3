"""A fitted estimator in a folder: a copy of its checkpoint, beside one file with all that was fitted.

The folder is thereby a checkpoint too. Files are written atomically and nothing is unpickled.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from gfncp.checkpoints import WEIGHTS, copy, find
from gfncp.files import write_atomically

FILE = "estimator.safetensors"


def write_estimator(
    folder: Path, parameters: dict, fitted: dict[str, Tensor], described: dict[str, str]
) -> None:
    """Store the parameters of an estimator's constructor, the checkpoint that they name, and what was fitted.

    Args:
        described: what was fitted and is text.

    Raises:
        ValueError: ``random_state`` is neither None nor an integer, or there is no such checkpoint.
    """
    seed = parameters["random_state"]
    if not (seed is None or isinstance(seed, int | np.integer)):
        raise ValueError(f"random_state={seed!r}: accepted for saving are None and integers")
    folder, source = Path(folder), find(parameters["checkpoint"])
    stored = {name: value for name, value in parameters.items() if name != "checkpoint"}
    about = {"parameters": json.dumps(stored, default=_plain), "model": _sha256(source / WEIGHTS)}
    about |= {f"fitted/{name}": text for name, text in described.items()}
    copy(source, folder)
    tensors = {name: value.contiguous() for name, value in fitted.items()}
    write_atomically(folder / FILE, lambda path: save_file(tensors, path, about))


def _plain(value: object) -> object:
    """Return a parameter as JSON can hold it.

    Raises:
        ValueError: it is neither a number of NumPy nor a device.
    """
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, torch.device):
        return str(value)
    raise ValueError(f"parameter {value!r}: accepted for saving are numbers, texts and devices")


def read_estimator(folder: Path) -> tuple[dict, dict[str, Tensor], dict[str, str]]:
    """Return parameters, fitted tensors and texts of an estimator that `write_estimator` stored.

    The parameter ``checkpoint`` is the folder itself.

    Raises:
        ValueError: there is no saved estimator, or its files are damaged or do not belong together.
    """
    folder = Path(folder)
    try:
        with safe_open(folder / FILE, "pt") as file:
            about = file.metadata()
            fitted = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        parameters = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in json.loads(about["parameters"]).items()
        }
        expected, found = about["model"], _sha256(folder / WEIGHTS)
    except (OSError, SafetensorError, KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"{folder}: not a saved estimator ({error!r})") from None
    if found != expected:
        raise ValueError(f"{folder}: {WEIGHTS} is not the one that the estimator was fitted with")
    texts = {name.removeprefix("fitted/"): text for name, text in about.items() if name.startswith("fitted/")}
    return {"checkpoint": str(folder), **parameters}, fitted, texts


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
