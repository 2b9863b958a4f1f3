"""Votes of several coresets of one set: the clustering of its points that theirs agree on.

A coreset is drawn at random, and another one of another size shows the same set a little differently. Half of
the say have greedy clusterings, the most accurate single ones, and half have samples, which tell what is
uncertain: clusters that are one with probability .4 may be one in all greedy clusterings, or in none.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int

from gfncp.coresets.placement import POINTS_PER_BLOCK, PlacedPoints
from gfncp.decoding import orders
from gfncp.partitions import canonical_labels
from gfncp.posterior.consensus import Votes

COMPARED = 1000  # points by which clusterings are compared, at most


def most_typical_clustering(
    labels: Int[torch.Tensor, "orders tokens"], placed: PlacedPoints
) -> Int[torch.Tensor, "own_tokens"]:
    """Return the clustering of a coreset's tokens that agrees most with the others."""
    own = labels[:, : len(placed.prepared.mean)]
    return own[orders.most_typical(own)]


def numbers_of_clusters(
    labels: Int[torch.Tensor, "coresets votes tokens"],
) -> Int[torch.Tensor, "coresets votes"]:
    """Return the number of clusters of each clustering."""
    return labels.amax(2) + 1


def replaced(
    labels: Int[torch.Tensor, "coresets votes tokens"],
    stay: Bool[torch.Tensor, "coresets votes"],
    others: Int[torch.Tensor, "coresets others tokens"],
) -> Int[torch.Tensor, "coresets votes tokens"]:
    """Return clusterings; others, in turn, stand in the places of those that do not stay."""
    in_turn = torch.arange(labels.shape[1]) % others.shape[1]
    return torch.where(stay[..., None], labels, others[:, in_turn])


def with_greedy(
    drawn: Int[torch.Tensor, "coresets shares tokens"], greedy: Int[torch.Tensor, "coresets orders tokens"]
) -> Int[torch.Tensor, "coresets votes tokens"]:
    """Return samples, and greedy clusterings as often.

    Where clusters overlap, a greedy clustering may open one for almost every token; one with more clusters
    than the median sample gives way to a sample.
    """
    as_often = greedy.repeat_interleave(math.ceil(drawn.shape[1] / greedy.shape[1]), 1)
    stay = numbers_of_clusters(as_often) <= numbers_of_clusters(drawn).median()
    return torch.cat([replaced(as_often, stay, drawn), drawn], 1)


def consensus(
    placed: list[PlacedPoints],
    labels: Int[torch.Tensor, "coresets votes tokens"],
    keeping: Int[torch.Tensor, "kept tokens"],
    low: float,
    high: float,
) -> Int[torch.Tensor, "rows"]:
    """Return what clusterings by several coresets of one set agree on.

    The consensus is that of some points, at equal steps. All points then join the cluster with whose points
    they are together most often. A cluster that has no medoid of the last coreset is left out.

    Args:
        keeping: clusterings of the last coreset that keep the bounds and what is known; the most typical one
            is the answer if the consensus does not: too few of its clusters may have medoids, and clusters of
            which few points are known may be one.
        low, high: bounds on the number of clusters.
    """
    last, points = placed[-1].prepared, len(placed[-1].prepared.nearest)
    own = [votes[:, : len(each.prepared.mean)].cpu() for each, votes in zip(placed, labels, strict=True)]
    some = torch.arange(0, points, math.ceil(points / COMPARED))
    at = torch.cat([_most_likely(each, votes, some) for each, votes in zip(placed, own, strict=True)])
    votes = Votes(at.numpy(), torch.cat([each.amax(1) + 1 for each in own]).numpy())
    shared = torch.from_numpy(votes.shared(votes.consensus(low, high)))
    first = torch.from_numpy(votes.first)[:, None].split([len(each) for each in own])
    closeness = [shared[start + each].mean(0) for start, each in zip(first, own, strict=True)]
    seen = _closest(placed, closeness, last.medoid).unique()
    closeness = [each[:, seen] for each in closeness]
    blocks = torch.arange(points).split(POINTS_PER_BLOCK)
    found = torch.cat([_closest(placed, closeness, block) for block in blocks])
    told = last.known >= 0
    kept = torch.equal(*(canonical_labels(clusters[told]) for clusters in (found, last.known)))
    if len(seen) < low or not kept:
        return placed[-1].most_likely(most_typical_clustering(keeping, placed[-1])).long()
    return canonical_labels(found[last.distinct])


def _most_likely(
    placed: PlacedPoints, labels: Int[torch.Tensor, "votes tokens"], points: Int[torch.Tensor, "some"]
) -> Int[torch.Tensor, "votes some"]:
    """Return the most probable cluster of some points in each clustering of the tokens."""
    member = F.one_hot(labels).to(placed.weights)
    return (placed.shares(points).to(member) @ member).argmax(2).cpu()


def _closest(
    placed: list[PlacedPoints],
    closeness: list[Float[torch.Tensor, "_ clusters"]],
    points: Int[torch.Tensor, "some"],
) -> Int[torch.Tensor, "some"]:
    """Return the cluster that is closest to some points, given how close it is to each coreset's tokens."""
    every = zip(placed, closeness, strict=True)
    return torch.stack([each.shares(points).cpu() @ of_tokens for each, of_tokens in every]).sum(0).argmax(1)
