"""Collapsed Gibbs sampling: one point after the other, all parameters integrated out."""

from itertools import count

import numpy as np
from jaxtyping import Float

from gfncp.mixtures.chains import Sampler, States, categorical, cluster_sums, in_order_of_appearance
from gfncp.mixtures.conjugate import ConjugateModel


def collapsed_gibbs(
    x: Float[np.ndarray, "points dim"],
    model: ConjugateModel,
    alpha: float,
    chains: int,
    rng: np.random.Generator,
) -> States:
    """The states ``(chains, points)`` after each sweep, without end.

    The first sweep builds the clusterings point by point. Each chain visits points in its own random order.

    References:
        Neal. Markov chain sampling methods for Dirichlet process mixture models. JCGS 2000, algorithm 3.
    """
    statistics = model.statistics(x)
    points, width = statistics.shape
    row = np.arange(chains)
    labels = np.full((chains, points), -1)
    for sweep in count():
        # Sums anew, so that rounding does not pile up; the last cluster of every chain is empty.
        sums = cluster_sums(labels, int(labels.max()) + 2, statistics)
        evidence = model.log_evidence(sums)
        for n in rng.permuted(np.tile(np.arange(points), (chains, 1)), axis=1).T:
            point = statistics[n]
            if sweep > 0:
                left = labels[row, n]
                rest = sums[row, left] - point
                rest[rest[:, 0] == 0] = 0.0
                sums[row, left], evidence[row, left] = rest, model.log_evidence(rest)
            size = sums[..., 0]
            empty = size == 0
            joined = sums + point[:, None]
            with_point = model.log_evidence(joined)
            weight = np.where(empty, alpha / empty.sum(1, keepdims=True), size)
            chosen = categorical(np.log(weight) + with_point - evidence, rng)
            labels[row, n] = chosen
            sums[row, chosen], evidence[row, chosen] = joined[row, chosen], with_point[row, chosen]
            if (sums[..., 0] > 0).all(1).any():
                sums = np.concatenate([sums, np.zeros((chains, 1, width))], 1)
                evidence = np.concatenate([evidence, np.zeros((chains, 1))], 1)
        labels = in_order_of_appearance(labels)
        yield labels.copy()


class CollapsedGibbs(Sampler):
    """Posterior of a Dirichlet-process mixture by collapsed Gibbs sampling; see `Sampler`.

    A sweep takes O(points * clusters * dim^3) operations, one point after the other.

    Example:
        >>> import numpy as np
        >>> X = np.r_[np.zeros((5, 2)), np.full((5, 2), 20.0)]
        >>> CollapsedGibbs(random_state=0).fit(X).n_clusters_
        2

    References:
        Neal. Markov chain sampling methods for Dirichlet process mixture models. JCGS 2000, algorithm 3.
    """

    states = staticmethod(collapsed_gibbs)
