"""Dates as numbers: days since 1970-01-01, in UTC; spans of time as days.

Read as dates are columns of such types, and of text if all of it is written as in ISO 8601 (2020-01-31,
2020-01, 2020/01/31 12:30). Other ways of writing them (01/02/2020) mean different days to different people.
"""

import datetime
import re

import numpy as np
import pandas as pd
from jaxtyping import Float

EPOCH = pd.Timestamp(0, tz="UTC")
DAY = pd.Timedelta(days=1)
ISO = re.compile(
    r"\d{4}[-/]\d{1,2}(?:[-/]\d{1,2}(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s?(?:Z|[+-]\d{2}:?\d{2})?)?)?"
)
MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
OTHER = re.compile(
    r"(?:\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d{2})"
    rf"|\d{{1,2}}\.?[ -]?{MONTH},?[ -]?\d{{2,4}}|{MONTH} \d{{1,2}},? \d{{4}})(?:,?[T ].*)?",
    re.IGNORECASE,
)


def are_dates(column: pd.Series) -> bool:
    """Recognise a column of dates, or of spans of time, by its type or what it holds."""
    dtype = column.dtype
    if isinstance(dtype, pd.PeriodDtype) or dtype.kind in "mM":
        return True
    present = column[column.notna()].tolist()
    if not present:
        return False
    if all(isinstance(value, str) and ISO.fullmatch(value.strip()) for value in present):
        return _moments(column) is not None
    return all(isinstance(value, datetime.date) for value in present) or all(
        isinstance(value, datetime.timedelta) for value in present
    )


def are_spans(column: pd.Series) -> bool:
    """Tell spans of time from moments, in a column of dates."""
    return column.dtype.kind == "m" or any(isinstance(value, datetime.timedelta) for value in column)


def are_ambiguous_dates(column: pd.Series) -> bool:
    """Recognise text that is written as dates are, but not as in ISO 8601."""
    present = column[column.notna()].tolist()
    return bool(present) and all(
        isinstance(value, str) and (OTHER.fullmatch(value.strip()) or ISO.fullmatch(value.strip()))
        for value in present
    )


def in_days(column: pd.Series) -> Float[np.ndarray, "points"] | None:
    """Days, NaN where a value is missing; None if the column does not hold dates."""
    if not are_dates(column):
        return None
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    spans = are_spans(column)
    moments = pd.to_timedelta(column) if spans else _moments(column)
    if moments is None:
        return None
    days = (moments if spans else moments - EPOCH) / DAY
    return days.to_numpy(np.float64, na_value=np.nan)


def _moments(column: pd.Series) -> pd.Series | None:
    """Moments in UTC; None where a date does not exist or is too far away."""
    if column.dtype == object or pd.api.types.is_string_dtype(column.dtype):
        column = column.map(lambda value: value.strip() if isinstance(value, str) else value)
    try:
        return pd.to_datetime(column, utc=True, format="ISO8601")
    except (ValueError, OverflowError):
        return None
