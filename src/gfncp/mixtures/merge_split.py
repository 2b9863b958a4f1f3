"""Sequentially allocated merge-split proposals, which move whole clusters where Gibbs sweeps move points.

Two random points are chosen. If they share a cluster, a split is proposed: the other members join one of the
two in turn, each with its probability given those that joined before. If not, the merger of their clusters
is proposed; the reverse split's probability is that of the present labels. Metropolis-Hastings decides.

Where K is fixed, neither is possible alone: two proposals in a row, such as a split and a merger, are decided
on as one. Any sequence of proposals has its reverse, and the ratios multiply.

References:
    Dahl. Sequentially-allocated merge-split sampler for conjugate and nonconjugate Dirichlet process mixture
    models. Technical report, Texas A&M University 2005.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.bounds import ClusterBounds
from gfncp.mixtures.conjugate import ConjugateModel, log_mass
from gfncp.partitions import canonical_labels, n_clusters


def merge_split(
    x: Float[Tensor, "*#chains points dim"],
    labels: Int[Tensor, "chains points"],
    model: ConjugateModel,
    alpha: float,
    generator: torch.Generator,
    bounds: ClusterBounds | None = None,
    given: Int[Tensor, "chains"] | None = None,
) -> Int[Tensor, "chains points"]:
    """Make one proposal in each chain, accepted or not. A set of one point stays as it is.

    Args:
        labels: in order of appearance.
        given: number of first points that keep their labels: proposals that change them are refused.
    """
    chains, points = labels.shape
    if points < 2:
        return labels
    statistics = model.statistics(x).expand(chains, -1, -1)
    proposed, log_ratio = _propose(statistics, labels, model, alpha, generator)
    if bounds is not None and bounds.low == bounds.high:
        proposed, more = _propose(statistics, proposed, model, alpha, generator)
        log_ratio += more
    accepted = torch.rand(chains, dtype=torch.float64, generator=generator).log() < log_ratio
    if bounds is not None:
        clusters = n_clusters(proposed)
        accepted &= (bounds.low <= clusters) & (clusters <= bounds.high)
    if given is not None:
        accepted &= ((proposed == labels) | (torch.arange(points) >= given[:, None])).all(1)
    return torch.where(accepted[:, None], proposed, labels)


def _propose(
    statistics: Float[Tensor, "chains points width"],
    labels: Int[Tensor, "chains points"],
    model: ConjugateModel,
    alpha: float,
    generator: torch.Generator,
) -> tuple[Int[Tensor, "chains points"], Float[Tensor, "chains"]]:
    """Return other labels, and the log of their Metropolis-Hastings ratio."""
    chains, points, _ = statistics.shape
    row = torch.arange(chains)
    first, second = torch.rand(chains, points, generator=generator).topk(2).indices.T
    own, other = labels[row, first][:, None], labels[row, second][:, None]
    splits = own[:, 0] == other[:, 0]
    member = (labels == own) | (labels == other)
    free = member.clone()
    free[row, first] = free[row, second] = False
    priority = torch.rand(chains, points, generator=generator)
    order = torch.where(free, priority, torch.inf).argsort(1)

    sums = torch.stack([statistics[row, first], statistics[row, second]], 1)
    evidence = model.log_evidence(sums)
    on_second = labels == other  # what a merger undoes; a split overwrites the free members
    on_second[row, first], on_second[row, second] = False, True
    log_proposal = statistics.new_zeros(chains)
    coins = torch.rand(points, chains, dtype=torch.float64, generator=generator)
    for turn in range(int(free.sum(1).max())):
        place = order[:, turn]
        active = free[row, place]  # the free members come first
        joined = sums + statistics[row, place][:, None]
        with_point = model.log_evidence(joined)
        log_p = (sums[..., 0].log() + with_point - evidence).log_softmax(-1)
        drawn = torch.where(splits, coins[turn] >= log_p[:, 0].exp(), on_second[row, place])
        on_second[row, place] = torch.where(active, drawn, on_second[row, place])
        changed = active.nonzero()[:, 0]
        side = drawn.long()[changed]
        log_proposal[changed] += log_p[changed, side]
        sums[changed, side], evidence[changed, side] = joined[changed, side], with_point[changed, side]

    together, apart = log_mass(sums.sum(1), model, alpha), log_mass(sums, model, alpha).sum(1)
    log_ratio = apart - together - log_proposal  # of a split; a merger's is its negative
    name = torch.where(splits, n_clusters(labels), own[:, 0])  # of the second point's side, afterwards
    proposed = torch.where(member & on_second, name[:, None], labels)
    return canonical_labels(proposed), torch.where(splits, log_ratio, -log_ratio)
