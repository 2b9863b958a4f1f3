"""Points moved towards their neighbours, so that clusters are denser than what lies between them.

In wide data all pairs of points are about equally far apart, as each point has noise of its own in every
column. The mean of a point and its nearest ones has less of it, and stays within a cluster that is curved.
Points move only a part of the way there, as the way to the mean would make clusters of any points.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from gfncp.coresets.coreset import TINY
from gfncp.coresets.whitening import FLAT, filled, reach_of_nearest, some_points

PULL = 0.2  # share of the way to the mean
NEAR = 5  # nearest points that count beside a point itself, at most
MANY = 100  # points: for each further hundred, one nearest point counts
COMPARED = 2000  # points, at most, among which neighbours are found
BLOCK = 128  # points whose neighbours are found at a time
TIED = 1e-12  # difference of squared distances that are equal up to rounding, relative to the largest square


def smoothed(
    x: Float[Tensor, "batch points dim"], weights: Float[Tensor, "batch points"]
) -> Float[Tensor, "batch points dim"]:
    """Move each point towards the mean of it and its five nearest ones, or fewer in sets of less than 600.

    Equal points are each other's nearest ones. Those that are equally far have the same say. In a plane or in
    space, nothing is changed.

    Args:
        weights: how often each point counts; 0 where it is absent, but placed like the others.
    """
    found = x.clone()
    for one in (filled(x) > FLAT).nonzero()[:, 0].tolist():
        others, counts = (part[0] for part in some_points(x[[one]], weights[[one]], COMPARED))
        wanted = 1 + (weights[one].sum() / MANY - 1).clamp(0, NEAR)
        blocks = (part.split(BLOCK) for part in (found[one], x[one], weights[one]))
        for moved, block, own in zip(*blocks, strict=True):
            moved += PULL * (_means(block, own, others, counts, wanted) - block)
    return found


def _means(
    x: Float[Tensor, "block dim"],
    weights: Float[Tensor, "block"],
    others: Float[Tensor, "others dim"],
    counts: Float[Tensor, "others"],
    wanted: Float[Tensor, ""],
) -> Float[Tensor, "block dim"]:
    """Return the means of ``wanted`` points: those that are equal to a point, and the nearest ones."""
    squares = others.square().sum(1)
    apart = x.square().sum(1, keepdim=True) - 2 * x @ others.mT + squares
    tied = TIED * squares.amax()
    equal = torch.where(apart <= tied, counts, 0).sum(1).maximum(weights)
    own = torch.where(equal > 0, equal, 1).minimum(wanted)[:, None]
    apart = torch.where((counts > 0) & (apart > tied), apart, torch.inf)
    reach = reach_of_nearest(apart, counts, wanted - own, NEAR)
    inside = torch.where(apart < reach - tied, counts, 0)
    border = torch.where((apart <= reach + tied) & (apart < torch.inf), counts, 0) - inside
    missing = (wanted - own - inside.sum(1, keepdim=True)).clamp_min(0)
    used = inside + border * (missing / border.sum(1, keepdim=True).clamp_min(TINY)).clamp_max(1)
    return (own * x + used @ others) / (own + used.sum(1, keepdim=True))
