"""Votes of several coresets of one set: the clustering of its points that theirs agree on.

A coreset is drawn at random, and another one of another size shows the same set a little differently. Half of
the say have greedy clusterings, the most accurate single ones, and half have samples, which tell what is
uncertain: clusters that are one with probability .4 may be one in all greedy clusterings, or in none.
"""

import math

import numpy as np
import torch
from jaxtyping import Bool, Int

from gfncp.coresets.placement import PlacedPoints
from gfncp.decoding import orders
from gfncp.partitions import canonical_labels
from gfncp.posterior.consensus import Votes

COMPARED = 1000  # rows by which clusterings are compared, at most


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
) -> Int[torch.Tensor, "own_tokens"]:
    """Return what clusterings by several coresets agree on, as a clustering of the last one's tokens.

    The consensus is that of some points, at equal steps, whose clusters the medoids of the last coreset join.

    Args:
        keeping: clusterings of the last coreset that keep the bounds; the most typical one is the answer if
            a cluster of the consensus has no medoid, and too few are left.
        low, high: bounds on the number of clusters.
    """
    medoid, points = placed[-1].prepared.medoid, len(placed[-1].prepared.nearest)
    some = torch.arange(0, points, math.ceil(points / COMPARED))
    places, rows = torch.cat([some, medoid]), np.arange(len(some))
    of_places = [
        own.cpu()[:, each.prepared.nearest[places]] for each, own in zip(placed, labels, strict=True)
    ]
    votes = Votes(canonical_labels(torch.cat(of_places)).numpy())
    closeness = votes.closeness(votes.consensus(rows, low, high), rows)
    found = torch.from_numpy(closeness[len(some) :].argmax(1))
    few = len(found.unique()) < low
    return most_typical_clustering(keeping, placed[-1]) if few else canonical_labels(found)
