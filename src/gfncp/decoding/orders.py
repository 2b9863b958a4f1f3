"""The posterior averaged over data orders.

A policy that is not perfectly consistent gives a clustering another probability for each order of the points.
Their mean over M orders, (1 / M) sum_m p(c | x, order m), is a distribution again, with less of that spread;
it is sampled by sampling along each order in turn. Encoders do not depend on the order, so points are encoded
once for all orders. Orders are those of all sets, or of each set its own.
"""

import math

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from gfncp.bounds import ClusterBounds
from gfncp.decoding.decode import decode, sample_encoded
from gfncp.decoding.likelihood import log_prob_encoded
from gfncp.decoding.state import groups
from gfncp.decoding.strategies import Follow, most_likely
from gfncp.networks.energy import Encoding, EnergyNetwork
from gfncp.partitions import canonical_labels
from gfncp.posterior.point_estimates import agreement


def random_orders(n_orders: int, points: int, generator: torch.Generator) -> Int[Tensor, "orders points"]:
    """Draw orders of the points, as indices; further points at the end leave the order of the others.

    Raises:
        ValueError: ``n_orders`` is below 1.
    """
    if n_orders < 1:
        raise ValueError(f"n_orders={n_orders}: accepted is at least 1")
    return torch.rand(points, n_orders, generator=generator).argsort(dim=0, stable=True).T


@torch.no_grad()
def log_prob(
    network: EnergyNetwork,
    encoding: Encoding,
    labels: Int[Tensor, "batch *clusterings points"],
    orders: Int[Tensor, "*sets orders points"],
    bounds: ClusterBounds | None = None,
) -> Float[Tensor, "batch *clusterings"]:
    """Return the log of the mean of p(labels | x, order) over the orders, in float64.

    Args:
        labels: in order of appearance.
    """
    each = labels if labels.dim() == 3 else labels[:, None]
    found = log_mean(log_prob_each(network, encoding, each, orders, bounds), 1)
    return found if labels.dim() == 3 else found[:, 0]


@torch.no_grad()
def greedy(
    network: EnergyNetwork,
    encoding: Encoding,
    orders: Int[Tensor, "*sets orders points"],
    bounds: ClusterBounds | None = None,
) -> tuple[Int[Tensor, "batch points"], Float[Tensor, "batch"]]:
    """Return the one of the greedy clusterings along the orders that agrees best with the others.

    An early choice that misleads all later ones is seldom made along most orders. (The most probable of
    these clusterings is a worse choice: where clusters overlap, the right one has many rivals that are as
    probable, and a coarse one has none.)

    Returns:
        Labels, -1 where absent, and the log-probability along the order that they were found along.
    """
    found, values = greedy_each(network, encoding, orders, bounds)
    best = torch.tensor([most_typical(each) for each in found], device=found.device)[:, None]
    labels = found.gather(1, best[..., None].expand(-1, -1, found.shape[2]))
    return labels[:, 0], values.gather(1, best)[:, 0]


@torch.no_grad()
def greedy_each(
    network: EnergyNetwork,
    encoding: Encoding,
    orders: Int[Tensor, "*sets orders points"],
    bounds: ClusterBounds | None = None,
) -> tuple[Int[Tensor, "batch orders points"], Float[Tensor, "batch orders"]]:
    """Return the greedy clustering along each order, and its log-probability along that order."""
    states = [
        decode(network, group, most_likely, bounds=bounds) for group in groups(_permuted(encoding, orders), 1)
    ]
    along = torch.cat([state.labels for state in states]).view(len(encoding.mask), *orders.shape[-2:])
    values = torch.cat([state.log_prob for state in states]).view(along.shape[:2])
    return _restored(along, orders), values


def most_typical(labels: Int[Tensor, "clusterings points"]) -> int:
    """Return which clustering has the highest mean adjusted Rand index with the others.

    Args:
        labels: -1 where a point is absent.
    """
    present = labels[:, labels[0] >= 0].cpu().numpy()
    return int(agreement(present).sum(1).argmax())


@torch.no_grad()
def sample(
    network: EnergyNetwork,
    encoding: Encoding,
    n_samples: int,
    orders: Int[Tensor, "*sets orders points"],
    generator: torch.Generator,
    bounds: ClusterBounds | None = None,
) -> tuple[Int[Tensor, "batch n_samples points"], Float[Tensor, "batch n_samples"]]:
    """Sample clusterings along the orders in turn, ``n_samples`` in all.

    Returns:
        Labels, -1 where absent, and the log of their mean probability over the orders.
    """
    labels, log_prob = draw(network, encoding, n_samples, orders, generator, bounds)
    if orders.shape[-2] == 1:  # known from sampling
        return labels, log_prob
    return labels, log_mean(log_prob_each(network, encoding, labels, orders, bounds), 1)


@torch.no_grad()
def draw(
    network: EnergyNetwork,
    encoding: Encoding,
    n_samples: int,
    orders: Int[Tensor, "*sets orders points"],
    generator: torch.Generator,
    bounds: ClusterBounds | None = None,
) -> tuple[Int[Tensor, "batch n_samples points"], Float[Tensor, "batch n_samples"]]:
    """Return labels as `sample` does, and log-probabilities along the order that each was drawn along."""
    used = orders[..., :n_samples, :]
    share = math.ceil(n_samples / used.shape[-2])
    labels, log_prob = sample_encoded(network, _permuted(encoding, used), share, generator, bounds)
    labels, log_prob = (  # orders take turns
        values.unflatten(0, (-1, used.shape[-2])).transpose(1, 2).flatten(1, 2)[:, :n_samples]
        for values in (labels, log_prob)
    )
    return _restored(labels, torch.cat([used] * share, -2)[..., :n_samples, :]), log_prob


def _permuted(encoding: Encoding, orders: Int[Tensor, "*sets orders points"]) -> Encoding:
    """Repeat every set along every order, order by order within a set."""
    permuted = Encoding(*(_along(part, orders).flatten(0, 1) for part in encoding))
    return permuted._replace(known=canonical_labels(permuted.known))


def _along(
    part: Shaped[Tensor, "batch points *size"], orders: Int[Tensor, "*sets orders points"]
) -> Shaped[Tensor, "batch orders points *size"]:
    """Return what is of the points of each set, along each order."""
    return part[torch.arange(len(part))[:, None, None], orders]


def _restored(labels: Int[Tensor, "batch rows points"], orders: Int[Tensor, "*sets rows points"]) -> Tensor:
    """Return labels of points in the order that they had, from labels along ``orders``."""
    where = orders.to(labels.device).expand_as(labels)
    return canonical_labels(torch.empty_like(labels).scatter_(2, where, labels))


@torch.no_grad()
def log_prob_each(
    network: EnergyNetwork,
    encoding: Encoding,
    labels: Int[Tensor, "batch clusterings points"],
    orders: Int[Tensor, "*sets orders points"],
    bounds: ClusterBounds | None = None,
) -> Float[Tensor, "batch orders clusterings"]:
    """Return log p of each clustering along each order, in float64.

    One clustering of each set is judged in one pass; several are decoded, since those that agree so far are
    evaluated once then.

    Args:
        labels: in order of appearance.
    """
    along = canonical_labels(_along(labels.mT, orders).mT)
    if labels.shape[1] == 1:
        values = log_prob_encoded(network, _permuted(encoding, orders), along.flatten(0, 2), bounds)
        return values.view(along.shape[:3])
    log_prob, start = [], 0
    for group in groups(_permuted(encoding, orders), labels.shape[1]):
        follow = Follow(along.flatten(0, 1)[start : start + len(group.mask)])
        start += len(group.mask)
        state = decode(network, group, follow, bounds=bounds)
        log_prob.append(state.log_prob[follow.particle])
    return torch.cat(log_prob).view(along.shape[:3])


def log_mean(values: Float[Tensor, "*shape"], dim: int) -> Float[Tensor, "*fewer"]:
    """Return the log of the mean of exp(values) along a dimension."""
    return torch.logsumexp(values, dim) - math.log(values.shape[dim])
