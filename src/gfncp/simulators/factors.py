"""Mixtures of factor analysers with shared factors: wide tables whose clusters vary along the same lines."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.partitions import canonical_labels
from gfncp.simulators.draw import Draw
from gfncp.simulators.overlap import scale_for, tail_factors, to_nearest
from gfncp.simulators.shares import cluster_shares, draw_clusters

FACTORS = 24  # at most
MANY = 8  # clusters, at least, in half of the calls
EASY, HARD = 1e-5, 0.1  # probability of confusing a cluster with its nearest rival
LATENT = 2  # dimensions of a curved set's latent variable, at most


@dataclass(frozen=True)
class FactorMixtures:
    """Clusters whose points vary along factors that all clusters share, as voices, faces and sensors do.

    A speaker's voice changes all vowels alike, and a pose changes all faces alike; such variation is often
    larger than what parts the clusters. A call draws the number of dimensions, log-uniform from 6 to 200; in
    half of the calls, sets have eight clusters or more. Each set draws

    - the variances of its factors, a power of the factor's number, and those of its means along other axes
      (in half of the sets, the same ones).
    - the probability that a cluster is confused with its nearest rival, log-uniform from 1e-5 to 0.1.
    - for 40% of the sets groups of means that lie nearer to each other.
    - for 60% of the sets, how unlike the clusters' variances are.
    - the law of the factors' values: normal, Student-t (a quarter of the sets), or waves of one or two latent
      variables (40%), so that a cluster is a curve or a sheet.

    Args:
        max_clusters: the most clusters of a set.
    """

    max_clusters: int = 50

    def __call__(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "sets points dim"], Int[Tensor, "sets points"]]:
        whole, draw = Draw(1, generator), Draw(sets, generator)
        dim = int(whole.log_uniform(6, 201))
        width = min(dim, FACTORS)
        shares = cluster_shares(draw, self.max_clusters, points, MANY if whole.some(0.5) else 1.9)
        cluster = draw_clusters(draw, shares, points)
        each = torch.arange(sets)[:, None]

        place = torch.arange(1, width + 1)
        floor = draw.log_uniform(0.03, 0.5)
        deviations = (place ** (-2 * draw.uniform(high=1.5)) + floor.square()).sqrt()
        means = grouped_normals(draw, shares.shape[1], width) * (place ** -draw.uniform(high=1.2))[:, None]
        turn = torch.linalg.qr(draw.normal(width, width)).Q
        means = torch.where(draw.some(0.5)[..., None], means, means @ turn)
        whitened = means / deviations[:, None]
        nearest = to_nearest(torch.cdist(whitened, whitened) / 2, shares > 0)
        curved = draw.some(0.4)
        scale = scale_for(draw.log_uniform(EASY, HARD), nearest)
        scale = scale * torch.where(curved, draw.log_uniform(0.3, 1), 1.0)

        unlike = (draw.uniform(high=0.6) * draw.some(0.6))[..., None] * draw.normal(shares.shape[1], width)
        tails = torch.where(draw.some(0.25)[..., None], tail_factors(draw, points), 1.0)
        values = torch.where(
            curved[..., None], waves(draw, points, width), tails * draw.normal(points, width)
        )
        values = values * (deviations[:, None] * unlike.exp())[each, cluster]
        values = values + floor[..., None] * draw.normal(points, width) * curved[..., None]

        signal = (scale[..., None] * means)[each, cluster] + values
        frame = torch.linalg.qr(draw.normal(dim, width)).Q
        noise = floor[..., None] * draw.normal(points, dim)
        x = signal @ frame.mT + noise - (noise @ frame) @ frame.mT
        return x, canonical_labels(cluster)


def grouped_normals(draw: Draw, clusters: int, width: int) -> Float[Tensor, "sets clusters width"]:
    """Draw normal means; in 40% of the sets, those of a group of clusters have a part in common."""
    group = draw.integers(0, max(1, clusters // 3), clusters)
    common = draw.normal(int(group.max()) + 1, width)[torch.arange(draw.sets)[:, None], group]
    share = (draw.uniform(high=0.9) * draw.some(0.4))[..., None]
    return share.sqrt() * common + (1 - share).sqrt() * draw.normal(clusters, width)


def waves(draw: Draw, points: int, width: int) -> Float[Tensor, "sets points width"]:
    """Draw waves of a latent variable in the unit interval or square; the variance of each is 1 or so.

    Later factors have shorter waves, up to two periods or so.
    """
    latent = draw.uniform(points, LATENT) * (torch.arange(LATENT) < draw.integers(1, LATENT))[:, None]
    periods = 0.5 + 1.5 * torch.arange(1, width + 1) / width
    frequency = 2 * math.pi * periods * draw.normal(LATENT, width)
    return 2**0.5 * torch.cos(latent @ frequency + 2 * math.pi * draw.uniform(1, width))
