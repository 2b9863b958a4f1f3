"""Options and helpers that several commands share."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

console = Console(highlight=False)
notes = Console(highlight=False, stderr=True)

Checkpoint = Annotated[
    str, typer.Argument(help="Name of a shipped checkpoint (mog-2d, mnist, ...), or a folder.")
]
Data = Annotated[
    Path | None,
    typer.Option(
        help="Folder with the four IDX files of the image data set (default: download them), or a file of "
        "embeddings, see docs/data.md."
    ),
]


def count(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it is not 1."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
