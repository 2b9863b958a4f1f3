"""Clusters of chosen overlap in a few of many dimensions."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.partitions import canonical_labels
from gfncp.simulators.draw import Draw
from gfncp.simulators.overlap import draw_ellipsoids, tail_factors
from gfncp.simulators.shares import cluster_shares, draw_clusters

SIGNAL = 15  # dimensions that clusters fill, at most
EASY, HARD = 1e-6, 0.15  # probability of confusing a cluster with its nearest rival
CROWD = 6  # clusters on a line, at most: parting the closest two of more drives the others far apart
HEAVY, ROTATED = 0.25, 0.5  # shares of the sets


@dataclass(frozen=True)
class SubspaceMixtures:
    """Mixtures of chosen overlap that fill a subspace; the other dimensions are noise.

    A call draws the number of dimensions: log-uniform from 2 to 64, for a tenth of the calls up to 200. Each
    of its sets draws

    - the dimension of its subspace, 1 to 15; more than six clusters have 2 at least.
    - the probability that a cluster is confused with its nearest rival, log-uniform from 1e-6 to 0.15.
    - the variance of its noise: about that of one cluster along a dimension of the subspace, or that of all
      points, so that variance does not tell the dimensions apart.

    Half of the sets are rotated. A quarter has Student-t tails, with which clusters overlap more than was
    drawn.

    Args:
        max_clusters: the most clusters of a set.
    """

    max_clusters: int = 100

    def __call__(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "sets points dim"], Int[Tensor, "sets points"]]:
        whole, draw = Draw(1, generator), Draw(sets, generator)
        dim = int(whole.log_uniform(65, 201) if whole.some(0.1) else whole.log_uniform(2, 65))
        width = min(dim, SIGNAL)
        shares = cluster_shares(draw, self.max_clusters, points)
        crowded = (shares > 0).sum(1, keepdim=True) > CROWD
        filled = torch.where(draw.some(0.3), width, draw.log_uniform(1, width + 1).floor())
        filled = filled.maximum(1.0 + crowded)
        inside = torch.arange(width) < filled
        cluster = draw_clusters(draw, shares, points)
        ellipsoids = draw_ellipsoids(draw, shares > 0, inside, draw.log_uniform(EASY, HARD))
        means = ellipsoids.means[torch.arange(sets)[:, None], cluster]
        deviations = ellipsoids.draw_points(draw, cluster) - means
        tails = torch.where(draw.some(HEAVY)[..., None], tail_factors(draw, points), 1.0)
        signal = (means + tails * deviations) * inside[:, None]

        frame = torch.eye(dim)[:, :width]
        turned = torch.linalg.qr(draw.normal(dim, width)).Q
        frame = torch.where(draw.some(ROTATED)[..., None], turned, frame) * inside[:, None]
        as_wide = torch.where(
            draw.some(0.5)[..., None], signal - signal.mean(1, keepdim=True), deviations * inside[:, None]
        )
        level = (as_wide.square().sum((1, 2)) / points / filled[:, 0]).sqrt()[:, None, None]
        noise = level * (0.2 * draw.normal(1, dim)).exp() * draw.normal(points, dim)
        x = signal @ frame.mT + noise - (noise @ frame) @ frame.mT
        return x, canonical_labels(cluster)
