"""Exact collapsed Gibbs sampling of the generative model of `GaussianMixtures`, the yardstick of quality.

The means are integrated out (Neal 2000, algorithm 3): unit variance within clusters, means N(0, spread^2 I),
CRP(alpha) prior conditioned on at most ``most`` clusters. All sets advance together.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.partitions import canonical_labels, crp_log_prob


def log_predictive(
    x: Float[Tensor, "*#batch dim"],
    count: Float[Tensor, "*#batch"],
    total: Float[Tensor, "*#batch dim"],
    spread: float,
) -> Float[Tensor, "*batch"]:
    """log p(x | a cluster of ``count`` points that sum to ``total``), the mean integrated out."""
    precision = count + spread**-2
    variance = 1 + 1 / precision
    square = (x - total / precision[..., None]).square().sum(-1)
    return -0.5 * (square / variance + x.shape[-1] * (2 * math.pi * variance).log())


def log_joint(
    x: Float[Tensor, "sets points dim"], labels: Int[Tensor, "sets points"], alpha: float, spread: float
) -> Float[Tensor, "sets"]:
    """log p(labels, x), up to the constant of the bound on K."""
    points, dim = x.shape[1:]
    member = torch.nn.functional.one_hot(labels, int(labels.max()) + 1).to(x.dtype)
    count, total = member.sum(1), member.transpose(1, 2) @ x
    precision = count + spread**-2
    evidence = 0.5 * (total.square().sum(-1) / precision) - 0.5 * dim * (precision * spread**2).log()
    constant = -0.5 * x.square().sum((1, 2)) - 0.5 * points * dim * math.log(2 * math.pi)
    return crp_log_prob(labels, alpha) + evidence.sum(-1) + constant


def gibbs(
    x: Float[Tensor, "sets points dim"],
    alpha: float,
    spread: float,
    *,
    most: int,
    sweeps: int,
    generator: torch.Generator,
) -> Int[Tensor, "sweeps sets points"]:
    """States after each sweep. The first sweep builds the clustering point by point."""
    x = x.double()
    sets, points, dim = x.shape
    row = torch.arange(sets)
    labels = torch.full((sets, points), -1)
    count = x.new_zeros(sets, most)
    total = x.new_zeros(sets, most, dim)
    states = []
    for sweep in range(sweeps):
        for n in range(points):
            xn = x[:, n]
            if sweep > 0:
                count[row, labels[:, n]] -= 1
                total[row, labels[:, n]] -= xn
            empty = count == 0
            total[empty] = 0.0
            weight = torch.where(empty, (alpha / empty.sum(1, keepdim=True)).log(), count.log())
            logits = weight + log_predictive(xn[:, None], count, total, spread)
            labels[:, n] = torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]
            count[row, labels[:, n]] += 1
            total[row, labels[:, n]] += xn
        states.append(canonical_labels(labels))
    return torch.stack(states)


def best_state(
    x: Float[Tensor, "sets points dim"],
    alpha: float,
    spread: float,
    *,
    most: int,
    sweeps: int,
    chains: int,
    generator: torch.Generator,
) -> Int[Tensor, "sets points"]:
    """The visited clustering of highest posterior probability, over several chains."""
    best = None
    for _ in range(chains):
        for state in gibbs(x, alpha, spread, most=most, sweeps=sweeps, generator=generator):
            value = log_joint(x.double(), state, alpha, spread)
            if best is None:
                best, highest = state, value
            else:
                best = torch.where((value > highest)[:, None], state, best)
                highest = torch.maximum(value, highest)
    return best
