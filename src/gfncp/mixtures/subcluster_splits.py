"""Parallel sampling with sub-cluster splits and merges (Chang and Fisher 2013).

A state is a partition. Each round instantiates weights and parameters of its clusters and moves all points at
once (restricted to these clusters), then gives sub-clusters to every cluster and proposes splits and merges.

Chang and Fisher carry the sub-clusters from round to round and let their law be approximate. Here they start
anew in each round from two random members, so that their law is a function of the members alone, the same
for a cluster and for the pair that it would split into; proposals are Metropolis-Hastings moves whose
probabilities count in full (Jain and Neal 2004), and the posterior is left exactly invariant.

References:
    Chang, Fisher III. Parallel sampling of DP mixture models using sub-cluster splits. NIPS 2013.
    Jain, Neal. A split-merge Markov chain Monte Carlo procedure for the Dirichlet process mixture model.
    JCGS 2004.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gfncp.draws import draw_options
from gfncp.mixtures.conjugate import ConjugateModel, cluster_sums, draw_log_gamma, log_mass
from gfncp.mixtures.sampler import Sampler
from gfncp.partitions import canonical_labels, n_clusters

START_CLUSTERS = 10  # a chain starts with 1 to so many clusters
ROUNDS = 5  # between two states: they cost less than a sweep of collapsed Gibbs sampling
SUBCLUSTER_SWEEPS = 5
BLIND = 0.3  # probability that a group's split is blind to the points
TINY = 1e-100  # weight of copies of a point


def subcluster_splits(
    x: Float[Tensor, "points dim"],
    model: ConjugateModel,
    alpha: float,
    chains: int,
    generator: torch.Generator,
) -> Iterator[Int[Tensor, "chains points"]]:
    """Yield the states after every few rounds of moves, without end."""
    statistics = model.statistics(x)
    scale = x.std(0, correction=0)
    scaled = x / torch.where(scale > 0, scale, 1.0)
    labels = random_start(scaled, chains, generator)
    while True:
        for _ in range(ROUNDS):
            labels = move_points(labels, statistics, model, generator)
            labels = split_and_merge(labels, statistics, scaled, model, alpha, generator)
        yield labels


def random_start(
    x: Float[Tensor, "points dim"], chains: int, generator: torch.Generator
) -> Int[Tensor, "chains points"]:
    """Draw initial clusterings: each point joins the nearest of a few random points."""
    points = len(x)
    labels = []
    for _ in range(chains):
        centres = torch.randperm(points, generator=generator)
        count = int(torch.randint(1, min(START_CLUSTERS, points) + 1, (), generator=generator))
        labels.append((x[:, None] - x[centres[:count]]).square().sum(-1).argmin(1))
    return canonical_labels(torch.stack(labels))


def move_points(
    labels: Int[Tensor, "chains points"],
    statistics: Float[Tensor, "points width"],
    model: ConjugateModel,
    generator: torch.Generator,
) -> Int[Tensor, "chains points"]:
    """Draw clusters of all points anew among the existing ones, given their parameters (restricted Gibbs).

    A sweep that could empty a cluster could not be undone, so one random member of each cluster stays. Larger
    clusters have more members to pick from: a Metropolis-Hastings step accounts for that.
    """
    clusters = int(labels.max()) + 1
    sums = cluster_sums(labels, clusters, statistics)
    size = sums[..., 0]
    log_weight = draw_log_gamma(size, generator)  # -inf where a chain has fewer clusters
    score = statistics @ model.draw(sums, generator).mT + log_weight[:, None]
    proposed = draw_options(score.softmax(-1).cumsum(-1), generator)
    stays = random_members(labels, clusters, torch.ones_like(labels), generator)
    row, cluster = size.nonzero(as_tuple=True)
    proposed[row, stays[row, cluster]] = cluster
    new_size = F.one_hot(proposed, clusters).sum(1)
    log_ratio = size.clamp_min(1).log().sum(1) - new_size.double().clamp_min(1).log().sum(1)
    accepted = _uniform(log_ratio.shape, generator).log() < log_ratio
    return torch.where(accepted[:, None], proposed, labels)


def random_members(
    labels: Int[Tensor, "chains points"],
    clusters: int,
    weights: Float[Tensor, "chains points"] | Int[Tensor, "chains points"],
    generator: torch.Generator,
) -> Int[Tensor, "chains clusters"]:
    """Draw one member of each cluster, with probabilities proportional to positive weights."""
    clocks = torch.empty(labels.shape, dtype=torch.float64).exponential_(generator=generator) / weights
    member = labels[:, None] == torch.arange(clusters)[:, None]
    return torch.where(member, clocks[:, None], torch.inf).argmin(-1)


class Groups(NamedTuple):
    """The clusters of each chain in a random order, cut into groups of one or two.

    A group of one proposes a split, a group of two a merge, which have the same union of members before and
    after. Given K clusters every ordered list of groups has probability 2^-groups / K!.
    """

    group: Int[Tensor, "chains clusters"]
    side: Int[Tensor, "chains clusters"]  # 1 for the second of a group
    pair: Bool[Tensor, "chains groups"]
    moves: Bool[Tensor, "chains groups"]


def draw_groups(clusters: Int[Tensor, "chains"], generator: torch.Generator) -> Groups:
    """Draw groups, each a pair with probability 1/2; a pair for which one cluster is left does nothing."""
    chains, most = len(clusters), int(clusters.max())
    row = torch.arange(chains)
    absent = torch.arange(most) >= clusters[:, None]
    order = (_uniform((chains, most), generator) + absent).argsort(1)
    group, side = torch.zeros(2, chains, most, dtype=torch.long)
    pair, moves = torch.zeros(2, chains, most, dtype=torch.bool)
    last = torch.full((chains,), -1)  # the group of the cluster before
    open_pair = torch.zeros(chains, dtype=torch.bool)  # it lacks its second cluster
    for place in range(most):
        here = place < clusters
        wants_pair = _uniform((chains,), generator) < 0.5
        cluster = order[:, place]
        second = open_pair
        last = last + (here & ~second)
        group[row, cluster], side[row, cluster] = last, second.long()
        pair[row, last] |= second & here
        moves[row, last] |= here & (second | ~wants_pair)
        open_pair = ~second & wants_pair
    return Groups(group, side, pair, moves)


def subclusters(
    group: Int[Tensor, "chains points"],
    groups: int,
    statistics: Float[Tensor, "points width"],
    scaled: Float[Tensor, "points dim"],
    model: ConjugateModel,
    alpha: float,
    generator: torch.Generator,
) -> tuple[Float[Tensor, "chains points"], Bool[Tensor, "chains points"]]:
    """Make two sub-clusters of each group by restricted Gibbs sampling from two far apart random members.

    Returns:
        The logit of each point's probability to be on the second side, and sides drawn with these.
    """
    first = random_members(group, groups, torch.ones_like(group), generator)
    to_first = (scaled - scaled[first.gather(1, group)]).square().sum(-1)
    second = random_members(group, groups, to_first + TINY, generator)
    to_second = (scaled - scaled[second.gather(1, group)]).square().sum(-1)
    side = to_second < to_first
    logit = torch.zeros_like(to_first)
    for _ in range(SUBCLUSTER_SWEEPS):
        sums = cluster_sums(2 * group + side, 2 * groups, statistics)
        log_weight = draw_log_gamma(sums[..., 0] + alpha / 2, generator)
        score = statistics @ model.draw(sums, generator).mT + log_weight[:, None]
        score = score.unflatten(-1, (groups, 2))
        own = score.gather(2, group[..., None, None].expand(-1, -1, 1, 2))[:, :, 0]
        logit = own[..., 1] - own[..., 0]
        side = _uniform(group.shape, generator) < logit.sigmoid()
    return logit, side


def split_and_merge(
    labels: Int[Tensor, "chains points"],
    statistics: Float[Tensor, "points width"],
    scaled: Float[Tensor, "points dim"],
    model: ConjugateModel,
    alpha: float,
    generator: torch.Generator,
) -> Int[Tensor, "chains points"]:
    """Make a proposal for every group; groups do not touch each other, so that all are made in parallel.

    A split follows the sub-clusters, or is blind (Dirichlet-multinomial): the first finds what lies apart,
    the second lets merges undo what does not, as in Chang and Fisher.

    Only the number of clusters, in the probability of the groups, couples the decisions: these go in turn.
    """
    clusters = n_clusters(labels)
    groups = draw_groups(clusters, generator)
    count = groups.pair.shape[1]
    group = groups.group.gather(1, labels)
    is_pair = groups.pair.gather(1, group)

    logit, drawn = subclusters(group, count, statistics, scaled, model, alpha, generator)
    blind = _uniform(groups.pair.shape, generator) < BLIND
    first, second = draw_log_gamma(torch.full((2, *blind.shape), alpha / 2, dtype=torch.float64), generator)
    share = (second - first).sigmoid().gather(1, group)  # Beta(alpha / 2, alpha / 2)
    drawn = torch.where(blind.gather(1, group), _uniform(group.shape, generator) < share, drawn)
    side = torch.where(is_pair, groups.side.gather(1, labels), drawn.long())

    parts = cluster_sums(2 * group + side, 2 * count, statistics).unflatten(1, (count, 2))
    chosen = F.logsigmoid(torch.where(side == 1, logit, -logit))
    informed = torch.zeros_like(parts[..., 0, 0]).scatter_add(1, group, chosen)
    log_proposal = torch.where(blind, log_dirichlet_multinomial(parts[..., 0], alpha / 2), informed)
    whole = log_mass(parts.sum(-2), model, alpha)
    log_split = log_mass(parts, model, alpha).sum(-1) - whole - log_proposal
    possible = groups.moves & (parts[..., 0] > 0).all(-1)

    split = groups.pair.clone()
    log_uniform = _uniform(split.shape, generator).log()
    for g in range(count):
        pair = groups.pair[:, g]
        more = clusters + (~pair).long()  # with this group split: the probability of the groups has 1 / K!
        log_ratio = log_split[:, g] - more.log()
        accepted = possible[:, g] & (log_uniform[:, g] < torch.where(pair, -log_ratio, log_ratio))
        split[:, g] ^= accepted
        clusters = clusters + torch.where(accepted, torch.where(pair, -1, 1), 0)
    return canonical_labels(2 * group + torch.where(split.gather(1, group), side, 0))


def log_dirichlet_multinomial(
    counts: Float[Tensor, "*batch sides"], concentration: float
) -> Float[Tensor, "*batch"]:
    """Return the log-probability of labels with these counts, their proportions Dirichlet(concentration)."""
    per_side = torch.lgamma(counts + concentration) - math.lgamma(concentration)
    total = counts.shape[-1] * concentration
    return per_side.sum(-1) + math.lgamma(total) - torch.lgamma(counts.sum(-1) + total)


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.rand(shape, dtype=torch.float64, generator=generator)


class SubclusterSampler(Sampler):
    """Posterior of a Dirichlet-process mixture by sub-cluster splits and merges; see `Sampler`.

    All points move at once: a step is a few matrix products, and splits reach far clusterings in one step.

    Example:
        >>> import numpy as np
        >>> X = np.r_[np.zeros((5, 2)), np.full((5, 2), 20.0)]
        >>> SubclusterSampler(random_state=0).fit(X).n_clusters_
        2

    References:
        Chang, Fisher III. Parallel sampling of DP mixture models using sub-cluster splits. NIPS 2013.
    """

    states = staticmethod(subcluster_splits)
