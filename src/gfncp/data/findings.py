"""Findings about the numbers of columns: flags, codes, sentinels, outliers, and other things to point out."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from jaxtyping import Float

from gfncp.data.codes import few_values
from gfncp.data.column_uses import FEW, ONE_NUMBER, SINCE, TRUTH, Column
from gfncp.data.commonest import commonest
from gfncp.data.magnitudes import orders_of_magnitude
from gfncp.data.numeric import places
from gfncp.data.one_hot import block_sizes
from gfncp.data.outliers import Outliers, outliers
from gfncp.data.sentinels import Sentinel, sentinels

FEW_ROWS = 10  # of which two values of a number mean nothing


def look_at(
    frame: pd.DataFrame, used: Sequence[Column], values: Float[np.ndarray, "points coordinates"]
) -> list[Column]:
    """Return columns with what is found in their numbers.

    Args:
        values: the coordinates of those that hold numbers, NaN where missing.
    """
    apart, flags = _sentinels(used, values), _flags(used, values)
    far, blocks = _outliers(used, values, apart), _blocks(frame, used, values, flags)
    numbers = {place for place, each in enumerate(used) if each.used == "number"} - flags
    low, high = np.fmin.reduce(values), np.fmax.reduce(values)
    constant = {
        place
        for place, each in zip(places(used), low == high, strict=True)
        if each and place in numbers and len(values) > FEW
    }
    spans = dict(zip(places(used), orders_of_magnitude(values), strict=True))
    codes = dict(zip(places(used), few_values(values), strict=True))
    same = dict(zip(places(used), commonest(values), strict=True))
    return [
        replace(
            each,
            used="flag" if place in flags else each.used,
            block=blocks[place],
            sentinels=apart.get(place, ()),
            outliers=far.get(place, each.outliers),
            values=codes[place] if place in numbers else 0,
            orders=spans[place] if each.used == "number" else 0,
            same=same[place] if place in numbers else 0.0,
            why=ONE_NUMBER if place in constant else each.why,
        )
        for place, each in enumerate(used)
    ]


def _sentinels(
    used: Sequence[Column], values: Float[np.ndarray, "points coordinates"]
) -> dict[int, tuple[Sentinel, ...]]:
    """Find the numbers that may mean "missing", by the place of their column; in vectors, none."""
    days = [used[place].why == SINCE for place in places(used)]
    found = zip(places(used), sentinels(values, days), strict=True)
    return {place: each for place, each in found if used[place].used != "vector"}


def _outliers(
    used: Sequence[Column],
    values: Float[np.ndarray, "points coordinates"],
    apart: dict[int, tuple[Sentinel, ...]],
) -> dict[int, Outliers]:
    """Find the gross outliers that are no sentinels, by the place of their column; in vectors, none."""
    at, others = places(used), values.copy()
    for coordinate, place in enumerate(at):
        codes = [code.value for code in apart.get(place, ())]
        others[np.isin(values[:, coordinate], codes), coordinate] = np.nan
    found = zip(at, outliers(others), strict=True)
    return {place: each for place, each in found if used[place].used != "vector"}


def _flags(used: Sequence[Column], values: Float[np.ndarray, "points coordinates"]) -> set[int]:
    """Find the columns of numbers that take exactly two values, by their place."""
    if len(values) <= FEW_ROWS:
        return set()
    low, high = np.fmin.reduce(values), np.fmax.reduce(values)
    two = ((values == low) | (values == high) | np.isnan(values)).all(0) & (low < high)
    found = zip(places(used), two.tolist(), strict=True)
    return {place for place, each in found if each and used[place].used == "number"}


def _blocks(
    frame: pd.DataFrame,
    used: Sequence[Column],
    values: Float[np.ndarray, "points coordinates"],
    flags: set[int],
) -> list[int]:
    """Return of how many one-hot columns each column is one."""
    coordinate = {place: number for number, place in enumerate(places(used))}
    found: list[np.ndarray | None] = []
    for place, each in enumerate(used):
        if place in flags:
            column = values[:, coordinate[place]]
            found.append(column == np.fmax.reduce(column))
        elif each.used == "category" and each.why == TRUTH:
            found.append(frame.iloc[:, place].fillna(False).to_numpy(dtype=bool))
        else:
            found.append(None)
    return block_sizes(found)
