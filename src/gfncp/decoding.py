"""Decoding: clusterings from an energy network, one point after the other.

The state of a partial clustering is small: the sum H_k and the representation of each cluster, and the sum
of the representations. A step evaluates only what the new point changes, K + 1 rows per clustering.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.energy import Encoding, EnergyNetwork
from gfncp.partitions import canonical_labels

STATE_BYTES = 2**31  # bound of one group's cluster sums, were every point a cluster
POINTS_PER_PART = 65_536  # encoded points of labelled copies that are held at a time


@dataclass
class State:
    """Partial clusterings of encoded sets, side by side ("particles")."""

    owner: Int[Tensor, "particles"]  # the set that a particle clusters
    sums: Float[Tensor, "particles capacity width"]  # H_k, as g's first layer sees it
    clusters: Float[Tensor, "particles capacity width"]  # g(H_k), as f's first layer sees it; 0 if unopened
    total: Float[Tensor, "particles width"]  # G
    opened: Int[Tensor, "particles"]
    labels: Int[Tensor, "particles points"]
    log_prob: Float[Tensor, "particles"]

    @classmethod
    def start(cls, encoding: Encoding) -> "State":
        batch, points, width = encoding.y.shape
        zeros = encoding.y.new_zeros(batch, 8, width)
        return cls(
            owner=torch.arange(batch, device=zeros.device),
            sums=zeros,
            clusters=zeros.clone(),
            total=zeros[:, 0].clone(),
            opened=torch.zeros(batch, dtype=torch.long, device=zeros.device),
            labels=torch.full((batch, points), -1, device=zeros.device),
            log_prob=torch.zeros(batch, dtype=torch.float64, device=zeros.device),
        )

    def select(self, particles: Int[Tensor, "kept"]) -> "State":
        return State(*(getattr(self, name)[particles] for name in self.__dataclass_fields__))

    def grow(self) -> None:
        """Make room for one more cluster in every particle."""
        if int(self.opened.max()) == self.sums.shape[1]:
            extra = (0, 0, 0, self.sums.shape[1] // 2)
            self.sums, self.clusters = F.pad(self.sums, extra), F.pad(self.clusters, extra)


class Choose(Protocol):
    """A strategy: which particles go on, each with which option."""

    def __call__(
        self, log_policy: Float[Tensor, "particles options"], state: State, point: int
    ) -> tuple[Int[Tensor, "kept"], Int[Tensor, "kept"]]:
        """Parents (sorted) and options of the next particles."""
        ...


def decode(network: EnergyNetwork, encoding: Encoding, choose: Choose) -> State:
    """Assign every present point in turn; ``choose`` picks among the options by their log-probabilities."""
    remaining = encoding.v.sum(1)
    state = State.start(encoding)
    everyone = bool(encoding.mask.all())
    for point in range(encoding.y.shape[1]):
        state.grow()
        remaining = remaining - encoding.v[:, point]
        y = encoding.y[state.owner, point]
        options = torch.arange(int(state.opened.max()) + 1, device=y.device)
        valid = options <= state.opened[:, None]
        particle, option = valid.nonzero(as_tuple=True)
        joined = state.sums[particle, option] + y[particle]
        new = network.cluster(joined)
        context = state.total + remaining[state.owner]
        change = new - state.clusters[particle, option]
        energies = torch.full(valid.shape, torch.inf, dtype=y.dtype, device=y.device)
        energies[particle, option] = network.energy(context[particle] + change)
        log_policy = torch.log_softmax(-energies.double(), -1)
        if not everyone:  # an absent point keeps its particle as it is, with probability 1
            present = encoding.mask[state.owner, point]
            log_policy = torch.where(present[:, None], log_policy, torch.where(options == 0, 0.0, -torch.inf))

        parents, taken = choose(log_policy, state, point)
        row = (valid.view(-1).cumsum(0) - 1).view(valid.shape)[parents, taken]
        if len(parents) != len(state.owner):
            state = state.select(parents)
        state.log_prob = state.log_prob + log_policy[parents, taken]
        where = torch.arange(len(parents), device=y.device)
        if not everyone:
            present = encoding.mask[state.owner, point]
            where, row, taken = where[present], row[present], taken[present]
        state.sums[where, taken] = joined[row]
        state.clusters[where, taken] = new[row]
        state.total[where] += change[row]
        state.opened[where] = torch.maximum(state.opened[where], taken + 1)
        state.labels[where, point] = taken
    return state


def _most_likely(log_policy, state, point):
    return torch.arange(len(log_policy), device=log_policy.device), log_policy.argmax(-1)


class _Draw:
    """Independent samples; those that agree so far share a particle."""

    def __init__(self, batch: int, n_samples: int, generator: torch.Generator) -> None:
        self.particle = torch.arange(batch).repeat_interleave(n_samples)  # of each sample
        self.generator = generator

    def __call__(self, log_policy, state, point):
        cdf = log_policy.exp().cumsum(-1).cpu()[self.particle]
        u = torch.rand(len(cdf), 1, dtype=cdf.dtype, generator=self.generator)
        option = (cdf <= u * cdf[:, -1:]).sum(-1)
        kept, self.particle = torch.unique(
            self.particle * cdf.shape[1] + option, sorted=True, return_inverse=True
        )
        kept = kept.to(log_policy.device)
        return kept // cdf.shape[1], kept % cdf.shape[1]


def _groups(encoding: Encoding, particles: int) -> list[Encoding]:
    """Sets whose decoding fits the memory bound, with so many particles per set."""
    points, width = encoding.y.shape[1:]
    sets = max(1, STATE_BYTES // (2 * encoding.y.element_size() * particles * points * width))
    return [Encoding(*part) for part in zip(*(t.split(sets) for t in encoding), strict=True)]


@torch.no_grad()
def greedy(network: EnergyNetwork, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The most probable option at each step.

    Returns:
        Labels ``(batch, points)``, -1 where absent, and their log-probabilities ``(batch,)``.
    """
    states = [decode(network, group, _most_likely) for group in _groups(network.encode(x, mask), 1)]
    return torch.cat([s.labels for s in states]), torch.cat([s.log_prob for s in states])


@torch.no_grad()
def sample(
    network: EnergyNetwork, x: Tensor, n_samples: int, generator: torch.Generator, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Independent clusterings from the policy.

    Returns:
        Labels ``(batch, n_samples, points)`` and log-probabilities ``(batch, n_samples)``.
    """
    labels, log_prob = [], []
    for group in _groups(network.encode(x, mask), n_samples):
        draw = _Draw(len(group.y), n_samples, generator)
        state = decode(network, group, draw)
        labels.append(state.labels[draw.particle].view(-1, n_samples, group.y.shape[1]))
        log_prob.append(state.log_prob[draw.particle].view(-1, n_samples))
    return torch.cat(labels), torch.cat(log_prob)


def log_prob(network: EnergyNetwork, x: Tensor, labels: Tensor, mask: Tensor | None = None) -> Tensor:
    """log p(labels | x) along the order of the points (Eq. 7-10).

    Args:
        labels: ``(batch, points)`` or ``(batch, clusterings, points)``, in order of appearance.

    Returns:
        ``(batch,)`` or ``(batch, clusterings)``, in float64.
    """
    each = labels if labels.dim() == 3 else labels[:, None]
    totals = [_log_prob(network, *part) for part in _copies(network.encode(x, mask), each)]
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
        totals.append(_log_prob(network, ordered, canonical_labels(row_labels.gather(1, order))))
    return torch.cat(totals).view(orders.shape[:-1])


def _log_prob(network: EnergyNetwork, encoding: Encoding, labels: Int[Tensor, "batch points"]) -> Tensor:
    log_policy = torch.log_softmax(-network.encoded_energies(encoding, labels).double(), -1)
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
