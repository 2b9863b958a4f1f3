"""One-hot columns: adjacent flags of which at most one is set in each row, so that they name kinds together.

They are taken for the code of one category if it would be strange of flags that have nothing to do with each
other never to be set together: ten rows or more are expected to have two of them.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

EXPECTED = 10.0  # rows with two flags, of independent ones; none has two with a probability of exp(-10)


def block_sizes(flags: Sequence[Bool[np.ndarray, "rows"] | None]) -> list[int]:
    """Return for each column of a table of how many one-hot columns it is one; 1 for all other columns.

    Args:
        flags: rows in which each column is set; None for a column that is no flag.
    """
    sizes = [1] * len(flags)
    start = 0
    while start < len(flags):
        stop = start + 1
        taken = flags[start]
        while taken is not None and stop < len(flags):
            flag = flags[stop]
            if flag is None or (taken & flag).any():
                break
            taken, stop = taken | flag, stop + 1
        if stop - start > 1 and _are_exclusive([flag for flag in flags[start:stop] if flag is not None]):
            sizes[start:stop] = [stop - start] * (stop - start)
        start = stop
    return sizes


def _are_exclusive(flags: Sequence[Bool[np.ndarray, "rows"]]) -> bool:
    """Return True if it can hardly be chance that no row has two of the flags."""
    shares = np.array([flag.mean() for flag in flags])
    return bool(len(flags[0]) * (shares.sum() ** 2 - np.square(shares).sum()) / 2 >= EXPECTED)
