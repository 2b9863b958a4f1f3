"""Expectations under weighted samples of clusterings: of pairs of points, of single points, and of K.

``labels`` holds a sample in each row, with clusters from 0; ``weights`` of the samples sum to one.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.stats import entropy

from gfncp import partitions
from gfncp.posterior.matching import matches, shares

PAIRED = 10_000  # points whose pairs are held at a time: 0.8 GB
POINTS_PER_BLOCK = 8192
NOISE = -1  # label of a point that is in no cluster
NOISE_SHARE = 0.01  # least share of the points in a cluster that is not noise

Samples = Int[np.ndarray, "samples points"]
Weights = Float[np.ndarray, "samples"]


def coclustering_probabilities(labels: Samples, weights: Weights) -> Float[np.ndarray, "points points"]:
    """Return the probability that two points share a cluster.

    Raises:
        ValueError: there are more than 10,000 points: their pairs would fill the memory.
    """
    count = labels.shape[1]
    if count > PAIRED:
        raise ValueError(
            f"points: {count} of them have {count}^2 co-clustering probabilities; accepted are indices "
            f"of at most {PAIRED} points"
        )
    pairs = partitions.coclustering(torch.from_numpy(labels), torch.from_numpy(weights))
    return pairs.numpy().clip(0.0, 1.0)


def n_clusters_probabilities(labels: Samples, weights: Weights) -> dict[int, float]:
    """Return the probability of each number of clusters K that was sampled, in increasing order of K."""
    found = labels.max(axis=1) + 1
    return {int(k): float(weights[found == k].sum()) for k in np.unique(found)}


def confidence(
    reference: Int[np.ndarray, "points"], labels: Samples, weights: Weights
) -> Float[np.ndarray, "points"]:
    """Return the probability of each point's place in a clustering, see `Posterior.confidence`."""
    names = np.unique(reference, return_inverse=True)[1]
    others = _sizes(names) - 1
    together, alone = np.zeros(len(names)), np.zeros(len(names))
    for row, weight in zip(labels, weights, strict=True):
        together += weight * (_sizes(names * (int(row.max()) + 1) + row) - 1)  # sharing both clusters
        alone += weight * (_sizes(row) == 1)
    sure = np.where(others > 0, together / np.maximum(others, 1), alone)
    noise = reference == NOISE
    if noise.any():
        sure = np.where(noise, noise_probability(labels, weights), sure)
    return sure.clip(0.0, 1.0)


def second_choices(
    reference: Int[np.ndarray, "points"],
    labels: Samples,
    weights: Weights,
    chosen: Bool[np.ndarray, "points"],
) -> tuple[Int[np.ndarray, "chosen"], Float[np.ndarray, "chosen"]]:
    """Return the cluster besides its own that each chosen point most probably belongs to, and how probably.

    The probability is the mean co-clustering probability with the cluster's members, as it is for the
    point's own cluster in `confidence`. Where there is no other cluster these are -1 and 0.
    """
    clusters, inside = int(reference.max()) + 1, reference >= 0
    if clusters == 0:
        return np.full(chosen.sum(), -1), np.zeros(chosen.sum())
    together = np.zeros((chosen.sum(), clusters))
    for row, weight in zip(labels, weights, strict=True):
        pairs = row[inside] * clusters + reference[inside]
        shared = np.bincount(pairs, minlength=(int(row.max()) + 1) * clusters).reshape(-1, clusters)
        together += weight * shared[row[chosen]]
    together /= np.maximum(1, np.bincount(reference[inside], minlength=clusters))
    placed = inside[chosen]
    together[placed, reference[chosen][placed]] = -1
    second, probabilities = together.argmax(1), together.max(1)
    return np.where(probabilities < 0, -1, second), probabilities.clip(0, 1)


def noise_probability(
    labels: Samples, weights: Weights, share: float = NOISE_SHARE
) -> Float[np.ndarray, "points"]:
    """Return the probability that a point is in a cluster of fewer than ``max(2, share * points)`` points."""
    least = max(2, share * labels.shape[1])
    small = np.zeros(labels.shape[1])
    for row, weight in zip(labels, weights, strict=True):
        small += weight * (_sizes(row) < least)
    return small.clip(0.0, 1.0)


def place_entropy(
    reference: Int[np.ndarray, "points"], labels: Samples, weights: Weights
) -> Float[np.ndarray, "points"]:
    """Return the entropy in nats of `gfncp.posterior.matching.match_probabilities`, for each point."""
    matched = matches(reference, labels)
    blocks = np.split(labels, range(POINTS_PER_BLOCK, len(reference), POINTS_PER_BLOCK), axis=1)
    places = (shares(matched, block, weights, reference.max() + 1) for block in blocks)
    return np.concatenate([entropy(place, axis=1) for place in places])


def _sizes(names: Int[np.ndarray, "points"]) -> Int[np.ndarray, "points"]:
    """Return the size of each point's cluster, for names from 0."""
    if names.max() < 4 * len(names):
        return np.bincount(names)[names]
    _, places, counts = np.unique(names, return_inverse=True, return_counts=True)
    return counts[places]
