"""Columns whose numbers spread over orders of magnitude, as concentrations and incomes do.

Among the large ones, differences between the small ones are not seen; their logarithms would show both.
"""

import numpy as np
from jaxtyping import Float

ROWS = 20  # in fewer, quantiles mean nothing
TAIL = 0.05  # share of the numbers at either end that have no say
ORDERS = 3.0  # powers of ten, from which on a column is pointed out
LOOKED_AT = 20_000  # rows of a larger table, evenly spread


def orders_of_magnitude(x: Float[np.ndarray, "rows columns"]) -> list[int]:
    """Return how many powers of ten the numbers of each column span; 0 for few, or if one is not above 0."""
    some = x[:: 1 + (len(x) - 1) // LOOKED_AT]
    low, high = np.fmin.reduce(some), np.fmax.reduce(some)
    wide = (low > 0) & (low <= high / 10**ORDERS) & ((~np.isnan(some)).sum(0) >= ROWS)
    found = [0] * x.shape[1]
    for place in np.flatnonzero(wide).tolist():
        low, high = np.nanquantile(np.log10(some[:, place]), [TAIL, 1 - TAIL])
        found[place] = int(high - low) if high - low >= ORDERS else 0
    return found
