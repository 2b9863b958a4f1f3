"""Random curves of some thickness, and rows of blobs along a curve."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gfncp.partitions import canonical_labels
from gfncp.simulators.draw import Draw
from gfncp.simulators.shares import cluster_shares, draw_clusters

BLOBS = 15  # of a row, at most
NODES = 97  # of a curve, joined by straight segments
COARSE = 6  # every sixth node is enough to tell how far apart curves are
WAVES = 6  # frequencies of a curve
CANDIDATES = 8  # places for a curve, of which it takes the one farthest from the others
CROSSING, ROWS = 0.08, 0.2  # shares of the sets


@dataclass(frozen=True)
class Worms:
    """Sets in the plane, a quarter of them in space, whose clusters are curves, or blobs in a row.

    - Curves, 2 to ``max_curves``: straight, waved, tangled or closed, and thin compared with the distance to
      the next one. They keep apart, but in 8% of the sets they are placed anywhere and may cross. The points
      of a cluster are spread evenly along its curve.
    - Rows, in a fifth of the sets: 3 to 15 round blobs along one curve, each a cluster of its own; the
      nearest two are 2.5 to 8 standard deviations apart.

    Args:
        max_curves: the most curves of a set.
    """

    max_curves: int = 10

    def __call__(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "sets points dim"], Int[Tensor, "sets points"]]:
        draw = Draw(sets, generator)
        dim = 2 if Draw(1, generator).some(0.75) else 3
        worms, curve = curves_apart(draw, self.max_curves, points, dim)
        row, blob = blobs_in_row(draw, points, dim)
        is_row = draw.some(ROWS)
        x = torch.where(is_row[..., None], row, worms)
        return x - x.mean(1, keepdim=True), canonical_labels(torch.where(is_row, blob, curve))


def curves_apart(
    draw: Draw, most: int, points: int, dim: int
) -> tuple[Float[Tensor, "sets points dim"], Int[Tensor, "sets points"]]:
    """Draw points of 2 to ``most`` curves, and the curve of each point."""
    shares = cluster_shares(draw, most, points, fewest=2)
    used = shares > 0
    curves = used.shape[1]
    crossing = draw.some(CROSSING)
    # a long curve of few points would be dust
    relative = (shares * used.sum(1, keepdim=True)).clamp_min(0.01) ** (0.3 + draw.uniform(high=0.7))
    length = relative * (draw.uniform(high=0.4) * draw.normal(curves)).exp()
    paths = random_paths(draw, curves, dim) * length[..., None, None]
    paths, gap = spread(draw, paths, used, crossing)
    nodes, cluster = points_along(draw, paths, shares, points)
    # where curves cross, a gap says nothing
    thickness = torch.where(
        crossing, 0.02 * length, (0.25 * length).minimum(gap) * draw.log_uniform(0.02, 0.2)
    )
    return nodes + thickness.gather(1, cluster)[..., None] * draw.normal(points, dim), cluster


def blobs_in_row(
    draw: Draw, points: int, dim: int
) -> tuple[Float[Tensor, "sets points dim"], Int[Tensor, "sets points"]]:
    """Draw points of round blobs that follow each other along a curve, and the blob of each point."""
    shares = cluster_shares(draw, BLOBS, points, fewest=3)
    cluster = draw_clusters(draw, shares, points)
    used = shares > 0
    blobs = used.shape[1]
    count = used.sum(1, keepdim=True)
    paths = random_paths(draw, CANDIDATES, dim)
    jitter = draw.uniform(high=0.3) * (draw.uniform(blobs) - 0.5)
    share = ((torch.arange(blobs) + 0.5 + jitter) / count).clamp_max(1)
    centres = at_length(paths, share[:, None].expand(-1, CANDIDATES, -1))
    both = (used[:, None] & used[:, :, None] & ~torch.eye(blobs, dtype=torch.bool))[:, None]
    least = torch.cdist(centres, centres).masked_fill(~both, torch.inf).amin((2, 3))
    least = least.nan_to_num(posinf=1.0)  # a single blob
    each, best = torch.arange(len(least)), least.argmax(1)
    deviation = least[each, best, None] / (2.5 + draw.uniform(high=5.5))
    x = centres[each, best][each[:, None], cluster]
    return x + deviation[..., None] * draw.normal(points, dim), cluster


def random_paths(draw: Draw, curves: int, dim: int) -> Float[Tensor, "sets curves nodes dim"]:
    """Draw smooth curves of length 1: a straight line plus random waves, short ones low; some are closed.

    Sets differ in how rough and how straight their curves are, and in how many are closed.
    """
    t = torch.linspace(0, 1, NODES)
    closed = (draw.uniform(curves) < torch.where(draw.some(0.2), 0.7, 0.05))[..., None, None]
    frequency = torch.arange(1, WAVES + 1)
    half_turns = torch.where(closed, 2.0, 1.0) * math.pi * frequency[:, None] * t
    decay = frequency ** -(1.5 + draw.uniform(high=1.5))
    weights = decay[:, None, :, None] * draw.normal(curves, WAVES, dim)
    others = decay[:, None, :, None] * draw.normal(curves, WAVES, dim) * closed
    waves = half_turns.cos().mT @ weights + half_turns.sin().mT @ others
    straight = (t[:, None] - 0.5) * F.normalize(draw.normal(curves, 1, dim), dim=3) * ~closed
    bend = (draw.log_uniform(0.1, 6) * (0.5 * draw.normal(curves)).exp())[..., None, None]
    path = 2 * straight + torch.where(closed, 1, bend) * waves
    return path / (path[:, :, 1:] - path[:, :, :-1]).norm(dim=3).sum(2)[..., None, None]


def spread(
    draw: Draw,
    paths: Float[Tensor, "sets curves nodes dim"],
    used: Bool[Tensor, "sets curves"],
    crossing: Bool[Tensor, "sets 1"],
) -> tuple[Float[Tensor, "sets curves nodes dim"], Float[Tensor, "sets curves"]]:
    """Give each curve in turn that one of several random places which is farthest from the curves before it.

    Returns:
        The curves, and the distance of each from the nearest other one.
    """
    sets, curves, _, dim = paths.shape
    paths = paths - paths.mean(2, keepdim=True)
    side = used.sum(1) ** (1 / dim) * draw.log_uniform(0.3, 1.2)[:, 0]
    tries = torch.where(crossing, 1, CANDIDATES)
    each = torch.arange(sets)
    nearest = torch.full((sets, curves), torch.inf)
    for k in range(1, int(used.sum(1).amax())):
        places = side[:, None, None] * (draw.uniform(CANDIDATES, dim) - 0.5)
        here = paths[:, k, None, ::COARSE] + places[:, :, None]
        there = paths[:, :k, ::COARSE].flatten(1, 2)
        away = torch.cdist(here.flatten(1, 2), there).unflatten(2, (k, -1))
        away = away.unflatten(1, (CANDIDATES, -1)).amin((2, 4))
        least = away.amin(2).masked_fill(torch.arange(CANDIDATES) >= tries, -1)
        best = least.argmax(1)
        paths[:, k] += places[each, best, None]
        mine = away[each, best].masked_fill(~used[:, k, None], torch.inf)
        nearest[:, k] = mine.amin(1)
        nearest[:, :k] = nearest[:, :k].minimum(mine)
    return paths, nearest


def points_along(
    draw: Draw,
    paths: Float[Tensor, "sets curves nodes dim"],
    shares: Float[Tensor, "sets curves"],
    points: int,
) -> tuple[Float[Tensor, "sets points dim"], Int[Tensor, "sets points"]]:
    """Draw points uniformly along the curves, and the curve of each point."""
    cluster = draw_clusters(draw, shares, points)
    steps = (paths[:, :, 1:] - paths[:, :, :-1]).norm(dim=3)
    # One search for all curves: the k-th fills the numbers from k to k + 1.
    ends = (steps.cumsum(2) / steps.sum(2, keepdim=True) + torch.arange(paths.shape[1])[:, None]).flatten(1)
    segment = torch.searchsorted(ends, cluster + draw.uniform(points))
    segment = segment.minimum((cluster + 1) * steps.shape[2] - 1)
    node = segment + cluster  # a curve has one node more than segments
    flat = paths.flatten(1, 2)
    each = torch.arange(len(paths))[:, None]
    share = draw.uniform(points)[..., None]
    return (1 - share) * flat[each, node] + share * flat[each, node + 1], cluster


def at_length(
    paths: Float[Tensor, "sets curves nodes dim"], share: Float[Tensor, "sets curves places"]
) -> Float[Tensor, "sets curves places dim"]:
    """Return the nodes of the curves at given shares of their lengths."""
    steps = (paths[:, :, 1:] - paths[:, :, :-1]).norm(dim=3)
    reached = F.pad(steps.cumsum(2) / steps.sum(2, keepdim=True), (1, 0))
    node = torch.searchsorted(reached, share.contiguous()).clamp_max(NODES - 1)
    return paths.gather(2, node[..., None].expand(-1, -1, -1, paths.shape[3]))
