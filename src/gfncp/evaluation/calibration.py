"""Calibration of a posterior over clusterings, from samples and the labels that simulated sets truly have.

If x and c come from the simulator, c and the samples of an exact posterior given x are exchangeable. So pairs
share a cluster as often as predicted, ranks are uniform, and samples averaged over sets follow the prior.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.stats import chisquare
from torch import Tensor

from gfncp.partitions import n_clusters

FEWEST_EXPECTED = 5.0  # counts that the chi-square approximation asks for
PAIRS_PER_PART = 2**25  # comparisons of two labels that are held at a time


@dataclass(frozen=True)
class Reliability:
    """Predicted probabilities in bins of equal width, against what happened; NaN in empty bins."""

    predicted: Float[np.ndarray, "bins"]  # mean prediction
    observed: Float[np.ndarray, "bins"]  # relative frequency
    counts: Int[np.ndarray, "bins"]

    @property
    def expected_calibration_error(self) -> float:
        """Mean of |observed - predicted| over all predictions."""
        gaps = np.nan_to_num(np.abs(self.observed - self.predicted))
        return float((gaps * self.counts).sum() / self.counts.sum())


def reliability(probabilities: Float[Tensor, "predictions"], outcomes: Tensor, bins: int = 10) -> Reliability:
    """The reliability curve of predictions of events.

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


def pairs(
    samples: Int[Tensor, "sets draws points"], labels: Int[Tensor, "sets points"]
) -> tuple[Float[Tensor, "pairs"], Tensor]:
    """Every pair of points of each set: the share of samples that put both in one cluster, and the truth."""
    draws, points = samples.shape[1:]
    a, b = torch.triu_indices(points, points, 1)
    together = [
        (part[..., a] == part[..., b]).double().mean(1)
        for part in samples.split(max(1, PAIRS_PER_PART // max(1, draws * len(a))))
    ]
    return torch.cat(together).flatten(), (labels[:, a] == labels[:, b]).flatten()


def largest_cluster(labels: Int[Tensor, "*batch points"]) -> Int[Tensor, "*batch"]:
    """Points in the largest cluster."""
    sizes = torch.zeros(*labels.shape[:-1], int(labels.max()) + 1, dtype=torch.long)
    return sizes.scatter_add(-1, labels, torch.ones_like(labels)).amax(-1)


def first_points_cluster(labels: Int[Tensor, "*batch points"]) -> Int[Tensor, "*batch"]:
    """Points in the first point's cluster."""
    return (labels == labels[..., :1]).sum(-1)


STATISTICS = {
    "clusters": n_clusters,
    "largest cluster": largest_cluster,
    "first point's cluster": first_points_cluster,
}


def ranks(
    drawn: Int[Tensor, "sets draws"], true: Int[Tensor, "sets"], generator: torch.Generator
) -> Int[Tensor, "sets"]:
    """Rank, 0 to ``draws``, of each true value among the samples'; ties are broken at random.

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
    """Are ranks among ``draws`` samples uniform? Bins differ by at most one rank in width.

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


@dataclass(frozen=True)
class PriorMatch:
    """The distribution of K under posterior samples of simulated sets, against the prior's (Geweke 2004)."""

    prior: Float[np.ndarray, "counts"]  # P(K = k), k = 0, 1, ...
    model: Float[np.ndarray, "counts"]  # over all samples of all sets
    total_variation: float
    p_value: float  # chi-square of one sample per set, which are independent


def prior_match(clusters: Int[Tensor, "sets draws"], prior: Float[Tensor, "counts"]) -> PriorMatch:
    """Does K, sampled given simulated sets, follow the prior that simulated them?

    Rare values of K share one cell of the test, so that at least 5 are expected in each.
    """
    sets, length = len(clusters), max(len(prior), int(clusters.max()) + 1)
    p = np.pad(prior.numpy(), (0, length - len(prior)))
    model = np.bincount(clusters.flatten().numpy(), minlength=length) / clusters.numel()
    counts = np.bincount(clusters[:, 0].numpy(), minlength=length)
    cell = _cells(p * sets)
    observed, expected = np.bincount(cell, counts), np.bincount(cell, p * sets)
    p_value = float(chisquare(observed, expected).pvalue) if len(expected) > 1 else 1.0
    return PriorMatch(p, model, float(0.5 * np.abs(p - model).sum()), p_value)


def _cells(expected: Float[np.ndarray, "counts"]) -> Int[np.ndarray, "counts"]:
    """Neighbouring values share a cell until enough are expected in it; what is left joins the last cell."""
    cells, cell, held = np.zeros(len(expected), dtype=np.int64), 0, 0.0
    for k, value in enumerate(expected):
        cells[k] = cell
        held += value
        if held >= FEWEST_EXPECTED:
            cell, held = cell + 1, 0.0
    return np.minimum(cells, max(cell - 1, 0))
