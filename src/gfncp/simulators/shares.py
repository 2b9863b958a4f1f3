"""Numbers of clusters, their shares of the points (equal to very unequal), and the cluster of each point."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.simulators.draw import Draw

POINTS_OF_ONE = 4  # of a cluster, at least, unless the set is small
BEND = 1.4  # of the distribution of the number of clusters: about half of the sets have 2 to 10 of 100
GIANT = 5.5  # log of how much larger a giant cluster is, at most


def points_of_one(points: int) -> int:
    """Return the least expected number of points of a cluster: 4; in small sets a tenth, but at least 2."""
    return min(POINTS_OF_ONE, max(2, points // 10))


def cluster_shares(
    draw: Draw, most: int, points: int, fewest: int | float = 1.9
) -> Float[Tensor, "sets clusters"]:
    """Draw shares of the points for ``fewest`` to ``most`` clusters; they add up to 1 in each set.

    There are as many columns as the set with the most clusters needs; sets with fewer end in zeros.

    Small numbers of clusters are more frequent than if the number were log-uniform. It is rounded down, so a
    ``fewest`` of 1.9 makes single clusters rare. Half of the sets have shares that are alike, the others
    log-normal ones; a fifth of all sets has one or two giant clusters. Each cluster is expected to have
    `points_of_one` points or more; where points are too few for that, there are fewer clusters.
    """
    smallest = points_of_one(points)
    most = max(1, min(most, points // smallest))
    fewest = min(fewest, most)
    count = (fewest * ((most + 1) / fewest) ** draw.uniform() ** BEND).floor().clamp_max(most)
    place = torch.arange(int(count.max()))
    used = place < count
    spread = torch.where(draw.some(0.5), draw.uniform(high=0.4), 0.7 + draw.uniform(high=1.3))
    # clusters are exchangeable, so the first ones can be the giants
    giants = (place < draw.integers(1, 2)) & draw.some(0.2)
    logs = spread * draw.normal(len(place)) + giants * (2 + draw.uniform(high=GIANT - 2))
    weights = torch.where(used, logs, -torch.inf).softmax(1)
    least = (1 / count).clamp_max(smallest / points)
    return used * (least + (1 - count * least) * weights)


def draw_clusters(
    draw: Draw, shares: Float[Tensor, "sets clusters"], points: int
) -> Int[Tensor, "sets points"]:
    """Draw the cluster of each point independently; a cluster without a share gets none."""
    bounds = shares.cumsum(1)
    return torch.searchsorted(bounds / bounds[:, -1:], draw.uniform(points))
