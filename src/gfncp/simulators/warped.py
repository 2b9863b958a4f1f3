"""Sets of another simulator, bent by smooth invertible maps, so that clusters have no simple form."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.simulators.draw import Draw

HIDDEN = 32  # units of a residual block
REACH = 4.0  # largest coordinate before warping: exponentials of it stay moderate
BLOCKS = 2  # residual blocks


@dataclass(frozen=True)
class Warped:
    """Sets of ``base`` whose points go through a random smooth invertible map, another one for each set.

    The map is made of an increasing function of each column, residual blocks and a shear, each in some of the
    sets. It can be undone, so no two clusters are merged, and it is mild, so none is torn apart. Columns that
    are constant within a set stay constant. Labels are those of ``base``.

    Args:
        base: simulator, called with a number of sets, a number of points and a generator.
    """

    base: Callable[[int, int, torch.Generator], tuple[Tensor, Tensor]]

    def __call__(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "sets points dim"], Int[Tensor, "sets points"]]:
        x, labels = self.base(sets, points, generator)
        draw = Draw(sets, generator)
        x = standardised(x)
        live = x.abs().amax(1, keepdim=True) > 0
        x = warped_columns(draw, x)
        for _ in range(BLOCKS):
            x = residual(draw, x, live)
        return sheared(draw, x, live), labels


def standardised(x: Float[Tensor, "sets points dim"]) -> Float[Tensor, "sets points dim"]:
    """Centre each set and divide it by one number: its root mean square, or more for far outliers."""
    # A constant column may differ from its computed mean by rounding; subtracting a point first avoids it.
    x = x - x[:, :1]
    x = x - x.mean(1, keepdim=True)
    square = x.square().mean(1, keepdim=True)
    columns = (square > 0).sum(2, keepdim=True).clamp_min(1)
    deviation = (square.sum(2, keepdim=True) / columns).sqrt()
    return x / deviation.maximum(x.abs().amax((1, 2), keepdim=True) / REACH).clamp_min(1e-12)


def warped_columns(draw: Draw, x: Float[Tensor, "sets points dim"]) -> Float[Tensor, "sets points dim"]:
    """Apply an increasing function of its own to each column, in three quarters of the sets.

    The functions are the identity, sinh, asinh, exp, -exp(-x) and signed powers, around a random place. They
    are not so steep as to make one mound into two.
    """
    columns = x.shape[2]
    alike = draw.some(0.3)[..., None]
    kind, strength, place = draw.integers(0, 5, 1, columns), draw.uniform(1, columns), draw.normal(1, columns)
    kind, strength, place = (torch.where(alike, part[..., :1], part) for part in (kind, strength, place))
    kind = torch.where(draw.some(0.75)[..., None], kind, 0)

    def function(t: Tensor) -> Tensor:
        slope = 0.1 + 0.6 * strength
        bent = torch.where(kind == 1, (slope * t).sinh() / slope, t)
        bent = torch.where(kind == 2, (slope * t).asinh() / slope, bent)
        bent = torch.where(kind == 3, torch.expm1(slope * t) / slope, bent)
        bent = torch.where(kind == 4, -torch.expm1(-slope * t) / slope, bent)
        return torch.where(kind == 5, t.sign() * t.abs() ** (1 + 0.5 * strength), bent)

    return function(x + place) - function(place)


def residual(
    draw: Draw, x: Float[Tensor, "sets points dim"], live: Tensor
) -> Float[Tensor, "sets points dim"]:
    """Add to x a network of one hidden layer with a Lipschitz constant below 1, in 70% of the sets.

    Such a map can be inverted by fixed-point iteration (Behrmann et al., Invertible residual networks, 2019).
    """
    columns = x.shape[2]
    width = live.sum(2, keepdim=True).clamp_min(1).sqrt()
    inner = draw.normal(columns, HIDDEN) * draw.log_uniform(0.3, 2)[..., None] / width * live.mT
    outer = draw.normal(HIDDEN, columns) * live
    constant = (draw.uniform(high=0.9) * draw.some(0.7))[..., None]
    bound = torch.linalg.matrix_norm(inner, 2) * torch.linalg.matrix_norm(outer, 2)
    outer = outer * constant / bound.clamp_min(1e-12)[:, None, None]
    return x + torch.tanh(x @ inner + draw.normal(1, HIDDEN)) @ outer


def sheared(
    draw: Draw, x: Float[Tensor, "sets points dim"], live: Tensor
) -> Float[Tensor, "sets points dim"]:
    """Multiply by a random triangular matrix of determinant 1, in half of the sets."""
    columns = x.shape[2]
    strength = (draw.uniform() * draw.some(0.5))[..., None] / columns**0.5
    above = torch.triu(strength * draw.normal(columns, columns), 1) * live
    return x + x @ above
