"""Files that are written whole or not at all."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from safetensors import SafetensorError

DRAFT = re.compile(r"\..+\.(safetensors|json)\.[0-9a-f]{32}")


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Run ``write`` on a temporary file beside ``path`` and move it into place.

    Raises:
        OSError: the disk is full, the folder is read-only ...: what was at ``path`` is still there.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")  # made by `write`, with the usual permissions
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(temporary)
            with open(temporary, "rb+") as file:
                os.fsync(file.fileno())  # or a power failure may leave the new name with no content
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except (OSError, SafetensorError) as error:
        raise OSError(f"{path}: cannot be written ({error})") from error


def write_text(path: Path, text: str) -> None:
    """Write text to a file by `write_atomically`."""
    write_atomically(path, lambda file: file.write_text(text, encoding="utf-8"))


def remove_drafts(folder: Path) -> None:
    """Remove what `write_atomically` leaves in a folder when its process is killed."""
    for path in Path(folder).glob(".*"):
        if DRAFT.fullmatch(path.name):
            path.unlink()
