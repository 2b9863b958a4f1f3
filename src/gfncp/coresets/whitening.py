"""Coordinates in which clusters are rounder, before any cluster is known.

Principal components of wide data are wide where clusters differ, and also where all clusters vary alike, by
the speaker, the pose, the light. The latter is what parts nearest neighbours, too.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.coresets.coreset import EXACT, TINY

FLAT = 3  # dimensions, at most, of points that fill a plane or space, which are left as they are
THIN = 1e-4  # extent of a dimension that points do not fill, at most, relative to the widest one
NEAR = 4  # nearest points whose differences from a point count
COMPARED = 500  # points, at most, whose neighbours are found
ROUND = 0.0045  # trace of the round scatter that is added
SAME = 1e-24  # squares below that are rounding errors, relative to the largest
TIED = 1e-12  # relative difference of squared distances that are equal up to rounding


def whitened(
    x: Float[Tensor, "batch points dim"], weights: Float[Tensor, "batch points"]
) -> Float[Tensor, "batch points dim"]:
    """Whiten centred points by the scatter of nearest neighbours around each other.

    Nearest neighbours mostly belong to one cluster, so in wide data their differences show how clusters
    spread (Art, Gnanadesikan, Kettenring. Data-based metrics for cluster analysis. Utilitas Mathematica
    1982). A small round scatter is added, and more of it if there are few points for each dimension. Where
    points are dense, it is nearly all there is. In a plane or in space, nothing is changed.

    Args:
        weights: how often each point counts; 0 where it is absent.
    """
    dim = filled(x)
    if not (dim > FLAT).any():
        return x
    scatter = scatter_of_neighbours(*some_points(x, weights, COMPARED)) * (dim > FLAT)[:, None, None]
    few = scatter.diagonal(dim1=1, dim2=2).sum(1) / weights.sum(1).clamp_min(1)
    variances, axes = torch.linalg.eigh(scatter)
    turned_x = x @ axes / (variances.clamp_min(0) + (ROUND / dim.clamp_min(1) + few)[:, None]).sqrt()[:, None]
    return torch.where((dim > FLAT)[:, None, None], turned_x, x)


def filled(x: Float[Tensor, "batch points dim"]) -> Int[Tensor, "batch"]:
    """Count the dimensions that centred points fill."""
    widest = x.abs().amax(1)
    return (widest > THIN * widest.amax(1, keepdim=True)).sum(1)


def scatter_of_neighbours(
    x: Float[Tensor, "batch points dim"], weights: Float[Tensor, "batch points"]
) -> Float[Tensor, "batch dim dim"]:
    """Return s^4 times the mean of u u^T over the unit vectors u from points to their nearest neighbours.

    Here s is the distance of neighbours relative to that of any two points, both as geometric means: as in
    Tyler's estimate of scatter, far points and wide clusters have no more say than others. It is a third or
    more in wide data, and about a tenth in a plane, where all near neighbours share a flag even if it means
    nothing: the fourth power leaves hardly anything of such a scatter.

    Each point has the same say, and its neighbours share it by their weights. Points that coincide are no
    neighbours; those as far as the last neighbour are all neighbours.
    """
    apart = torch.cdist(x, x, compute_mode=EXACT).square()
    here = (weights > 0)[:, None] & (apart > SAME * apart.amax((1, 2), keepdim=True))
    apart = torch.where(here, apart, torch.inf)
    reach = reach_of_nearest(apart, weights, NEAR, NEAR) * (1 + TIED)

    any_two = torch.where(here, weights[:, None] * weights[:, :, None], 0)
    neighbours = torch.where((apart <= reach) & here, weights[:, None], 0)
    neighbours = neighbours * (weights / neighbours.sum(2).clamp_min(TINY))[..., None]
    log = torch.where(here, apart, 1).log()
    closeness = (_mean(log, neighbours) - _mean(log, any_two)).exp()

    pairs = neighbours / apart
    both = pairs + pairs.mT
    scatter = x.mT @ (both.sum(2, keepdim=True) * x - both @ x)
    return scatter * (closeness.square() / neighbours.sum((1, 2)).clamp_min(TINY))[:, None, None]


def reach_of_nearest(
    apart: Float[Tensor, "*batch points others"],
    weights: Float[Tensor, "*batch others"],
    wanted: Float[Tensor, "*batch points 1"] | int,
    most: int,
) -> Float[Tensor, "*batch points 1"]:
    """Return how far the last nearest point is, if these have to weigh ``wanted``.

    Args:
        apart: distances, or their squares; inf for what is no neighbour.
        most: the last one is at most the so manieth, even if all of these weigh less.
    """
    near, places = apart.topk(min(most, apart.shape[-1]), -1, largest=False)
    so_far = weights[..., None, :].expand_as(apart).gather(-1, places).cumsum(-1)
    last = (so_far < wanted).sum(-1, keepdim=True).clamp_max(near.shape[-1] - 1)
    return near.gather(-1, last)


def _mean(x: Float[Tensor, "batch a b"], weights: Float[Tensor, "batch a b"]) -> Float[Tensor, "batch"]:
    return (x * weights).sum((1, 2)) / weights.sum((1, 2)).clamp_min(TINY)


def some_points(
    x: Float[Tensor, "batch points dim"], weights: Float[Tensor, "batch points"], most: int
) -> tuple[Float[Tensor, "batch some dim"], Float[Tensor, "batch some"]]:
    """Return at most so many points, at equal steps of their distance from the centre, and their weights."""
    present = weights > 0
    step = max(1, -(-int(present.sum(1).max()) // most))
    distance = torch.where(present, x.square().sum(2), torch.inf)
    chosen = distance.argsort(dim=1, stable=True)[:, ::step][:, :most]
    return x.gather(1, chosen[..., None].expand(-1, -1, x.shape[2])), weights.gather(1, chosen)
