"""Whole numbers of few values beside other numbers: they may be codes of kinds, such as classes."""

import numpy as np
from jaxtyping import Float

MOST = 5  # values; more are counts or ages as often as codes
ROWS = 20  # in fewer, few values mean nothing
FIRST = 200  # rows that are looked at first
SHARE = 0.5  # of the columns: if more have few values, they are the answers of a questionnaire, say


def few_values(x: Float[np.ndarray, "rows columns"]) -> list[int]:
    """Return the number of values of each column that may hold codes, three or more; 0 for all others."""
    found = [0] * x.shape[1]
    if len(x) < ROWS:
        return found
    ordered = np.sort(x[:FIRST], axis=0)
    few = (ordered[1:] > ordered[:-1]).sum(0) < MOST
    for place in np.flatnonzero(few).tolist():
        values = np.unique(x[~np.isnan(x[:, place]), place])
        if 2 < len(values) <= MOST and (np.floor(values) == values).all():
            found[place] = len(values)
    return found if sum(map(bool, found)) < SHARE * len(found) else [0] * x.shape[1]
