"""A last row that sums up the others, as spreadsheets have it."""

import warnings

import numpy as np
import pandas as pd

FEWEST = 5  # rows above; a sum of fewer means nothing
ROUNDING = 1e-4  # error of a sum that was rounded, at most, as a share of the sum of absolute values


def warn_of_totals(table: pd.DataFrame, name: str) -> None:
    """Warn of a last row that is the sum or mean of those above in each column of numbers that vary.

    Args:
        name: of the file.
    """
    numbers = table.select_dtypes("number").to_numpy(np.float64, na_value=np.nan)
    above, last = numbers[:-1], numbers[-1:]
    if len(above) < FEWEST:
        return
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers near the end of float64
        varied = np.nanmax(above, 0, initial=-np.inf) > np.nanmin(above, 0, initial=np.inf)
        sums = np.nansum(above, 0), np.nansum(np.abs(above), 0)
        counts = np.isfinite(above).sum(0).clip(1)
        for what, (value, size) in (("sum", sums), ("mean", (sums[0] / counts, sums[1] / counts))):
            same = np.abs(last[0] - value) <= ROUNDING * size
            if varied.any() and same[varied].all():
                warnings.warn(
                    f"{name}: the last row is the {what} of the {len(above)} above it: remove it if it is no "
                    "point",
                    UserWarning,
                    stacklevel=2,
                )
