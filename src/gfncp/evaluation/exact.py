"""Posteriors over all partitions of small sets: the exact one, and those of an energy network.

Every table has one column per partition, in the order of `gfncp.partitions.all_partitions`.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.mixtures.conjugate import KnownCovariance, log_joint
from gfncp.networks.energy import Encoding, EnergyNetwork
from gfncp.partitions import all_partitions, canonical_labels, cluster_bounds
from gfncp.simulators import GaussianMixtures

MOST_POINTS = 9  # 21,147 partitions
ROWS_PER_PART = 131_072  # labelled sets that are held at a time


def exact_posterior(
    x: Float[Tensor, "sets points dim"], mixture: GaussianMixtures
) -> Float[Tensor, "sets partitions"]:
    """Return log p(c | x) of every partition c, for sets that ``mixture`` simulates, in float64.

    Raises:
        ValueError: the sets are larger than 9 points.
    """
    points = x.shape[1]
    _check_points(points)
    labels = all_partitions(points)
    low, high = cluster_bounds(mixture.n_clusters, points)
    clusters = labels.amax(1) + 1
    possible = (low <= clusters) & (clusters <= high)
    model = KnownCovariance(mixture.spread)
    parts = []
    for part in x.double().split(max(1, ROWS_PER_PART // len(labels))):
        parts.append(log_joint(part[:, None], labels, model, mixture.alpha))
    joint = torch.cat(parts).masked_fill(~possible, -torch.inf)
    return joint.log_softmax(1)


class ModelPosteriors(NamedTuple):
    """Probabilities that an energy network gives to every partition, in float64."""

    policy: Float[Tensor, "sets partitions"]  # log p(c | x), the product of the conditionals (Eq. 21, 30)
    terminal: Float[Tensor, "sets partitions"]  # log softmax(-E[c_{1:N}]) (Eq. 25)


@torch.no_grad()
def model_posteriors(network: EnergyNetwork, x: Float[Tensor, "sets points *shape"]) -> ModelPosteriors:
    """Return the posteriors of policy and terminal energy over all partitions, along the order of the points.

    Partitions share their prefixes: step n costs one row per partition of the first n points.

    Raises:
        ValueError: the sets are not of 2 to 9 points.
    """
    _check_points(x.shape[1])
    encoding = network.encode(x)
    sets = max(1, ROWS_PER_PART // len(all_partitions(x.shape[1] - 1)))
    parts = [_posteriors(network, Encoding(*p)) for p in zip(*(t.split(sets) for t in encoding), strict=True)]
    return ModelPosteriors(*(torch.cat(column) for column in zip(*parts, strict=True)))


def _posteriors(network: EnergyNetwork, encoding: Encoding) -> ModelPosteriors:
    sets, points = encoding.mask.shape
    log_p = terminal = torch.zeros(sets, 1, dtype=torch.float64)
    temperature = encoding.temperature[:, :1].cpu()
    for n in range(1, points):
        prefixes = all_partitions(n)
        labels = F.pad(prefixes, (0, points - n)).repeat(sets, 1).to(encoding.mask.device)
        copies = Encoding(*(part.repeat_interleave(len(prefixes), 0) for part in encoding))
        step = torch.full_like(labels[:, :1], n)
        energies = network.encoded_energies(copies, labels, step)[:, 0].double().cpu()
        energies = energies.view(sets, len(prefixes), -1)
        options = torch.arange(energies.shape[-1]) <= prefixes.amax(1, keepdim=True) + 1
        log_p = (log_p[..., None] + network.log_policy(energies, temperature))[:, options]
        terminal = -energies[:, options]
    return ModelPosteriors(log_p, torch.log_softmax(terminal, -1))


class OrderAverages(NamedTuple):
    """Policies along several orders as one posterior over partitions."""

    mixture: Float[Tensor, "sets partitions"]  # log of the mean of the probabilities
    geometric: Float[Tensor, "sets partitions"]  # mean of the log-probabilities, normalised


def order_averages(
    network: EnergyNetwork, x: Float[Tensor, "sets points *shape"], orders: Int[Tensor, "orders points"]
) -> OrderAverages:
    """Return the policy averaged over orders of the points (the same ones for all sets), over all partitions.

    Args:
        orders: permutations; entry n is the point that is assigned n-th.
    """
    labels = all_partitions(x.shape[1])
    by_order = []
    for order in orders:
        column = partition_index(canonical_labels(labels[:, order]))
        by_order.append(model_posteriors(network, x[:, order]).policy[:, column])
    tables = torch.stack(by_order)
    mixture = torch.logsumexp(tables, 0) - torch.log(torch.tensor(float(len(orders)), dtype=torch.float64))
    return OrderAverages(mixture, tables.mean(0).log_softmax(1))


def partition_index(labels: Int[Tensor, "*batch points"]) -> Int[Tensor, "*batch"]:
    """Return the place of labels in order of appearance in `gfncp.partitions.all_partitions`."""
    points = labels.shape[-1]
    digits = points ** torch.arange(points - 1, -1, -1)
    codes = (all_partitions(points) * digits).sum(1)
    return torch.searchsorted(codes, (labels * digits).sum(-1).contiguous())


def total_variation(
    log_p: Float[Tensor, "sets outcomes"], log_q: Float[Tensor, "sets outcomes"]
) -> Float[Tensor, "sets"]:
    """Return half the sum of |p - q|: 0 for equal distributions, 1 for disjoint ones."""
    return 0.5 * (log_p.exp() - log_q.exp()).abs().sum(-1)


def kl_divergence(
    log_p: Float[Tensor, "sets outcomes"], log_q: Float[Tensor, "sets outcomes"]
) -> Float[Tensor, "sets"]:
    """Return KL(p || q) in nats; outcomes with p = 0 add nothing."""
    p = log_p.exp()
    return torch.where(p > 0, p * (log_p - log_q), 0.0).sum(-1)


def _check_points(points: int) -> None:
    if not 2 <= points <= MOST_POINTS:
        raise ValueError(f"x has sets of {points} points: all partitions are listed for 2 to {MOST_POINTS}")
