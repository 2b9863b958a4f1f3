"""Order of clusters that are found one by one, each from a random remaining point, its anchor."""

import torch
from jaxtyping import Bool, Int
from torch import Tensor


def visit_clusters(
    labels: Int[Tensor, "batch points"], generator: torch.Generator
) -> tuple[Int[Tensor, "batch points"], Int[Tensor, "batch clusters"]]:
    """Draw anchors: each is uniform among the points that remain once the earlier anchors' clusters are gone.

    This is the order of appearance along a uniformly random order of the points: large clusters tend to come
    early.

    Args:
        labels: clusters in order of appearance; -1 where a point is absent.

    Returns:
        Labels in the order of visits (-1 where absent), and each visit's anchor. Sets with fewer clusters
        than the batch's largest have arbitrary anchors at the end.
    """
    clusters = int(labels.max()) + 1
    member = one_hot(labels, clusters)
    turn = torch.rand(labels.shape, generator=generator).to(labels.device)
    first, anchor = torch.where(member, turn[..., None], 2.0).min(1)
    order = first.argsort(1)
    visit = order.argsort(1)
    visited = torch.where(labels >= 0, visit.gather(1, labels.clamp_min(0)), -1)
    return visited, anchor.gather(1, order)


def one_hot(labels: Int[Tensor, "batch points"], clusters: int) -> Bool[Tensor, "batch points clusters"]:
    """Mask the members of each cluster; absent points (-1) are in none."""
    return labels[..., None] == torch.arange(clusters, device=labels.device)


def random_point(present: Bool[Tensor, "batch points"], generator: torch.Generator) -> Int[Tensor, "batch"]:
    """Draw a uniformly random present point of each set; the first point where none is present."""
    turn = torch.rand(present.shape, generator=generator).to(present.device)
    return torch.where(present, turn, -1.0).argmax(1)
