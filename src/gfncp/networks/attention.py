"""Self-attention across the points of a set: the features of each point depend on the other points."""

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gfncp.networks.interfaces import Conditional, Encoder

ALIGNED = 8  # widths of queries and keys that fast kernels of attention take
FEW = 300  # keys up to which plain products are faster than the fused kernel
LOGITS_AT_ONCE = 2**20  # logits that are computed together: they stay in the cache
STEEPNESS = (0.3, 1000.0)  # initial values of the local heads, from the widest kernel to the narrowest


class Block(nn.Module):
    """Transformer block: self-attention, then a ReLU layer, both residual and on normalised input.

    Local heads attend to near points: ``steepness * |x_i - x_j|^2`` is subtracted from their logits, so that
    each is a kernel with a learned width (a step of mean shift, Fukunaga and Hostetler 1975). They have one
    further key, with logit and value 0, whose share of the attention tells how many points are near.

    Args:
        local_heads: number of the heads that are local.

    References:
        Vaswani et al. Attention Is All You Need. NeurIPS 2017.
    """

    def __init__(self, width: int, heads: int, local_heads: int = 0) -> None:
        super().__init__()
        self.heads = heads
        self.local_heads = local_heads
        self.before_attention = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.before_layer = nn.LayerNorm(width)
        self.layer = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
        if local_heads:
            # By NumPy: torch.linspace on the device meta loads PyTorch's compiler, which takes seconds.
            widest, narrowest = map(math.log, STEEPNESS)
            log_steepness = np.linspace(widest, narrowest, local_heads)
            self.log_steepness = nn.Parameter(torch.tensor(log_steepness, dtype=torch.get_default_dtype()))

    def forward(
        self,
        x: Float[Tensor, "batch points width"],
        places: Float[Tensor, "batch points dim"],
        mask: Bool[Tensor, "batch points"],
    ) -> Float[Tensor, "batch points width"]:
        queries, *keys_values = self._parts(x, places)
        keys, values = self._with_null_key(*keys_values)
        mask = F.pad(mask, (0, keys.shape[2] - mask.shape[1]), value=True)
        return self._add(x, attend(queries, keys, values, mask))

    def conditioned_on(
        self, given: Float[Tensor, "given width"], places: Float[Tensor, "given dim"]
    ) -> Callable[[Tensor, Tensor], Tensor]:
        """Return a function from new points and their places to features.

        Each new point attends to the given points and to itself alone.
        """
        keys, values = self._with_null_key(*self._parts(given[None], places[None])[1:])

        def joined(
            new: Float[Tensor, "new width"], new_places: Float[Tensor, "new dim"]
        ) -> Float[Tensor, "new width"]:
            queries, own_key, own_value = self._parts(new[None], new_places[None])
            own = (queries * own_key).sum(-1, keepdim=True)
            shares = torch.softmax(torch.cat([queries @ keys.mT, own], -1), -1)
            attended = shares[..., :-1] @ values + shares[..., -1:] * own_value
            return self._add(new[None], attended)[0]

        return joined

    def _parts(
        self, x: Float[Tensor, "batch points width"], places: Float[Tensor, "batch points dim"]
    ) -> tuple[
        Float[Tensor, "batch heads points size"],
        Float[Tensor, "batch heads points size"],
        Float[Tensor, "batch heads points value"],
    ]:
        """Return queries, keys and values; products of local heads' queries and keys contain distances."""
        parts = self.queries_keys_values(self.before_attention(x)).unflatten(-1, (3, self.heads, -1))
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        queries = queries / queries.shape[-1] ** 0.5
        if not self.local_heads:
            return queries, keys, values
        square = places.square().sum(-1, keepdim=True)
        one = torch.ones_like(square)
        steepness = F.pad(self.log_steepness.exp(), (0, self.heads - self.local_heads))[:, None, None]
        here = steepness * torch.cat([2 * places, -one, -square], -1)[:, None]
        there = torch.cat([places, square, one], -1)[:, None].expand_as(here)
        if queries.dtype != here.dtype:  # under autocast
            here, there = split_precision(here, there, queries.dtype)
        queries, keys = torch.cat([queries, here], -1), torch.cat([keys, there], -1)
        missing = (0, -queries.shape[-1] % ALIGNED)
        return F.pad(queries, missing), F.pad(keys, missing), values

    def _with_null_key(
        self,
        keys: Float[Tensor, "batch heads points size"],
        values: Float[Tensor, "batch heads points value"],
    ) -> tuple[Float[Tensor, "batch heads keys size"], Float[Tensor, "batch heads keys value"]]:
        """Append a key and a value of zeros if there are local heads."""
        return (
            (F.pad(keys, (0, 0, 0, 1)), F.pad(values, (0, 0, 0, 1))) if self.local_heads else (keys, values)
        )

    def _add(
        self, x: Float[Tensor, "batch points width"], attended: Float[Tensor, "batch heads points size"]
    ) -> Float[Tensor, "batch points width"]:
        x = x + self.mix(attended.transpose(1, 2).flatten(2))
        return x + self.layer(self.before_layer(x))


def attend(
    queries: Float[Tensor, "batch heads points size"],
    keys: Float[Tensor, "batch heads keys size"],
    values: Float[Tensor, "batch heads keys value"],
    mask: Bool[Tensor, "batch keys"],
) -> Float[Tensor, "batch heads points value"]:
    """Return softmax attention to the keys that are present.

    The fused kernel takes values as wide as keys. On a CPU, plain products are faster for few points.
    """
    here = None if mask.all() else mask[:, None, None, :]
    if queries.device.type == "cpu" and keys.shape[2] <= FEW:
        sets = max(1, LOGITS_AT_ONCE // (queries[0, ..., 0].numel() * keys.shape[2]))
        masks = [None] * len(queries) if here is None else here.split(sets)
        parts = zip(queries.split(sets), keys.split(sets), values.split(sets), masks, strict=False)
        return torch.cat([_plain_attention(*part) for part in parts])
    size = values.shape[-1]
    values = F.pad(values, (0, keys.shape[-1] - size))
    return F.scaled_dot_product_attention(queries, keys, values, attn_mask=here, scale=1.0)[..., :size]


def _plain_attention(queries: Tensor, keys: Tensor, values: Tensor, here: Tensor | None) -> Tensor:
    logits = queries @ keys.mT
    return torch.softmax(logits if here is None else logits.masked_fill(~here, -torch.inf), -1) @ values


def split_precision(
    here: Float[Tensor, "*batch size"], there: Float[Tensor, "*batch size"], dtype: torch.dtype
) -> tuple[Float[Tensor, "*batch size*3"], Float[Tensor, "*batch size*3"]]:
    """Split vectors into parts of a shorter type, so that their products have twice its digits.

    Distances are small differences of large numbers. Each number is split into a large and a small part; the
    product of two small parts is left out.
    """
    (here, less), (there, rest) = ((x.to(dtype), (x - x.to(dtype)).to(dtype)) for x in (here, there))
    return torch.cat([here, here, less], -1), torch.cat([there, rest, there], -1)


class Blocks(nn.ModuleList):
    """Blocks in sequence; see `Block`."""

    if TYPE_CHECKING:  # a list of modules does not say of which

        def __iter__(self) -> Iterator[Block]: ...

    def __init__(self, width: int, heads: int, count: int, local_heads: int) -> None:
        super().__init__(Block(width, heads, local_heads) for _ in range(count))

    def forward(
        self,
        x: Float[Tensor, "batch points width"],
        places: Float[Tensor, "batch points dim"],
        mask: Bool[Tensor, "batch points"],
    ) -> Float[Tensor, "batch points width"]:
        for block in self:
            x = block(x, places, mask)
        return x

    def conditioned_on(
        self, given: Float[Tensor, "given width"], places: Float[Tensor, "given dim"]
    ) -> Callable[[Tensor, Tensor], Tensor]:
        """Return a function from new points and their places to features, see `Block.conditioned_on`."""
        everyone = torch.ones(1, len(given), dtype=torch.bool, device=given.device)
        x, steps = given[None], []
        for block in self:
            steps.append(block.conditioned_on(x[0], places))
            x = block(x, places[None], everyone)

        def joined(
            new: Float[Tensor, "new width"], new_places: Float[Tensor, "new dim"]
        ) -> Float[Tensor, "new width"]:
            for step in steps:
                new = step(new, new_places)
            return new

        return joined


class ContextEncoder(Encoder):
    """Features of each point by an encoder, concatenated with features by self-attention across the set.

    Args:
        encoder: features of single points.
        width, heads, blocks: of the attention.
        local_heads: number of heads in each block that attend to points near in the encoder's features.
    """

    pointwise = False

    def __init__(
        self, encoder: Encoder, width: int = 64, heads: int = 4, blocks: int = 2, local_heads: int = 0
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.point_shape = encoder.point_shape
        self.features = encoder.features + width
        self.embed = nn.Linear(encoder.features, width)
        self.blocks = Blocks(width, heads, blocks, local_heads)

    def forward(
        self, x: Float[Tensor, "batch points *shape"], mask: Bool[Tensor, "batch points"]
    ) -> Float[Tensor, "batch points features"]:
        features = self.encoder(x, mask)
        attended = self.embed(features).to(features.dtype)  # sums of blocks stay precise under autocast
        return torch.cat([features, self.blocks(attended, features, mask)], -1)

    def conditioned_on(self, given: Float[Tensor, "given *shape"]) -> Conditional:
        everyone = torch.ones(1, len(given), dtype=torch.bool, device=given.device)
        encode = self.encoder.conditioned_on(given)
        places = self.encoder(given[None], everyone)
        attend = self.blocks.conditioned_on(self.embed(places)[0], places[0])

        def features_of(new: Float[Tensor, "new *shape"]) -> Float[Tensor, "new features"]:
            features = encode(new)
            return torch.cat([features, attend(self.embed(features), features)], -1)

        return features_of
