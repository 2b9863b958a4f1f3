"""Numbers that repeat apart from the others of their column, as -999 does where it means "missing".

A value is pointed out if three rows or more hold it, and

- a gap separates it from most rows: wider than twice their range, and than ten of their usual gaps.
  Beyond such a gap lie two different values at most; more are a cluster;
- or it is written in nines, -9, -99, -999 and so on, as all negative values of the column are;
- or it is a day that databases and spreadsheets write for none, such as 1900-01-01 and 9999-12-31, and none
  of the other days lies beyond.

Nothing is said of columns with fewer than three other values: they are flags.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

REPEATED = 3  # rows
GAP = 2.0  # ranges of most values: wider than between clusters, narrower than from heights in cm to 999
USUAL_GAPS = 10.0  # or counts of which most are small would be suspect
TOGETHER = 2  # values beyond a gap: "unknown" and "refused", say
MOST_GAPS = 5  # on both sides
VALUES = 3  # of the others
LOOKED_AT = 20_000  # rows of a larger table, evenly spread
NINES = -(10.0 ** np.arange(1, 10) - 1)
NO_DAYS = np.array(
    ["0001-01-01", "1753-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1970-01-01"]
    + ["2099-12-31", "2999-12-31", "9999-01-01", "9999-12-31"],
    dtype="datetime64[D]",
).astype(np.float64)


class Sentinel(NamedTuple):
    """A value that may mean "missing", and the number of rows that hold it."""

    value: float
    rows: int


def sentinels(
    x: Float[np.ndarray, "rows columns"], days: Sequence[bool] | None = None
) -> list[tuple[Sentinel, ...]]:
    """Find the values of each column that the rule above points out, the lowest first; NaN is no value.

    Args:
        days: which columns hold days since 1970-01-01; None for none of them.
    """
    dated = [False] * x.shape[1] if days is None else days
    some = x[:: 1 + (len(x) - 1) // LOOKED_AT]
    ordered = np.sort(some, axis=0)
    repeated = (ordered[REPEATED - 1 :] == ordered[: 1 - REPEATED]).any(0)
    return [
        _of_column(some[:, place], x[:, place], dated[place]) if repeated[place] else ()
        for place in range(x.shape[1])
    ]


def _of_column(
    some: Float[np.ndarray, "some"], column: Float[np.ndarray, "rows"], days: bool
) -> tuple[Sentinel, ...]:
    values, counts = np.unique(some[~np.isnan(some)], return_counts=True)
    chosen = values[
        (_apart(values, counts) | (_no_days(values) if days else _nines(values))) & (counts >= REPEATED)
    ]
    return tuple(Sentinel(value, int((column == value).sum())) for value in chosen.tolist())


def _apart(
    values: Float[np.ndarray, "values"], counts: Int[np.ndarray, "values"]
) -> Bool[np.ndarray, "values"]:
    """Find the values that are not with most rows, once as many gaps are cut as are wide beside these."""
    places = np.arange(len(values))
    apart = np.zeros_like(values, dtype=bool)
    with np.errstate(over="ignore"):  # of numbers near the end of float64
        gaps = np.diff(values)
    widest = gaps.argsort(kind="stable")[::-1][:MOST_GAPS]
    for cuts in range(1, len(widest) + 1):
        parts = np.split(places, np.sort(widest[:cuts]) + 1)
        most = max(parts, key=lambda part: counts[part].sum())
        few = all(len(part) <= TOGETHER for part in parts if part is not most)
        if not few or len(most) < VALUES or 2 * counts[most].sum() <= counts.sum():
            continue
        inner = gaps[most[:-1]]
        if gaps[widest[cuts - 1]] > max(GAP * inner.sum(), USUAL_GAPS * np.median(inner)):
            apart = ~np.isin(places, most)
    return apart


def _nines(values: Float[np.ndarray, "values"]) -> Bool[np.ndarray, "values"]:
    """Find negative codes of nines, unless there are other negative values."""
    nines = np.isin(values, NINES)
    alone = bool(nines[values < 0].all()) and (~nines).sum() >= VALUES
    return nines if alone else np.zeros_like(nines)


def _no_days(values: Float[np.ndarray, "values"]) -> Bool[np.ndarray, "values"]:
    """Find days that stand for none, unless others lie beyond."""
    known = np.isin(values, NO_DAYS)
    others = np.flatnonzero(~known)
    if len(others) < VALUES:
        return np.zeros_like(known)
    return known & ((values < values[others[0]]) | (values > values[others[-1]]))
