"""Vectors of any width, in any units, as 16 principal components of one scale.

Each column is centred on its median and divided by its spread, so that units do not matter. Principal axes
then take away what a rotation of the columns, their order and their signs could change, and bring any width
to 16. Components keep their variances relative to each other: a direction that separates clusters is wide
because it does, and whitening would make it no wider than noise.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gfncp.networks.principal import ROUNDING, pca

COMPONENTS = 16
TAILS = (0.1, 0.9)  # quantiles whose distance is a column's spread: outliers hardly move it, clusters do
NORMAL_DISTANCE = 2.5631031310892007  # between these quantiles of a standard normal variable
CORE = 5.0  # spreads up to which a column is nearly linear; beyond, it grows like a logarithm


def principal_components(
    x: Float[Tensor, "batch points dim"], mask: Bool[Tensor, "batch points"]
) -> Float[Tensor, "batch points 16"]:
    """Return standardised columns in their principal axes, in float64: the widest 16, or fewer and zeros.

    The widest has variance 1. It is the same, up to rounding, for other units, signs and orders of the
    columns, for constant columns more or less, and for rotations of what `standardise` yields.

    Args:
        mask: True where a point is present; the rows of absent points are zero.
    """
    columns = standardise(x, mask)
    count = mask.sum(1).clamp_min(1)[:, None, None]
    centred = torch.where(mask[..., None], columns - columns.sum(1, keepdim=True) / count, 0)
    components, _ = pca(centred)
    variances = components.square().sum(1, keepdim=True) / count
    return _scaled(components, variances)


def principal_axes(
    given: Float[Tensor, "given dim"],
) -> Callable[[Float[Tensor, "new dim"]], Float[Tensor, "new 16"]]:
    """Return a function that gives `principal_components` of new points, measured on ``given`` alone."""
    x = given[None]
    everyone = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
    measures = _measure(x, everyone)
    columns = _drawn_in(x, everyone, measures)
    mean = columns.mean(1, keepdim=True)
    components, axes = pca(columns - mean)
    variances = components.square().mean(1, keepdim=True)

    def components_of(new: Float[Tensor, "new dim"]) -> Float[Tensor, "new 16"]:
        present = everyone.new_ones(1, len(new))
        return _scaled((_drawn_in(new[None], present, measures) - mean) @ axes, variances)[0]

    return components_of


def _scaled(
    components: Float[Tensor, "batch points axes"], variances: Float[Tensor, "batch 1 axes"]
) -> Float[Tensor, "batch points 16"]:
    """Return the widest components, in units of the widest one's standard deviation."""
    components, variances = components[..., :COMPONENTS], variances[..., :COMPONENTS]
    widest = variances.amax(2, keepdim=True)
    scaled = torch.where(variances > ROUNDING * widest, components / widest.sqrt(), 0)
    return F.pad(scaled, (0, COMPONENTS - scaled.shape[2]))


def standardise(
    x: Float[Tensor, "batch points dim"], mask: Bool[Tensor, "batch points"]
) -> Float[Tensor, "batch points dim"]:
    """Return columns less their median, over their spread, with long tails drawn in; in float64.

    The spread is the distance between the first and the last decile, 1 for a standard normal column. Where
    more than four fifths of a column are equal it is zero: the standard deviation takes its place. Columns
    without variation are zero. Tails are drawn in by ``5 arcsinh(z / 5)``: linear where most points are,
    logarithmic far out, so that neither outliers nor units can make numbers that swamp the rest.

    Args:
        mask: True where a point is present; absent points are zero.
    """
    return _drawn_in(x, mask, _measure(x, mask))


class Measures(NamedTuple):
    """Measures of each column; median and spread are those of the column divided by its size."""

    size: Float[Tensor, "batch 1 dim"]
    median: Float[Tensor, "batch 1 dim"]
    spread: Float[Tensor, "batch 1 dim"]


def _measure(x: Float[Tensor, "batch points dim"], mask: Bool[Tensor, "batch points"]) -> Measures:
    present = mask[..., None]
    x = torch.where(present, x.double(), 0)
    largest = x.abs().amax(1, keepdim=True)
    size = torch.where(largest > 0, largest, 1)
    x = x / size  # now no square overflows
    count = mask.sum(1)
    ordered = torch.where(present, x, torch.inf).sort(1).values
    low, median, high = (_quantile(ordered, count, share) for share in (TAILS[0], 0.5, TAILS[1]))
    z = torch.where(present, x - median, 0)
    deviation = (z.square().sum(1, keepdim=True) / count.clamp_min(1)[:, None, None]).sqrt()
    distance = high - low
    return Measures(size, median, torch.where(distance > ROUNDING, distance / NORMAL_DISTANCE, deviation))


def _drawn_in(
    x: Float[Tensor, "batch points dim"], mask: Bool[Tensor, "batch points"], measures: Measures
) -> Float[Tensor, "batch points dim"]:
    size, median, spread = measures
    z = torch.where(mask[..., None], x.double() / size - median, 0)
    z = torch.where(spread > ROUNDING, z / spread, 0)
    largest = torch.finfo(z.dtype).max  # a point that was not measured may lie beyond all bounds
    return compress_tails(z.clamp(-largest, largest))


def compress_tails(z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return ``5 arcsinh(z / 5)`` of numbers of spreads: linear near 0, logarithmic far out."""
    return CORE * torch.asinh(z / CORE)


def _quantile(
    ordered: Float[Tensor, "batch points dim"], count: Int[Tensor, "batch"], share: float
) -> Float[Tensor, "batch 1 dim"]:
    """Return a quantile of the first ``count`` entries of each set, by linear interpolation."""
    place = share * (count - 1).clamp_min(0).double()
    low = place.floor().long()
    high = torch.minimum(low + 1, (count - 1).clamp_min(0))
    below, above = (ordered.gather(1, at[:, None, None].expand_as(ordered[:, :1])) for at in (low, high))
    part = (place - low)[:, None, None]
    return torch.where(count[:, None, None] > 0, below * (1 - part) + above * part, 0)
