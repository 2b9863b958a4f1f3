"""Solid and hollow shapes side by side, as in the classical benchmarks of clustering in the plane."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gfncp.partitions import canonical_labels
from gfncp.simulators.draw import Draw
from gfncp.simulators.shares import cluster_shares, draw_clusters

BOX, CROSS, SIMPLEX, BALL, GAUSSIAN = range(5)
DIRECTIONS = {2: 96, 3: 180}  # in which the extent of shapes is known
CANDIDATES = 4  # places for a shape, of which it takes the innermost


@dataclass(frozen=True)
class Shapes:
    """Sets in the plane, one in five in space, whose clusters are shapes that may nearly touch.

    A shape is a box, a rhombus (in space, an octahedron), a triangle (a tetrahedron) or an ellipse, each
    filled uniformly or hollow; or it is an arc, or a Gaussian ellipse. It is 1 to 15 times as long as wide.

    - Sizes and weights, hence densities, are alike within a set or differ.
    - Place: one shape after another moves in from afar until it meets those before it. Gaps are between 0.3
      and 10 times the typical distance of neighbouring points: from touching to wide.
    - Nesting: in a quarter of the sets, some shapes have another one within: a hollow shape in its hole, a
      solid one as a denser ellipse, which then owns all points that fall into it.
    - Bridges: in a tenth of the sets, a thin row of points joins two shapes; each half of the row belongs to
      the nearer shape.

    Args:
        max_clusters: the most clusters of a set.
    """

    max_clusters: int = 30

    def __call__(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "sets points dim"], Int[Tensor, "sets points"]]:
        draw = Draw(sets, generator)
        dim = 2 if Draw(1, generator).some(0.8) else 3
        shares = cluster_shares(draw, self.max_clusters, points)
        used = shares > 0
        cluster = draw_clusters(draw, shares, points)
        outlines = draw_outlines(draw, shares, points, dim)
        inside = nest(draw, outlines, used, shares)
        directions = even_directions(dim)
        hulls = outlines.support(directions)
        spacing = outlines.spacing(shares, points)
        gap = (draw.log_uniform(0.3, 10) * spacing / 2).minimum(2 * outlines.axes.mean(2))
        centres = place(draw, hulls + gap[..., None], directions, used, inside)

        z = draw_shape_points(draw, outlines, cluster)
        blur = draw.log_uniform(1e-3, 0.3) * draw.some(0.3)
        each = torch.arange(sets)[:, None]
        x = centres[each, cluster] + outlines.to_space(z, cluster)
        x = x + (blur * spacing.gather(1, cluster))[..., None] * draw.normal(points, dim)
        labels = swallowed(outlines, centres, inside, cluster, x)
        x, labels = bridged(draw, hulls, directions, centres, used & ~inside, x, labels)
        return x - x.mean(1, keepdim=True), canonical_labels(labels)


@dataclass
class Outlines:
    """Shapes around 0: each an affine image of a box, a ball, ... that reaches just to the unit sphere.

    Attributes:
        kind: BOX, CROSS, ...
        hole: radius of the hole, in relation to the shape's.
        span: share of a full turn that is there: arcs have less than 1.
        axes: half lengths along the shape's own axes.
        turn: rotation from the shape's axes (rows) to space.
        reach: standard deviations of a Gaussian up to its outline.
    """

    kind: Int[Tensor, "sets clusters"]
    hole: Float[Tensor, "sets clusters"]
    span: Float[Tensor, "sets clusters"]
    axes: Float[Tensor, "sets clusters dim"]
    turn: Float[Tensor, "sets clusters dim dim"]
    reach: Float[Tensor, "sets 1"]

    def to_space(
        self, z: Float[Tensor, "sets points dim"], cluster: Int[Tensor, "sets points"]
    ) -> Float[Tensor, "sets points dim"]:
        """Map points of the unit shapes to points of the shapes, around 0."""
        each = torch.arange(len(z))[:, None]
        return ((z * self.axes[each, cluster])[..., None, :] @ self.turn[each, cluster])[..., 0, :]

    def to_unit(
        self, x: Float[Tensor, "sets points dim"], cluster: Int[Tensor, "sets points"]
    ) -> Float[Tensor, "sets points dim"]:
        """Undo `to_space`."""
        each = torch.arange(len(x))[:, None]
        return (self.turn[each, cluster] @ x[..., None])[..., 0] / self.axes[each, cluster]

    def support(
        self, directions: Float[Tensor, "directions dim"]
    ) -> Float[Tensor, "sets clusters directions"]:
        """Return how far each shape's convex hull reaches in each direction."""
        dim = directions.shape[1]
        m = self.axes[..., None, :] * (directions @ self.turn.mT)
        reaches = [
            m.abs().sum(-1) / math.sqrt(dim),
            m.abs().amax(-1),
            (m @ simplex(dim).T).amax(-1),
            m.norm(dim=-1),
        ]
        return torch.stack(reaches, 2).take_along_dim(self.kind.clamp_max(BALL)[..., None, None], 2)[:, :, 0]

    def spacing(self, shares: Float[Tensor, "sets clusters"], points: int) -> Float[Tensor, "sets clusters"]:
        """Return about how far a point of each shape is from the next one."""
        dim = self.axes.shape[2]
        volume = self.axes.prod(2) * 2**dim * (1 - self.hole**dim) * self.span
        return (volume / (shares * points).clamp_min(1)) ** (1 / dim)


def draw_outlines(draw: Draw, shares: Float[Tensor, "sets clusters"], points: int, dim: int) -> Outlines:
    """Draw shapes; in some sets all are of one kind, in some all are parallel to the axes."""
    clusters = shares.shape[1]

    def alike(share: float, part: Tensor) -> Tensor:
        same = draw.some(share).reshape(-1, *[1] * (part.ndim - 1))
        return torch.where(same, part[:, :1], part)

    kind = alike(0.4, draw.integers(BOX, GAUSSIAN, clusters))
    is_hollow = draw.uniform(clusters) < torch.where(kind == BALL, 0.5, 0.15)
    hole = torch.where(is_hollow & (kind != GAUSSIAN), 0.5 + draw.uniform(clusters, high=0.48), 0.0)
    is_arc = (hole > 0) & (kind == BALL) & (draw.uniform(clusters) < 0.4)
    span = torch.where(is_arc, 0.3 + draw.uniform(clusters, high=0.5), 1.0)

    same_density = draw.some(0.4) / dim
    size = (draw.uniform(high=0.6) * draw.normal(clusters)).exp() * (shares + 0.5 / points) ** same_density
    longest = draw.log_uniform(1, 15)
    length = longest ** alike(0.3, draw.uniform(clusters))
    length = torch.where(hole > 0, length.clamp_max(2), length)
    axes = size[..., None] * length[..., None] ** torch.linspace(0.5, -0.5, dim)
    turn = torch.linalg.qr(draw.normal(clusters, dim, dim)).Q
    turn = torch.where(draw.some(0.3)[..., None, None], torch.eye(dim), alike(0.2, turn))
    return Outlines(kind, hole, span, axes, turn, 1.5 + draw.uniform(high=1.5))


def nest(
    draw: Draw,
    outlines: Outlines,
    used: Bool[Tensor, "sets clusters"],
    shares: Float[Tensor, "sets clusters"],
) -> Bool[Tensor, "sets clusters"]:
    """Shrink some shapes to fit within the one before them; within a solid one they become dense ellipses.

    Returns:
        Which shapes lie in the middle of the one before them.
    """
    clusters = used.shape[1]
    odd = torch.arange(clusters) % 2 == 1
    inside = used & odd & draw.some(0.25) & (draw.uniform(clusters) < 0.3 + draw.uniform(high=0.7))
    dim = outlines.axes.shape[2]
    host = (torch.arange(clusters) - 1).clamp_min(0)
    hole, kind = outlines.hole[:, host], outlines.kind[:, host]
    narrow = torch.tensor([dim**-0.5, dim**-0.5, 1 / dim, 1.0, 1.0])[kind] * outlines.axes[:, host].amin(2)
    contrast = draw.log_uniform(4, 40)  # of densities
    dense = (shares / (shares[:, host] * contrast).clamp_min(1e-6)) ** (1 / dim)
    # most of a Gaussian's points are within three standard deviations
    outermost = torch.where(outlines.kind == GAUSSIAN, 3 / outlines.reach, 1.0)
    room = torch.where(hole > 0, hole * (0.3 + draw.uniform(high=0.5)) / outermost, dense.clamp_max(0.5))
    round_kind = torch.where(outlines.kind == GAUSSIAN, GAUSSIAN, BALL)
    solid = inside & (hole == 0)
    outlines.kind = torch.where(solid, round_kind, outlines.kind)
    outlines.hole = torch.where(solid, 0.0, outlines.hole)
    outlines.span = torch.where(solid, 1.0, outlines.span)
    shrunk = outlines.axes / outlines.axes.amax(2, keepdim=True) * (room * narrow)[..., None]
    outlines.axes = torch.where(inside[..., None], shrunk, outlines.axes)
    return inside


def place(
    draw: Draw,
    hulls: Float[Tensor, "sets clusters directions"],
    directions: Float[Tensor, "directions dim"],
    used: Bool[Tensor, "sets clusters"],
    inside: Bool[Tensor, "sets clusters"],
) -> Float[Tensor, "sets clusters dim"]:
    """Let shape after shape move towards the middle until its hull meets another one's; return the centres.

    Two convex sets are apart if they are so in one direction n. Moved by t along u, the second is beyond the
    first in direction n as soon as t (n . u) is the sum of both reaches; the least such t over n is where
    they meet, or have passed each other, and the greatest over all earlier shapes is where the shape stops.
    """
    sets, clusters, dim = *used.shape, directions.shape[1]
    opposite = hulls.roll(len(directions) // 2, 2)
    centres = torch.zeros(sets, clusters, dim)
    obstacle = torch.full_like(hulls, -torch.inf)
    obstacle[:, 0] = hulls[:, 0]
    tries = draw.integers(1, CANDIDATES)
    for k in range(1, int(used.sum(1).amax())):
        u = F.normalize(draw.normal(CANDIDATES, dim), dim=2)
        along = (u @ directions.T)[:, :, None]
        needed = (obstacle[:, :k] + opposite[:, None, k])[:, None]
        stop = torch.where(along > 0, needed / along, torch.inf).amin(3).amax(2)
        best = stop.masked_fill(torch.arange(CANDIDATES) >= tries, torch.inf).argmin(1)
        each = torch.arange(sets)
        centre = u[each, best] * stop[each, best, None]
        nested = inside[:, k, None]
        centres[:, k] = torch.where(nested, centres[:, k - 1], centre)
        obstacle[:, k] = torch.where(nested, -torch.inf, hulls[:, k] + centre @ directions.T)
    return centres


def even_directions(dim: int) -> Float[Tensor, "directions dim"]:
    """Return unit vectors spread evenly over a half circle or a hemisphere, then their opposites."""
    count = DIRECTIONS[dim] // 2
    index = torch.arange(count)
    if dim == 2:
        angle = math.pi * index / count
        half = torch.stack([angle.cos(), angle.sin()], 1)
    else:
        height = (2 * index + 1) / (2 * count)
        angle = math.pi * (3 - math.sqrt(5)) * index  # Fibonacci's lattice
        around = (1 - height.square()).sqrt()
        half = torch.stack([around * angle.cos(), around * angle.sin(), height], 1)
    return torch.cat([half, -half])


def simplex(dim: int) -> Float[Tensor, "corners dim"]:
    """Corners of the regular triangle or tetrahedron in the unit sphere."""
    if dim == 2:
        return torch.tensor([[1.0, 0.0], [-0.5, 0.75**0.5], [-0.5, -(0.75**0.5)]])
    return torch.tensor([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / math.sqrt(3)


def draw_shape_points(
    draw: Draw, outlines: Outlines, cluster: Int[Tensor, "sets points"]
) -> Float[Tensor, "sets points dim"]:
    """Draw points of the unit shapes: on the border, then moved inwards as far as the hole allows."""
    points, dim = cluster.shape[1], outlines.axes.shape[2]
    kind, hole, span = (part.gather(1, cluster) for part in (outlines.kind, outlines.hole, outlines.span))
    z = draw.normal(points, dim)
    cube = 2 * draw.uniform(points, dim) - 1
    waits = -(1 - draw.uniform(points, dim + 1)).clamp_min(1e-7).log() + 1e-7
    parts = waits / waits.sum(2, keepdim=True)
    least = 1 - (dim + 1) * parts.amin(2, keepdim=True)
    borders = [
        cube / cube.abs().amax(2, keepdim=True).clamp_min(1e-6) / math.sqrt(dim),
        z.sign() * waits[..., 1:] / waits[..., 1:].sum(2, keepdim=True),
        (parts @ simplex(dim)) / least.clamp_min(1e-6),
        F.normalize(z, dim=2),
    ]
    border = torch.stack(borders, 2).take_along_dim(kind.clamp_max(BALL)[..., None, None], 2)[:, :, 0]
    radius = (hole**dim + (1 - hole**dim) * draw.uniform(points)) ** (1 / dim)
    turn = torch.atan2(border[..., 1], border[..., 0])
    around = border[..., :2].norm(dim=2)
    arc = torch.stack([around * (turn * span).cos(), around * (turn * span).sin()], 2)
    border = torch.cat([torch.where((span < 1)[..., None], arc, border[..., :2]), border[..., 2:]], 2)
    gaussian = (kind == GAUSSIAN)[..., None]
    return torch.where(gaussian, z / outlines.reach[..., None], radius[..., None] * border)


def swallowed(
    outlines: Outlines,
    centres: Float[Tensor, "sets clusters dim"],
    inside: Bool[Tensor, "sets clusters"],
    cluster: Int[Tensor, "sets points"],
    x: Float[Tensor, "sets points dim"],
) -> Int[Tensor, "sets points"]:
    """Give a solid shape's points that fall into the denser ellipse within it to that ellipse."""
    guest = (cluster + 1).clamp_max(inside.shape[1] - 1)
    each = torch.arange(len(x))[:, None]
    within = outlines.to_unit(x - centres[each, guest], guest).norm(dim=2) < 1
    solid = outlines.hole.gather(1, cluster) == 0
    return torch.where(within & solid & inside.gather(1, guest) & (guest > cluster), guest, cluster)


def bridged(
    draw: Draw,
    hulls: Float[Tensor, "sets clusters directions"],
    directions: Float[Tensor, "directions dim"],
    centres: Float[Tensor, "sets clusters dim"],
    free: Bool[Tensor, "sets clusters"],
    x: Float[Tensor, "sets points dim"],
    labels: Int[Tensor, "sets points"],
) -> tuple[Float[Tensor, "sets points dim"], Int[Tensor, "sets points"]]:
    """Move 1 to 4% of the points of some sets onto the line between the first two shapes."""
    points, dim = x.shape[1:]
    if free.shape[1] == 1:
        return x, labels
    way = centres[:, 1] - centres[:, 0]
    length = way.norm(dim=1, keepdim=True)
    u = way / length.clamp_min(1e-6)

    def radius(k: int, sign: int) -> Tensor:
        """Return the distance from a shape's centre to its border, along the line."""
        along = sign * u @ directions.T
        return torch.where(along > 1e-3, hulls[:, k] / along, torch.inf).amin(1, True)

    start, end = radius(0, 1), length - radius(1, -1)
    moved = (
        free[:, :2].all(1, keepdim=True)
        & draw.some(0.1)
        & (draw.uniform(points) < draw.log_uniform(0.01, 0.04))
    )
    share = draw.uniform(points)
    row = centres[:, :1] + (start + share * (end - start))[..., None] * u[:, None]
    row = row + 0.03 * (start + length - end)[..., None] * draw.normal(points, dim)
    return torch.where(moved[..., None], row, x), torch.where(moved, (share > 0.5).long(), labels)
