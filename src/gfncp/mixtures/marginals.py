"""Closed forms of the generative model of `GaussianMixtures`, the means integrated out.

Unit variance within clusters, means N(0, spread^2 I), partitions CRP(alpha).
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.partitions import crp_log_prob


def log_predictive(
    x: Float[Tensor, "*#batch dim"],
    count: Float[Tensor, "*batch"],
    total: Float[Tensor, "*batch dim"],
    spread: float,
) -> Float[Tensor, "*batch"]:
    """log p(x | a cluster of ``count`` points that sum to ``total``)."""
    precision = count + spread**-2
    variance = 1 + 1 / precision
    square = (x - total / precision[..., None]).square().sum(-1)
    return -0.5 * (square / variance + x.shape[-1] * (2 * math.pi * variance).log())


def log_evidence(
    count: Float[Tensor, "*batch"], total: Float[Tensor, "*batch dim"], spread: float
) -> Float[Tensor, "*batch"]:
    """log p(a cluster's points), less the part that does not depend on the clustering; 0 for no points."""
    precision = count + spread**-2
    return 0.5 * (total.square().sum(-1) / precision - total.shape[-1] * (precision * spread**2).log())


def log_joint(
    x: Float[Tensor, "sets points dim"], labels: Int[Tensor, "sets points"], alpha: float, spread: float
) -> Float[Tensor, "sets"]:
    """log p(labels, x), up to the constant of the bound on K."""
    points, dim = x.shape[1:]
    member = torch.nn.functional.one_hot(labels, int(labels.max()) + 1).to(x.dtype)
    evidence = log_evidence(member.sum(1), member.transpose(1, 2) @ x, spread).sum(-1)
    constant = -0.5 * x.square().sum((1, 2)) - 0.5 * points * dim * math.log(2 * math.pi)
    return crp_log_prob(labels, alpha) + evidence + constant
