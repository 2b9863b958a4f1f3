"""Decoding: clusterings from an energy network, one point after the other.

The state of a partial clustering is small: the sum H_k and the representation of each cluster, and the sum
of the representations. A step evaluates only what the new point changes, K + 1 rows per clustering.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.bounds import ClusterBounds
from gfncp.networks.energy import Encoding, EnergyNetwork
from gfncp.partitions import canonical_labels

STATE_BYTES = 2**29  # bound of one group's cluster sums, were every point a cluster
POINTS_PER_PART = 65_536  # encoded points of labelled copies that are held at a time


@dataclass
class State:
    """Partial clusterings of encoded sets, side by side ("particles")."""

    owner: Int[Tensor, "particles"]  # the set that a particle clusters
    sums: Float[Tensor, "particles capacity sums"]  # H_k, as g's first layer sees it
    clusters: Float[Tensor, "particles capacity width"]  # g(H_k), as f's first layer sees it; 0 if unopened
    opened: Int[Tensor, "particles"]
    labels: Int[Tensor, "particles points"]  # of the points so far, -1 where absent
    log_prob: Float[Tensor, "particles"]

    @classmethod
    def start(cls, encoding: Encoding, width: int) -> "State":
        batch, _, sums = encoding.y.shape
        zeros = encoding.y.new_zeros(batch, 8, sums)
        return cls(
            owner=torch.arange(batch, device=zeros.device),
            sums=zeros,
            clusters=zeros.new_zeros(batch, 8, width),
            opened=torch.zeros(batch, dtype=torch.long, device=zeros.device),
            labels=torch.empty(batch, 0, dtype=torch.long, device=zeros.device),
            log_prob=torch.zeros(batch, dtype=torch.float64, device=zeros.device),
        )

    def select(self, particles: Int[Tensor, "kept"]) -> "State":
        return State(*(getattr(self, name)[particles] for name in self.__dataclass_fields__))

    def grow(self) -> None:
        """Make room for one more cluster in every particle."""
        if int(self.opened.max()) == self.sums.shape[1]:
            extra = (0, 0, 0, self.sums.shape[1] // 2)
            self.sums, self.clusters = F.pad(self.sums, extra), F.pad(self.clusters, extra)


@runtime_checkable
class Choose(Protocol):
    """A strategy: which particles go on, each with which option."""

    def __call__(
        self, log_policy: Float[Tensor, "particles options"], state: State, point: int
    ) -> tuple[Int[Tensor, "kept"], Int[Tensor, "kept"]]:
        """Parents (sorted) and options of the next particles; ``point`` is its column of the labels."""
        ...


def decode(
    network: EnergyNetwork,
    encoding: Encoding,
    choose: Choose,
    state: State | None = None,
    bounds: ClusterBounds | None = None,
) -> State:
    """Assign every present point in turn; ``choose`` picks among the options by their log-probabilities.

    Args:
        state: partial clusterings to go on with, which stay as they are; the points of ``encoding`` come
            after theirs. Default: nothing is assigned yet.
        bounds: on the number of clusters; options that lead out of them have probability 0.
    """
    remaining = encoding.v.sum(1)
    left = encoding.mask.sum(1)
    if state is None:
        state = State.start(encoding, network.width)
    else:
        state = state.select(torch.arange(len(state.owner)))
    before, points = state.labels.shape[1], encoding.y.shape[1]
    state.labels = F.pad(state.labels, (0, points), value=-1)
    everyone = bool(encoding.mask.all())
    told = (encoding.known >= 0).any(0).tolist()
    for point in range(points):
        state.grow()
        remaining = remaining - encoding.v[:, point]
        left = left - encoding.mask[:, point].long()
        y = encoding.y[state.owner, point]
        options = torch.arange(int(state.opened.max()) + 1, device=y.device)
        valid = options <= state.opened[:, None]
        particle, option = valid.nonzero(as_tuple=True)
        joined = state.sums[particle, option] + y[particle]
        unassigned = remaining[state.owner]
        state.clusters = network.represent(state.sums, state.clusters, state.opened, unassigned)
        new = network.cluster(joined, unassigned, particle)
        context = state.clusters.sum(1) + unassigned[:, : network.width]
        change = new - state.clusters[particle, option]
        energies = torch.full(valid.shape, torch.inf, dtype=y.dtype, device=y.device)
        energies[particle, option] = network.energy(context[particle] + change)
        if bounds is not None:
            admitted = bounds.admits(state.opened, left[state.owner], len(options))
            energies = energies.masked_fill(~admitted, torch.inf)
        log_policy = network.log_policy(energies)
        if not everyone:  # an absent point keeps its particle as it is, with probability 1
            present = encoding.mask[state.owner, point]
            log_policy = torch.where(present[:, None], log_policy, torch.where(options == 0, 0.0, -torch.inf))
        if told[point]:
            known = encoding.known[state.owner, point][:, None]
            log_policy = torch.where(known < 0, log_policy, torch.where(options == known, 0.0, -torch.inf))

        parents, taken = choose(log_policy, state, before + point)
        row = (valid.view(-1).cumsum(0) - 1).view(valid.shape)[parents, taken]
        if not torch.equal(parents, torch.arange(len(state.owner), device=parents.device)):
            state = state.select(parents)
        state.log_prob = state.log_prob + log_policy[parents, taken]
        where = torch.arange(len(parents), device=y.device)
        if not everyone:
            present = encoding.mask[state.owner, point]
            where, row, taken = where[present], row[present], taken[present]
        state.sums[where, taken] = joined[row]
        state.clusters[where, taken] = new[row]
        state.labels[where, before + point] = taken
        state.opened[where] = torch.maximum(state.opened[where], taken + 1)
    return state


def most_likely(log_policy, state, point):
    return torch.arange(len(log_policy), device=log_policy.device), log_policy.argmax(-1)


def draw_options(cumulated: Float[Tensor, "rows options"], generator: torch.Generator) -> Int[Tensor, "rows"]:
    """An option for each row, from cumulated probabilities, which need not end in 1."""
    u = torch.rand(len(cumulated), 1, dtype=cumulated.dtype, generator=generator).to(cumulated.device)
    return (cumulated <= u * cumulated[:, -1:]).sum(-1)


class Draw:
    """Independent samples; those that agree so far share a particle.

    Args:
        particle: of each sample, before the first point.
    """

    def __init__(self, particle: Int[Tensor, "samples"], generator: torch.Generator) -> None:
        self.particle = particle
        self.generator = generator

    def __call__(self, log_policy, state, point):
        option = draw_options(log_policy.exp().cumsum(-1).cpu()[self.particle], self.generator)
        parents, taken, self.particle = _branch(self.particle, option)
        return parents.to(log_policy.device), taken.to(log_policy.device)


class Follow:
    """Given clusterings; those that agree so far share a particle.

    Args:
        labels: in order of appearance, -1 where absent.
    """

    def __init__(self, labels: Int[Tensor, "batch clusterings points"]) -> None:
        batch, clusterings, _ = labels.shape
        self.labels = labels.clamp_min(0).flatten(0, 1)
        self.particle = torch.arange(batch, device=labels.device).repeat_interleave(clusterings)

    def __call__(self, log_policy, state, point):
        parents, taken, self.particle = _branch(self.particle, self.labels[:, point])
        return parents, taken


def _branch(particle: Tensor, option: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Parents (sorted) and options of the distinct continuations, and the one of each clustering."""
    options = int(option.max()) + 1
    distinct, own = torch.unique(particle * options + option, sorted=True, return_inverse=True)
    return distinct // options, distinct % options, own


def _particles_at_once(encoding: Encoding) -> int:
    """How many particles fit the memory bound."""
    points, width = encoding.y.shape[1:]
    return max(1, STATE_BYTES // (2 * encoding.y.element_size() * points * width))


def groups(encoding: Encoding, particles: int) -> list[Encoding]:
    """Sets whose decoding fits the memory bound, with so many particles per set."""
    sets = max(1, _particles_at_once(encoding) // particles)
    return [Encoding(*part) for part in zip(*(t.split(sets) for t in encoding), strict=True)]


@torch.no_grad()
def greedy(
    network: EnergyNetwork, x: Tensor, mask: Tensor | None = None, bounds: ClusterBounds | None = None
) -> tuple[Tensor, Tensor]:
    """The most probable option at each step.

    Returns:
        Labels ``(batch, points)``, -1 where absent, and their log-probabilities ``(batch,)``.
    """
    parts = groups(network.encode(x, mask), 1)
    states = [decode(network, group, most_likely, bounds=bounds) for group in parts]
    return torch.cat([s.labels for s in states]), torch.cat([s.log_prob for s in states])


@torch.no_grad()
def sample(
    network: EnergyNetwork,
    x: Tensor,
    n_samples: int,
    generator: torch.Generator,
    mask: Tensor | None = None,
    bounds: ClusterBounds | None = None,
) -> tuple[Tensor, Tensor]:
    """Independent clusterings from the policy.

    Returns:
        Labels ``(batch, n_samples, points)`` and log-probabilities ``(batch, n_samples)``.
    """
    return sample_encoded(network, network.encode(x, mask), n_samples, generator, bounds)


def sample_encoded(
    network: EnergyNetwork,
    encoding: Encoding,
    n_samples: int,
    generator: torch.Generator,
    bounds: ClusterBounds | None = None,
) -> tuple[Int[Tensor, "batch n_samples points"], Float[Tensor, "batch n_samples"]]:
    """`sample` for encoded sets."""
    at_once = min(n_samples, _particles_at_once(encoding))
    labels, log_prob = [], []
    for group in groups(encoding, at_once):
        draws = [
            _sample(network, group, min(at_once, n_samples - done), generator, bounds)
            for done in range(0, n_samples, at_once)
        ]
        labels.append(torch.cat([drawn for drawn, _ in draws], 1))
        log_prob.append(torch.cat([value for _, value in draws], 1))
    return torch.cat(labels), torch.cat(log_prob)


def _sample(network, encoding, n_samples, generator, bounds):
    draw = Draw(torch.arange(len(encoding.y)).repeat_interleave(n_samples), generator)
    state = decode(network, encoding, draw, bounds=bounds)
    particle = draw.particle.view(-1, n_samples).to(state.labels.device)
    return state.labels[particle], state.log_prob[particle]


def log_prob(
    network: EnergyNetwork,
    x: Tensor,
    labels: Tensor,
    mask: Tensor | None = None,
    bounds: ClusterBounds | None = None,
) -> Tensor:
    """log p(labels | x) along the order of the points (Eq. 7-10).

    Args:
        labels: ``(batch, points)`` or ``(batch, clusterings, points)``; names of clusters do not matter.
        bounds: on the number of clusters; beyond them the log-probability is -inf.

    Returns:
        ``(batch,)`` or ``(batch, clusterings)``, in float64.
    """
    if mask is not None:
        labels = torch.where(mask if labels.dim() == 2 else mask[:, None], labels, -1)
    labels = canonical_labels(labels)
    each = labels if labels.dim() == 3 else labels[:, None]
    totals = [log_prob_encoded(network, *part, bounds) for part in _copies(network.encode(x, mask), each)]
    return torch.cat(totals).view(labels.shape[:-1])


def log_prob_of_orders(
    network: EnergyNetwork,
    x: Float[Tensor, "batch points *shape"],
    labels: Int[Tensor, "batch points"],
    orders: Int[Tensor, "batch orders points"],
) -> Float[Tensor, "batch orders"]:
    """log p of one clustering of each set, its points visited in other orders, in float64.

    Encoders do not depend on the order of the points, so each set is encoded once.

    Args:
        labels: in order of appearance.
        orders: permutations of the points; entry n is the point that is assigned n-th.
    """
    totals = []
    clusterings = labels[:, None].expand(orders.shape)
    for part, row_labels, order in _copies(network.encode(x), clusterings, orders):
        ordered = Encoding(*(field[torch.arange(len(order))[:, None], order] for field in part))
        totals.append(log_prob_encoded(network, ordered, canonical_labels(row_labels.gather(1, order))))
    return torch.cat(totals).view(orders.shape[:-1])


def log_prob_encoded(
    network: EnergyNetwork,
    encoding: Encoding,
    labels: Int[Tensor, "batch points"],
    bounds: ClusterBounds | None = None,
) -> Float[Tensor, "batch"]:
    """`log_prob` of one clustering of each encoded set, all steps in one pass (teacher forcing)."""
    energies = network.encoded_energies(encoding, labels)
    if bounds is not None:
        present = encoding.mask.long()
        opened = F.pad(labels.cummax(1).values[:, :-1] + 1, (1, 0))
        left = present.flip(1).cumsum(1).flip(1) - present
        admitted = bounds.admits(opened, left, energies.shape[-1]) | ~encoding.mask[..., None]
        energies = energies.masked_fill(~admitted, torch.inf)
    log_policy = network.log_policy(energies)
    known = encoding.known[..., None]
    certain = torch.where(torch.arange(log_policy.shape[-1], device=known.device) == known, 0.0, -torch.inf)
    log_policy = torch.where(known < 0, log_policy, certain)
    return log_policy.gather(2, labels.clamp_min(0)[..., None]).sum((1, 2))


def _copies(
    encoding: Encoding, *per_copy: Int[Tensor, "batch copies points"]
) -> Iterator[tuple[Encoding | Tensor, ...]]:
    """Encoded sets once per copy, row by row, with what belongs to each copy, in parts of bounded memory."""
    batch, copies, points = per_copy[0].shape
    owners = torch.arange(batch, device=encoding.y.device).repeat_interleave(copies)
    rows = max(1, POINTS_PER_PART // points)
    for owner, *values in zip(
        owners.split(rows), *(value.flatten(0, 1).split(rows) for value in per_copy), strict=True
    ):
        yield Encoding(*(field[owner] for field in encoding)), *values
