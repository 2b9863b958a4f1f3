"""Gross outliers: a few numbers that lie far beyond all others of their column.

They are at most 5% of a column's numbers, and at least 20 times as far from its median as all the others, of
which there are three different ones or more. Heavy tails without such a gap are no outliers.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

SHARE = 0.05  # of the rows, at most; of fewer than 20, one
GAP = 20.0  # times as far as all others: a gap that is rare in samples of heavy-tailed distributions
ROWS = 10  # in fewer, no number is unlike the others
VALUES = 3  # of the others: two would be a flag


class Outliers(NamedTuple):
    """Number of rows with gross outliers in a column, and the one that is farthest off."""

    rows: int
    farthest: float


NONE = Outliers(0, 0.0)


def outliers(x: Float[np.ndarray, "rows columns"]) -> list[Outliers]:
    """Find the gross outliers of each column; NaN is no value."""
    return [_of_column(column[~np.isnan(column)]) for column in x.T]


def _of_column(column: Float[np.ndarray, "rows"]) -> Outliers:
    if len(column) < ROWS:
        return NONE
    half = np.abs(column / 2 - np.median(column / 2))  # halves: differences of large numbers overflow
    first = len(column) - max(1, int(SHARE * len(column)))
    tail = np.sort(np.partition(half, first - 1)[first - 1 :])  # with one that is no outlier
    wide = np.flatnonzero((tail[1:] / GAP > tail[:-1]) & (tail[:-1] > 0))
    if not len(wide):
        return NONE
    most = tail[wide[0]]
    others = column[half <= most]
    if len(np.unique(others)) < VALUES:
        return NONE
    return Outliers(len(column) - len(others), float(column[half.argmax()]))
