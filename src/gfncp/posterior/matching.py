"""Matching of the clusters of samples, which have no names, with those of a given clustering."""

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment


def match_probabilities(
    reference: Int[np.ndarray, "points"],
    labels: Int[np.ndarray, "samples points"],
    weights: Float[np.ndarray, "samples"],
) -> Float[np.ndarray, "points options"]:
    """Return the probability that a point is in each cluster of ``reference``, or, last, in none of them.

    The clusters of each sample are matched one to one with those of the reference so that as many points as
    possible are in matching clusters (the Hungarian method); clusters without a match count as none.

    Args:
        reference: labels from 0; -1 for a point that is in no cluster.
        weights: of the samples; they sum to one.
    """
    return shares(matches(reference, labels), labels, weights, reference.max() + 1)


def matches(
    reference: Int[np.ndarray, "points"], labels: Int[np.ndarray, "samples points"]
) -> list[Int[np.ndarray, "_"]]:
    """Return the cluster of ``reference`` that matches each cluster of each sample; their number for none."""
    clusters, present = reference.max() + 1, reference >= 0
    matched = []
    for row in labels:
        shared = np.zeros((row.max() + 1, clusters), dtype=np.int64)
        np.add.at(shared, (row[present], reference[present]), 1)
        match = np.full(row.max() + 1, clusters)
        found, target = linear_sum_assignment(shared, maximize=True)
        match[found] = np.where(shared[found, target] > 0, target, clusters)
        matched.append(match)
    return matched


def shares(
    matched: list[Int[np.ndarray, "_"]],
    labels: Int[np.ndarray, "samples points"],
    weights: Float[np.ndarray, "samples"],
    clusters: int | np.integer,
) -> Float[np.ndarray, "points options"]:
    """Return `match_probabilities` of some of the points, from the result of `matches` for all of them."""
    probability = np.zeros((labels.shape[1], clusters + 1))
    every = np.arange(labels.shape[1])
    for row, match, weight in zip(labels, matched, weights, strict=True):
        probability[every, match[row]] += weight
    return probability
