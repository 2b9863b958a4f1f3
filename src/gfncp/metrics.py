"""Agreement of clusterings with known labels."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.partitions import n_clusters

CELLS_PER_PART = 2**23  # of contingency tables that are held at a time


class Agreement(NamedTuple):
    """Indices of agreement, 1 for equal partitions."""

    nmi: Float[Tensor, "sets clusterings"]  # normalised by the mean of the entropies
    ari: Float[Tensor, "sets clusterings"]


def agreements(truth: Int[Tensor, "sets points"], found: Int[Tensor, "sets clusterings points"]) -> Agreement:
    """Return NMI and ARI of each clustering of each set with the set's known labels, in float64.

    Args:
        truth: -1 where a point is absent.
    """
    cells = found.shape[1] * (int(truth.max()) + 1) * (int(found.max()) + 1)
    sets = max(1, CELLS_PER_PART // cells)
    parts = [_agreements(*part) for part in zip(truth.split(sets), found.split(sets), strict=True)]
    return Agreement(*(torch.cat(column) for column in zip(*parts, strict=True)))


def _agreements(truth: Tensor, found: Tensor) -> Agreement:
    rows, columns = int(truth.max()) + 1, int(found.max()) + 1
    table = torch.zeros(*found.shape[:2], rows * columns, dtype=torch.float64)
    present = (truth >= 0)[:, None].expand_as(found)
    cell = (truth.clamp_min(0)[:, None] * columns + found.clamp_min(0)).long()
    table.scatter_add_(2, cell, present.double())
    table = table.unflatten(2, (rows, columns))
    a, b = table.sum(3), table.sum(2)
    points = a.sum(2)

    squares, of_a, of_b = table.square().sum((2, 3)), a.square().sum(2), b.square().sum(2)
    apart, joined = of_b - squares, of_a - squares  # ordered pairs on which the partitions disagree
    both, neither = squares - points, points.square() - of_a - of_b + squares
    chance = (both + joined) * (joined + neither) + (both + apart) * (apart + neither)
    same = (apart == 0) & (joined == 0)
    ari = torch.where(same, 1.0, 2 * (both * neither - joined * apart) / torch.where(same, 1.0, chance))

    entropy_a, entropy_b = _entropy(a, points), _entropy(b, points)
    information = entropy_a + entropy_b - _entropy(table.flatten(2), points)
    information = torch.where(information > 1e-12, information, 0.0)  # less is rounding
    single = ((a > 0).sum(2) <= 1) & ((b > 0).sum(2) <= 1)
    half = (entropy_a + entropy_b) / 2
    nmi = torch.where(single, 1.0, information / torch.where(half > 0, half, 1.0))
    return Agreement(nmi, ari)


def _entropy(counts: Float[Tensor, "sets clusterings cells"], points: Tensor) -> Tensor:
    share = counts / points[..., None].clamp_min(1)
    return -torch.xlogy(share, share).sum(2)


def scores(labels: Int[Tensor, "sets points"], predicted: Int[Tensor, "sets points"]) -> dict[str, float]:
    """Return the mean NMI, ARI and number of clusters found, over sets; points of label -1 are absent."""
    found = agreements(labels, predicted[:, None])
    clusters = n_clusters(torch.where(labels >= 0, predicted, -1))
    return {
        "nmi": float(found.nmi.mean()),
        "ari": float(found.ari.mean()),
        "clusters": float(clusters.double().mean()),
    }
