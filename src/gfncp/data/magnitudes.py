"""Columns whose numbers spread over orders of magnitude, as amounts of money and concentrations do.

Among the large ones, differences between the small ones are not seen; their logarithms would show both. Zeros
have no logarithm, and no say.
"""

import numpy as np
from jaxtyping import Float

ROWS = 20  # in fewer, quantiles mean nothing
TAIL = 0.05  # share of the numbers at either end that have no say
ORDERS = 2.0  # powers of ten, from which on a column is pointed out
FALL = 1e-3  # of the largest number, at most: the smallest, in a column that is pointed out
LOOKED_AT = 20_000  # rows of a larger table, evenly spread


def orders_of_magnitude(x: Float[np.ndarray, "rows columns"]) -> list[int]:
    """Return how many powers of ten the numbers of each column span; 0 for few, or if some are below 0."""
    some = x[:: 1 + (len(x) - 1) // LOOKED_AT]
    above = np.where(some > 0, some, np.nan)
    lowest, low, high = np.fmin.reduce(some), np.fmin.reduce(above), np.fmax.reduce(above)
    wide = (lowest >= 0) & (low <= FALL * high) & ((~np.isnan(above)).sum(0) >= ROWS)
    found = [0] * x.shape[1]
    for place in np.flatnonzero(wide).tolist():
        low, high = np.nanquantile(np.log10(above[:, place]), [TAIL, 1 - TAIL])
        found[place] = int(high - low) if high - low >= ORDERS else 0
    return found
