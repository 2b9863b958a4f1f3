"""Partitions of a set of points, as labels in order of appearance.

A partition of N points is a vector of labels ``c`` with ``c[0] = 0`` and ``c[n] <= max(c[:n]) + 1``
(a restricted growth string): each partition has exactly one such vector.
"""

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor


def canonical_labels(labels: Int[Tensor, "*batch points"]) -> Int[Tensor, "*batch points"]:
    """Rename clusters in order of appearance: equal partitions get equal labels.

    Negative labels mark points that are absent; they become -1.
    """
    ordered, place = labels.sort(dim=-1, stable=True)  # a cluster's first point leads its run
    leads = torch.ones_like(ordered, dtype=torch.bool)
    leads[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    index = torch.arange(labels.shape[-1], device=labels.device)
    leader = place.gather(-1, torch.where(leads, index, 0).cummax(-1).values)
    first = torch.empty_like(place).scatter_(-1, place, leader)  # the first point of each point's cluster
    present = labels >= 0
    opens = (first == index) & present
    return torch.where(present, (opens.long().cumsum(-1) - 1).gather(-1, first), -1)


def opened_before(labels: Int[Tensor, "*batch points"]) -> Int[Tensor, "*batch points"]:
    """Count the clusters opened before each point; labels are in order of appearance."""
    return F.pad(labels.cummax(-1).values[..., :-1] + 1, (1, 0))


def n_clusters(labels: Int[Tensor, "*batch points"]) -> Int[Tensor, "*batch"]:
    """Return the number of clusters of labels in order of appearance (absent points are -1)."""
    return labels.amax(-1) + 1


def coclustering(
    labels: Int[Tensor, "partitions points"], weights: Float[Tensor, "partitions"] | None = None
) -> Float[Tensor, "points points"]:
    """Return the probability that two points share a cluster, for weighted partitions (default: equally)."""
    partitions, points = labels.shape
    if weights is None:
        weights = torch.ones(partitions, dtype=torch.float64)
    weights = weights.double() / weights.double().sum()
    total = torch.zeros(points, points, dtype=torch.float64)
    for row, weight in zip(labels, weights, strict=True):
        total += weight * (row[:, None] == row[None, :])
    return total


def all_partitions(points: int) -> Int[Tensor, "partitions points"]:
    """Return every partition of ``points`` points (Bell number many), for small sets.

    Raises:
        ValueError: ``points`` is not between 1 and 12 (12 points have 4,213,597 partitions).
    """
    if not 1 <= points <= 12:
        raise ValueError(f"points={points}: all partitions can be listed for 1 to 12 points")
    labels = torch.zeros(1, 1, dtype=torch.long)
    for _ in range(points - 1):
        options = labels.amax(-1) + 2
        parents = torch.repeat_interleave(torch.arange(len(labels)), options)
        first = options.cumsum(0) - options
        choice = torch.arange(len(parents)) - first[parents]
        labels = torch.cat([labels[parents], choice[:, None]], dim=-1)
    return labels


def crp_log_prob(labels: Int[Tensor, "*batch points"], alpha: float) -> Float[Tensor, "*batch"]:
    """Return log-probabilities of partitions under the Chinese Restaurant Process CRP(alpha), in float64."""
    points = labels.shape[-1]
    sizes = torch.zeros(labels.shape, dtype=torch.float64, device=labels.device)
    sizes.scatter_add_(-1, labels, torch.ones_like(sizes))
    concentration = torch.tensor(alpha, dtype=torch.float64)
    per_cluster = torch.where(sizes > 0, concentration.log() + torch.lgamma(sizes.clamp_min(1)), 0.0)
    return per_cluster.sum(-1) + torch.lgamma(concentration) - torch.lgamma(concentration + points)


def cluster_bounds(n_clusters: int | tuple[int, int] | None, points: int) -> tuple[int, int]:
    """Return inclusive bounds on K: 1 to ``points`` for None, K itself, or a pair that is cut at ``points``.

    Raises:
        ValueError: no partition of ``points`` points has so many clusters.
    """
    if n_clusters is None:
        return 1, points
    low, high = (n_clusters, n_clusters) if isinstance(n_clusters, int) else n_clusters
    if not 1 <= low <= high or low > points:
        raise ValueError(f"n_clusters={n_clusters}: accepted is 1 <= low <= high with low <= points={points}")
    return low, min(high, points)


def crp_n_clusters(
    points: int, alpha: float, n_clusters: int | tuple[int, int] | None = None
) -> Float[Tensor, "counts"]:
    """Return P(K = k) for k = 0..high under CRP(alpha), given ``n_clusters`` if not None, in float64."""
    low, high = cluster_bounds(n_clusters, points)
    probabilities = _log_poisson_binomial(points, alpha, high)[-1].exp()
    probabilities[:low] = 0.0
    return probabilities / probabilities.sum()


def sample_crp(
    sets: int,
    points: int,
    alpha: float,
    *,
    generator: torch.Generator,
    n_clusters: int | tuple[int, int] | None = None,
    largest: int | None = None,
) -> Int[Tensor, "sets points"]:
    """Draw partitions from CRP(alpha), exactly conditioned on the number of clusters K where asked.

    The CRP is sampled in its linked form: point n opens a cluster with probability alpha / (alpha + n),
    independently of all else, or copies the label of a uniform earlier point. K is the number of openings,
    so conditioning on K touches the openings alone. Links are followed by pointer doubling.

    Args:
        n_clusters: None, a fixed K, or inclusive bounds ``(low, high)``.
        largest: number of guests that a table of the restaurant seats; None for no limit. With a limit,
            partitions are not conditioned on K.

    Raises:
        ValueError: ``alpha`` is not positive and finite, sizes or bounds are impossible, or both
            ``n_clusters`` and ``largest`` are given.
    """
    if not 0 < alpha < math.inf:
        raise ValueError(f"alpha={alpha}: the CRP concentration must be positive and finite")
    if sets < 1 or points < 1:
        raise ValueError(f"sets={sets}, points={points}: both must be at least 1")
    if largest is not None:
        if n_clusters is not None or largest < 1:
            raise ValueError(
                f"n_clusters={n_clusters}, largest={largest}: accepted are n_clusters=None and at least 1"
            )
        return _seated(sets, points, alpha, largest, generator)
    steps = torch.arange(points, dtype=torch.float64)
    if n_clusters is None:
        opens = torch.rand(sets, points, dtype=torch.float64, generator=generator) < alpha / (alpha + steps)
    else:
        low, high = cluster_bounds(n_clusters, points)
        opens = _openings(sets, points, alpha, low, high, generator)
    copied = (torch.rand(sets, points, dtype=torch.float64, generator=generator) * steps).long()
    root = torch.where(opens, torch.arange(points), copied)
    for _ in range(points.bit_length()):
        root = root.gather(-1, root)
    return (opens.long().cumsum(-1) - 1).gather(-1, root)


def _seated(
    sets: int, points: int, alpha: float, largest: int, generator: torch.Generator
) -> Int[Tensor, "sets points"]:
    """Draw partitions from a restaurant whose tables seat ``largest``, guest by guest."""
    coins = torch.rand(points, sets, dtype=torch.float64, generator=generator)
    seats = torch.zeros(sets, points + 1, dtype=torch.float64)  # of each table, those taken
    tables = torch.zeros(sets, dtype=torch.long)
    labels = torch.empty(sets, points, dtype=torch.long)
    everyone = torch.arange(sets)
    for n in range(points):
        weights = torch.where(seats < largest, seats, 0.0)
        weights[everyone, tables] = alpha
        reached = weights.cumsum(1)
        chosen = (reached <= coins[n, :, None] * reached[:, -1:]).sum(1).minimum(tables)
        labels[:, n] = chosen
        seats[everyone, chosen] += 1
        tables = tables + (chosen == tables)
    return labels


def _openings(
    sets: int, points: int, alpha: float, low: int, high: int, generator: torch.Generator
) -> Bool[Tensor, "sets points"]:
    """Draw the points that open clusters given low <= K <= high, from a Poisson-binomial sum backward."""
    reach = _log_poisson_binomial(points, alpha, high)
    k = low + torch.multinomial(reach[-1, low:].softmax(0).expand(sets, -1), 1, generator=generator)[:, 0]
    coins = torch.rand(points, sets, dtype=torch.float64, generator=generator)
    opens = torch.ones(sets, points, dtype=torch.bool)
    for n in range(points - 1, 0, -1):
        log_open = math.log(alpha) - math.log(alpha + n) + reach[n - 1, k - 1] - reach[n, k]
        opens[:, n] = (coins[n].log() < log_open) | (k == n + 1)
        k = k - opens[:, n].long()
    return opens


@lru_cache(maxsize=64)
def _log_poisson_binomial(points: int, alpha: float, high: int) -> Float[Tensor, "points counts"]:
    """Return log P(k clusters among the first n + 1 points); the probabilities themselves would underflow."""
    reach = torch.full((points, high + 1), -torch.inf, dtype=torch.float64)
    reach[0, 1] = 0.0
    for n in range(1, points):
        reach[n] = reach[n - 1] + math.log(n)
        reach[n, 1:] = torch.logaddexp(reach[n, 1:], reach[n - 1, :-1] + math.log(alpha))
        reach[n] -= math.log(alpha + n)
    return reach


def prefix_mask(lengths: Int[Tensor, "batch"], points: int) -> Bool[Tensor, "batch points"]:
    """Return the mask of sets with ``lengths`` points, padded to ``points``."""
    return torch.arange(points, device=lengths.device) < lengths[:, None]
