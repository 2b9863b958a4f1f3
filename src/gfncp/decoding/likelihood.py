"""Probabilities of given clusterings along an order of the points, by teacher forcing."""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.bounds import ClusterBounds
from gfncp.networks.energy import Encoding, EnergyNetwork
from gfncp.partitions import canonical_labels, opened_before

POINTS_PER_PART = 65_536  # encoded points of labelled copies that are held at a time


def log_prob(
    network: EnergyNetwork,
    x: Tensor,
    labels: Tensor,
    mask: Tensor | None = None,
    bounds: ClusterBounds | None = None,
) -> Tensor:
    """Return log p(labels | x) along the order of the points (Eq. 7-10).

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
    totals = [
        log_prob_encoded(network, part, row_labels, bounds)
        for part, (row_labels,) in _copies(network.encode(x, mask), each)
    ]
    return torch.cat(totals).view(labels.shape[:-1])


def log_prob_of_orders(
    network: EnergyNetwork,
    x: Float[Tensor, "batch points *shape"],
    labels: Int[Tensor, "batch points"],
    orders: Int[Tensor, "batch orders points"],
) -> Float[Tensor, "batch orders"]:
    """Return log p of one clustering of each set, its points visited in other orders, in float64.

    Encoders do not depend on the order of the points, so each set is encoded once.

    Args:
        labels: in order of appearance.
        orders: permutations of the points; entry n is the point that is assigned n-th.
    """
    totals = []
    clusterings = labels[:, None].expand(orders.shape)
    for part, (row_labels, order) in _copies(network.encode(x), clusterings, orders):
        ordered = Encoding(*(field[torch.arange(len(order))[:, None], order] for field in part))
        totals.append(log_prob_encoded(network, ordered, canonical_labels(row_labels.gather(1, order))))
    return torch.cat(totals).view(orders.shape[:-1])


def log_prob_encoded(
    network: EnergyNetwork,
    encoding: Encoding,
    labels: Int[Tensor, "batch points"],
    bounds: ClusterBounds | None = None,
) -> Float[Tensor, "batch"]:
    """Return `log_prob` of one clustering of each encoded set, whose labels are in order of appearance."""
    energies = network.encoded_energies(encoding, labels)
    if bounds is not None:
        present = encoding.mask.long()
        opened = opened_before(labels)
        left = present.flip(1).cumsum(1).flip(1) - present
        restricted = bounds.restrict(energies, opened, left)
        energies = torch.where(encoding.mask[..., None], restricted, energies)
    log_policy = network.log_policy(energies, encoding.temperature)
    known = encoding.known[..., None]
    certain = torch.where(torch.arange(log_policy.shape[-1], device=known.device) == known, 0.0, -torch.inf)
    log_policy = torch.where(known < 0, log_policy, certain)
    return log_policy.gather(2, labels.clamp_min(0)[..., None]).sum((1, 2))


def _copies(
    encoding: Encoding, *per_copy: Int[Tensor, "batch copies points"]
) -> Iterator[tuple[Encoding, list[Tensor]]]:
    """Yield encoded sets once per copy, with what belongs to each copy, in parts of bounded memory."""
    batch, copies, points = per_copy[0].shape
    owners = torch.arange(batch, device=encoding.mask.device).repeat_interleave(copies)
    rows = max(1, POINTS_PER_PART // points)
    for owner, *values in zip(
        owners.split(rows), *(value.flatten(0, 1).split(rows) for value in per_copy), strict=True
    ):
        yield Encoding(*(field[owner] for field in encoding)), values
