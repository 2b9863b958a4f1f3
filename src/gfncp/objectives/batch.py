"""Batches of labelled sets, and the interface of losses.

A batch is drawn once; a loss asks the network for the energies it needs. Sums over the steps n = 2..N may be
estimated from a random subset of steps, without bias.
"""

from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

Terms = dict[str, Float[Tensor, ""]]


@dataclass(frozen=True)
class Batch:
    """Labelled sets of one size.

    Args:
        steps: indices of the steps to use, sorted; None for all.
        progress: the share of training that is done.
        mask: True where a point is present; None for all.
        placed, placed_labels: points of a coreset that are not medoids, and their clusters; -1 for a cluster
            without a token.
    """

    x: Float[Tensor, "batch points *shape"]
    labels: Int[Tensor, "batch points"]
    steps: Int[Tensor, "batch steps"] | None = None
    progress: float = 1.0
    mask: Bool[Tensor, "batch points"] | None = None
    placed: Float[Tensor, "batch placed dim"] | None = None
    placed_labels: Int[Tensor, "batch placed"] | None = None

    def to(self, device: torch.device) -> "Batch":
        tensors = {name: value for name, value in vars(self).items() if isinstance(value, Tensor)}
        return replace(self, **{name: value.to(device) for name, value in tensors.items()})

    @property
    def per_step(self) -> float:
        """Factor that turns a sum over the batch's steps into an estimate of the sum over n = 2..N."""
        return 1.0 if self.steps is None else (self.labels.shape[1] - 1) / self.steps.shape[1]


@runtime_checkable
class Objective(Protocol):
    """Loss of a network: scalars to report, of which ``"loss"`` carries the gradient.

    Each takes its own kind of network; a configuration that pairs it with another one is refused.
    """

    def __call__(self, network: Any, batch: Batch, generator: torch.Generator) -> Terms: ...


def draw_steps(sets: int, points: int, count: int, generator: torch.Generator) -> Int[Tensor, "sets steps"]:
    """Draw distinct steps among n = 2..N (indices 1..N-1), sorted."""
    return torch.rand(sets, points - 1, generator=generator).topk(count).indices.sort(1).values + 1
