"""Sets without structure: one cluster, in one of many forms."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.simulators.draw import Draw

MOST_DIMENSIONS = 64
WAVES = 4  # of a smooth map


@dataclass(frozen=True)
class Unstructured:
    """Sets of one cluster, all labels 0, from which a network learns when there is nothing to find.

    A call draws the number of dimensions, 1 to ``max_dim``, few more often than many. Each set draws the law
    of its points:

    - Gaussian, Student-t, Laplace, or uniform on a box or a ball, each stretched along random directions;
    - skewed: columns log-normal, exponential or in between;
    - a piece of the plane, a bent sheet or a curved filament, more or less thick;
    - Gaussian, rounded to whole numbers.

    Args:
        max_dim: the most dimensions.
    """

    max_dim: int = MOST_DIMENSIONS

    def __call__(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "sets points dim"], Int[Tensor, "sets points"]]:
        dim = int(Draw(1, generator).log_uniform(1, self.max_dim + 1).floor().clamp_max(self.max_dim))
        law = Draw(sets, generator).integers(0, len(LAWS) - 1)[:, 0]
        x = torch.zeros(sets, points, dim)
        for number, law_points in enumerate(LAWS):
            rows = (law == number).nonzero()[:, 0]
            x[rows] = law_points(Draw(len(rows), generator), points, dim)
        return x, torch.zeros(sets, points, dtype=torch.long)


def gaussian(draw: Draw, points: int, dim: int) -> Float[Tensor, "sets points dim"]:
    """Normal values."""
    return stretched(draw, draw.normal(points, dim))


def student(draw: Draw, points: int, dim: int) -> Float[Tensor, "sets points dim"]:
    """Student-t with 3 to 10 degrees of freedom."""
    degrees = draw.integers(3, 10)
    squares = draw.normal(points, 10).square() * (torch.arange(10) < degrees)[:, None]
    chi = (squares.sum(2) / degrees).clamp_min(0.02)  # keeps a point within 7 times its place
    return stretched(draw, draw.normal(points, dim) / chi.sqrt()[..., None])


def laplace(draw: Draw, points: int, dim: int) -> Float[Tensor, "sets points dim"]:
    """Laplace values in each column."""
    u = draw.uniform(points, dim) - 0.5
    return stretched(draw, -u.sign() * torch.log1p(-2 * u.abs()).clamp_min(-16))


def box(draw: Draw, points: int, dim: int) -> Float[Tensor, "sets points dim"]:
    """Uniform values in a box."""
    return stretched(draw, 2 * draw.uniform(points, dim) - 1)


def ball(draw: Draw, points: int, dim: int) -> Float[Tensor, "sets points dim"]:
    """Uniform values in an ellipsoid."""
    direction = torch.nn.functional.normalize(draw.normal(points, dim), dim=2)
    return stretched(draw, direction * draw.uniform(points, 1) ** (1 / dim))


def skewed(draw: Draw, points: int, dim: int) -> Float[Tensor, "sets points dim"]:
    """Columns from nearly Gaussian to log-normal, or sums of exponentials; some point to the left."""
    shape = draw.uniform(1, dim)
    logs = torch.expm1(shape * draw.normal(points, dim)) / shape.clamp_min(1e-2)
    waits = -torch.log1p(-draw.uniform(points, dim)) + draw.uniform(1, dim) * draw.normal(points, dim)
    sign = 1 - 2 * (draw.uniform(1, dim) < 0.2).float()
    return sign * torch.where(draw.some(0.5)[..., None], logs, waits)


def plane(draw: Draw, points: int, dim: int) -> Float[Tensor, "sets points dim"]:
    """A rectangle, a disc or a piece of a ring, uniformly filled and turned at random in its dimensions."""
    u, v = draw.uniform(points), draw.uniform(points)
    hole, span = draw.uniform(high=0.9), 0.2 + draw.uniform(high=0.6)
    kind = draw.integers(0, 2) * (dim > 1)  # a ring seen on a line has two heaps
    hole, span = torch.where(kind == 1, 0, hole), torch.where(kind == 1, 1, span)
    radius, angle = (hole.square() + (1 - hole.square()) * u).sqrt(), 2 * math.pi * span * v
    ring = torch.stack([radius * angle.cos(), radius * angle.sin()], 2)
    rectangle = torch.stack([2 * u - 1, (2 * v - 1) * draw.log_uniform(0.1, 1)], 2)
    flat = torch.where((kind == 0)[..., None], rectangle, ring)
    turn = torch.linalg.qr(draw.normal(max(dim, 2), 2)).Q.mT
    thick = draw.log_uniform(1e-3, 0.1)[..., None] * draw.normal(points, dim) * (dim > 2)
    return (flat @ turn)[..., :dim] + thick


def sheet(draw: Draw, points: int, dim: int) -> Float[Tensor, "sets points dim"]:
    """Points of a bent sheet."""
    return map_smoothly(draw, draw.uniform(points, 2), dim)


def filament(draw: Draw, points: int, dim: int) -> Float[Tensor, "sets points dim"]:
    """Points of a bent line."""
    return map_smoothly(draw, draw.uniform(points, 1), dim)


def rounded(draw: Draw, points: int, dim: int) -> Float[Tensor, "sets points dim"]:
    """Whole numbers; a column has about 8 to 80 different values."""
    return (draw.log_uniform(2, 20)[..., None] * draw.normal(points, dim)).round()


LAWS = (gaussian, student, laplace, box, ball, skewed, plane, sheet, filament, rounded)


def stretched(draw: Draw, z: Float[Tensor, "sets points dim"]) -> Float[Tensor, "sets points dim"]:
    """Stretch round points: not at all, by powers of the axis' number, or strongly along one to three axes.

    Half of the sets are turned at random afterwards.
    """
    axis = torch.arange(1, z.shape[2] + 1)
    strong = torch.where(axis <= draw.integers(1, 3), draw.log_uniform(2, 10), 1.0)
    kind = draw.integers(0, 2)
    scale = torch.where(kind == 0, 1.0, torch.where(kind == 1, axis ** -draw.uniform(high=1.5), strong))
    x = z * scale[:, None]
    turn = torch.linalg.qr(draw.normal(z.shape[2], z.shape[2])).Q
    return torch.where(draw.some(0.5)[..., None], x @ turn, x)


def map_smoothly(
    draw: Draw, place: Float[Tensor, "sets points latent"], dim: int
) -> Float[Tensor, "sets points dim"]:
    """Map the unit interval or square smoothly into ``dim`` dimensions, and add a little noise.

    The map is linear plus a few waves of at most one period. It is linear alone where there is no room to
    bend: folds would make heaps.
    """
    latent = place.shape[2]
    linear = place @ draw.normal(latent, dim)
    frequency = draw.normal(latent, WAVES)
    frequency = 2 * math.pi * frequency / frequency.norm(dim=1, keepdim=True).clamp_min(1)
    waves = torch.sin(place @ frequency + 2 * math.pi * draw.uniform(1, WAVES))
    curved = waves @ draw.normal(WAVES, dim) * draw.uniform(high=0.5)[..., None] * (dim > latent)
    return linear + curved + draw.log_uniform(0.01, 0.1)[..., None] * draw.normal(place.shape[1], dim)
