"""Clustering of sets too large to decode jointly: a core is decoded, then the other points given the core.

The core is a random part of the set, which keeps the proportions of clusters, and some of the points that
would open a cluster beside that part, so that small clusters are in the core as well. It depends on the
points alone. The distribution over clusterings is

    p(c | x) = p(c_core | x_core) prod_i p(c_i | c_core, x_core, x_i, no new cluster),

where the product runs over the other points, each with features that are measured against the core alone.
Probabilities sum to one over the partitions whose clusters all have a point in the core.

Time grows like points x clusters x distinct clusterings of the core. Only the points and the labels of all
clusterings take memory that grows with the points; decoding the core, and one block, take the rest.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.bounds import ClusterBounds
from gfncp.decoding import orders
from gfncp.decoding.decode import greedy as decode_greedily
from gfncp.decoding.pool import Pool
from gfncp.decoding.predictive import Judge
from gfncp.draws import draw_options
from gfncp.networks.energy import Encoding, EnergyNetwork
from gfncp.partitions import canonical_labels

RANDOM_SHARE = 0.8  # share of the core that is random; the rest are points that would open a cluster
POINTS_PER_BLOCK = 256
ROWS_PER_BLOCK = 65_536  # points times options that are evaluated together

# From log-probabilities of a block of points, the clustering and the points, to options; -1 is none of them.
Pick = Callable[[Float[Tensor, "block options"], int, Int[Tensor, "block"]], Int[Tensor, "block"]]


class ClusteredCore:
    """Points that are clustered jointly, and energies of further points given their clustering.

    Args:
        x: the points.
    """

    def __init__(self, network: EnergyNetwork, x: Float[Tensor, "core *shape"]) -> None:
        encoding = network.encode(x[None])
        self.network = network
        self.terms = encoding.cluster_terms[0]
        self.temperature = encoding.temperature[0, :1]
        self.nothing_left = encoding.unassigned_terms.new_zeros(1, encoding.unassigned_terms.shape[2])
        self.features = network.encoder.conditioned_on(x)
        self.device = x.device

    def sums(self, labels: Int[Tensor, "core"]) -> Float[Tensor, "clusters sums"]:
        """Return the sums of the clusters' terms, on which energies depend."""
        member = F.one_hot(labels.to(self.device))
        return member.to(self.terms.dtype).T @ self.terms

    def encode(self, new: Float[Tensor, "block *shape"]) -> Float[Tensor, "block sums"]:
        """Return the terms of further points."""
        return self.network.assigned(self.features(new.to(self.device)))

    def energies(
        self, sums: Float[Tensor, "clusters sums"], terms: Float[Tensor, "block sums"]
    ) -> Float[Tensor, "block options"]:
        """Return E of each new point's options, the clusters and last a new one, with all others assigned."""
        joined = (F.pad(sums, (0, 0, 0, 1)) + terms[:, None]).flatten(0, 1)
        before = F.pad(self._represent(sums), (0, 0, 0, 1))
        state = torch.zeros(len(joined), dtype=torch.long, device=joined.device)
        old = before.repeat(len(terms), 1)
        found = self.network.option_energies(before.sum(0, keepdim=True), state, self._represent(joined), old)
        return found.view(len(terms), len(before))

    def _represent(self, sums: Float[Tensor, "rows sums"]) -> Float[Tensor, "rows width"]:
        state = torch.zeros(len(sums), dtype=torch.long, device=sums.device)
        return self.network.cluster(sums, self.nothing_left, state)

    @staticmethod
    def block(options: int) -> int:
        """Return the number of points whose options are evaluated together."""
        return max(1, min(POINTS_PER_BLOCK, ROWS_PER_BLOCK // options))


@torch.no_grad()
def core_points(
    network: EnergyNetwork, x: Float[Tensor, "points *shape"], size: int, generator: torch.Generator
) -> Int[Tensor, "core"]:
    """Return indices of at most ``size`` points to be clustered jointly, in random order.

    The first points of a random order are in the core. The remaining points are visited in that order; one
    whose most probable option is a new cluster is added, until the core is full. The energy of a new cluster
    is raised by log(points / first points), since under the CRP the n-th point opens a cluster with a
    probability that falls like 1 / n. Otherwise the outliers of a large set would fill the core.
    """
    device = next(network.parameters()).device
    order = torch.randperm(len(x), generator=generator)
    first, others = order.tensor_split([math.ceil(RANDOM_SHARE * size)])
    given = x[first].to(device)
    labels = decode_greedily(network, given[None])[0][0]
    jointly = ClusteredCore(network, given)
    sums = jointly.sums(labels)
    core, count = [first], len(first)
    later = math.log(len(x) / len(first))
    for block in others.split(jointly.block(len(sums) + 1)):
        if count >= size:
            break
        energies = jointly.energies(sums, jointly.encode(x[block]))
        energies[:, -1] += later
        surprising = energies.argmin(1).cpu() == len(sums)
        core.append(block[surprising])
        count += len(core[-1])
    found = torch.cat(core)[:size]
    return found[torch.randperm(len(found), generator=generator)]


def predictive(
    network: EnergyNetwork,
    x: Float[Tensor, "core *shape"],
    labels: Int[Tensor, "core"],
    new: Float[Tensor, "new *shape"],
    bounds: ClusterBounds | None = None,
) -> Float[Tensor, "new options"]:
    """Return log-probabilities of each new point's options, with the features of clustered points unchanged.

    They equal those of `gfncp.decoding.predictive.predictive` where the encoder is pointwise; otherwise they
    approximate them, in far less time.

    Args:
        labels: from 0 without gaps, in any order.
    """
    return judge(network, x, labels, bounds)(new)


@torch.no_grad()
def judge(
    network: EnergyNetwork,
    x: Float[Tensor, "core *shape"],
    labels: Int[Tensor, "core"],
    bounds: ClusterBounds | None = None,
) -> Judge:
    """Return `predictive` as a function of the new points; what they share is computed once."""
    jointly = ClusteredCore(network, x)
    sums = jointly.sums(labels)
    opened = torch.tensor(len(sums), device=x.device)

    @torch.no_grad()
    def judged(new: Float[Tensor, "new *shape"]) -> Float[Tensor, "new options"]:
        values = []
        for block in new.split(jointly.block(len(sums) + 1)):
            energies = jointly.energies(sums, jointly.encode(block))
            if bounds is not None:
                energies = bounds.restrict(energies, opened, torch.zeros_like(opened))
            values.append(network.log_policy(energies, jointly.temperature))
        return torch.cat(values)

    return judged


@torch.no_grad()
def extend(
    network: EnergyNetwork,
    x: Float[Tensor, "points *shape"],
    core: Int[Tensor, "core"],
    labels: Int[Tensor, "clusterings core"],
    pick: Pick,
) -> tuple[Int[Tensor, "clusterings points"], Float[Tensor, "clusterings"]]:
    """Extend clusterings of the core to all points.

    Args:
        labels: in order of appearance.
        pick: function that chooses each point's cluster.

    Returns:
        Labels in order of appearance, as 32-bit integers on the CPU, and the log-probabilities of those of
        the points outside the core.
    """
    jointly = ClusteredCore(network, x[core].to(next(network.parameters()).device))
    distinct, which = labels.cpu().unique(dim=0, return_inverse=True)  # equal cores share what they need
    sums = [jointly.sums(row) for row in distinct]
    rest = torch.ones(len(x), dtype=torch.bool)
    rest[core] = False
    found = torch.empty(len(labels), len(x), dtype=torch.int32)
    found[:, core] = labels.cpu().int()
    log_prob = torch.zeros(len(labels), dtype=torch.float64)
    options = 1 + max(len(each) for each in sums)
    for block in rest.nonzero()[:, 0].split(jointly.block(options)):
        terms = jointly.encode(x[block])
        energies = [jointly.energies(each, terms)[:, :-1] for each in sums]
        policies = [network.log_policy(each, jointly.temperature).cpu() for each in energies]
        for row, policy in enumerate(which.tolist()):
            log_policy = policies[policy]
            taken = pick(log_policy, row, block)
            chosen = log_policy.gather(1, taken.clamp_min(0)[:, None])[:, 0]
            log_prob[row] += torch.where(taken < 0, -torch.inf, chosen).sum()
            found[row, block] = taken.int()
    for row in found:  # one by one: sorting takes many times the memory of what is sorted
        row.copy_(canonical_labels(row))
    return found, log_prob


@torch.no_grad()
def greedy(
    network: EnergyNetwork,
    x: Float[Tensor, "points *shape"],
    core: Int[Tensor, "core"],
    along: Int[Tensor, "orders core"],
    bounds: ClusterBounds | None = None,
) -> tuple[Int[Tensor, "points"], Float[Tensor, ""]]:
    """Cluster the core by `gfncp.decoding.orders.greedy`, and put each other point where it most probably is.

    Returns:
        Labels, and their log-probability along one of the orders.
    """
    labels, joint = orders.greedy(network, _of_core(network, x, core), along, bounds=bounds)
    found, rest = extend(network, x, core, labels, lambda log_policy, *_: log_policy.argmax(1))
    return found[0].long(), joint[0].cpu() + rest[0]


@torch.no_grad()
def sample(
    network: EnergyNetwork,
    x: Float[Tensor, "points *shape"],
    core: Int[Tensor, "core"],
    pool: Pool,
    n_samples: int,
    generator: torch.Generator,
) -> tuple[Int[Tensor, "n_samples points"], Float[Tensor, "n_samples"]]:
    """Draw clusterings, and return them with their log-probabilities.

    Args:
        pool: of the core.
    """

    def draw(log_policy: Tensor, row: int, block: Tensor) -> Tensor:
        return draw_options(log_policy.exp().cumsum(1), generator)

    labels, log_prob = pool.sample(n_samples, generator)
    found, rest = extend(network, x, core, labels[0], draw)
    return found, log_prob[0].cpu() + rest


@torch.no_grad()
def log_prob(
    network: EnergyNetwork,
    x: Float[Tensor, "points *shape"],
    core: Int[Tensor, "core"],
    pool: Pool,
    labels: Int[Tensor, "clusterings points"],
) -> Float[Tensor, "clusterings"]:
    """Return log p(labels | x), which is -inf where a cluster has no point in the core.

    Args:
        pool: of the core.
        labels: in order of appearance.
    """
    of_core = canonical_labels(labels[:, core])
    names = torch.full((len(labels), int(labels.max()) + 1), -1)
    names.scatter_(1, labels[:, core].long(), of_core.long())
    values = pool.log_prob(of_core.long().to(pool.encoding.mask.device)[None])[0].cpu()
    _, rest = extend(network, x, core, of_core, lambda _, row, block: names[row, labels[row, block].long()])
    return values + rest


def _of_core(network: EnergyNetwork, x: Tensor, core: Tensor) -> Encoding:
    return network.encode(x[core].to(next(network.parameters()).device)[None])
