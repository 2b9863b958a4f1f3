"""Coordinates of the columns that hold numbers, dates and vectors."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from gfncp.data.cells import as_number, without_unit
from gfncp.data.column_uses import NUMERIC, Column
from gfncp.data.dates import in_days
from gfncp.data.vectors import as_vector


def places(used: Sequence[Column]) -> list[int]:
    """Return the place of the column from which each coordinate of numbers comes."""
    return [place for place, each in enumerate(used) if each.used in NUMERIC for _ in range(each.width)]


def gaps(used: Sequence[Column], missing: Bool[np.ndarray, "points coordinates"]) -> dict[int, int]:
    """Count the missing values of each column of numbers, by its place; in vectors, the most of a number."""
    counts: dict[int, int] = {}
    for place, count in zip(places(used), missing.sum(0).tolist(), strict=True):
        counts[place] = max(count, counts.get(place, 0))
    return counts


def numbers_of(
    frame: pd.DataFrame, titles: list[str], used: Sequence[Column]
) -> Float[np.ndarray, "points coordinates"]:
    """Return finite numbers in float64, NaN where missing; the error names the entry that is none."""
    plain = all(pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes)
    if plain and all(each.used in ("number", "flag") for each in used):
        numbers = frame.to_numpy(np.float64, na_value=np.nan)
    else:
        parts = [np.empty((len(frame), 0))]
        for place, each in enumerate(used):
            if each.used in NUMERIC:
                parts.append(_part(frame.iloc[:, place], titles[place], each))
        numbers = np.concatenate(parts, axis=1)
    if np.isinf(numbers).any():
        row, coordinate = np.argwhere(np.isinf(numbers))[0].tolist()
        title = titles[places(used)[coordinate]]
        raise ValueError(_refused(row, title, numbers[row, coordinate].item()))
    return numbers


def _part(column: pd.Series, title: str, use: Column) -> Float[np.ndarray, "points width"]:
    """Return coordinates of a column of numbers, dates or vectors."""
    if use.used == "vector":
        return _vectors(column, title, use.width)
    days = in_days(column) if use.used == "date" else None
    if days is not None:
        return days[:, None]
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(np.float64, na_value=np.nan)[:, None]
    different: dict[str, float | None] = {}
    values = []
    for cell, missing in zip(column.tolist(), column.isna().tolist(), strict=True):
        if isinstance(cell, str):
            if cell not in different:
                different[cell] = as_number(without_unit(cell, use.unit))
            values.append(different[cell])
        else:
            values.append(np.nan if missing else as_number(cell))
    if None in values:
        row = values.index(None)
        raise ValueError(_refused(row, title, column.iloc[row]))
    return np.array(values, dtype=np.float64)[:, None]


def _vectors(column: pd.Series, title: str, length: int) -> Float[np.ndarray, "points length"]:
    rows = np.full((len(column), length), np.nan)
    for row in np.flatnonzero(column.notna()).tolist():
        value = column.iloc[row]
        vector = as_vector(value)
        if vector.shape != (length,):
            raise ValueError(
                f"X: row {row + 1}, {title} holds {value!r}: accepted are lists of {length} numbers"
            )
        rows[row] = vector
    return rows


def _refused(row: int, title: str, value: object) -> str:
    return f"X: row {row + 1}, {title} holds {value!r}: accepted are finite numbers"
