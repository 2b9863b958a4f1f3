"""Clusters alike in size and shape, packed so that they touch: what plots of test sets often show."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.partitions import canonical_labels
from gfncp.simulators.draw import Draw
from gfncp.simulators.shares import cluster_shares, draw_clusters

PLANAR = 0.5  # share of the calls
DIMENSIONS = 8  # at most
TRIES = 12  # places tried for each cluster
NORMAL, BALL, BOX, WEDGE = range(4)
LAWS = torch.tensor([NORMAL, NORMAL, NORMAL, BALL, BOX, WEDGE])  # equally likely
NEAR, FAR = 3.0, 8.0  # standard deviations between the means of two neighbours


@dataclass(frozen=True)
class Packed:
    """Clusters that are alike, each as far from its neighbours as makes them touch or nearly so.

    Half of the calls draw sets in the plane, the others in 3 to 8 dimensions. Each set draws

    - a law of all its clusters: normal (half of the sets), uniform on a ball or a box, or a wedge: a box
      whose density falls from one side to the other.
    - the distance of neighbours, log-uniform: 3 to 8 standard deviations of a normal cluster; 0.95 to 2 times
      the diameter of a ball, or of the ball of a box's variance. Half of the sets have gaps of up to the same
      distance again between some neighbours.
    - places: each cluster is put beside another one, in a random direction, where no other is nearer; in half
      of the sets as near to the centre as possible.
    - for 30% of the sets clusters of unlike sizes (up to a factor of about 2), for 40% a stretch of the whole
      set.

    Args:
        max_clusters: the most clusters of a set.
    """

    max_clusters: int = 50

    def __call__(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "sets points dim"], Int[Tensor, "sets points"]]:
        draw, whole = Draw(sets, generator), Draw(1, generator)
        dim = 2 if whole.some(PLANAR) else int(whole.integers(3, DIMENSIONS))
        shares = cluster_shares(draw, self.max_clusters, points)
        cluster = draw_clusters(draw, shares, points)
        each = torch.arange(sets)[:, None]
        law = LAWS[draw.integers(0, len(LAWS) - 1)]
        diameter = 2 * (dim + 2) ** 0.5  # of a ball of variance 1
        apart = torch.where(law == NORMAL, draw.log_uniform(NEAR, FAR), diameter * draw.log_uniform(0.95, 2))
        sizes = (draw.some(0.3) * 0.3 * draw.normal(shares.shape[1]).clamp(-2, 2)).exp()
        means = packed_places(draw, apart * sizes, dim)
        x = means[each, cluster] + sizes[each, cluster][..., None] * members(draw, law, points, dim)
        turns = torch.linalg.qr(draw.normal(2, dim, dim)).Q
        stretch = (0.5 * draw.some(0.4) * draw.normal(dim)).exp()
        x = (x @ turns[:, 0]) * stretch[:, None] @ turns[:, 1]
        return x, canonical_labels(cluster)


def packed_places(
    draw: Draw, apart: Float[Tensor, "sets clusters"], dim: int
) -> Float[Tensor, "sets clusters dim"]:
    """Put each cluster beside one before it, where no other is nearer than the mean of both distances.

    Args:
        apart: distance from a cluster to another one of its size.
    """
    sets, clusters = apart.shape
    each = torch.arange(sets)[:, None]
    gap = draw.uniform() * draw.some(0.5)
    compact = 10.0 * draw.some(0.5)
    means = torch.zeros(sets, 1, dim)
    for i in range(1, clusters):
        neighbour = draw.integers(0, i - 1, TRIES)
        touching = (apart[:, : i + 1] + apart[:, i, None]) / 2
        away = touching.gather(1, neighbour) * (1 + gap * draw.uniform(TRIES))
        places = means[each, neighbour] + away[..., None] * F.normalize(draw.normal(TRIES, dim), dim=2)
        room = (torch.cdist(places, means) / touching[:, None, :i]).amin(2).clamp_max(1 - 1e-4)
        central = places.norm(dim=2) / apart[:, :1] / clusters
        best = (1e3 * room - compact * central).argmax(1)
        means = torch.cat([means, places[each[:, 0], best, None]], 1)
    return means


def members(
    draw: Draw, law: Int[Tensor, "sets 1"], points: int, dim: int
) -> Float[Tensor, "sets points dim"]:
    """Draw points around 0 by each set's law; variance 1 in each dimension (of a wedge: in most)."""
    normal = draw.normal(points, dim)
    radius = (dim + 2) ** 0.5 * draw.uniform(points) ** (1 / dim)
    ball = F.normalize(normal, dim=2) * radius[..., None]
    box = 12**0.5 * (draw.uniform(points, dim) - 0.5)
    dense = 12**0.5 * (draw.uniform(points, 1) ** 2 - 0.5)
    wedge = torch.cat([dense, box[..., 1:]], 2)
    law = law[..., None]
    return torch.where(
        law == NORMAL, normal, torch.where(law == BALL, ball, torch.where(law == BOX, box, wedge))
    )
