"""Weighted coresets: sets of points summarised by a bounded number of micro-clusters.

A micro-cluster stands for the points that are nearest to its mean. Means of many points are less noisy than
points, and their weights show where points are dense; a partition of a hundred of them takes a hundred steps
of decoding, however many points there are. If a set has no more points than micro-clusters, each distinct
point is a micro-cluster, and nothing is approximated.

References:
    Arthur, Vassilvitskii. k-means++: The Advantages of Careful Seeding. SODA 2007.
    Bachem, Lucic, Krause. Practical Coreset Constructions for Machine Learning. 2017.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

ROUNDS = 16  # rounds of drawing the seeds, a sixteenth of them in each
SWEEPS = 2  # of Lloyd's algorithm
DISTANCES_AT_ONCE = 2**22
SEEDED_FROM = 16_384  # points: of larger sets, seeds are drawn from a random part of this size
EXACT = "donot_use_mm_for_euclid_dist"  # with it, points that nearly coincide would seem to coincide
TINY = 1e-30


class Coreset(NamedTuple):
    """Micro-clusters of sets of points; where ``weight`` is 0 there is none."""

    mean: Float[Tensor, "batch tokens dim"]
    weight: Float[Tensor, "batch tokens"]  # the sum of its points' weights
    spread: Float[Tensor, "batch tokens"]  # root mean square distance of its points from the mean
    medoid: Int[Tensor, "batch tokens"]  # index of the point that is nearest to the mean
    nearest: Int[Tensor, "batch points"]  # the micro-cluster of each point

    @property
    def mask(self) -> Bool[Tensor, "batch tokens"]:
        return self.weight > 0


def summarise(
    x: Float[Tensor, "batch points dim"],
    weights: Float[Tensor, "batch points"],
    tokens: int,
    generator: torch.Generator,
) -> Coreset:
    """Summarise each set by at most ``tokens`` micro-clusters.

    Seeds are drawn by k-means++, a sixteenth of them at a time, and moved by two sweeps of Lloyd's
    algorithm. Equal points share a micro-cluster.

    Args:
        weights: how often each point counts; 0 where it is absent.
    """
    if x.shape[1] <= tokens:
        return of_members(x, weights, x, torch.cdist(x, x, compute_mode=EXACT).argmin(2))
    means = _seeds(x, weights, tokens, generator)
    for _ in range(SWEEPS):
        nearest = nearest_of(x, means)
        weight, total = _sums(x, weights, nearest, tokens)
        means = torch.where(weight[..., None] > 0, total / weight[..., None].clamp_min(TINY), means)
    return of_members(x, weights, means, nearest_of(x, means))


def nearest_of(
    x: Float[Tensor, "batch points dim"], means: Float[Tensor, "batch tokens dim"]
) -> Int[Tensor, "batch points"]:
    """Return the nearest mean of each point."""
    part = max(1, DISTANCES_AT_ONCE // means[..., 0].numel())
    half = means.square().sum(2)[:, None] / 2
    # The index of `min` comes twice as fast as `argmin`.
    return torch.cat([(half - chunk @ means.mT).min(2).indices for chunk in x.split(part, 1)], 1)


def _seeds(
    x: Float[Tensor, "batch points dim"],
    weights: Float[Tensor, "batch points"],
    tokens: int,
    generator: torch.Generator,
) -> Float[Tensor, "batch tokens dim"]:
    """Draw points with probability proportional to their squared distance from those drawn before."""
    batch, points, dim = x.shape
    if points > SEEDED_FROM:
        some = torch.randperm(points, generator=generator)[:SEEDED_FROM].sort().values.to(x.device)
        x, weights, points = x[:, some], weights[:, some], SEEDED_FROM
    distance = torch.ones_like(weights)
    drawn = []
    for count in (1, *(len(part) for part in torch.arange(tokens - 1).tensor_split(ROUNDS) if len(part))):
        # The largest of many exponential variables' inverses: draws without replacement.
        clocks = torch.empty(batch, points).exponential_(generator=generator).to(x)
        chosen = (weights * distance / clocks).topk(count).indices
        new = x.gather(1, chosen[..., None].expand(-1, -1, dim))
        nearest = torch.cdist(x, new).amin(2).square()
        distance = nearest if not drawn else torch.minimum(distance, nearest)
        drawn.append(new)
    return torch.cat(drawn, 1)


def _sums(
    x: Float[Tensor, "batch points dim"],
    weights: Float[Tensor, "batch points"],
    nearest: Int[Tensor, "batch points"],
    tokens: int,
) -> tuple[Float[Tensor, "batch tokens"], Float[Tensor, "batch tokens dim"]]:
    """Return weights of micro-clusters, and weighted sums of their points."""
    weight = weights.new_zeros(len(x), tokens).scatter_add_(1, nearest, weights)
    total = x.new_zeros(len(x), tokens, x.shape[2])
    return weight, total.scatter_add_(1, nearest[..., None].expand_as(x), x * weights[..., None])


def of_members(
    x: Float[Tensor, "batch points dim"],
    weights: Float[Tensor, "batch points"],
    means: Float[Tensor, "batch tokens dim"],
    nearest: Int[Tensor, "batch points"],
) -> Coreset:
    """Return micro-clusters with these members; one without members keeps its mean in ``means``."""
    tokens = means.shape[1]
    weight, total = _sums(x, weights, nearest, tokens)
    mean = torch.where(weight[..., None] > 0, total / weight[..., None].clamp_min(TINY), means)
    square = (x - mean.gather(1, nearest[..., None].expand_as(x))).square().sum(2)
    spread = torch.zeros_like(weight).scatter_add_(1, nearest, square * weights)
    spread = (spread / weight.clamp_min(TINY)).sqrt()

    square = torch.where(weights > 0, square, torch.inf)
    least = torch.full_like(weight, torch.inf).scatter_reduce_(1, nearest, square, "amin")
    index = torch.arange(x.shape[1], device=x.device).expand_as(nearest)
    first = torch.where(square <= least.gather(1, nearest), index, x.shape[1] - 1)
    medoid = torch.full_like(weight, x.shape[1] - 1, dtype=torch.long)
    medoid = medoid.scatter_reduce_(1, nearest, first, "amin")
    return Coreset(mean, weight, spread, medoid, nearest)
