"""Columns in one unit as the coordinates of tokens: principal components, in units of the set's radius."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from gfncp.coresets.smoothing import smoothed
from gfncp.coresets.whitening import whitened
from gfncp.networks.principal import ROUNDING, SYMMETRIC, pca
from gfncp.networks.tokens import COMPONENTS

WITHIN = 0.9  # quantile of the distances from the centre at which the farther ones are cut for the radius
FARTHEST = 20.0  # largest distance of a point from the centre, in radii

Coordinates = Callable[[Tensor, Tensor], Tensor]  # makes 24 columns of points in one unit and their weights


def components(
    x: Float[Tensor, "batch points dim"], weights: Float[Tensor, "batch points"]
) -> Float[Tensor, "batch points 24"]:
    """Return the widest 24 principal components, or fewer and zeros, in units of the set's radius.

    The radius is the root mean square distance from the centre, where the tenth of the points that are
    farthest count as if they were where that tenth begins: outliers hardly change it. It is at least a
    twentieth of the largest distance, since nine tenths of the points may be equal.

    Args:
        weights: how often each point counts; 0 where it is absent.
    """
    turned_x = _widest(x, weights)
    square = turned_x.square().sum(2)
    share = weights / weights.sum(1, keepdim=True).clamp_min(1e-300)
    ordered, place = square.sort(1)
    cumulated = share.gather(1, place).cumsum(1)
    bound = ordered.gather(1, (cumulated < WITHIN).sum(1, keepdim=True).clamp_max(x.shape[1] - 1))
    radius = (torch.minimum(square, bound) * share).sum(1).sqrt()
    farthest = torch.where(weights > 0, square, 0).amax(1).sqrt()
    radius = radius.maximum(farthest / FARTHEST)[:, None, None]
    scaled = torch.where(radius > 0, turned_x / radius.clamp_min(1e-300), 0)
    return F.pad(scaled, (0, COMPONENTS - scaled.shape[2]))


def whitened_components(
    x: Float[Tensor, "batch points dim"], weights: Float[Tensor, "batch points"]
) -> Float[Tensor, "batch points 24"]:
    """Return `components` of points whose widest 24 were whitened, see `gfncp.coresets.whitening`."""
    return components(whitened(_widest(x, weights), weights), weights)


def smoothed_components(
    x: Float[Tensor, "batch points dim"], weights: Float[Tensor, "batch points"]
) -> Float[Tensor, "batch points 24"]:
    """Return `whitened_components`, each in the middle of its neighbours (`gfncp.coresets.smoothing`)."""
    return components(smoothed(whitened(_widest(x, weights), weights), weights), weights)


COORDINATES: dict[str, Coordinates] = {
    "components": components,
    "whitened": whitened_components,
    "smoothed": smoothed_components,
}


def _widest(
    x: Float[Tensor, "batch points dim"], weights: Float[Tensor, "batch points"]
) -> Float[Tensor, "batch points axes"]:
    """Return at most 24 principal components, the widest first, from the mean; zeros where none varies."""
    share = (weights / weights.sum(1, keepdim=True).clamp_min(1e-300))[..., None]
    x = x.double()
    centred = x - (x * share).sum(1, keepdim=True)
    _, axes = pca(centred * share.sqrt())
    turned_x = (centred @ axes)[..., :COMPONENTS]
    variances = (turned_x.square() * share).sum(1, keepdim=True)
    turned_x = torch.where(variances > ROUNDING * variances.amax(2, keepdim=True), turned_x, 0)
    cubes = turned_x**3 * share  # `pca` has not seen the weights themselves
    tail, size = cubes.sum(1, keepdim=True), cubes.abs().sum(1, keepdim=True)
    return torch.where(tail < -SYMMETRIC * size, -turned_x, turned_x)
