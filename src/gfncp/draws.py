"""Draws from tables of probabilities."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def draw_options(
    cumulated: Float[Tensor, "*rows options"], generator: torch.Generator
) -> Int[Tensor, "*rows"]:
    """Draw an option for each row, from cumulated probabilities, which need not end in 1.

    In a row of NaN, from energies that are not finite, it is the last option.
    """
    u = torch.rand(*cumulated.shape[:-1], 1, dtype=cumulated.dtype, generator=generator)
    u = u.to(cumulated.device) * cumulated[..., -1:]
    return torch.searchsorted(cumulated, u, right=True)[..., 0].clamp_max(cumulated.shape[-1] - 1)
