"""Collapsed Gibbs sampling: one point after the other, all parameters integrated out.

The posterior is that of a mixture whose partitions are CRP(alpha), conditioned on bounds on the number of
clusters where there are any. All chains advance together.

References:
    Neal. Markov chain sampling methods for Dirichlet process mixture models. JCGS 2000, algorithm 3.
"""

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.bounds import ClusterBounds
from gfncp.draws import draw_options
from gfncp.mixtures.conjugate import ConjugateModel, cluster_sums
from gfncp.mixtures.sampler import Sampler
from gfncp.partitions import canonical_labels


def collapsed_gibbs(
    x: Float[Tensor, "*#chains points dim"],
    model: ConjugateModel,
    alpha: float,
    chains: int,
    generator: torch.Generator,
    n_clusters: int | tuple[int, int] | None = None,
) -> Iterator[Int[Tensor, "chains points"]]:
    """Yield the states after each sweep, without end; the first sweep builds the clusterings.

    Args:
        x: one set for all chains, or one for each.
        n_clusters: bounds on the number of clusters, see `gfncp.bounds.ClusterBounds.of`.

    Raises:
        ValueError: ``n_clusters`` is impossible.
    """
    bounds = ClusterBounds.of(n_clusters, x.shape[-2])
    labels = torch.full((chains, x.shape[-2]), -1)
    while True:
        labels = sweep(x, labels, model, alpha, generator, bounds)
        yield labels


def sweep(
    x: Float[Tensor, "*#chains points dim"],
    labels: Int[Tensor, "chains points"],
    model: ConjugateModel,
    alpha: float,
    generator: torch.Generator,
    bounds: ClusterBounds | None = None,
    given: Int[Tensor, "chains"] | None = None,
) -> Int[Tensor, "chains points"]:
    """Draw each point's label given all others, in an order of each chain's own.

    A point without a label (-1) enters in its turn. Bounds leave a point only the options from which they can
    still be met.

    Args:
        given: number of first points that keep the labels that they have, in order of appearance.
    """
    chains, points = labels.shape
    row = torch.arange(chains)
    kept = torch.zeros(chains, dtype=torch.long) if given is None else given
    order = torch.rand(chains, points, dtype=torch.float64, generator=generator)
    order = order.masked_fill(torch.arange(points) < kept[:, None], -1.0).argsort(1)
    statistics = model.statistics(x).expand(chains, -1, -1)
    sums = cluster_sums(labels, int(labels.max()) + 2, statistics)
    evidence = model.log_evidence(sums)
    unlabelled = (labels < 0).sum(1)
    before = labels.gather(1, order).T
    after = before.clone()
    for turn in range(int(kept.min()), points):
        own, point = before[turn], statistics[row, order[:, turn]]
        rest = sums[row, own] - point  # the last slot is empty, and -1 finds it
        rest = torch.where(rest[:, :1] > 0, rest, 0.0)  # removes the rounding error of an empty cluster
        sums[row, own] = rest
        unlabelled = unlabelled - (own < 0).long()
        joined = sums + point[:, None]
        changed = model.log_evidence(torch.cat([joined, rest[:, None]], 1))
        with_point, evidence[row, own] = changed[:, :-1], changed[:, -1]
        log_p = log_options(with_point - evidence, sums[..., 0], unlabelled, alpha, bounds)
        drawn = draw_options(log_p.exp().cumsum(-1), generator)
        chosen = torch.where(turn < kept, own, drawn)
        after[turn] = chosen
        sums[row, chosen], evidence[row, chosen] = joined[row, chosen], with_point[row, chosen]
        if (sums[:, -1, 0] > 0).any():
            sums, evidence = F.pad(sums, (0, 0, 0, 1)), F.pad(evidence, (0, 1))
    return canonical_labels(torch.empty_like(labels).scatter_(1, order, after.T))


def log_options(
    log_predictive: Float[Tensor, "chains slots"],
    size: Float[Tensor, "chains slots"],
    unlabelled: Int[Tensor, "chains"],
    alpha: float,
    bounds: ClusterBounds | None = None,
) -> Float[Tensor, "chains slots"]:
    """Return log-probabilities that a point joins each cluster, or opens one: the first that has no points.

    Args:
        log_predictive: of the point in each cluster.
        size: of the clusters, without the point.
        unlabelled: number of points without a label, this one aside.
    """
    empty = size == 0
    opening = empty & (empty.cumsum(1) == 1)
    log_weight = torch.where(opening, math.log(alpha), size.log())
    if bounds is not None:
        clusters = (~empty).sum(1, keepdim=True)
        may_open, may_join = clusters < bounds.high, clusters + unlabelled[:, None] >= bounds.low
        log_weight = log_weight.masked_fill(~torch.where(opening, may_open, may_join), -torch.inf)
    return (log_weight + log_predictive).log_softmax(-1)


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
