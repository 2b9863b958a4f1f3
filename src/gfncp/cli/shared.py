"""Options and helpers that several commands share."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

console = Console(highlight=False)
notes = Console(highlight=False, stderr=True)

Checkpoint = Annotated[
    str, typer.Argument(help="A checkpoint that ships with the package (mog-2d, mnist), or a folder.")
]
Data = Annotated[
    Path | None,
    typer.Option(
        help="Folder with the four IDX files of the image data set, default: download them; "
        "or the embeddings, see docs/data.md."
    ),
]

Delimiter = Annotated[
    str | None,
    typer.Option(
        help="What is between the columns of text files: a character, tab or space. Default: detected.",
        show_default=False,
    ),
]
Decimal = Annotated[
    str | None,
    typer.Option(
        metavar="MARK", help="Decimal mark of numbers, . or , Default: detected.", show_default=False
    ),
]
Thousands = Annotated[
    str | None,
    typer.Option(
        metavar="MARK",
        help="What is between thousands: , . ' or space. Default: nothing.",
        show_default=False,
    ),
]
Missing = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CELL",
        help="A cell that is a missing value, beside those of pandas (empty, NA, NaN, null, ...); may be "
        "given several times.",
        show_default=False,
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(help="Encoding of text files, such as latin-1. Default: UTF-8.", show_default=False),
]
Array = Annotated[
    str | None,
    typer.Option(
        help="Name of the array of points in NPZ or safetensors files. Default: x.", show_default=False
    ),
]
Categories = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="Columns whose values are names of kinds even if they look like numbers, with commas between.",
        show_default=False,
    ),
]


def split_names(names: str | None) -> list[str] | None:
    """Split names at commas; None stays None."""
    return None if names is None else [name.strip() for name in names.split(",")]


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
