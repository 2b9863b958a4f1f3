"""Calibration of a posterior over clusterings, from samples and the true labels of simulated sets.

If x and c come from the simulator, c and the samples of an exact posterior given x are exchangeable. So pairs
share a cluster as often as predicted, and ranks are uniform.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from scipy.stats import chisquare
from torch import Tensor

from gfncp.partitions import n_clusters

FEWEST_EXPECTED = 5.0  # least expected count for which the chi-square approximation holds


@dataclass(frozen=True)
class Reliability:
    """Predicted probabilities in bins of equal width, and observed frequencies; NaN in empty bins."""

    predicted: Float[np.ndarray, "bins"]  # mean prediction
    observed: Float[np.ndarray, "bins"]  # relative frequency
    counts: Int[np.ndarray, "bins"]

    @property
    def expected_calibration_error(self) -> float:
        """Mean of |observed - predicted| over all predictions."""
        gaps = np.nan_to_num(np.abs(self.observed - self.predicted))
        return float((gaps * self.counts).sum() / self.counts.sum())


def reliability(probabilities: Float[Tensor, "predictions"], outcomes: Tensor, bins: int = 10) -> Reliability:
    """Return the reliability curve of predictions of events.

    Args:
        outcomes: whether each event happened, ``(predictions,)``.

    Raises:
        ValueError: there are no predictions, or they are no probabilities.
    """
    p, hit = probabilities.double().numpy(), outcomes.double().numpy()
    if len(p) == 0 or not (p.min() >= 0 and p.max() <= 1):
        raise ValueError(f"probabilities of shape {p.shape}: accepted are one or more values in [0, 1]")
    where = np.minimum((p * bins).astype(np.int64), bins - 1)
    counts = np.bincount(where, minlength=bins)
    weight = np.where(counts > 0, counts, np.nan)
    predicted = np.bincount(where, p, bins) / weight
    return Reliability(predicted, np.bincount(where, hit, bins) / weight, counts)


def largest_cluster(labels: Int[Tensor, "*batch points"]) -> Int[Tensor, "*batch"]:
    """Count the points in the largest cluster; labels of absent points are -1."""
    sizes = torch.zeros(*labels.shape[:-1], int(labels.max()) + 1, dtype=torch.long)
    return sizes.scatter_add(-1, labels.clamp_min(0), (labels >= 0).long()).amax(-1)


def first_points_cluster(labels: Int[Tensor, "*batch points"]) -> Int[Tensor, "*batch"]:
    """Count the points in the first point's cluster."""
    return (labels == labels[..., :1]).sum(-1)


STATISTICS = {
    "clusters": n_clusters,
    "largest cluster": largest_cluster,
    "first point's cluster": first_points_cluster,
}


def ranks(
    drawn: Shaped[Tensor, "sets draws"], true: Shaped[Tensor, "sets"], generator: torch.Generator
) -> Int[Tensor, "sets"]:
    """Return the rank, 0 to ``draws``, of each true value among the samples'; ties are broken at random.

    Uniform if the true value and the samples are exchangeable (Talts et al. 2018).
    """
    below = (drawn < true[:, None]).sum(1)
    ties = (drawn == true[:, None]).sum(1)
    return below + (torch.rand(len(true), generator=generator) * (ties + 1)).long()


@dataclass(frozen=True)
class Uniformity:
    """Histogram of ranks and its chi-square test of uniformity."""

    counts: Int[np.ndarray, "bins"]
    expected: Float[np.ndarray, "bins"]
    p_value: float


def uniformity(rank: Int[Tensor, "sets"], draws: int, bins: int = 20) -> Uniformity:
    """Test whether ranks among ``draws`` samples are uniform. Bins differ by at most one rank in width.

    Fewer bins are used where fewer than 5 ranks would be expected in each.

    Raises:
        ValueError: there are fewer than 10 ranks.
    """
    if len(rank) < 2 * FEWEST_EXPECTED:
        raise ValueError(f"rank has {len(rank)} values: a test of uniformity needs at least 10")
    bins = min(bins, draws + 1, int(len(rank) / FEWEST_EXPECTED))
    where = np.arange(draws + 1) * bins // (draws + 1)
    expected = np.bincount(where) * len(rank) / (draws + 1)
    counts = np.bincount(where[rank.numpy()], minlength=bins)
    return Uniformity(counts, expected, float(chisquare(counts, expected).pvalue))


def rank_p_value(
    drawn: Shaped[Tensor, "sets draws"], true: Shaped[Tensor, "sets"], generator: torch.Generator
) -> float:
    """Return the p-value of a test that true values rank uniformly; NaN for fewer sets than it needs."""
    return p_value(ranks(drawn, true, generator), drawn.shape[1])


def p_value(rank: Int[Tensor, "sets"], draws: int) -> float:
    """Return the p-value of `uniformity`; NaN for fewer sets than it needs."""
    return uniformity(rank, draws).p_value if len(rank) >= 2 * FEWEST_EXPECTED else float("nan")
