"""Columns in which most rows hold the same number, as amounts do that are mostly zero.

Their variance lies between that number and a few others, as it does in a flag, so they count like one: a
column that has nothing to do with the clusters would cut each in two otherwise. Where more than half of the
columns are of this kind, as counts of words and of genes are, they are what there is to cluster by; and among
very many columns, one cuts nothing.
"""

import numpy as np
from jaxtyping import Float

SHARE = 0.75  # of the rows, from which on a number is most of its column
OTHERS = 2  # different numbers beside it, at least: one would make a flag
ROWS = 20  # in fewer, shares mean nothing
MOST = 0.5  # of the columns
COLUMNS = 50  # at most
LOOKED_AT = 2_000  # rows of a larger table, evenly spread


def commonest(x: Float[np.ndarray, "rows columns"]) -> list[float]:
    """Return the share of rows that hold the commonest number of each column; 0 unless they are most."""
    found = [0.0] * x.shape[1]
    some = x[:: 1 + (len(x) - 1) // LOOKED_AT]
    if len(some) < ROWS or not 0 < x.shape[1] <= COLUMNS:
        return found
    missing = np.isnan(some)
    some = some[:, ~missing.all(0)]
    held = np.flatnonzero(~missing.all(0))
    middle = np.nanquantile(some, 0.5, axis=0, method="lower")  # which is the commonest if it is most
    share = (some == middle).sum(0) / (~np.isnan(some)).sum(0)
    for place in np.flatnonzero(share >= SHARE).tolist():
        others = np.unique(some[(some[:, place] != middle[place]) & ~np.isnan(some[:, place]), place])
        if len(others) >= OTHERS:
            found[held[place]] = float(share[place])
    return found if sum(map(bool, found)) <= MOST * len(found) else [0.0] * x.shape[1]
