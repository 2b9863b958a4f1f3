"""Diagonal Gaussians in feature space."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Independent, Normal

LEAST_SCALE = 0.01  # least standard deviation: keeps likelihoods bounded


def diagonal_gaussian(output: Float[Tensor, "*batch both"]) -> Independent:
    """Return Gaussians over features, from a network's output: means, then scales before a softplus."""
    mean, raw = output.chunk(2, -1)
    return Independent(
        Normal(mean, F.softplus(raw) + LEAST_SCALE, validate_args=False), 1, validate_args=False
    )


def has_likelihood(encoder: nn.Module) -> bool:
    """Return True if a likelihood of the encoder's features can train a network.

    That needs an encoder without weights (vectors): the likelihood of trained features is highest where they
    collapse.
    """
    return next(encoder.parameters(), None) is None
