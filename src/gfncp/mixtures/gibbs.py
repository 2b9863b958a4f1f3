"""Exact sampling of the posterior of `GaussianMixtures` for sets of any size, the yardstick of quality.

Collapsed Gibbs sweeps (Neal 2000, algorithm 3) and split-merge proposals: the means are integrated out (unit
variance within clusters, means N(0, spread^2 I)), and the CRP(alpha) prior is conditioned on
``least <= K <= most``. All sets, and all chains, advance together.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.mixtures.marginals import log_joint, log_predictive
from gfncp.mixtures.split_merge_moves import split_merge
from gfncp.partitions import canonical_labels


def gibbs(
    x: Float[Tensor, "sets points dim"],
    alpha: float,
    spread: float,
    *,
    most: int,
    least: int = 1,
    sweeps: int,
    generator: torch.Generator,
) -> Int[Tensor, "sweeps sets points"]:
    """Return the states of one chain per set.

    The first is built point by point, each further one follows a scan of all points and a split-merge
    proposal.

    Args:
        most, least: bounds on the number of clusters; ``most`` = number of points is no bound.

    Raises:
        ValueError: the bounds are impossible.
    """
    _check_bounds(least, most, x.shape[1])
    x = x.double()
    labels = sweep(x, torch.full(x.shape[:2], -1), alpha, spread, least, most, generator)
    states = [labels]
    for _ in range(sweeps - 1):
        labels = sweep(x, labels, alpha, spread, least, most, generator)
        labels = split_merge(x, labels, alpha, spread, least, most, generator)
        states.append(labels)
    return torch.stack(states)


def sweep(
    x: Float[Tensor, "sets points dim"],
    labels: Int[Tensor, "sets points"],
    alpha: float,
    spread: float,
    least: int,
    most: int,
    generator: torch.Generator,
    given: Int[Tensor, "sets"] | None = None,
) -> Int[Tensor, "sets points"]:
    """Draw each point's label in turn given all others; a point without a label (-1) enters in its turn.

    The bounds leave a point only the options from which they can still be met.

    Args:
        given: how many of each set's first points keep the labels that they have, in order of appearance.
    """
    sets, points, _ = x.shape
    row = torch.arange(sets)
    slots = int(labels.max()) + 2
    member = torch.nn.functional.one_hot(labels + 1, slots + 1)[..., 1:].to(x.dtype)
    count, total = member.sum(1), member.transpose(1, 2) @ x
    present = labels >= 0
    labels = labels.clone()
    coins = torch.rand(points, sets, 1, dtype=x.dtype, generator=generator)
    kept = torch.zeros(sets, dtype=torch.long) if given is None else given
    for n in range(int(kept.min()), points):
        xn = x[:, n]
        gone = row[present[:, n]]
        count[gone, labels[gone, n]] -= 1
        total[gone, labels[gone, n]] -= xn[gone]
        present[:, n] = True
        total[count == 0] = 0.0  # no rounding error is left behind
        if bool((count > 0).all(1).any()):
            count = torch.nn.functional.pad(count, (0, 1))
            total = torch.nn.functional.pad(total, (0, 0, 0, 1))
        cdf = log_options(xn, count, total, (~present).sum(1), alpha, spread, least, most).exp().cumsum(-1)
        drawn = (cdf <= coins[n] * cdf[:, -1:]).sum(-1)
        chosen = torch.where(n < kept, labels[:, n], drawn)
        labels[:, n] = chosen
        count[row, chosen] += 1
        total[row, chosen] += xn
    return canonical_labels(labels)


def log_options(
    x: Float[Tensor, "sets dim"],
    count: Float[Tensor, "sets slots"],
    total: Float[Tensor, "sets slots dim"],
    unlabelled: Int[Tensor, "sets"],
    alpha: float,
    spread: float,
    least: int,
    most: int,
) -> Float[Tensor, "sets slots"]:
    """Return log-probabilities that a point joins each cluster, or opens one: the first that has no points.

    Args:
        count, total: of the points of each cluster, without this one.
        unlabelled: how many points have no label, this one aside.
    """
    empty = count == 0
    clusters = (~empty).sum(1)
    may_open = clusters < most
    must_open = clusters + unlabelled < least
    opening = empty & (empty.cumsum(1) == 1) & may_open[:, None]
    log_weight = torch.where(opening, math.log(alpha), count.log())
    log_weight = torch.where(must_open[:, None] & ~opening, -torch.inf, log_weight)
    return (log_weight + log_predictive(x[:, None], count, total, spread)).log_softmax(-1)


def best_state(
    x: Float[Tensor, "sets points dim"],
    alpha: float,
    spread: float,
    *,
    most: int,
    least: int = 1,
    sweeps: int,
    chains: int,
    generator: torch.Generator,
) -> Int[Tensor, "sets points"]:
    """The visited clustering of highest posterior probability, over several chains."""
    copies = x.double().repeat_interleave(chains, 0)
    states = gibbs(
        copies, alpha, spread, most=most, least=least, sweeps=sweeps, generator=generator
    )  # (sweeps, sets * chains, points)
    value = torch.stack([log_joint(copies, state, alpha, spread) for state in states])
    by_set = value.view(sweeps, len(x), chains).transpose(1, 2).reshape(sweeps * chains, len(x))
    labels = states.view(sweeps, len(x), chains, -1).transpose(1, 2).reshape(sweeps * chains, len(x), -1)
    return labels[by_set.argmax(0), torch.arange(len(x))]


def _check_bounds(least: int, most: int, points: int) -> None:
    if not 1 <= least <= min(most, points):
        raise ValueError(
            f"least={least}, most={most}: accepted is 1 <= least <= most with least <= points={points}"
        )
