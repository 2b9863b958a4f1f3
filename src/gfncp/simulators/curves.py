"""Clusters along curves, which no centre describes."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gfncp.partitions import canonical_labels
from gfncp.simulators.draw import Draw

SPACE = 3  # dimensions
ARCS = 5  # curves of one set, at most
RINGS, SPIRAL, CHAIN = range(3)


@dataclass(frozen=True)
class Curves:
    """Sets of 2 to 6 clusters: rings, arms of a spiral, or chains of half circles; see `curved_clusters`."""

    def __call__(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "sets points 3"], Int[Tensor, "sets points"]]:
        x, curve, _ = curved_clusters(Draw(sets, generator), points)
        return x, canonical_labels(curve)


def curved_clusters(
    draw: Draw, points: int
) -> tuple[Float[Tensor, "sets points 3"], Int[Tensor, "sets points"], Float[Tensor, "sets 1"]]:
    """Draw sets of 2 to 5 curves of equal thickness that keep apart, in the plane or, three in ten, in space.

    - Rings around one centre, or arcs of rings; in space, spheres. In place of the innermost ring there may
      be a ball, or two.
    - A spiral of several arms; in space it climbs.
    - A chain of half circles that reach into each other; in space, of linked rings.

    Returns:
        The points, whose last coordinate is 0 in the plane; the curve of each point, where the second of two
        balls has a number of its own, 5; and the number of dimensions, 2 or 3.
    """
    count = draw.log_uniform(2, ARCS + 1).floor()
    used = torch.arange(ARCS) < count
    weights = (draw.uniform() * draw.normal(ARCS)).exp() * used
    curve = torch.searchsorted(weights.cumsum(1) / weights.sum(1, keepdim=True), draw.uniform(points))
    curve = curve.clamp_max(ARCS - 1)
    along = draw.uniform(points)
    in_space = draw.some(0.3)
    kind = draw.integers(RINGS, CHAIN)

    rings, labels = concentric(draw, curve, along, in_space)
    spiral = arms(draw, curve, along, in_space, count)
    chain = links(draw, curve, along, in_space)
    x = torch.where(
        (kind == RINGS)[..., None], rings, torch.where((kind == SPIRAL)[..., None], spiral, chain)
    )
    return x, torch.where(kind == RINGS, labels, curve), torch.where(in_space, 3.0, 2.0)


def concentric(
    draw: Draw,
    curve: Int[Tensor, "sets points"],
    along: Float[Tensor, "sets points"],
    in_space: Bool[Tensor, "sets 1"],
) -> tuple[Float[Tensor, "sets points 3"], Int[Tensor, "sets points"]]:
    """Draw points of rings around 0, each 1 wider than the one before; balls may replace the first."""
    points = curve.shape[1]
    solid = draw.some(0.5)
    twins = solid & draw.some(0.3)
    start, span = (part.gather(1, curve) for part in (draw.uniform(ARCS), 0.4 + draw.uniform(ARCS, high=0.6)))
    span = torch.where(draw.some(0.5), span, 1.0)
    flat = circle(start + span * along)
    ball = draw.normal(points, SPACE) * torch.where(in_space, 1.0, torch.tensor([1.0, 1.0, 0.0]))[:, None]
    unit = ball / ball.norm(dim=2, keepdim=True)
    direction = torch.where(in_space[..., None], unit, flat)
    radius = curve + 0.4 + draw.uniform(high=0.6)
    x = direction * radius[..., None] + thick(draw, points, in_space, draw.log_uniform(0.03, 0.2))

    middle = solid & (curve == 0)
    second = twins & middle & (draw.uniform(points) < 0.5)
    size = draw.log_uniform(0.1, 0.25)
    inner = size[..., None] * ball
    inner[..., 0] += torch.where(twins, torch.where(second, 2.5, -2.5) * size, 0)
    return torch.where(middle[..., None], inner, x), torch.where(second, ARCS, curve)


def arms(
    draw: Draw,
    curve: Int[Tensor, "sets points"],
    along: Float[Tensor, "sets points"],
    in_space: Bool[Tensor, "sets 1"],
    count: Float[Tensor, "sets 1"],
) -> Float[Tensor, "sets points 3"]:
    """Draw points of the arms of a spiral, each turned by the same angle from the one before."""
    turns = draw.log_uniform(0.3, 1.5)
    first = draw.uniform(high=0.3) + 0.05
    radius = first + (1 - first) * along
    x = circle(curve / count + turns * along) * radius[..., None]
    x[..., 2] = along * draw.uniform() * in_space
    between = (1 - first) / (turns * count).clamp_min(1)
    return x + thick(draw, curve.shape[1], in_space, between * draw.log_uniform(0.03, 0.15))


def links(
    draw: Draw,
    curve: Int[Tensor, "sets points"],
    along: Float[Tensor, "sets points"],
    in_space: Bool[Tensor, "sets 1"],
) -> Float[Tensor, "sets points 3"]:
    """Draw points of half circles, upper and lower in turn; in space, of rings at right angles."""
    odd = curve % 2 == 1
    ring = circle(along)
    upright = ring[..., [0, 2, 1]]
    rings = torch.where(odd[..., None], upright, ring)
    half = circle(along / 2 + odd / 2)
    half[..., 1] += odd * draw.uniform(high=0.5)
    x = torch.where(in_space[..., None], rings, half)
    x[..., 0] += curve * (1.1 + draw.uniform(high=0.3))
    return x + thick(draw, curve.shape[1], in_space, draw.log_uniform(0.03, 0.12))


def circle(turn: Float[Tensor, "sets points"]) -> Float[Tensor, "sets points 3"]:
    """Return points of the unit circle in the plane, given shares of a full turn."""
    angle = 2 * math.pi * turn
    return torch.stack([angle.cos(), angle.sin(), torch.zeros_like(angle)], 2)


def thick(
    draw: Draw, points: int, in_space: Bool[Tensor, "sets 1"], size: Float[Tensor, "sets 1"]
) -> Float[Tensor, "sets points 3"]:
    """Draw normal deviations from a curve."""
    deviations = size[..., None] * draw.normal(points, SPACE)
    deviations[..., 2] *= in_space
    return deviations
