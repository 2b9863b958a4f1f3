"""Round clusters of about one size, with means anywhere in a box."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.partitions import canonical_labels
from gfncp.simulators.draw import Draw
from gfncp.simulators.shares import cluster_shares, draw_clusters

DIMENSIONS = 10  # at most
PLANAR = 0.5  # share of the calls
EXACT = 0.6  # share of the sets whose clusters are round, of one size and have equal shares of the points
UNLIKE = 0.25  # spread of the logarithms of the others' standard deviations, at most
LOOSE, CROWDED = 8, 1.2  # half the side of the box for each cluster, in standard deviations


@dataclass(frozen=True)
class Boxed:
    """Normal clusters, about round and alike in size, whose means are uniform in a box.

    Nothing keeps two of them apart, so that only their common size tells one cluster from two that overlap.
    Half of the calls draw sets in the plane, the others in 3 to 10 dimensions. In three of five sets clusters
    are round, with one standard deviation, and have equal shares of the points; in the others the standard
    deviations of clusters and columns are unlike a little, and shares differ.

    Args:
        max_clusters: the most clusters of a set.
    """

    max_clusters: int = 25

    def __call__(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "sets points dim"], Int[Tensor, "sets points"]]:
        draw, whole = Draw(sets, generator), Draw(1, generator)
        dim = 2 if whole.some(PLANAR) else int(whole.integers(3, DIMENSIONS))
        shares = cluster_shares(draw, self.max_clusters, points)
        count = (shares > 0).sum(1, keepdim=True)
        exact = draw.some(EXACT)
        cluster = draw_clusters(draw, torch.where(exact, (shares > 0) / count, shares), points)
        half = draw.log_uniform(CROWDED, LOOSE) * count ** (1 / dim)
        means = half[..., None] * (2 * draw.uniform(shares.shape[1], dim) - 1)
        unlike = ~exact * draw.uniform(high=UNLIKE)
        deviations = (unlike[..., None] * draw.normal(shares.shape[1], dim)).exp()
        each = torch.arange(sets)[:, None]
        x = means[each, cluster] + deviations[each, cluster] * draw.normal(points, dim)
        return x, canonical_labels(cluster)
