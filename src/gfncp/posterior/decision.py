"""Choice of the reported clustering, `labels_`, from the greedy clustering and the posterior's samples.

The greedy clustering is kept unless the samples contradict it; so is the place of each point in it.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_matrix

from gfncp.partitions import canonical_labels
from gfncp.posterior.expectations import NOISE, second_choices
from gfncp.posterior.point_estimates import agreement
from gfncp.posterior.posterior import Posterior

CONTRADICTED = 0.5  # mean probability of the points' places, below which more are wrong than right
ELSEWHERE = 2 / 3  # probability that a point is with those of another cluster, above which it joins them
ENOUGH = 20  # samples; fewer contradict nothing
COMPARED = 2000  # points by which clusterings are compared; of more, so many at equal steps


def settle(greedy: Int[np.ndarray, "points"], posterior: Posterior) -> Int[np.ndarray, "points"]:
    """Return the greedy clustering, or a sample where the samples contradict it.

    At least 20 samples contradict it if the points' places in it (`Posterior.confidence`) have a mean
    probability below one half. Then the result is the one, of the samples and the greedy clustering, with the
    highest mean adjusted Rand index with the samples (Fritsch, Ickstadt. Improved Criteria for
    Clustering Based on the Posterior Similarity Matrix. Bayesian Analysis 4, 2009), unless the samples
    contradict this one, too. A sample is not compared with itself.
    """
    draws = posterior.counts.sum()
    if draws < ENOUGH or posterior.confidence(greedy).mean() >= CONTRADICTED:
        return greedy
    compared = slice(None, None, -(-len(greedy) // COMPARED))
    both = np.concatenate([greedy[None, compared], posterior.labels[:, compared]])
    agreed = agreement(both)[:, 1:] @ posterior.weights
    agreed[1:] = (agreed[1:] - 1 / draws) / (1 - 1 / draws)
    best = int(agreed.argmax())
    answer = greedy if best == 0 else posterior.labels[best - 1].astype(greedy.dtype)
    return answer if posterior.confidence(answer).mean() >= CONTRADICTED else greedy


def place_points(labels: Int[np.ndarray, "points"], posterior: Posterior) -> Int[np.ndarray, "points"]:
    """Return the clustering with points moved to where nearly all samples have them.

    A point joins another cluster if at least 20 samples have it with that cluster's points with a probability
    above two thirds, on average, and with those of its own with less than one third. No cluster is emptied.
    """
    if posterior.counts.sum() < ENOUGH:
        return labels
    doubtful = posterior.confidence(labels) < 1 - ELSEWHERE
    if not doubtful.any():
        return labels
    second, probability = second_choices(labels, posterior.labels, posterior.weights, doubtful)
    answer = labels.copy()
    answer[doubtful] = np.where(probability > ELSEWHERE, second, labels[doubtful])
    emptied = np.bincount(answer, minlength=labels.max() + 1) == 0
    answer = np.where(emptied[labels], labels, answer)
    return canonical_labels(torch.from_numpy(answer)).numpy()


def merge_small(
    labels: Int[np.ndarray, "points"],
    posterior: Posterior,
    smallest: int,
    fewest: int = 1,
    told: Bool[np.ndarray, "points"] | None = None,
) -> Int[np.ndarray, "points"]:
    """Return the clustering with each cluster of fewer than ``smallest`` points joined to another.

    The smallest cluster joins the one with which it shares points most probably, by the mean of
    `Posterior.coclustering` over their pairs of points, and so on until none is too small.

    Args:
        labels: from 0.
        fewest: number of clusters that are left at least.
        told: points whose clusters are known; clusters that hold such are not joined to each other.
    """
    sizes = np.bincount(labels)
    told = np.zeros(len(labels), dtype=bool) if told is None else told
    holds = np.bincount(labels, told, len(sizes)) > 0
    small = (sizes < smallest).any() and len(sizes) > fewest
    together = _shared_pairs(labels, posterior) if small else np.zeros((0, 0))
    names = np.arange(len(sizes))
    while (sizes > 0).sum() > fewest:
        there = sizes > 0
        allowed = there & there[:, None] & ~(holds & holds[:, None]) & ~np.eye(len(sizes), dtype=bool)
        movable = np.flatnonzero(there & (sizes < smallest) & allowed.any(1))
        if not len(movable):
            break
        least = movable[sizes[movable] == sizes[movable].min()]
        mean = together[least] / np.maximum(1, sizes[least, None] * sizes)
        mean = np.where(allowed[least], mean, -1.0)
        row = int(mean.max(1).argmax())
        likeliest = np.flatnonzero(mean[row] >= mean[row].max() - 1e-12)
        source, target = least[row], likeliest[sizes[likeliest].argmax()]
        names[names == source] = target
        together[target] += together[source]
        together[:, target] += together[:, source]
        sizes[target] += sizes[source]
        holds[target] |= holds[source]
        sizes[source] = 0
    return canonical_labels(torch.from_numpy(names[labels])).numpy()


def mark_noise(
    labels: Int[np.ndarray, "points"], posterior: Posterior, threshold: float
) -> Int[np.ndarray, "points"]:
    """Return the clustering with points labelled -1 where `Posterior.noise_probability` is high enough.

    Clusters keep their order; one without any other point is gone.

    Args:
        threshold: the probability from which a point is noise.
    """
    noise = posterior.noise_probability() >= threshold - 1e-9  # sums of shares are rounded
    return canonical_labels(torch.from_numpy(np.where(noise, NOISE, labels))).numpy()


def of_reported(
    probability: Float[np.ndarray, "new given_options"],
    clustering: Int[np.ndarray, "points"],
    labels: Int[np.ndarray, "points"],
) -> Float[np.ndarray, "new options"]:
    """Return probabilities of the clusters of a clustering as those of its reported labels, and of a new one.

    A cluster whose points are all labelled as noise counts as new.

    Args:
        probability: of each cluster of ``clustering``, and last of a new one.
        labels: from `mark_noise`.
    """
    new, kept = int(labels.max()) + 1, labels != NOISE
    column = np.full(probability.shape[1], new)
    column[clustering[kept]] = labels[kept]
    found = np.zeros((len(probability), new + 1))
    np.add.at(found.T, column, probability.T)
    return found


def _shared_pairs(
    labels: Int[np.ndarray, "points"], posterior: Posterior
) -> Float[np.ndarray, "clusters clusters"]:
    """Return sums of the co-clustering probabilities over the pairs of points of any two clusters."""
    clusters, every = int(labels.max()) + 1, np.ones(len(labels))
    together = np.zeros((clusters, clusters))
    for row, weight in zip(posterior.labels, posterior.weights, strict=True):
        shared = csr_matrix((every, (row, labels)), shape=(int(row.max()) + 1, clusters))
        pairs = (shared.T @ shared).tocoo()
        np.add.at(together, (pairs.row, pairs.col), weight * pairs.data)
    return together
