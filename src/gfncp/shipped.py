"""Folders of checkpoints, including those that ship with the package; found without loading PyTorch."""

import os
from pathlib import Path

PRETRAINED = Path(__file__).parent / "pretrained"
DEFAULT = "general"  # the checkpoint that is used where none is named
FILES = WEIGHTS, CONFIGURATION = "model.safetensors", "config.json"


def find(name_or_path: str | Path) -> Path:
    """Return the folder of a checkpoint.

    Raises:
        ValueError: there is no such checkpoint.
    """
    for folder in (PRETRAINED / str(name_or_path), Path(name_or_path)):
        if os.path.isfile(folder / CONFIGURATION):  # unlike Path.is_file, it accepts names that are too long
            return folder
    raise ValueError(
        f"checkpoint={str(name_or_path)!r}: accepted are {shipped()} or a folder with "
        f"{WEIGHTS} and {CONFIGURATION}"
    )


def shipped() -> list[str]:
    """Return the names of the checkpoints that ship with the package."""
    return sorted(path.parent.name for path in PRETRAINED.glob(f"*/{CONFIGURATION}"))
