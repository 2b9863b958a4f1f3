"""Row-wise networks: a linear layer, a body of one width, a linear layer.

The outer layers are linear, so that they can be merged with linear layers that pool the network's outputs or
feed it with pooled sums (see `gfncp.networks.energy`).
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

ROWS_PER_CHUNK = 2048  # rows of one pass: their activations stay in the cache
PARALLEL = 64  # times as many on a device with a memory of its own, where few large passes are faster


def mlp(*dims: int) -> nn.Sequential:
    """Return linear layers of the given widths with ReLUs between."""
    layers = []
    for inputs, outputs in pairwise(dims):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Plain(nn.Module):
    """ReLU layers, the paper's networks (Appendix A); ``depth`` counts the ReLUs."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth - 1))

    def forward(self, x: Float[Tensor, "*rows width"]) -> Float[Tensor, "*rows width"]:
        x = x.relu()
        for layer in self.layers:
            x = layer(x).relu_()
        return x


class Gated(nn.Module):
    """Residual blocks ``x + W (relu(A z) * B z)`` of normalised ``z`` (gated units, Shazeer 2020).

    Products fit likelihoods, which are quadratic. The identity makes every network contain a linear one:
    for the energy, a term linear in the sum over clusters, the form of the exact log joint of a mixture.
    """

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        blocks = range(max(1, depth // 2))
        self.normalise = nn.ModuleList(nn.LayerNorm(width) for _ in blocks)
        self.inner = nn.ModuleList(nn.Linear(width, 2 * width) for _ in blocks)
        self.outer = nn.ModuleList(nn.Linear(width, width) for _ in blocks)

    def forward(self, x: Float[Tensor, "*rows width"]) -> Float[Tensor, "*rows width"]:
        for normalise, inner, outer in zip(self.normalise, self.inner, self.outer, strict=True):
            gate, value = inner(normalise(x)).chunk(2, -1)
            x = x + outer(gate.relu() * value)
        return x


class RowNetwork(nn.Module):
    """``last(body(first(x)))`` with linear ``first`` and ``last``."""

    def __init__(self, inputs: int, body: nn.Module, width: int, outputs: int, bias: bool = True) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, width)
        self.body = body
        self.last = nn.Linear(width, outputs, bias=bias)

    def forward(self, x: Float[Tensor, "*rows inputs"]) -> Float[Tensor, "*rows outputs"]:
        return self.last(self.body(self.first(x)))


def by_chunks(function: Callable[[Tensor], Tensor], x: Float[Tensor, "rows dim"]) -> Tensor:
    """Return ``function(x)`` of a function of each row alone, a chunk of rows at a time."""
    rows = at_once(ROWS_PER_CHUNK, x.device)
    return function(x) if len(x) <= rows else torch.cat([function(chunk) for chunk in x.split(rows)])


def at_once(rows: int, device: torch.device) -> int:
    """Return the number of rows to process together on a device, given the number for a CPU."""
    return rows if device.type == "cpu" else PARALLEL * rows
