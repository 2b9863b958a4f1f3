"""Embeddings of images, as they are and augmented."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from gfncp.networks.encoders import embedded, prepared
from gfncp.simulators.images import augment

IMAGES_AT_ONCE = 5000  # images that are augmented and embedded together


def embedded_views(
    encoder: nn.Module, x: UInt8[Tensor, "images height width"], views: int, generator: torch.Generator
) -> Float[Tensor, "views images features"]:
    """Return embeddings of images and of ``views - 1`` augmentations of each, on the images' device."""
    device = next(encoder.parameters()).device

    def augmented(part: UInt8[Tensor, "part height width"]) -> Float[Tensor, "part features"]:
        return embedded(encoder, augment(part.to(device) / 255, generator)).to(x.device)

    parts = x.split(IMAGES_AT_ONCE)
    others = [torch.cat([augmented(part) for part in parts]) for _ in range(views - 1)]
    return torch.stack([prepared(encoder, x), *others])
