"""Dates as numbers: days since 1970-01-01, in UTC; spans of time as days.

Read as dates are columns of such types, and of text if all of it is written as in ISO 8601 (2020-01-31,
2020-01, 2020/01/31 12:30), also without marks, as whole numbers (20200131). Other ways of writing them
(01/02/2020) mean different days to different people. Times (12:30, 12:30:15) and what pandas writes
(2 days 12:30:15) are spans, if all of them have as many parts.
"""

import datetime
import re

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from gfncp.data.cells import OF_ALL

EPOCH = pd.Timestamp(0, tz="UTC").as_unit("us")  # nanoseconds end in 2262
DAY = pd.Timedelta(days=1).as_unit("us")
MICROSECONDS = 86_400_000_000  # of a day
ISO = re.compile(
    r"\d{4}[-/]\d{1,2}(?:[-/]\d{1,2}(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s?(?:Z|[+-]\d{2}:?\d{2})?)?)?"
)
CLOCK = re.compile(r"[+-]?(?:\d+ days?,? )?[+-]?\d{1,2}:\d{2}(?P<seconds>:\d{2}(?:\.\d+)?)?")
FIRST, LAST = 19000101, 21001231
DIFFERENT = 3  # whole numbers that could be dates by accident
MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
WORD = r"[^\W\d_]{3,}\.?"  # a month in any language
OTHER = re.compile(
    r"(?:\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d{2})"
    r"|\d{4}([./-])\d{1,2}\2\d{1,2}|\d{1,2}[./-]\d{4}|\d{4}-?[QW]\d{1,2}(?:-\d)?"
    rf"|\d{{1,2}}\.?[ -]?{MONTH},?[ -]?\d{{2,4}}|{MONTH} \d{{1,2}},? \d{{4}}|{MONTH}[ ,./-]*\d{{2,4}}"
    rf"|\d{{1,2}}\.?[ -](?:de )?{WORD}[ -](?:de )?\d{{4}})(?:,?[T ].*)?",
    re.IGNORECASE,
)


def are_dates(column: pd.Series) -> bool:
    """Recognise a column of dates, or of spans of time, by its type or what it holds."""
    dtype = column.dtype
    if isinstance(dtype, pd.PeriodDtype) or dtype.kind in "mM":
        return True
    present = column.dropna().tolist()
    if not present:
        return False
    if all(isinstance(value, str) and ISO.fullmatch(value.strip()) for value in present):
        return _moments(column) is not None
    if _are_clocks(present):
        return True
    return all(isinstance(value, datetime.date) for value in present) or all(
        isinstance(value, datetime.timedelta) for value in present
    )


def are_spans(column: pd.Series) -> bool:
    """Return True if a column of dates holds spans of time, not moments."""
    if column.dtype.kind == "m" or any(isinstance(value, datetime.timedelta) for value in column):
        return True
    return _are_clocks(column.dropna().tolist())


def compact_dates(column: pd.Series) -> Bool[np.ndarray, "points"]:
    """Return True for each cell of a column of numbers that is a date such as 20200131."""
    if not pd.api.types.is_numeric_dtype(column.dtype) or column.dtype.kind not in "iuf":
        return np.zeros(len(column), dtype=bool)
    numbers = column.to_numpy(np.float64, na_value=np.nan)
    near = (numbers >= FIRST) & (numbers <= LAST) & (np.floor(numbers) == numbers)
    if len(np.unique(numbers[near])) < DIFFERENT:
        return np.zeros(len(column), dtype=bool)
    return near & _compact(column).notna().to_numpy()


def are_ambiguous_dates(column: pd.Series) -> bool:
    """Recognise text that is written as dates are, but not as in ISO 8601."""
    present = column.dropna().tolist()
    return bool(present) and all(
        isinstance(value, str) and (OTHER.fullmatch(value.strip()) or ISO.fullmatch(value.strip()))
        for value in present
    )


def first_no_date(present: pd.Series) -> int | None:
    """Return the label of the first cell that is no date, where four fifths are written as in ISO 8601."""
    written = [isinstance(value, str) and bool(ISO.fullmatch(value.strip())) for value in present]
    if sum(written) < OF_ALL * len(written) or not written:
        return None
    texts = present.where(written).map(lambda value: value.strip() if isinstance(value, str) else None)
    bad = pd.to_datetime(texts, utc=True, format="ISO8601", errors="coerce").isna()
    return present.index[bad.argmax()] if bad.any() and bad.mean() <= 1 - OF_ALL else None


def in_days(column: pd.Series) -> Float[np.ndarray, "points"] | None:
    """Return days, NaN where a value is missing; None if the column does not hold dates."""
    if pd.api.types.is_numeric_dtype(column.dtype) and column.dtype.kind in "iuf":
        days = _compact(column)
        column = days if (days.notna() == column.notna()).all() else column
    if not are_dates(column):
        return None
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    spans = are_spans(column)
    moments = pd.to_timedelta(column.map(_span)) if spans else _moments(column)
    if moments is None:
        return None
    days = (moments if spans else moments.dt.as_unit("us") - EPOCH) / DAY
    return days.to_numpy(np.float64, na_value=np.nan)


def from_days(days: pd.Series, spans: bool) -> pd.Series:
    """Return moments in UTC, or spans of time, of so many days; missing where there is no number."""
    microseconds = (days * MICROSECONDS).round().astype("Int64")
    held = microseconds.to_numpy(np.int64, na_value=np.iinfo(np.int64).min)  # what NumPy takes for missing
    return pd.Series(held.view("m8[us]" if spans else "M8[us]"), days.index)


def _moments(column: pd.Series) -> pd.Series | None:
    """Return moments in UTC; None where a date does not exist or is too far away."""
    if column.dtype == object or pd.api.types.is_string_dtype(column.dtype):
        column = column.map(lambda value: value.strip() if isinstance(value, str) else value)
    try:
        return pd.to_datetime(column, utc=True, format="ISO8601")
    except (ValueError, OverflowError):
        return None


def _compact(column: pd.Series) -> pd.Series:
    """Return moments of dates without marks; NaT where a number is no such date."""
    numbers = column.to_numpy(np.float64, na_value=np.nan)
    whole = np.where((np.floor(numbers) == numbers) & (np.abs(numbers) < 10 * LAST), numbers, np.nan)
    texts = pd.Series(whole, column.index, "Int64").astype("string")
    return pd.to_datetime(texts, format="%Y%m%d", utc=True, errors="coerce")


def _are_clocks(present: list) -> bool:
    """Recognise times and spans that are written alike, with seconds or without."""
    if not present or not all(isinstance(value, str | datetime.time) for value in present):
        return False
    found = [CLOCK.fullmatch(str(value).strip()) for value in present]
    return None not in found and len({match["seconds"] is None for match in found if match}) == 1


def _span(value: object) -> object:
    """Return a time or span as pandas reads it."""
    if not isinstance(value, str | datetime.time):
        return value
    text = str(value).strip().replace(",", "")
    match = CLOCK.fullmatch(text)
    return f"{text}:00" if match and match["seconds"] is None else text
