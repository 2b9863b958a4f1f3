"""Strategies of decoding: greedy choices, samples, and given clusterings."""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.decoding.state import State
from gfncp.draws import draw_options


@runtime_checkable
class Strategy(Protocol):
    """Strategy that chooses which particles go on, each with which option."""

    def __call__(
        self, log_policy: Float[Tensor, "particles options"], state: State, point: int
    ) -> tuple[Int[Tensor, "kept"], Int[Tensor, "kept"]]:
        """Return parents (sorted) and options of the next particles; ``point`` is a column of the labels."""
        ...


def most_likely(
    log_policy: Float[Tensor, "particles options"], state: State, point: int
) -> tuple[Int[Tensor, "particles"], Int[Tensor, "particles"]]:
    """Choose the most probable option of each particle."""
    return torch.arange(len(log_policy), device=log_policy.device), log_policy.argmax(-1)


class IndependentSamples:
    """Independent samples; those that agree so far share a particle.

    Args:
        particle: of each sample, before the first point.
    """

    def __init__(self, particle: Int[Tensor, "samples"], generator: torch.Generator) -> None:
        self.particle = particle
        self.generator = generator

    def __call__(self, log_policy, state, point):
        option = draw_options(log_policy.exp().cumsum(-1).cpu()[self.particle], self.generator)
        parents, taken, self.particle = _branch(self.particle, option)
        return parents.to(log_policy.device), taken.to(log_policy.device)


class Follow:
    """Given clusterings; those that agree so far share a particle.

    Args:
        labels: in order of appearance, -1 where absent.
    """

    def __init__(self, labels: Int[Tensor, "batch clusterings points"]) -> None:
        batch, clusterings, _ = labels.shape
        self.labels = labels.clamp_min(0).flatten(0, 1)
        self.particle = torch.arange(batch, device=labels.device).repeat_interleave(clusterings)

    def __call__(self, log_policy, state, point):
        parents, taken, self.particle = _branch(self.particle, self.labels[:, point])
        return parents, taken


def _branch(particle: Tensor, option: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return parents (sorted) and options of the distinct continuations, and the one of each clustering."""
    options = int(option.max()) + 1
    distinct, own = torch.unique(particle * options + option, sorted=True, return_inverse=True)
    return distinct // options, distinct % options, own
