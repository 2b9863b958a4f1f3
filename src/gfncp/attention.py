"""Attention across the points of a set: what a point means may depend on its company."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn


class Block(nn.Module):
    """Self-attention and a ReLU layer on normalised input, each added to it (Vaswani et al. 2017)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.before_layer = nn.LayerNorm(width)
        self.layer = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))

    def forward(
        self, x: Float[Tensor, "batch points width"], mask: Bool[Tensor, "batch points"]
    ) -> Float[Tensor, "batch points width"]:
        queries, keys, values = self._parts(x)
        absent = None if mask.all() else mask[:, None, None, :]
        attended = F.scaled_dot_product_attention(queries, keys, values, attn_mask=absent)
        return self._add(x, attended)

    def beside(self, given: Float[Tensor, "given width"]) -> Callable[[Tensor], Tensor]:
        """The function of new points, each of which attends to the given ones and itself."""
        _, keys, values = self._parts(given[None])

        def joined(new: Float[Tensor, "new width"]) -> Float[Tensor, "new width"]:
            queries, own_key, own_value = self._parts(new[None])
            queries = queries / keys.shape[-1] ** 0.5
            own = (queries * own_key).sum(-1, keepdim=True)
            shares = torch.softmax(torch.cat([queries @ keys.mT, own], -1), -1)
            attended = shares[..., :-1] @ values + shares[..., -1:] * own_value
            return self._add(new[None], attended)[0]

        return joined

    def _parts(self, x: Float[Tensor, "batch points width"]) -> Float[Tensor, "3 batch heads points size"]:
        """Queries, keys and values."""
        parts = self.queries_keys_values(self.before_attention(x)).unflatten(-1, (3, self.heads, -1))
        return parts.permute(2, 0, 3, 1, 4)

    def _add(
        self, x: Float[Tensor, "batch points width"], attended: Float[Tensor, "batch heads points size"]
    ) -> Float[Tensor, "batch points width"]:
        x = x + self.mix(attended.transpose(1, 2).flatten(2))
        return x + self.layer(self.before_layer(x))


class ContextEncoder(nn.Module):
    """An encoder's features of each point, beside what self-attention makes of the whole set.

    Args:
        encoder: features of single points.
        width, heads, blocks: of the attention.
    """

    pointwise = False

    def __init__(self, encoder: nn.Module, width: int = 64, heads: int = 4, blocks: int = 2) -> None:
        super().__init__()
        self.encoder = encoder
        self.point_shape = encoder.point_shape
        self.features = encoder.features + width
        self.embed = nn.Linear(encoder.features, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(blocks))

    def forward(
        self, x: Float[Tensor, "batch points *shape"], mask: Bool[Tensor, "batch points"]
    ) -> Float[Tensor, "batch points features"]:
        features = self.encoder(x, mask)
        attended = self.embed(features)
        for block in self.blocks:
            attended = block(attended, mask)
        return torch.cat([features, attended], -1)

    def beside(self, given: Float[Tensor, "given *shape"]) -> Callable[[Tensor], Tensor]:
        everyone = torch.ones(1, len(given), dtype=torch.bool, device=given.device)
        encode = self.encoder.beside(given)
        attended, blocks = self.embed(self.encoder(given[None], everyone)), []
        for block in self.blocks:
            blocks.append(block.beside(attended[0]))
            attended = block(attended, everyone)

        def features_of(new: Float[Tensor, "new *shape"]) -> Float[Tensor, "new features"]:
            features = encode(new)
            attended = self.embed(features)
            for block in blocks:
                attended = block(attended)
            return torch.cat([features, attended], -1)

        return features_of
