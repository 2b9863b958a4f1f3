"""Which cluster of a given clustering a point is in, in samples whose clusters have no names."""

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment


def membership(
    reference: Int[np.ndarray, "points"],
    labels: Int[np.ndarray, "samples points"],
    weights: Float[np.ndarray, "samples"],
) -> Float[np.ndarray, "points options"]:
    """Probability that a point is in each cluster of ``reference``, or, last, in none of them.

    The clusters of each sample are matched one to one with those of the reference so that as many points as
    possible are in matching clusters (the Hungarian method); clusters without a match count as none.

    Args:
        reference: labels from 0.
        weights: of the samples; they sum to one.
    """
    clusters = reference.max() + 1
    probability = np.zeros((len(reference), clusters + 1))
    every = np.arange(len(reference))
    for row, weight in zip(labels, weights, strict=True):
        shared = np.zeros((row.max() + 1, clusters), dtype=np.int64)
        np.add.at(shared, (row, reference), 1)
        match = np.full(row.max() + 1, clusters)
        found, target = linear_sum_assignment(shared, maximize=True)
        match[found] = np.where(shared[found, target] > 0, target, clusters)
        probability[every, match[row]] += weight
    return probability
