"""Metrics of consistency: whether a posterior depends on the order of points, and its marginals agree.

All take labelled sets and an energy network, give one number per set in float64, and work through the sets
in parts of bounded memory.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.decoding.likelihood import POINTS_PER_PART, log_prob_of_orders
from gfncp.networks.energy import EnergyNetwork
from gfncp.objectives import algorithm_1
from gfncp.objectives.batch import Batch

PUBLIC_FLOOR = 1e-5  # added to flows by the authors' public code


@torch.no_grad()
def marginal_consistency(
    network: EnergyNetwork, x: Float[Tensor, "sets points *shape"], labels: Int[Tensor, "sets points"]
) -> Float[Tensor, "sets"]:
    """Return MC as printed: the sum over n = 2..N of Eq. 24, with its shifted energies."""
    parts = [
        algorithm_1.consistency_loss(network, network.encode(some), Batch(some, known))[0]
        for some, known in _parts(x, labels)
    ]
    return torch.cat(parts).double()


@torch.no_grad()
def mc_terms(
    network: EnergyNetwork,
    x: Float[Tensor, "sets points *shape"],
    labels: Int[Tensor, "sets points"],
    floor: float = 0.0,
) -> Float[Tensor, "sets steps"]:
    """Return the terms of `marginal_consistency`, those of the steps n = 2..N.

    Energies are shifted by their minimum over the options at each step but the last one, whose level is
    therefore that of the terminal energy: of most networks, that one term is most of the sum.

    Args:
        floor: is added to flows before their logarithm is taken.
    """
    return torch.cat([_mc_terms(network, *part, floor) for part in _parts(x, labels)])


def _mc_terms(network: EnergyNetwork, x: Tensor, labels: Tensor, floor: float) -> Tensor:
    energies = network.energies(x, labels).double()
    shifted = energies - energies.amin(-1, keepdim=True)
    shifted[:, -1] = energies[:, -1]
    incoming = -shifted[:, :-1].gather(2, labels[:, :-1, None])[..., 0]
    incoming[:, 0] = 0.0  # the first state has one option
    outgoing = torch.logsumexp(-shifted[:, 1:], -1)
    if floor > 0:
        log_floor = torch.tensor(floor, dtype=torch.float64, device=x.device).log()
        incoming, outgoing = (torch.logaddexp(flow, log_floor) for flow in (incoming, outgoing))
    return (incoming - outgoing).square()


@torch.no_grad()
def public_code_mc(
    network: EnergyNetwork, x: Float[Tensor, "sets points *shape"], greedy: Int[Tensor, "sets points"]
) -> Float[Tensor, "sets"]:
    """Return MC as the paper's authors' public code evaluates it.

    It differs from the printed one in three ways: it follows greedy labels, not the true ones; it adds
    1e-5 to flows before taking logarithms; and it divides the sum by the number of points. The two are on
    scales that are orders of magnitude apart.

    Args:
        greedy: the most probable option at each step, along the order of the points.
    """
    return mc_terms(network, x, greedy, PUBLIC_FLOOR).sum(1) / x.shape[1]


class FlowResidual(NamedTuple):
    """The flow-matching condition's violation, without Eq. 24's shift."""

    total: Float[Tensor, "sets"]  # sum of squares over n = 2..N
    mean: Float[Tensor, "sets"]  # mean square of one step


@torch.no_grad()
def flow_residual(
    network: EnergyNetwork, x: Float[Tensor, "sets points *shape"], labels: Int[Tensor, "sets points"]
) -> FlowResidual:
    """Return the squares of E[c_{1:n-1}] + logsumexp_{c_n}(-E[c_{1:n}]) (Eq. 23), n = 2..N.

    Zero for E = -log p(c_{1:n} | x) + const(x), whatever the posterior p.
    """
    parts = [
        flow_residuals(network.energies(*part).double(), part[1]).square().sum(1)
        for part in _parts(x, labels)
    ]
    total = torch.cat(parts)
    return FlowResidual(total, total / (x.shape[1] - 1))


def flow_residuals(
    energies: Float[Tensor, "batch points options"], labels: Int[Tensor, "batch points"]
) -> Float[Tensor, "batch steps"]:
    """Return E[c_{1:n-1}] + logsumexp_{c_n}(-E[c_{1:n}]) of steps n = 2..N, from all options' energies."""
    parent = energies[:, :-1].gather(2, labels[:, :-1, None])[..., 0]
    return parent + torch.logsumexp(-energies[:, 1:], -1)


@torch.no_grad()
def sdpp(
    network: EnergyNetwork,
    x: Float[Tensor, "sets points *shape"],
    labels: Int[Tensor, "sets points"],
    *,
    orders: int = 500,
    generator: torch.Generator,
) -> Float[Tensor, "sets"]:
    """Return SDPP (Eq. 32): how much a clustering's probability varies over random orders of the points.

    Raises:
        ValueError: ``orders`` is less than 2.
    """
    if orders < 2:
        raise ValueError(f"orders={orders}: a standard deviation needs at least 2")
    parts = []
    for one_x, one_labels in zip(x.split(1), labels.split(1), strict=True):
        drawn = torch.rand(1, orders, labels.shape[1], generator=generator).argsort(-1)
        parts.append(log_prob_of_orders(network, one_x, one_labels, drawn.to(labels.device)))
    return relative_deviation(torch.cat(parts))


def relative_deviation(log_prob: Float[Tensor, "sets orders"]) -> Float[Tensor, "sets"]:
    """Return the standard deviation over the mean (Eq. 32) of exp(log_prob), which itself may underflow."""
    scaled = (log_prob - log_prob.amax(1, keepdim=True)).exp()
    return scaled.std(1, correction=0) / scaled.mean(1)


def _parts(x: Tensor, labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    sets = max(1, POINTS_PER_PART // labels.shape[1])
    return zip(x.split(sets), labels.split(sets), strict=True)
