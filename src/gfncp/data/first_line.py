"""First lines of tables: whether they name the columns, or are a row of data or a title."""

import warnings
from collections.abc import Collection, Sequence
from itertools import pairwise
from pathlib import Path

import pandas as pd

from gfncp.data.cells import as_number

COUNTED = 3  # names, from which on consecutive integers are no accident
SHOWN = 3  # names that are numbers, in a note
HEADER = "accepted is a first line that names all columns, without titles or comments above it"


def check_header(table: pd.DataFrame) -> None:
    """Refuse names that are a row of the table: texts that stand in their columns, or numbers as these have.

    Raises:
        ValueError: they are, and no integers that follow or, beside texts, exceed one another.
    """
    names = [str(name) for name in table.columns]
    numbers = _numbers_in(names)
    if not numbers or _are_counted(names):
        return
    known = set(numbers)
    a_row = all((table.iloc[:, place] == name).any() for place, name in enumerate(names) if name not in known)
    alike = all(_is_within(name, table.iloc[:, place]) for place, name in enumerate(names) if name in known)
    if a_row or (alike and not (_are_increasing(numbers) or _are_counted(numbers))):
        raise ValueError(f"the first line has to name the columns, but holds the number {numbers[0]}")


def _numbers_in(names: Sequence[str]) -> list[str]:
    return [name for name in names if as_number(name) is not None and any(map(str.isdigit, name))]


def _is_within(name: str, column: pd.Series) -> bool:
    """Return True if a number lies between the smallest and the largest of a column."""
    numbers, number = pd.Series(pd.to_numeric(column, errors="coerce")), as_number(name)
    return number is not None and bool(numbers.min() <= number <= numbers.max())


def _are_increasing(names: Sequence[str]) -> bool:
    """Return True if names are at least three increasing integers, such as years."""
    whole = len(names) >= COUNTED and all(name.isdecimal() for name in names)
    return whole and all(int(low) < int(high) for low, high in pairwise(names))


def _are_counted(names: Sequence[str]) -> bool:
    """Return True if names are consecutive integers: at least three, or from 0 on, as pandas writes them."""
    counted = all(name.isdecimal() for name in names) and (len(names) >= COUNTED or names[:1] == ["0"])
    return counted and [int(name) - int(names[0]) for name in names] == list(range(len(names)))


def check_one_column(table: pd.DataFrame, marks: Collection[str]) -> None:
    """Refuse a single column whose cells hold another delimiter, one of ``marks``, that its name lacks.

    Raises:
        ValueError: at least half of them have.
    """
    if table.shape[1] != 1:
        return
    cells = [cell for cell in table.iloc[:, 0] if isinstance(cell, str)]
    for mark in marks:
        if cells and 2 * sum(mark in cell for cell in cells) >= len(table):
            raise ValueError(f"its rows have {mark!r} between cells, but the first line has not: {HEADER}")


def warn_of_numbers(table: pd.DataFrame, path: Path) -> None:
    """Warn of names that are numbers, but do not count the columns."""
    numbers = _numbers_in([str(name) for name in table.columns])
    if numbers and not _are_counted(numbers):
        shown = ", ".join(numbers[:SHOWN])
        warnings.warn(
            f"{path}: its first line was taken for the names of columns, though it holds numbers ({shown})",
            UserWarning,
            stacklevel=3,
        )
