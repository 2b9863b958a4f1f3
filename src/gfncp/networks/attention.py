"""Attention across the points of a set: what a point means may depend on its company."""

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

ALIGNED = 8  # widths of queries and keys that fast kernels of attention take
FEW = 300  # points
LOGITS_AT_ONCE = 2**20  # they stay in the cache
STEEPNESS = (0.3, 1000.0)  # of local heads at first, from the least to the most, in squared units of the data


class Block(nn.Module):
    """Self-attention and a ReLU layer on normalised input, each added to it (Vaswani et al. 2017).

    Local heads attend to what is near: ``steepness * |x_i - x_j|^2`` is taken from their logits, as a kernel
    of a width of its own for each (a step of mean shift, Fukunaga and Hostetler 1975). Each has a further
    key, with logit and value 0, whose share tells how many are near.

    Args:
        local_heads: how many of the heads are local.
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
            log_steepness = np.linspace(*map(math.log, STEEPNESS), local_heads)
            self.log_steepness = nn.Parameter(torch.tensor(log_steepness, dtype=torch.get_default_dtype()))

    def forward(
        self,
        x: Float[Tensor, "batch points width"],
        places: Float[Tensor, "batch points dim"],
        mask: Bool[Tensor, "batch points"],
    ) -> Float[Tensor, "batch points width"]:
        queries, *company = self._parts(x, places)
        keys, values = self._with_nobody(*company)
        mask = F.pad(mask, (0, keys.shape[2] - mask.shape[1]), value=True)
        return self._add(x, attend(queries, keys, values, mask))

    def beside(
        self, given: Float[Tensor, "given width"], places: Float[Tensor, "given dim"]
    ) -> Callable[[Tensor, Tensor], Tensor]:
        """The function of new points and their places; each attends to the given ones and itself."""
        keys, values = self._with_nobody(*self._parts(given[None], places[None])[1:])

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
        """Queries, keys and values; products of local heads' queries and keys have the distances in them."""
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
            here, there = in_parts(here, there, queries.dtype)
        queries, keys = torch.cat([queries, here], -1), torch.cat([keys, there], -1)
        missing = (0, -queries.shape[-1] % ALIGNED)
        return F.pad(queries, missing), F.pad(keys, missing), values

    def _with_nobody(
        self,
        keys: Float[Tensor, "batch heads points size"],
        values: Float[Tensor, "batch heads points value"],
    ) -> tuple[Float[Tensor, "batch heads keys size"], Float[Tensor, "batch heads keys value"]]:
        """With local heads, one key and one value of 0 more."""
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
    """Softmax attention to the keys that are there.

    The fused kernel of a CPU wants values as wide as keys. For few points, plain products are faster than it.
    """
    here = None if mask.all() else mask[:, None, None, :]
    if queries.device.type == "cpu" and keys.shape[2] <= FEW:
        sets = max(1, LOGITS_AT_ONCE // (queries[0, ..., 0].numel() * keys.shape[2]))
        parts = zip(*(part.split(sets) for part in (queries, keys, values)), strict=True)
        masks = [None] * len(queries) if here is None else here.split(sets)
        return torch.cat([_plainly(*part, some) for part, some in zip(parts, masks, strict=False)])
    size = values.shape[-1]
    values = F.pad(values, (0, keys.shape[-1] - size))
    return F.scaled_dot_product_attention(queries, keys, values, attn_mask=here, scale=1.0)[..., :size]


def _plainly(queries: Tensor, keys: Tensor, values: Tensor, here: Tensor | None) -> Tensor:
    logits = queries @ keys.mT
    return torch.softmax(logits if here is None else logits.masked_fill(~here, -torch.inf), -1) @ values


def in_parts(
    here: Float[Tensor, "*batch size"], there: Float[Tensor, "*batch size"], dtype: torch.dtype
) -> tuple[Float[Tensor, "*batch size*3"], Float[Tensor, "*batch size*3"]]:
    """Split vectors into parts of another type, so that products have twice its digits.

    Distances are small differences of large numbers. Each number is the sum of two; the product of the two
    small ones is left out.
    """
    (here, less), (there, rest) = ((x.to(dtype), (x - x.to(dtype)).to(dtype)) for x in (here, there))
    return torch.cat([here, here, less], -1), torch.cat([there, rest, there], -1)


class ContextEncoder(nn.Module):
    """An encoder's features of each point, beside what self-attention makes of the whole set.

    Args:
        encoder: features of single points.
        width, heads, blocks: of the attention.
        local_heads: how many heads of each block attend to what is near in the encoder's features.
    """

    pointwise = False

    def __init__(
        self, encoder: nn.Module, width: int = 64, heads: int = 4, blocks: int = 2, local_heads: int = 0
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.point_shape = encoder.point_shape
        self.features = encoder.features + width
        self.embed = nn.Linear(encoder.features, width)
        self.blocks = nn.ModuleList(Block(width, heads, local_heads) for _ in range(blocks))

    def forward(
        self, x: Float[Tensor, "batch points *shape"], mask: Bool[Tensor, "batch points"]
    ) -> Float[Tensor, "batch points features"]:
        features = self.encoder(x, mask)
        attended = self.embed(features).to(features.dtype)  # sums of blocks stay precise under autocast
        for block in self.blocks:
            attended = block(attended, features, mask)
        return torch.cat([features, attended], -1)

    def beside(self, given: Float[Tensor, "given *shape"]) -> Callable[[Tensor], Tensor]:
        everyone = torch.ones(1, len(given), dtype=torch.bool, device=given.device)
        encode = self.encoder.beside(given)
        places = self.encoder(given[None], everyone)
        attended, blocks = self.embed(places), []
        for block in self.blocks:
            blocks.append(block.beside(attended[0], places[0]))
            attended = block(attended, places, everyone)

        def features_of(new: Float[Tensor, "new *shape"]) -> Float[Tensor, "new features"]:
            features = encode(new)
            attended = self.embed(features)
            for block in blocks:
                attended = block(attended, features)
            return torch.cat([features, attended], -1)

        return features_of
