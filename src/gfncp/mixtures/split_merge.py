"""Parallel sampling with sub-cluster splits and merges.

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

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import expit, gammaln, log_expit

from gfncp.mixtures.chains import Sampler, States, categorical, cluster_sums, in_order_of_appearance
from gfncp.mixtures.conjugate import ConjugateModel

START_CLUSTERS = 10  # a chain starts with 1 to so many clusters
ROUNDS = 5  # between two states: they cost less than a sweep of collapsed Gibbs sampling
SUBCLUSTER_SWEEPS = 5
BLIND = 0.3  # probability that a group's split is blind to the points
TINY = 1e-100  # weight of copies of a point


def split_merge(
    x: Float[np.ndarray, "points dim"],
    model: ConjugateModel,
    alpha: float,
    chains: int,
    rng: np.random.Generator,
) -> States:
    """The states ``(chains, points)`` after every few rounds of moves, without end."""
    statistics = model.statistics(x)
    scale = x.std(0)
    scaled = x / np.where(scale > 0, scale, 1.0)
    labels = random_start(scaled, chains, rng)
    while True:
        for _ in range(ROUNDS):
            labels = move_points(labels, statistics, model, rng)
            labels = split_and_merge(labels, statistics, scaled, model, alpha, rng)
        yield labels.copy()


def random_start(
    x: Float[np.ndarray, "points dim"], chains: int, rng: np.random.Generator
) -> Int[np.ndarray, "chains points"]:
    """Each point joins the nearest of a few random points."""
    points = len(x)
    labels = []
    for _ in range(chains):
        centres = rng.choice(points, rng.integers(1, min(START_CLUSTERS, points) + 1), replace=False)
        labels.append(np.square(x[:, None] - x[centres]).sum(-1).argmin(1))
    return in_order_of_appearance(np.stack(labels))


def move_points(
    labels: Int[np.ndarray, "chains points"],
    statistics: Float[np.ndarray, "points width"],
    model: ConjugateModel,
    rng: np.random.Generator,
) -> Int[np.ndarray, "chains points"]:
    """Restricted Gibbs: all points choose anew among the clusters there are, given weights and parameters.

    A sweep that could empty a cluster could not be undone, so one random member of each cluster stays. Larger
    clusters have more members to pick from: a Metropolis-Hastings step accounts for that.
    """
    clusters = int(labels.max()) + 1
    sums = cluster_sums(labels, clusters, statistics)
    size = sums[..., 0]
    with np.errstate(divide="ignore"):  # weight 0 where a chain has fewer clusters
        log_weight = np.log(rng.standard_gamma(size))
    log_density = statistics @ np.swapaxes(model.draw(sums, rng), -1, -2)
    proposed = categorical(log_density + log_weight[:, None], rng)
    stays = random_members(labels, clusters, np.ones(labels.shape), rng)
    row, cluster = np.nonzero(size)
    proposed[row, stays[row, cluster]] = cluster
    new_size = (proposed[:, None] == np.arange(clusters)[:, None]).sum(-1)
    log_ratio = np.log(np.maximum(size, 1)).sum(1) - np.log(np.maximum(new_size, 1)).sum(1)
    accepted = np.log(rng.random(len(labels))) < log_ratio
    return np.where(accepted[:, None], proposed, labels)


def random_members(
    labels: Int[np.ndarray, "chains points"],
    clusters: int,
    weights: Float[np.ndarray, "chains points"],
    rng: np.random.Generator,
) -> Int[np.ndarray, "chains clusters"]:
    """One member of each cluster, with probabilities proportional to positive weights."""
    waiting = rng.standard_exponential(labels.shape) / weights
    member = labels[:, None] == np.arange(clusters)[:, None]
    return np.where(member, waiting[:, None], np.inf).argmin(-1)


class Groups(NamedTuple):
    """The clusters of each chain in a random order, cut into groups of one or two.

    A group of one proposes a split, a group of two a merge, which have the same union of members before and
    after. Given K clusters every ordered list of groups has probability 2^-groups / K!.
    """

    group: Int[np.ndarray, "chains clusters"]
    side: Int[np.ndarray, "chains clusters"]  # 1 for the second of a group
    pair: Bool[np.ndarray, "chains groups"]
    moves: Bool[np.ndarray, "chains groups"]


def draw_groups(n_clusters: Int[np.ndarray, "chains"], rng: np.random.Generator) -> Groups:
    """Each group flips a coin whether it is a pair; a pair that finds one cluster left does nothing."""
    chains, most = len(n_clusters), int(n_clusters.max())
    row = np.arange(chains)
    absent = np.arange(most) >= n_clusters[:, None]
    order = np.argsort(rng.random((chains, most)) + absent, axis=1)
    group, side = np.zeros((2, chains, most), dtype=int)
    pair, moves = np.zeros((2, chains, most), dtype=bool)
    groups, waits = np.full(chains, -1), np.zeros(chains, dtype=bool)  # waits: for the second of a pair
    for place in range(most):
        here = place < n_clusters
        wants_pair = rng.random(chains) < 0.5
        cluster = order[:, place]
        second = waits
        groups = groups + (here & ~second)
        group[row, cluster], side[row, cluster] = groups, second
        pair[row, groups] |= second & here
        moves[row, groups] |= here & (second | ~wants_pair)
        waits = ~second & wants_pair
    return Groups(group, side, pair, moves)


def subclusters(
    group: Int[np.ndarray, "chains points"],
    groups: int,
    statistics: Float[np.ndarray, "points width"],
    scaled: Float[np.ndarray, "points dim"],
    model: ConjugateModel,
    alpha: float,
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, "chains points"], Bool[np.ndarray, "chains points"]]:
    """Two sub-clusters of each group by restricted Gibbs sampling from two far apart random members.

    Returns:
        The logit of each point's probability to be on the second side, and sides drawn with these.
    """
    row = np.arange(len(group))[:, None]
    first = random_members(group, groups, np.ones(group.shape), rng)
    to_first = np.square(scaled - scaled[first[row, group]]).sum(-1)
    second = random_members(group, groups, to_first + TINY, rng)
    to_second = np.square(scaled - scaled[second[row, group]]).sum(-1)
    side = to_second < to_first
    for _ in range(SUBCLUSTER_SWEEPS):
        sums = cluster_sums(2 * group + side, 2 * groups, statistics)
        with np.errstate(divide="ignore"):
            log_weight = np.log(rng.standard_gamma(sums[..., 0] + alpha / 2))
        score = statistics @ np.swapaxes(model.draw(sums, rng), -1, -2) + log_weight[:, None]
        own = np.take_along_axis(score.reshape(*group.shape, groups, 2), group[:, :, None, None], 2)[:, :, 0]
        logit = own[..., 1] - own[..., 0]
        side = rng.random(group.shape) < expit(logit)
    return logit, side


def split_and_merge(
    labels: Int[np.ndarray, "chains points"],
    statistics: Float[np.ndarray, "points width"],
    scaled: Float[np.ndarray, "points dim"],
    model: ConjugateModel,
    alpha: float,
    rng: np.random.Generator,
) -> Int[np.ndarray, "chains points"]:
    """Every group proposes; groups do not touch each other, so the proposals are made in parallel.

    A split follows the sub-clusters, or is blind (Dirichlet-multinomial): the first finds what lies apart,
    the second lets merges undo what does not, as in Chang and Fisher.

    Only the number of clusters, in the probability of the groups, couples the decisions: these go in turn.
    """
    n_clusters = labels.max(1) + 1
    groups = draw_groups(n_clusters, rng)
    count = groups.pair.shape[1]
    group = np.take_along_axis(groups.group, labels, 1)
    is_pair = np.take_along_axis(groups.pair, group, 1)

    logit, drawn = subclusters(group, count, statistics, scaled, model, alpha, rng)
    blind = rng.random(groups.pair.shape) < BLIND
    is_blind = np.take_along_axis(blind, group, 1)
    share = np.take_along_axis(rng.beta(alpha / 2, alpha / 2, blind.shape), group, 1)
    drawn = np.where(is_blind, rng.random(group.shape) < share, drawn)
    side = np.where(is_pair, np.take_along_axis(groups.side, labels, 1), drawn)

    parts = cluster_sums(2 * group + side, 2 * count, statistics)
    parts = parts.reshape(*blind.shape, 2, -1)
    chosen = log_expit(np.where(side == 1, logit, -logit))
    member = group[:, None] == np.arange(count)[:, None]
    informed = np.where(member, chosen[:, None], 0.0).sum(-1)
    log_proposal = np.where(blind, log_dirichlet_multinomial(parts[..., 0], alpha / 2), informed)
    whole = log_mass(parts.sum(-2), model, alpha)
    log_split = log_mass(parts, model, alpha).sum(-1) - whole - log_proposal
    possible = groups.moves & (parts[..., 0] > 0).all(-1)

    split = groups.pair.copy()
    log_uniform = np.log(rng.random(split.shape))
    for g in range(count):
        pair = groups.pair[:, g]
        more = n_clusters + ~pair  # clusters with this group split: the probability of the groups has 1 / K!
        log_ratio = log_split[:, g] - np.log(more)
        accepted = possible[:, g] & (log_uniform[:, g] < np.where(pair, -log_ratio, log_ratio))
        split[:, g] ^= accepted
        n_clusters = n_clusters + np.where(accepted, np.where(pair, -1, 1), 0)
    place = 2 * group + np.where(np.take_along_axis(split, group, 1), side, 0)
    return in_order_of_appearance(place)


def log_mass(
    sums: Float[np.ndarray, "*batch width"], model: ConjugateModel, alpha: float
) -> Float[np.ndarray, "*batch"]:
    """A cluster's factor of p(labels, x)."""
    return np.log(alpha) + gammaln(np.maximum(sums[..., 0], 1)) + model.log_evidence(sums)


def log_dirichlet_multinomial(
    counts: Float[np.ndarray, "*batch sides"], concentration: float
) -> Float[np.ndarray, "*batch"]:
    """Log-probability of labels with these counts, their proportions Dirichlet(concentration) distributed."""
    per_side = gammaln(counts + concentration) - gammaln(concentration)
    total = counts.shape[-1] * concentration
    return per_side.sum(-1) + gammaln(total) - gammaln(counts.sum(-1) + total)


class SplitMergeSampler(Sampler):
    """Posterior of a Dirichlet-process mixture by sub-cluster splits and merges; see `Sampler`.

    All points move at once: a step is a few matrix products, and splits reach far clusterings in one step.

    Example:
        >>> import numpy as np
        >>> X = np.r_[np.zeros((5, 2)), np.full((5, 2), 20.0)]
        >>> SplitMergeSampler(random_state=0).fit(X).n_clusters_
        2

    References:
        Chang, Fisher III. Parallel sampling of DP mixture models using sub-cluster splits. NIPS 2013.
    """

    states = staticmethod(split_merge)
