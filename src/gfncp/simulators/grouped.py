"""Clusters in groups: near one another within a group, while groups are far apart and of unlike sizes."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gfncp.partitions import canonical_labels
from gfncp.simulators.draw import Draw
from gfncp.simulators.overlap import Ellipsoids, draw_ellipsoids
from gfncp.simulators.shares import cluster_shares, draw_clusters

GROUPS = 5  # at most
DIMENSIONS = 8  # at most
PLANAR = 0.5  # share of the calls
EASY, HARD = 1e-6, 0.03  # probability of confusing a cluster with its nearest rival
SMALLEST = 0.1  # scale of a group, in relation to the largest possible one
WITHIN = 3  # standard deviations from its mean to which a cluster reaches


@dataclass(frozen=True)
class Grouped:
    """Normal clusters in 2 to 5 groups, so that one distance between clusters does not fit a whole set.

    Half of the calls draw sets in the plane, the others in 3 to 8 dimensions. Clusters, of chosen overlap as
    in `gfncp.simulators.overlap`, are shared out among groups at random. Each group is shrunk as a whole, to
    between a tenth of its size and all of it. Groups reach to their outermost clusters' edge; the two that
    are nearest to each other are 1.1 to 4 times as far apart as makes them touch.

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
        used = shares > 0
        cluster = draw_clusters(draw, shares, points)
        inside = torch.ones(sets, dim, dtype=torch.bool)
        ellipsoids = draw_ellipsoids(draw, used, inside, draw.log_uniform(EASY, HARD))
        group = (draw.uniform(shares.shape[1]) * draw.integers(2, GROUPS)).long()
        ellipsoids = grouped(draw, ellipsoids, group, used)
        return ellipsoids.draw_points(draw, cluster), canonical_labels(cluster)


def grouped(
    draw: Draw,
    ellipsoids: Ellipsoids,
    group: Int[Tensor, "sets clusters"],
    used: Bool[Tensor, "sets clusters"],
) -> Ellipsoids:
    """Shrink each group, and move the groups apart."""
    member = (group[:, None] == torch.arange(GROUPS)[:, None]) & used[:, None]
    share = member / member.sum(2, keepdim=True).clamp_min(1)
    each = torch.arange(draw.sets)[:, None]
    means = ellipsoids.means - (share @ ellipsoids.means)[each, group]
    scale = SMALLEST ** draw.uniform(GROUPS)
    reach = means.norm(dim=2) + WITHIN * ellipsoids.deviations.amax(2)
    radius = scale * torch.where(member, reach[:, None], 0).amax(2)

    centres = draw.normal(GROUPS, means.shape[2])
    touching = radius[:, None] + radius[:, :, None]
    present = member.any(2)
    pair = present[:, None] & present[:, :, None] & ~torch.eye(GROUPS, dtype=torch.bool)
    apart = torch.where(pair, torch.cdist(centres, centres) / touching.clamp_min(1e-9), torch.inf)
    nearest = apart.amin((1, 2)).clamp(1e-3, 1e3)[:, None]
    centres = centres * (draw.log_uniform(1.1, 4) / nearest)[..., None]
    own = scale[each, group][..., None]
    return Ellipsoids(centres[each, group] + own * means, ellipsoids.axes, own * ellipsoids.deviations)
