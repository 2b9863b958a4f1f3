"""Beam search: the most probable clusterings that can be found while only so many are kept at each step."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gfncp.bounds import ClusterBounds
from gfncp.decoding.decode import decode
from gfncp.decoding.state import State, groups
from gfncp.networks.energy import EnergyNetwork


@dataclass(frozen=True)
class Widest:
    """Strategy that keeps the ``width`` most probable continuations of every set."""

    width: int

    def __call__(self, log_policy: Tensor, state: State, point: int) -> tuple[Tensor, Tensor]:
        scores = state.log_prob[:, None] + log_policy
        particle, option = (scores != -torch.inf).nonzero(as_tuple=True)
        order = scores[particle, option].argsort(descending=True, stable=True)
        order = order[state.owner[particle[order]].argsort(stable=True)]  # set by set, the best first
        rank = _rank(state.owner[particle[order]])
        kept = order[rank < self.width].sort().values
        return particle[kept], option[kept]


@torch.no_grad()
def beam(
    network: EnergyNetwork,
    x: Float[Tensor, "batch points *shape"],
    width: int,
    mask: Bool[Tensor, "batch points"] | None = None,
    bounds: ClusterBounds | None = None,
) -> tuple[Int[Tensor, "batch found points"], Float[Tensor, "batch found"]]:
    """Return the ``width`` most probable clusterings that beam search finds, along the order of the points.

    With a ``width`` of at least the number of partitions these are all partitions; with 1, the greedy one.

    Returns:
        Labels and log-probabilities, the best first. Where a set has fewer clusterings than another, the
        rest are labels -1 with log-probability -inf.

    Raises:
        ValueError: ``width`` is below 1.
    """
    if width < 1:
        raise ValueError(f"width={width}: accepted is at least 1")
    sets = groups(network.encode(x, mask), width)
    states = [decode(network, group, Widest(width), bounds=bounds) for group in sets]
    found = max(int(torch.bincount(state.owner).max()) for state in states)
    parts = [_sorted(state, found) for state in states]
    return torch.cat([labels for labels, _ in parts]), torch.cat([log_prob for _, log_prob in parts])


def _sorted(state: State, found: int) -> tuple[Tensor, Tensor]:
    order = state.log_prob.argsort(descending=True, stable=True)
    order = order[state.owner[order].argsort(stable=True)]
    owner = state.owner[order]
    sets, rank = int(owner[-1]) + 1, _rank(owner)
    labels = state.labels.new_full((sets, found, state.labels.shape[1]), -1)
    log_prob = state.log_prob.new_full((sets, found), -torch.inf)
    labels[owner, rank], log_prob[owner, rank] = state.labels[order], state.log_prob[order]
    return labels, log_prob


def _rank(owner: Int[Tensor, "rows"]) -> Int[Tensor, "rows"]:
    """Return the place of each row among those of its set, from sorted owners."""
    return torch.arange(len(owner), device=owner.device) - torch.searchsorted(owner, owner)
