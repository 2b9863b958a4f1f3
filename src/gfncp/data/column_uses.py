"""Uses of a table's columns: as a number, a date, a category, a vector, or not at all.

- Numbers: numeric types, and text that is numbers throughout, or numbers in one unit (see
  `gfncp.data.cells`). Dates: see `gfncp.data.dates`.
- Vectors: lists or arrays of equally many numbers, or the text of such (`gfncp.data.vectors`).
- Categories: booleans, pandas' categories, and other text; at most 50 different ones.
- Left out: text of which no two rows hold the same, which names the rows; the index that pandas wrote into
  a file ("Unnamed: 0"), if it holds integers that are all different; what is empty;
  integers of which nine in ten are different in a column that is called an identifier (``id``, ``userid``,
  ``row``, ``zip``, ``phone``; see `gfncp.data.column_names`). All of these in tables of more than two rows.
  Arrays have no names: none of their numbers are left out, nor are columns of floats, nor pandas' categories.
"""

import datetime
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd

from gfncp.data.cells import (
    NO_UNIT,
    OF_ALL,
    Advice,
    advise,
    are_meant_as_numbers,
    as_number,
    begins_with_number,
    common_unit,
    no_number,
    without_unit,
)
from gfncp.data.column_names import IDENTIFIER, LABELS, UNNAMED
from gfncp.data.dates import are_ambiguous_dates, are_dates, are_spans, compact_dates, first_no_date
from gfncp.data.kinds import is_tick, kinds_of, merged, several
from gfncp.data.outliers import NONE, Outliers
from gfncp.data.sentinels import Sentinel
from gfncp.data.vectors import as_vector, holds_vector

CATEGORIES = 50  # at most: text of more kinds names things instead of sorting them
FEW = 2  # rows, in which values that are all different mean nothing
EMPTY = "no values"  # why a column is left out
TRUTH = "true or false"  # why a column is one of categories
ONE_KIND = "1 value"
ONE_NUMBER = "the same in all rows"  # said of numbers
CONSTANT = (ONE_KIND, ONE_NUMBER)  # columns that tell nothing
REPEATED = "called an identifier, but values repeat"
SINCE, SPAN = "days since 1970-01-01", "days"  # said of dates
NUMERIC = ("number", "flag", "date", "vector")
KINDS = ("category", "flag")  # of columns that name kinds
NEARLY_ALL = 0.9  # of an identifier's numbers are different, at least
EXACT = 2**53  # whole numbers below are exact in float64
LISTED = 6  # names of columns that a line lists
SCALARS = (str, bytes, bool, int, float, np.number, np.bool_, Decimal)
NEITHER = (complex, datetime.date, datetime.time, datetime.timedelta)  # numbers, but none that are accepted
Use = Literal["number", "flag", "date", "category", "vector", "left out"]


@dataclass(frozen=True)
class Column:
    """Use that was made of one column of a table.

    Attributes:
        name: its name; of an array's column "column 1" and so on.
        used: "number"; "flag", a number that takes two values; "date", which is a number of days;
            "category"; "vector"; or "left out".
        why: why it was left out; how many categories it has; what else there is to say of it.
        width: how many numbers it holds; of a vector, its length.
        missing: how many of its values were missing, and filled in.
        block: of how many one-hot columns it is one, see `gfncp.data.one_hot`.
        sentinels: numbers of it that may mean "missing", see `gfncp.data.sentinels`.
        outliers: numbers of it far beyond all others, see `gfncp.data.outliers`.
        values: how many values it has, if it may hold codes of kinds, see `gfncp.data.codes`; else 0.
        orders: of magnitude that its numbers span, see `gfncp.data.magnitudes`; 0 for few.
        same: share of rows that hold the same number, if most do, see `gfncp.data.commonest`; else 0.
        unit: texts before and after each of its numbers.
        spellings: of the same kind, "'Male' = 'male'" for example.
        amount: a text of it that begins with a number, where all do and none was taken for a number.
        several: a text of it that lists several kinds, see `gfncp.data.kinds.several`.
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
    same: float = 0.0
    unit: tuple[str, str] = NO_UNIT
    spellings: tuple[str, ...] = ()
    amount: str = ""
    several: str = ""

    @property
    def is_weighed(self) -> bool:
        """True for a column that counts like a category beside numbers."""
        return self.used in KINDS or self.same > 0

    @property
    def may_be_labels(self) -> bool:
        """True for a column in use whose name says that it holds the clusters that are to be found."""
        return self.used in ("number", "flag", "category") and bool(LABELS.fullmatch(self.name))

    def shown(self, value: float) -> str:
        """Return a number of the column as the user wrote it."""
        if self.used == "date":
            return str(pd.Timedelta(days=value) if self.why == SPAN else np.datetime64(int(value), "D"))
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
    numbers = pd.api.types.is_numeric_dtype(dtype) and dtype.kind != "c"  # truth values are such, too
    if numbers and is_tick(column):
        return Column(called, "category", _tick(column))
    if pd.api.types.is_bool_dtype(dtype):
        return Column(called, "category", TRUTH)
    if named and _are_compact_dates(column, title, advice):
        return Column(called, "date", SINCE)
    if numbers:
        why = _about_an_identifier(column, called) if named else ""
        return Column(called, "left out" if why not in ("", REPEATED) else "number", why)
    if are_dates(column):
        return Column(called, "date", SPAN if are_spans(column) else SINCE)
    present = column.dropna()
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
            f"{int(column.iloc[int(dates.argmax())])}: accepted are dates and missing values; "
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
    different = set(values)
    if len(different) == 1 and is_tick(column):
        return Column(called, "category", _tick(column))
    if types and types <= {bool, np.bool_}:
        return Column(called, "category", TRUTH)
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
            f"pandas.to_datetime(column, dayfirst=...) reads others; {advise(advice, 'category', name)}"
        )
    unit = common_unit(values)
    if unit is not None:
        others = {value for value in different if as_number(without_unit(value, unit)) is None}
        if not others:
            return Column(called, "number", unit=unit)
        row, value = _first(present, others.__contains__)
    if unit is not None or are_meant_as_numbers(values):
        raise ValueError(f"{no_number(row, title, name, value, advice)}{_beside(others - {value})}")
    amount = str(value) if all(map(begins_with_number, different)) else ""
    if len(different) == len(values) > FEW:
        return Column(called, "left out", _names_rows(len(column) - len(values)), amount=amount)
    use = _category(column, name, title, called, advice)
    return replace(use, amount=amount if len(different) > FEW else "")


def _names_rows(missing: int) -> str:
    """Return the reason that the texts of a column are all different, with the number of missing ones."""
    return "a different text in each row" + (f", none in {missing}" if missing else "")


def _beside(others: set) -> str:
    """Return a list of the other cells of a column of numbers that are not numbers, if they are few."""
    return (
        f"; no numbers either: {', '.join(sorted(map(_short, others)))}" if 0 < len(others) <= LISTED else ""
    )


def _first(column: pd.Series, chosen: Callable[[object], bool]) -> tuple[int, object]:
    """Return the row and the value of the first chosen cell."""
    return next((row, value) for row, value in _cells(column) if chosen(value))


def _cells(column: pd.Series) -> Iterator[tuple[int, object]]:
    """Return the row and the value of each cell."""
    return zip(column.index.tolist(), column.tolist(), strict=True)


def describe_columns(columns: Sequence[Column]) -> list[str]:
    """Return one line for each use, with the columns used so; many are counted instead of listed."""
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
    notes = [column.why] if column.why and column.used not in ("date", "flag") else []
    if column.unit != NO_UNIT:
        notes.append(f"in {' '.join(filter(None, column.unit))}")
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


def _about_an_identifier(column: pd.Series, name: str) -> str:
    """Return why a column of integers is left out, or what is odd about its name; empty for other columns."""
    unnamed, identifier = UNNAMED.fullmatch(name), IDENTIFIER.fullmatch(name)
    if not (unnamed or identifier) or len(column) <= FEW:
        return ""
    if not pd.api.types.is_integer_dtype(column.dtype):
        return ""
    if unnamed:
        return "the index of a table" if column.is_unique else ""
    share = column.nunique() / max(1, column.count())
    if share >= NEARLY_ALL:
        return f"{'different' if share == 1 else 'mostly different'} integers, called an identifier"
    return "" if LABELS.fullmatch(name) else REPEATED


def _category(column: pd.Series, name: object, title: str, called: str, advice: Advice) -> Column:
    names = sorted({kind for kind in kinds_of(column) if kind is not None})
    kinds = len(names)
    if kinds > CATEGORIES:
        first = _short(column.dropna().tolist()[0])
        raise ValueError(
            f"X: {title} holds {kinds} different values, such as {first}, in {len(column)} rows: accepted "
            f"are at most {CATEGORIES} categories; {advise(advice, 'leave_out', name)}"
        )
    spellings = tuple(" = ".join(map(repr, group)) for group in merged(column))
    why = _tick(column) if is_tick(column) else f"{kinds} values" if kinds != 1 else ONE_KIND
    return Column(called, "category", why, spellings=spellings, several=several(names))


def _tick(column: pd.Series) -> str:
    """Return a description of a column whose cells hold one value or nothing."""
    return f"{_short(kinds_of(column.dropna())[0])} or nothing"


def _length(vectors: pd.Series, title: str) -> int:
    """Return the common length of vectors of numbers."""
    length = 0
    for row, vector in _cells(vectors):
        held = as_vector(vector)
        if len(held) == 0 or (length and len(held) != length):
            wanted = f"{length} numbers, as in the rows before" if length else "numbers"
            raise ValueError(
                f"X: row {row + 1}, {title} holds {_short(vector)}: accepted are lists of {wanted}"
            )
        length = len(held)
    return length


def _short(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:60]}..."
