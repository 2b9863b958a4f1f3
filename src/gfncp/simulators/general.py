"""Mixtures of many kinds, to train a network for data of which nothing is known beforehand."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gfncp.partitions import canonical_labels
from gfncp.simulators.curves import SPACE, curved_clusters
from gfncp.simulators.draw import Draw
from gfncp.simulators.shares import points_of_one

DIMENSIONS = 16  # that clusters may fill
NOISE_DIMENSIONS = 8
GAUSSIAN, STUDENT, BALL, SHELL, BOX = range(5)
DEGREES = 4  # of Student's t: 2, 4, ... twice this many
HIDDEN = 32  # units of a network that bends a set
REPULSIONS = 4
PLANAR, ROUND, CURVED, BENT, NOISY = 0.4, 0.7, 0.1, 0.15, 0.15  # shares of the sets


@dataclass(frozen=True)
class GeneralMixtures:
    """Mixtures whose weights, dimensions, overlap, shapes and noise differ from set to set.

    Clusters are exchangeable, and so are points given the clusters: their order means nothing.

    - Weights: for half of the sets CRP(alpha), alpha log-uniform in [0.1, 6], in its stick-breaking form
      with ``max_clusters`` sticks. The others have 1 to ``max_clusters`` clusters of similar weights, each
      number equally likely, but at most one cluster for every four points (two in small sets).
    - Place: two fifths of the sets lie in the plane, the others in 1 to 16 dimensions, few more often than
      many. Means are normal, then pushed apart by a random strength. The distance to the nearest other mean
      is about 2 to 10 standard deviations, log-uniformly: from overlap to gaps.
    - Shape: full covariances, round to slender; within a set, shapes and sizes (hence densities) are alike or
      differ. Seven tenths of the sets are Gaussian; clusters of the others are Gaussian, Student-t (2 to 8
      degrees of freedom), or uniform on a ball, a shell or a box.
    - A tenth of the sets has clusters along curves instead, see `gfncp.simulators.curves`.
    - 15% of the sets are bent by a random network.
    - Half of the sets have background points, 0.5 to 10%, uniform around the clusters. A background point
      gets the label of the cluster that would most probably have made it if clusters were round; a common
      label would make one cluster of points from everywhere.
    - 15% of the sets have 1 to 8 further dimensions of uniform noise.
    - Half of the sets are rotated, with all their dimensions.

    Args:
        max_clusters: the most clusters of a set.
    """

    max_clusters: int = 30

    def __call__(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "sets points 24"], Int[Tensor, "sets points"]]:
        draw = Draw(sets, generator)
        weights = cluster_weights(draw, self.max_clusters, points)
        cluster = torch.searchsorted(weights.cumsum(1), draw.uniform(points)).clamp_max(self.max_clusters - 1)
        used = torch.zeros_like(weights, dtype=torch.bool).scatter_(1, cluster, True)
        dims = draw.log_uniform(1.8, DIMENSIONS + 1).floor()  # a line is the least of interest
        dims = torch.where(draw.some(PLANAR), 2, dims)
        inside = (torch.arange(DIMENSIONS) < dims)[:, None]

        means = cluster_means(draw, used, dims) * inside
        sizes = (draw.uniform(high=0.7)[..., None] * draw.normal(self.max_clusters, 1)).exp()
        maps = sizes[..., None] * cluster_maps(draw, self.max_clusters, dims) * inside[..., None]
        each = torch.arange(sets)[:, None]
        z = cluster_points(draw, cluster, self.max_clusters, dims, inside)
        x = means[each, cluster] + (maps[each, cluster] @ z[..., None])[..., 0]

        x, background = with_background(draw, x)
        surest = most_responsible(x, means, sizes, weights, used, dims)
        labels = torch.where(background, surest, cluster)

        along, arcs, curve_dims = curved_clusters(draw, points)
        curved = draw.some(CURVED) & (self.max_clusters > arcs.amax(1, keepdim=True))
        x = torch.where(curved[..., None], F.pad(along, (0, DIMENSIONS - SPACE)), x)
        dims = torch.where(curved, curve_dims, dims)
        inside = (torch.arange(DIMENSIONS) < dims)[:, None]
        labels = canonical_labels(torch.where(curved, arcs, labels))
        x = torch.cat([bent(draw, x, dims) * inside, noise(draw, x, inside)], 2)
        return rotated(draw, x), labels


def cluster_weights(draw: Draw, clusters: int, points: int) -> Float[Tensor, "sets clusters"]:
    """Draw weights that add up to 1: sticks of CRP(alpha), or weights that differ little."""
    left = draw.uniform(clusters) ** (1 / draw.log_uniform(0.1, 6))  # 1 - Beta(1, alpha)
    left[:, -1] = 0
    before = F.pad(left.cumprod(1)[:, :-1], (1, 0), value=1.0)
    most = max(1, min(clusters, points // points_of_one(points)))
    several = torch.arange(clusters) < 1 + (most * draw.uniform()).floor()
    like = (draw.uniform(high=0.7) * draw.normal(clusters)).exp() * several
    return torch.where(draw.some(0.5), before * (1 - left), like / like.sum(1, keepdim=True))


def cluster_means(
    draw: Draw, used: Bool[Tensor, "sets clusters"], dims: Float[Tensor, "sets 1"]
) -> Float[Tensor, "sets clusters 16"]:
    """Draw normal means and push them apart; the nearest other mean is about 2 to 10 away."""
    inside = (torch.arange(DIMENSIONS) < dims)[:, None]
    means = draw.normal(used.shape[1], DIMENSIONS) * inside
    reach = (dims.sqrt() * used.sum(1, keepdim=True) ** (-1 / dims))[..., None]  # between nearest means
    strength = draw.uniform(high=0.5)[..., None]
    for _ in range(REPULSIONS):
        push = torch.exp(-(torch.cdist(means, means) / reach).square() / 2) * used[:, None]
        means = means + strength * (means * push.sum(2, keepdim=True) - push @ means)
    return means * draw.log_uniform(2, 10)[..., None] / reach


def cluster_maps(
    draw: Draw, clusters: int, dims: Float[Tensor, "sets 1"]
) -> Float[Tensor, "sets clusters 16 16"]:
    """Draw matrices that turn round clusters into ellipsoids: they stretch the axes, then turn and shear."""
    alike = draw.some(0.3)[..., None, None]
    axes = draw.normal(clusters, 1, DIMENSIONS)
    stretch = (draw.uniform() * draw.some(0.7))[..., None, None] * torch.where(alike, axes[:, :1], axes)
    turns = draw.normal(clusters, DIMENSIONS, DIMENSIONS)
    turns = torch.where(alike, turns[:, :1], turns) / dims.sqrt()[..., None, None]
    blend = (draw.uniform() * draw.some(0.7))[..., None, None]
    return ((1 - blend) * torch.eye(DIMENSIONS) + blend * turns) * stretch.exp()


def cluster_points(
    draw: Draw,
    cluster: Int[Tensor, "sets points"],
    clusters: int,
    dims: Float[Tensor, "sets 1"],
    inside: Bool[Tensor, "sets 1 16"],
) -> Float[Tensor, "sets points 16"]:
    """Draw points of round clusters around 0, of variance 1 in each dimension (Student-t: more)."""
    points = cluster.shape[1]
    law = torch.where(draw.some(ROUND), GAUSSIAN, draw.integers(GAUSSIAN, BOX, clusters))
    law = torch.where((law == SHELL) & (dims < 2), BALL, law)  # on a line a shell is two clusters
    law = law.gather(1, cluster)
    half_degrees = draw.integers(1, DEGREES, clusters).gather(1, cluster)
    logs = -(1 - draw.uniform(points, DEGREES)).log()  # sums of them are half a chi-squared
    chi = (logs * (torch.arange(DEGREES) < half_degrees[..., None])).sum(2) / half_degrees
    z = draw.normal(points, DIMENSIONS) * inside
    length = z.norm(dim=2).clamp_min(1e-6)
    radius = torch.stack(
        [
            length,
            length / chi.clamp_min(1e-6).sqrt(),
            draw.uniform(points) ** (1 / dims) * (dims + 2).sqrt(),
            (1 + 0.1 * draw.normal(points)) * dims.sqrt(),
        ],
        2,
    )
    radius = radius.gather(2, law.clamp_max(SHELL)[..., None])
    box = math.sqrt(3) * torch.erf(z / math.sqrt(2))
    return torch.where((law == BOX)[..., None], box, z * radius / length[..., None])


def with_background(
    draw: Draw, x: Float[Tensor, "sets points 16"]
) -> tuple[Float[Tensor, "sets points 16"], Bool[Tensor, "sets points"]]:
    """Put 0.5 to 10% of the points of half of the sets anywhere; return all points, and which were moved."""
    share = draw.log_uniform(0.005, 0.1) * draw.some(0.5)
    background = draw.uniform(x.shape[1]) < share
    anywhere = (2 * draw.uniform(*x.shape[1:]) - 1) * 2.5 * x.std(1, keepdim=True, correction=0)
    return torch.where(background[..., None], anywhere, x), background


def most_responsible(
    x: Float[Tensor, "sets points 16"],
    means: Float[Tensor, "sets clusters 16"],
    sizes: Float[Tensor, "sets clusters 1"],
    weights: Float[Tensor, "sets clusters"],
    used: Bool[Tensor, "sets clusters"],
    dims: Float[Tensor, "sets 1"],
) -> Int[Tensor, "sets points"]:
    """Return the cluster that most probably made each point if all clusters were round."""
    prior = torch.where(used, weights.log() - dims * sizes[..., 0].log(), -torch.inf)
    fit = -(torch.cdist(x, means) / sizes.mT).square() / 2
    return (prior[:, None] + fit).argmax(2)


def bent(
    draw: Draw, x: Float[Tensor, "sets points 16"], dims: Float[Tensor, "sets 1"]
) -> Float[Tensor, "sets points 16"]:
    """Move the points of 15% of the sets by a random network of one layer, up to about the set's extent.

    The network's units are nearly linear across a set, so that a mound stays one mound.
    """
    extent = overall(x) * (DIMENSIONS / dims[..., None]).sqrt()
    inner = draw.normal(DIMENSIONS, HIDDEN) * (draw.log_uniform(0.3, 1.2) / dims.sqrt())[..., None]
    outer = draw.normal(HIDDEN, DIMENSIONS) / math.sqrt(HIDDEN)
    amount = (0.2 + draw.uniform(high=0.8)) * draw.some(BENT)
    moved = torch.tanh(x / extent @ inner + draw.normal(1, HIDDEN)) @ outer
    return x + amount[..., None] * extent * moved


def noise(
    draw: Draw, x: Float[Tensor, "sets points 16"], inside: Bool[Tensor, "sets 1 16"]
) -> Float[Tensor, "sets points 8"]:
    """Draw 1 to 8 dimensions of uniform noise for 15% of the sets; other dimensions are 0."""
    extent = overall(x) * (DIMENSIONS / inside.sum(2, keepdim=True)).sqrt()
    some = torch.arange(NOISE_DIMENSIONS) < draw.integers(1, NOISE_DIMENSIONS) * draw.some(NOISY)
    width = draw.uniform(1, NOISE_DIMENSIONS, high=2.0) * extent * some[:, None]
    return width * (2 * draw.uniform(x.shape[1], NOISE_DIMENSIONS) - 1)


def overall(x: Float[Tensor, "sets points dim"]) -> Float[Tensor, "sets 1 1"]:
    """Return the root mean square of all coordinates; never 0."""
    return x.square().mean((1, 2), keepdim=True).sqrt().clamp_min(1e-6)


def rotated(draw: Draw, x: Float[Tensor, "sets points dim"]) -> Float[Tensor, "sets points dim"]:
    """Rotate half of the sets at random."""
    rotation = torch.linalg.qr(draw.normal(x.shape[2], x.shape[2])).Q
    return torch.where(draw.some(0.5)[..., None], x @ rotation, x)
