"""Random numbers for each of many sets."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


def draw_family(families: Sequence[tuple[float, Any]], generator: torch.Generator) -> Any:
    """Draw a simulator by its share; shares need not sum to 1."""
    shares = torch.tensor([share for share, _ in families])
    return families[int(torch.multinomial(shares, 1, generator=generator))][1]


class Draw:
    """Random numbers for each of ``sets`` sets, ``(sets, *shape)``; for none, ``(sets, 1)``."""

    def __init__(self, sets: int, generator: torch.Generator) -> None:
        self.sets = sets
        self.generator = generator

    def uniform(self, *shape: int, high: float = 1.0) -> Tensor:
        return high * torch.rand(self.sets, *(shape or (1,)), generator=self.generator)

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(self.sets, *shape, generator=self.generator)

    def log_uniform(self, low: int | float, high: int | float) -> Float[Tensor, "sets 1"]:
        return low * (high / low) ** self.uniform()

    def integers(self, low: int, high: int, *shape: int) -> Int[Tensor, "sets *shape"]:
        """From ``low`` to ``high``, both included."""
        return torch.randint(low, high + 1, (self.sets, *(shape or (1,))), generator=self.generator)

    def some(self, share: float) -> Bool[Tensor, "sets 1"]:
        """True for about this share of the sets."""
        return self.uniform() < share
