"""Uses of a table's columns: as a number, a date, a category, a vector, or not at all.

- Numbers: numeric types, and text that is numbers throughout (see `gfncp.data.cells`). Dates: see
  `gfncp.data.dates`.
- Vectors: lists or arrays of equally many numbers, or the text of such (`gfncp.data.vectors`).
- Categories: booleans, pandas' categories, and other text; at most 50 different ones.
- Left out: text of which no two rows hold the same, which names the rows; the index that pandas wrote into
  a file ("Unnamed: 0"), if it holds integers that are all different; what is empty;
  integers that are all different in a column that is called an identifier (``id``, ``row``, ``index``,
  ``customer_id``, ``customerId``). All of these in tables of more than two rows. Arrays have no names: none
  of their numbers are left out, nor are columns of floats, nor pandas' categories.
"""

import datetime
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd

from gfncp.data.cells import OF_ALL, Advice, advise, are_meant_as_numbers, as_number, have_one_unit, no_number
from gfncp.data.dates import are_ambiguous_dates, are_dates, are_spans, compact_dates, first_no_date
from gfncp.data.outliers import NONE, Outliers
from gfncp.data.sentinels import Sentinel
from gfncp.data.vectors import as_vector, holds_vector

CATEGORIES = 50  # at most: text of more kinds names things instead of sorting them
FEW = 2  # rows, in which values that are all different mean nothing
EMPTY = "no values"  # why a column is left out
TRUTH = "true or false"  # why a column is one of categories
EXACT = 2**53  # whole numbers below are exact in float64
LISTED = 6  # names of columns that a line lists
SCALARS = (str, bytes, bool, int, float, np.number, np.bool_, Decimal)
NEITHER = (complex, datetime.date, datetime.time, datetime.timedelta)  # numbers, but none that are accepted
UNNAMED = re.compile(r"Unnamed: \d+|__index_level_\d+__|\s*")
IDENTIFIER = re.compile(
    r"(?i:(?:.*[\s_.-])?id|index|idx|row|row[\s_.-]?(?:id|no|nr|num|number))|.*[a-z]I[Dd]"
)
LABELS = re.compile(
    r"(?i:(?:(?:true|known)[\s_.-])?(?:labels?|class|target|clusters?|species)|(?:class|cluster)[\s_.-]?(?:id|label)"
    r"|leiden|louvain|ground[\s_.-]?truth|y[\s_.-]true)"
)

Use = Literal["number", "flag", "date", "category", "vector", "left out"]


@dataclass(frozen=True)
class Column:
    """Use that was made of one column of a table.

    Attributes:
        name: its name; of an array's column "column 1" and so on.
        used: "number"; "flag", a number that takes two values; "date", which is a number of days;
            "category"; "vector"; or "left out".
        why: why it was left out; how many categories it has.
        width: how many numbers it holds; of a vector, its length.
        missing: how many of its values were missing, and filled in.
        block: of how many one-hot columns it is one, see `gfncp.data.one_hot`.
        sentinels: numbers of it that may mean "missing", see `gfncp.data.sentinels`.
        outliers: numbers of it far beyond all others, see `gfncp.data.outliers`.
        values: how many values it has, if it may hold codes of kinds, see `gfncp.data.codes`; else 0.
        orders: of magnitude that its numbers span, see `gfncp.data.magnitudes`; 0 for few.
    """

    name: str
    used: Use
    why: str = ""
    width: int = 1
    missing: int = 0
    block: int = 1
    sentinels: tuple[Sentinel, ...] = ()
    outliers: Outliers = NONE
    values: int = 0
    orders: int = 0

    @property
    def may_be_labels(self) -> bool:
        """True for a column in use whose name says that it holds the clusters that are to be found."""
        return self.used in ("number", "flag", "category") and bool(LABELS.fullmatch(self.name))

    def shown(self, value: float) -> str:
        """Return a number of the column as the user wrote it."""
        if self.used == "date":
            return str(np.datetime64(int(value), "D"))
        return str(int(value)) if value.is_integer() and abs(value) < EXACT else repr(value)


def use_of(column: pd.Series, name: object, title: str, named: bool, advice: Advice) -> Column:
    """Decide what a column is used as.

    Args:
        title: what messages call it.
        named: its name was given by somebody, and may say that it is an identifier.

    Raises:
        ValueError: a value is not what most others are, or there are too many categories.
        TypeError: a value is neither a number nor text.
    """
    called, dtype = str(name) if named else title, column.dtype
    if named and len(column) > FEW and column.isna().all():
        return Column(called, "left out", EMPTY)
    if isinstance(dtype, pd.CategoricalDtype):
        return _category(column, name, title, called, advice)
    if pd.api.types.is_bool_dtype(dtype):
        return Column(called, "category", TRUTH)
    if named and _are_compact_dates(column, title, advice):
        return Column(called, "date", "days since 1970-01-01")
    if pd.api.types.is_numeric_dtype(dtype) and dtype.kind != "c":
        why = _why_an_identifier(column, called) if named else ""
        return Column(called, "left out" if why else "number", why)
    if are_dates(column):
        return Column(called, "date", "days" if are_spans(column) else "days since 1970-01-01")
    present = column[column.notna()]
    if len(present) and all(map(holds_vector, present)):
        return Column(called, "vector", width=_length(present, title))
    return _use_of_cells(present, column, name, title, called, advice)


def _are_compact_dates(column: pd.Series, title: str, advice: Advice) -> bool:
    """Recognise numbers such as 20200131, if all are dates; refuse the first that is none of mostly such."""
    missing, dates = column.isna().to_numpy(), compact_dates(column)
    others = ~(missing | dates)
    if dates.sum() < OF_ALL * (~missing).sum():
        return False
    if others.any():
        row = int(others.argmax())
        raise ValueError(
            f"X: row {row + 1}, {title} holds {column.iloc[row]}, in a column of dates such as "
            f"{int(column[dates].iloc[0])}: accepted are dates and missing values; "
            f"{advise(advice, 'missing', column.iloc[row])}"
        )
    return bool(dates.any())


def _use_of_cells(
    present: pd.Series, column: pd.Series, name: object, title: str, called: str, advice: Advice
) -> Column:
    """Decide what a column of any objects is used as, by those that are not missing."""
    values = present.tolist()
    types = set(map(type, values))
    if not all(issubclass(each, SCALARS) for each in types):
        row, value = _first(present, lambda value: not isinstance(value, SCALARS))
        kind = ValueError if isinstance(value, NEITHER) else TypeError
        raise kind(
            f"X: row {row + 1}, {title} holds {value!r}: accepted are finite numbers, text, dates, lists "
            "of equally many numbers, and missing values; argument must be a string or a number"
        )
    if types and types <= {bool, np.bool_}:
        return Column(called, "category", TRUTH)
    different = set(values)
    others = {value for value in different if as_number(value) is None}
    if not others:
        return Column(called, "number")
    row, value = _first(present, others.__contains__)
    stray = first_no_date(present)
    if stray is not None:
        row, value = stray, present[stray]
        raise ValueError(
            f"X: row {row + 1}, {title} holds {_short(value)}, in a column of dates: accepted are dates that "
            f"exist, such as 2020-01-31, and missing values; {advise(advice, 'missing', value)}"
        )
    if are_ambiguous_dates(present):
        raise ValueError(
            f"X: row {row + 1}, {title} holds {value!r}: accepted are dates such as 2020-01-31; "
            "pandas.to_datetime(column, dayfirst=...) reads others"
        )
    names_rows = len(different) == len(values) > FEW
    too_many = names_rows or len(different) > CATEGORIES
    if are_meant_as_numbers(values) or (too_many and have_one_unit(values)):
        raise ValueError(f"{no_number(row, title, name, value, advice)}{_beside(others - {value})}")
    if names_rows:
        return Column(called, "left out", "a different text in each row")
    return _category(column, name, title, called, advice)


def _beside(others: set) -> str:
    """Say which other cells of a column of numbers are none, if they are few."""
    return (
        f"; no numbers either: {', '.join(sorted(map(_short, others)))}" if 0 < len(others) <= LISTED else ""
    )


def _first(column: pd.Series, chosen: Callable[[object], bool]) -> tuple[int, object]:
    """Return the row and the value of the first chosen cell."""
    return next((row, value) for row, value in column.items() if chosen(value))


def describe(columns: Sequence[Column]) -> list[str]:
    """Say in a line each which columns were used as what; many are counted instead of listed."""
    lines = []
    for used, before in WORDS.items():
        chosen = [(place, each) for place, each in enumerate(columns, 1) if each.used == used]
        if not chosen:
            continue
        if len(chosen) <= LISTED:
            text = ", ".join(_described(each) for _, each in chosen)
        else:
            text = _ranges([place for place, _ in chosen])
        lines.append(f"{before}: {text}")
    return lines


WORDS: dict[Use, str] = {
    "number": "Numbers",
    "flag": "Flags, numbers of two values",
    "vector": "Vectors",
    "date": "Dates, as days",
    "category": "Categories",
    "left out": "Left out",
}


def _described(column: Column) -> str:
    notes = [column.why] if column.used in ("category", "left out") else []
    if column.used == "vector":
        notes.append(f"{column.width} numbers")
    if column.missing:
        notes.append(f"{column.missing} filled in")
    return f"{column.name} ({', '.join(notes)})" if notes else column.name


def _ranges(places: list[int]) -> str:
    """Write places as "columns 1 to 5, 8 to 384"; of many ranges, only the first ones."""
    cuts = [0, *(np.flatnonzero(np.diff(places) > 1) + 1).tolist(), len(places)]
    runs = [places[low:high] for low, high in pairwise(cuts)]
    texts = [f"{run[0]} to {run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs[:LISTED]]
    more = f" and others, {len(places)} in all" if len(runs) > LISTED else ""
    return f"columns {', '.join(texts)}{more}"


def _why_an_identifier(column: pd.Series, name: str) -> str:
    """Say why a numeric column is none that belongs to the points; empty if it may be one."""
    unnamed, identifier = UNNAMED.fullmatch(name), IDENTIFIER.fullmatch(name)
    if not (unnamed or identifier) or len(column) <= FEW:
        return ""
    if not pd.api.types.is_integer_dtype(column.dtype) or not column.is_unique:
        return ""
    return "the index of a table" if unnamed else "different integers, called an identifier"


def _category(column: pd.Series, name: object, title: str, called: str, advice: Advice) -> Column:
    kinds = column[column.notna()].astype(str).str.strip().nunique()
    if kinds > CATEGORIES:
        first = _short(column.dropna().iloc[0])
        raise ValueError(
            f"X: {title} holds {kinds} different texts, such as {first}, in {len(column)} rows: accepted are "
            f"at most {CATEGORIES} categories; {advise(advice, 'leave_out', name)}"
        )
    return Column(called, "category", f"{kinds} values" if kinds != 1 else "1 value")


def _length(vectors: pd.Series, title: str) -> int:
    """Return the common length of vectors of numbers."""
    length = None
    for row, vector in vectors.items():
        held = as_vector(vector)
        if len(held) == 0 or (length is not None and len(held) != length):
            wanted = "numbers" if length is None else f"{length} numbers, as in the rows before"
            raise ValueError(
                f"X: row {row + 1}, {title} holds {_short(vector)}: accepted are lists of {wanted}"
            )
        length = len(held)
    assert length is not None
    return length


def _short(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:60]}..."
