"""Tables as numbers: missing values filled in, categories turned into coordinates.

- Numeric columns, and text that is numbers throughout, are taken as they are; a missing value is replaced by
  the median of its column, or by 0 where all are missing.
- Columns of booleans, of categories and of text are categorical. Two different values lie ``step`` apart: two
  standard deviations of a typical numeric column (their median; 1 if there is none), as a balanced binary
  column has half its step as its standard deviation (Gelman. Scaling Regression Inputs by Dividing by Two
  Standard Deviations. Statistics in Medicine 27, 2008). Two values become one coordinate, more of them one
  each. A missing or unknown value gets the mean of the coordinates.

Numeric columns come first, in their order.
"""

import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Shaped

CATEGORIES = 50  # at most: text of more kinds names things instead of sorting them
SCALARS = (str, bytes, bool, int, float, np.number, np.bool_)

Table = Shaped[np.ndarray, "points columns"] | pd.DataFrame


@dataclass(frozen=True, eq=False)
class Columns:
    """How the columns of a table become coordinates: learned from one table, applied to others.

    Attributes:
        fill: what replaces missing values, by the place of the numeric column.
        shares: share of each value, by the place of the categorical column.
        step: distance of two different categories.
    """

    fill: Mapping[int, float]
    shares: Mapping[int, Mapping[str, float]]
    step: float

    @classmethod
    def of(cls, table: Table) -> "Columns":
        """Learn from a table.

        Raises:
            ValueError: a value is infinite or a date, or a column has too many categories.
            TypeError: a value is neither a number nor text.
        """
        frame, names = _frame(table)
        categorical = [place for place in frame if _is_categorical(frame[place], names[place])]
        shares = {place: _shares(_texts(frame[place]), names[place]) for place in categorical}
        numbers = _numbers(frame.drop(columns=categorical), names)
        values = numbers.to_numpy()
        values = np.where(np.isnan(values).all(0), 0.0, values)
        with np.errstate(over="ignore", invalid="ignore"):  # of numbers near the end of float64
            spread = np.nanstd(values, axis=0)
            medians = np.nanmedian(values, axis=0)
        varied = spread[(spread > 0) & np.isfinite(spread)]
        typical = float(np.median(varied)) if len(varied) else 1.0
        fill = dict(zip(numbers.columns.tolist(), medians.tolist(), strict=True))
        return cls(fill, shares, 2 * typical)

    def apply(self, table: Table) -> Float[np.ndarray, "points coordinates"]:
        """The coordinates of a table; a warning tells of values that are missing or unknown.

        Raises:
            ValueError: a value is not a finite number where the table learned from has numbers.
        """
        frame, names = _frame(table)
        numbers = _numbers(frame.drop(columns=list(self.shares)), names).to_numpy()
        missing = np.isnan(numbers)
        parts = [np.where(missing, np.array(list(self.fill.values())), numbers)]
        gaps = {names[place]: count for place, count in zip(self.fill, missing.sum(0), strict=True) if count}
        for place, shares in self.shares.items():
            texts = _texts(frame[place])
            parts.append(self.step * _coordinates(texts, shares))
            unknown = sum(text not in shares for text in texts)
            gaps |= {names[place]: unknown} if unknown else {}
        if gaps:
            where = ", ".join(f"{count} in {name}" for name, count in list(gaps.items())[:10])
            more = f" and {len(gaps) - 10} more columns" if len(gaps) > 10 else ""
            warnings.warn(
                f"X lacks values ({where}{more}): replaced by the median of the column, for categories by "
                "the mean of their coordinates",
                UserWarning,
                stacklevel=2,
            )
        return np.concatenate(parts, axis=1)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Columns":
        held = json.loads(text)
        fill, shares = (
            {int(place): value for place, value in held[name].items()} for name in ("fill", "shares")
        )
        return cls(fill, shares, held["step"])


def _frame(table: Table) -> tuple[pd.DataFrame, list[str]]:
    """The table with rows and columns counted from 0, and what messages call its columns."""
    if isinstance(table, pd.DataFrame):
        names = [f"column {name!r}" for name in table.columns]
        return table.reset_index(drop=True).set_axis(range(table.shape[1]), axis=1), names
    return pd.DataFrame(table), [f"column {place + 1}" for place in range(table.shape[1])]


def _is_categorical(column: pd.Series, name: str) -> bool:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype) or pd.api.types.is_bool_dtype(dtype):
        return True
    if pd.api.types.is_numeric_dtype(dtype) and dtype.kind != "c":
        return False
    present = column[column.notna()]
    for row, value in present.items():
        if not isinstance(value, SCALARS):
            kind = ValueError if isinstance(value, pd.Timestamp | pd.Timedelta | complex) else TypeError
            raise kind(
                f"X: row {row + 1}, {name} holds {value!r}: accepted are finite numbers, missing values and "
                "text; argument must be a string or a number"
            )
    texts = [value for value in present if isinstance(value, str | bytes)]
    booleans = len(present) > 0 and all(isinstance(value, bool | np.bool_) for value in present)
    return booleans or any(_number(text) is None for text in texts)


def _number(value: object) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _numbers(frame: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Finite numbers in float64, NaN where missing; the error says which entry is none, counted from 1."""
    converted = {}
    for place in frame.columns[[not pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes]]:
        values = [np.nan if pd.isna(value) else _number(value) for value in frame[place].tolist()]
        if None in values:
            row = values.index(None)
            raise ValueError(_refused(row, names[place], frame[place].iloc[row]))
        converted[place] = values
    if converted:
        frame = pd.concat([frame.drop(columns=list(converted)), pd.DataFrame(converted)], axis=1)[
            frame.columns
        ]
    numbers = frame.to_numpy(np.float64, na_value=np.nan)
    if np.isinf(numbers).any():
        row, column = np.argwhere(np.isinf(numbers))[0].tolist()
        raise ValueError(_refused(row, names[frame.columns[column]], numbers[row, column].item()))
    return pd.DataFrame(numbers, columns=frame.columns)


def _refused(row: int, name: str, value: object) -> str:
    return f"X: row {row + 1}, {name} holds {value!r}: accepted are finite numbers"


def _texts(column: pd.Series) -> list[str | None]:
    return [None if pd.isna(value) else str(value) for value in column.tolist()]


def _shares(texts: list[str | None], name: str) -> dict[str, float]:
    shares = pd.Series(texts, dtype=object).value_counts(normalize=True).sort_index()
    if len(shares) > CATEGORIES or (len(shares) == len(texts) > 2):
        raise ValueError(
            f"X: {name} holds {len(shares)} different texts in {len(texts)} rows: accepted are at most "
            f"{CATEGORIES} categories, and some that repeat; leave out a column that names the rows"
        )
    return shares.to_dict()


def _coordinates(texts: list[str | None], shares: Mapping[str, float]) -> Float[np.ndarray, "points values"]:
    """Places at which different values lie 1 apart."""
    if len(shares) <= 2:
        places = np.arange(len(shares), dtype=np.float64)[:, None]
    else:
        places = np.eye(len(shares)) * 0.5**0.5
    mean = np.array(list(shares.values())) @ places
    known = dict(zip(shares, places, strict=True))
    return np.stack([known.get(text, mean) for text in texts])
