"""Split-merge proposals, which move whole clusters at once where Gibbs sweeps move points.

Two random points are chosen. If they share a cluster, a split is proposed: the other members join one of the
two in turn, each with its probability given those that joined before. If not, the merger of their clusters
is proposed; the reverse split's probability is that of the present labels. Metropolis-Hastings decides.
(Dahl 2005, "Sequentially-allocated merge-split sampler for conjugate and nonconjugate Dirichlet process
mixture models".)

Where K is fixed, neither is possible alone: two proposals in a row, such as a split and a merger, are decided
on as one. Any sequence of proposals has its reverse, and the ratios multiply.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.mixtures.marginals import log_evidence, log_predictive
from gfncp.partitions import canonical_labels, n_clusters


def split_merge(
    x: Float[Tensor, "sets points dim"],
    labels: Int[Tensor, "sets points"],
    alpha: float,
    spread: float,
    least: int,
    most: int,
    generator: torch.Generator,
    given: Int[Tensor, "sets"] | None = None,
) -> Int[Tensor, "sets points"]:
    """Make one proposal in each set, accepted or not. A set of one point stays as it is.

    Args:
        labels: in order of appearance.
        given: how many of each set's first points keep their labels: proposals that change them are refused.
    """
    if x.shape[1] < 2:
        return labels
    proposed, log_ratio = _propose(x, labels, alpha, spread, generator)
    if least == most:
        proposed, more = _propose(x, proposed, alpha, spread, generator)
        log_ratio += more
    clusters = n_clusters(proposed)
    accepted = torch.rand(len(x), dtype=x.dtype, generator=generator).log() < log_ratio
    accepted &= (least <= clusters) & (clusters <= most)
    if given is not None:
        accepted &= ((proposed == labels) | (torch.arange(x.shape[1]) >= given[:, None])).all(1)
    return torch.where(accepted[:, None], proposed, labels)


def _propose(
    x: Float[Tensor, "sets points dim"],
    labels: Int[Tensor, "sets points"],
    alpha: float,
    spread: float,
    generator: torch.Generator,
) -> tuple[Int[Tensor, "sets points"], Float[Tensor, "sets"]]:
    """Other labels, and the log of their Metropolis-Hastings ratio."""
    sets, points, _ = x.shape
    row = torch.arange(sets)
    first, second = torch.rand(sets, points, generator=generator).topk(2).indices.T
    own, other = labels[row, first][:, None], labels[row, second][:, None]
    splits = own[:, 0] == other[:, 0]
    member = (labels == own) | (labels == other)
    free = member.clone()
    free[row, first] = free[row, second] = False
    waiting = torch.rand(sets, points, generator=generator)
    order = torch.where(free, waiting, torch.inf).argsort(1)

    count = torch.ones(sets, 2, dtype=x.dtype)
    total = torch.stack([x[row, first], x[row, second]], 1)
    on_second = labels == other  # what a merger undoes; a split overwrites the free members
    on_second[row, first], on_second[row, second] = False, True
    log_proposal = x.new_zeros(sets)
    coins = torch.rand(points, sets, dtype=x.dtype, generator=generator)
    for turn in range(int(free.sum(1).max())):
        point = order[:, turn]
        active = free[row, point]  # the free members come first
        xp = x[row, point]
        log_p = torch.log_softmax(count.log() + log_predictive(xp[:, None], count, total, spread), -1)
        drawn = torch.where(splits, coins[turn] >= log_p[:, 0].exp(), on_second[row, point])
        side = drawn.long()
        on_second[row, point] = torch.where(active, drawn, on_second[row, point])
        log_proposal += torch.where(active, log_p[row, side], 0.0)
        count[row, side] += active
        total[row, side] += torch.where(active[:, None], xp, 0.0)

    apart = math.log(alpha) + (torch.lgamma(count) + log_evidence(count, total, spread)).sum(1)
    together = torch.lgamma(count.sum(1)) + log_evidence(count.sum(1), total.sum(1), spread)
    log_ratio = apart - together - log_proposal  # of a split; a merger's is its negative
    changed = torch.where(splits, n_clusters(labels), own[:, 0])  # the second point's side, afterwards
    proposed = torch.where(member & on_second, changed[:, None], labels)
    return canonical_labels(proposed), torch.where(splits, log_ratio, -log_ratio)
