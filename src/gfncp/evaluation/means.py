"""Means over sets with their standard errors."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Mean(NamedTuple):
    """A mean, or a ratio of means, with its standard error (NaN for a single value)."""

    value: float
    error: float


def mean(values: Float[np.ndarray, "sets"]) -> Mean:
    """Return the mean over the sets that have a value; NaN if none has."""
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return Mean(float("nan"), float("nan"))
    error = values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else np.nan
    return Mean(float(values.mean()), float(error))


def ratio(above: Float[np.ndarray, "sets"], below: Float[np.ndarray, "sets"]) -> Mean:
    """Return mean(above) / mean(below) of values of the same sets, its error by the delta method."""
    given = ~np.isnan(above + below)
    above, below = above[given], below[given]
    if len(below) == 0 or below.mean() == 0:
        return Mean(float("nan"), float("nan"))
    value = above.mean() / below.mean()
    return Mean(float(value), mean(above - value * below).error / abs(float(below.mean())))
