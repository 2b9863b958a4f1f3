"""Diagnosis of the convergence of chains."""

import numpy as np
from jaxtyping import Real
from scipy.special import ndtri
from scipy.stats import rankdata


def rhat(draws: Real[np.ndarray, "*shape"]) -> float:
    """Return the rank-normalised split R-hat, the larger of bulk and folded: near 1 if the chains agree.

    Draws that are all equal have 1; chains that are constant but differ have infinity.

    Args:
        draws: ``(chains, draws)``.

    Raises:
        ValueError: there are fewer than 4 draws per chain.

    References:
        Vehtari, Gelman, Simpson, Carpenter, Bürkner. Rank-normalization, folding, and localization: an
        improved R-hat for assessing convergence of MCMC. Bayesian Analysis 2021.
    """
    draws = np.asarray(draws, dtype=float)
    if draws.ndim != 2 or draws.shape[1] < 4:
        raise ValueError(f"draws has shape {draws.shape}: accepted is (chains, draws) with 4 draws or more")
    half = draws.shape[1] // 2
    halves = np.concatenate([draws[:, :half], draws[:, -half:]])
    folded = np.abs(halves - np.median(halves))
    return max(_rhat_of_ranks(halves), _rhat_of_ranks(folded))


def _rhat_of_ranks(draws: Real[np.ndarray, "*shape"]) -> float:
    ranks = rankdata(draws).reshape(draws.shape)
    z = ndtri((ranks - 0.375) / (draws.size + 0.25))
    within = z.var(axis=1, ddof=1).mean()
    between = z.mean(axis=1).var(ddof=1)  # over the number of draws
    if within == 0:
        return 1.0 if between == 0 else np.inf
    length = draws.shape[1]
    return float(np.sqrt((length - 1) / length + between / within))
