"""Mixtures whose clusters are confused with a chosen probability.

Overlap, unlike distance, means the same in any number of dimensions (Maitra, Melnykov. Simulating Data to
Study Performance of Finite Mixture Modeling and Clustering Algorithms. JCGS 19, 2010).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gfncp.simulators.draw import Draw

HALVINGS = 30
REPULSIONS = 4
DEGREES = 4  # half the degrees of freedom of Student's t, at most


def scale_for(
    error: Float[Tensor, "sets 1"], nearest: Float[Tensor, "sets clusters"]
) -> Float[Tensor, "sets 1"]:
    """Solve mean(Phi(-scale * nearest)) = error for the scale, by bisection.

    Args:
        error: chosen probability of confusing a cluster with its nearest rival, mean over clusters.
        nearest: distance of each cluster from the threshold to that rival, in standard deviations; infinite
            for a cluster that does not count.

    Returns:
        The scale; 1 for a set without rivals.
    """
    counts = nearest.isfinite()
    wanted = -torch.special.ndtri(error)
    low = wanted / torch.where(counts, nearest, 0).amax(1, keepdim=True)
    high = wanted / nearest.amin(1, keepdim=True).clamp_min(1e-6)
    for _ in range(HALVINGS):
        middle = (low * high).sqrt()
        found = torch.special.ndtr(-middle * nearest).sum(1, keepdim=True) / counts.sum(1, keepdim=True)
        low, high = torch.where(found > error, middle, low), torch.where(found > error, high, middle)
    return torch.where(counts.any(1, keepdim=True), (low * high).sqrt(), 1.0)


def to_nearest(
    separations: Float[Tensor, "sets clusters clusters"], used: Bool[Tensor, "sets clusters"]
) -> Float[Tensor, "sets clusters"]:
    """Return the separation of each cluster from its nearest rival; infinite without one."""
    rivals = used[:, None] & used[:, :, None] & ~torch.eye(used.shape[1], dtype=torch.bool)
    return torch.where(rivals, separations, torch.inf).amin(2)


@dataclass(frozen=True)
class Ellipsoids:
    """Normal clusters: their means, principal axes (columns), and standard deviations along those."""

    means: Float[Tensor, "sets clusters dim"]
    axes: Float[Tensor, "sets clusters dim dim"]
    deviations: Float[Tensor, "sets clusters dim"]

    def separations(self) -> Float[Tensor, "sets clusters clusters"]:
        """Return how far two clusters are from the threshold between them, in standard deviations of each.

        Both are projected on the direction (inverse covariance 1 + inverse covariance 2) (mean 2 - mean 1),
        best for equal covariances; Phi(-distance) of either's points lie beyond the threshold.
        """
        along = self.axes * self.deviations[..., None, :]
        whitened = self.axes / self.deviations[..., None, :]
        apart = self.means[:, None] - self.means[:, :, None]
        mine = (apart @ whitened) @ whitened.mT
        direction = mine - mine.transpose(1, 2)  # the other's, seen from there, points back
        spread = (direction @ along).norm(dim=3)
        return (direction * apart).sum(3) / (spread + spread.mT).clamp_min(1e-12)

    def draw_points(
        self, draw: Draw, cluster: Int[Tensor, "sets points"]
    ) -> Float[Tensor, "sets points dim"]:
        """Draw the points of given clusters."""
        each = torch.arange(draw.sets)[:, None]
        maps = (self.axes * self.deviations[..., None, :])[each, cluster]
        z = draw.normal(cluster.shape[1], self.means.shape[2])
        return self.means[each, cluster] + (maps @ z[..., None])[..., 0]


def draw_ellipsoids(
    draw: Draw,
    used: Bool[Tensor, "sets clusters"],
    inside: Bool[Tensor, "sets dim"],
    error: Float[Tensor, "sets 1"],
) -> Ellipsoids:
    """Draw clusters that are confused with their nearest rival with the chosen probability, on average.

    Means are normal, pushed apart. Clusters are round to slender, of like or unlike shapes and sizes.

    Args:
        used: the clusters that a set has.
        inside: the dimensions that a set's clusters fill; in others they have no extent.
    """
    clusters, width = used.shape[1], inside.shape[1]
    alike = draw.some(0.4)[..., None]
    stretch = draw.normal(clusters, width)
    stretch = (
        draw.uniform()[..., None] * draw.some(0.7)[..., None] * torch.where(alike, stretch[:, :1], stretch)
    )
    sizes = draw.uniform(high=0.7)[..., None] * draw.some(0.5)[..., None] * draw.normal(clusters, 1)
    block = inside[:, None, None] & inside[:, None, :, None]
    turns = torch.where(block, draw.normal(clusters, width, width), torch.eye(width))
    axes = torch.linalg.qr(torch.where(alike[..., None], turns[:, :1], turns)).Q

    means = draw.normal(clusters, width) * inside[:, None]
    means = repelled(means, used, inside.sum(1, keepdim=True), draw.uniform(high=0.5))
    unscaled = Ellipsoids(means, axes, (stretch + sizes).exp())
    scale = scale_for(error, to_nearest(unscaled.separations(), used))
    return Ellipsoids(means * scale[..., None], axes, unscaled.deviations)


def repelled(
    means: Float[Tensor, "sets clusters dim"],
    used: Bool[Tensor, "sets clusters"],
    dims: Int[Tensor, "sets 1"],
    strength: Float[Tensor, "sets 1"],
) -> Float[Tensor, "sets clusters dim"]:
    """Push means apart, most those that are closer than this many means in so many dimensions need be."""
    reach = (dims.sqrt() * used.sum(1, keepdim=True) ** (-1 / dims))[..., None]
    for _ in range(REPULSIONS):
        push = torch.exp(-(torch.cdist(means, means) / reach).square() / 2) * used[:, None]
        means = means + strength[..., None] * (means * push.sum(2, keepdim=True) - push @ means)
    return means


def tail_factors(draw: Draw, points: int) -> Float[Tensor, "sets points 1"]:
    """Draw factors that turn normal deviations into Student-t ones of 4, 6 or 8 degrees of freedom."""
    half = draw.integers(2, DEGREES)
    logs = -(1 - draw.uniform(points, DEGREES)).log()  # sums of them are half a chi-squared
    chi = (logs * (torch.arange(DEGREES) < half)[:, None]).sum(2, keepdim=True) / half[..., None]
    return chi.clamp_min(1e-6).rsqrt()
