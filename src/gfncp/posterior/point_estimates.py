"""Point estimates of a clustering, of least expected loss under samples of the posterior.

Both losses have one form. With n_k and n_l the sizes of the clusters of c and c', and n_kl those of their
intersections, they are

    L(c, c') = sum_k g(n_k) + sum_l g(n_l) - 2 sum_kl g(n_kl),

with g(n) = n^2 / 2 for Binder's loss (the number of pairs on which c and c' disagree) and g(n) = n log(n) / N
for the variation of information (in nats).

References:
    Binder. Bayesian Cluster Analysis. Biometrika 65, 1978.
    Wade, Ghahramani. Bayesian Cluster Analysis: Point Estimation and Credible Balls.
    Bayesian Analysis 13, 2018.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix
from scipy.special import xlogy

from gfncp.partitions import canonical_labels

SWEEPS = 20  # at most; nearly always no point moves before that
TABLE_ENTRIES = 20_000_000  # sizes of intersections that are held; where there are more, nothing is moved
GAIN = 1e-9  # a move that lowers the loss by less is rounding

Growth = Callable[[np.ndarray], np.ndarray]


def binder_growth(sizes: np.ndarray) -> np.ndarray:
    """Return g(n) of Binder's loss."""
    return np.square(sizes, dtype=np.float64) / 2


def information(points: int) -> Growth:
    """Return the function g(n) of the variation of information, for sets of this size."""
    return lambda sizes: xlogy(sizes, sizes) / points


def agreement(
    labels: Int[np.ndarray, "clusterings points"],
) -> Float[np.ndarray, "clusterings clusterings"]:
    """Return adjusted Rand indices of all pairs of clusterings (Hubert, Arabie, 1985)."""
    clusterings, points = labels.shape
    sizes = labels.max(1) + 1
    columns = labels + (sizes.cumsum() - sizes)[:, None]
    rows = np.tile(np.arange(points), clusterings)
    member = csr_matrix((np.ones(labels.size), (rows, columns.ravel())))
    shared = (member.T @ member).tocoo()  # points that two clusters share, where there are any
    clustering = np.repeat(np.arange(clusterings), sizes)
    place = clustering[shared.row] * clusterings + clustering[shared.col]
    together = np.bincount(place, shared.data * (shared.data - 1) / 2, clusterings**2)
    together = together.reshape(clusterings, clusterings)  # pairs of points that both put together
    own = together.diagonal()
    expected = np.outer(own, own) / max(1, points * (points - 1) / 2)
    most = (own[:, None] + own) / 2
    same = np.isclose(most, expected)  # both have one cluster, or both have points alone
    return np.where(same, 1.0, (together - expected) / np.where(same, 1.0, most - expected))


def expected_loss(
    candidate: Int[np.ndarray, "points"],
    labels: Int[np.ndarray, "samples points"],
    weights: Float[np.ndarray, "samples"],
    growth: Growth,
) -> float:
    """Return the mean of L(candidate, c) over samples c, whose weights sum to one."""
    columns = candidate.max() + 1
    losses = [
        growth(np.bincount(row)).sum() - 2 * growth(np.bincount(row * columns + candidate)).sum()
        for row in labels
    ]
    return float(growth(np.bincount(candidate)).sum() + weights @ losses)


def least_expected_loss(
    labels: Int[np.ndarray, "samples points"], weights: Float[np.ndarray, "samples"], growth: Growth
) -> Int[np.ndarray, "points"]:
    """Return the sample of least expected loss, with points moved one by one while the loss falls.

    Returns:
        Labels in order of appearance: a local optimum that is no worse than any of the samples.
    """
    best = labels[np.argmin([expected_loss(row, labels, weights, growth) for row in labels])]
    if len(labels) * (labels.max() + 1) * (best.max() + 2) <= TABLE_ENTRIES:
        best = _moved(best, labels, weights, growth)
    return canonical_labels(torch.from_numpy(best)).numpy()


def _moved(start, labels, weights, growth):
    samples, points = labels.shape
    gain = np.diff(growth(np.arange(points + 2)))  # increase of g by one more member, by size
    current = start.copy()
    sizes = np.bincount(current, minlength=current.max() + 2)  # one cluster is empty
    shared = np.zeros((samples, labels.max() + 1, len(sizes)), dtype=np.int64)
    every = np.arange(samples)
    for point in range(points):
        shared[every, labels[:, point], current[point]] += 1
    for _ in range(SWEEPS):
        before = current.copy()
        for point in range(points):
            own, rows = current[point], labels[:, point]
            sizes[own] -= 1
            shared[every, rows, own] -= 1
            cost = gain[sizes] - 2 * weights @ gain[shared[every, rows]]
            chosen = int(cost.argmin())
            if cost[chosen] > cost[own] - GAIN:
                chosen = own
            current[point] = chosen
            sizes[chosen] += 1
            shared[every, rows, chosen] += 1
            if sizes.all():
                sizes = np.append(sizes, 0)
                shared = np.pad(shared, ((0, 0), (0, 0), (0, 1)))
        if np.array_equal(current, before):
            break
    return current
