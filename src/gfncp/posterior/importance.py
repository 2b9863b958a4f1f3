"""Importance sampling: draws of one distribution of clusterings as a sample of another one.

A draw c of q counts for p(c) / q(c), which is known up to a constant. Each distinct clustering has the number
of its draws, in ``counts``, and the log of this ratio, in ``log_importance``.

References:
    Kish. Survey Sampling. 1965 (effective number of samples).
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.special import logsumexp

Counts = Int[np.ndarray, "distinct"]
LogValues = Float[np.ndarray, "distinct"]


def weights(counts: Counts, log_importance: LogValues | None) -> Float[np.ndarray, "distinct"]:
    """Return self-normalised weights, which sum to one; without ratios, all draws count the same."""
    if log_importance is None:
        return counts / counts.sum()
    raw = counts * np.exp(log_importance - log_importance.max())
    return raw / raw.sum()


def effective_samples(counts: Counts, weights: Float[np.ndarray, "distinct"]) -> float:
    """Return Kish's effective number of samples: 1 over the sum of the draws' squared weights."""
    per_draw = weights / counts
    return float(1 / (counts @ per_draw**2))


def log_normaliser(counts: Counts, log_importance: LogValues) -> float:
    """Return the log of the mean of p(c) / q(c) over the draws: an estimate of log of the sum of p."""
    return float(logsumexp(log_importance, b=counts) - np.log(counts.sum()))
