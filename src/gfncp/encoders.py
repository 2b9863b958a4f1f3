"""Encoders: what turns the points of a set into feature vectors, before the energy network pools them.

An encoder maps points ``(batch, points, *shape)`` to ``(batch, points, features)``. It may look at the whole
set, but only in ways that do not depend on the order of the points; ``pointwise`` says that it does not:
the features of a point are a function of that point alone.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

IMAGES_PER_CHUNK = 16_384


class ScaledVectorEncoder(nn.Module):
    """Vectors divided by a fixed scale, each on its own: the data should be centred near zero.

    Args:
        dim: width of the vectors.
        scale: typical size of a coordinate, in the units of the data.
    """

    pointwise = True

    def __init__(self, dim: int, scale: float = 1.0) -> None:
        super().__init__()
        self.point_shape = (dim,)
        self.features = dim
        self.scale = scale

    def forward(
        self, x: Float[Tensor, "batch points dim"], mask: Bool[Tensor, "batch points"]
    ) -> Float[Tensor, "batch points dim"]:
        return x / self.scale


class VectorEncoder(ScaledVectorEncoder):
    """Vectors, centred on the median of their set and divided by a fixed scale."""

    pointwise = False

    def forward(
        self, x: Float[Tensor, "batch points dim"], mask: Bool[Tensor, "batch points"]
    ) -> Float[Tensor, "batch points dim"]:
        present = torch.where(mask[..., None], x, torch.nan)
        return super().forward(x - present.nanmedian(dim=1, keepdim=True).values, mask)


class ImageEncoder(nn.Module):
    """28 x 28 grey images in [0, 1] through a small LeNet (two convolutions, two linear layers)."""

    pointwise = True

    def __init__(self, features: int = 128) -> None:
        super().__init__()
        self.point_shape = (28, 28)
        self.features = features
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 5),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Conv2d(16, 32, 5),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(512, 256),
            nn.ReLU(),
            nn.Linear(256, features),
            nn.ReLU(),
        )

    def forward(
        self, x: Float[Tensor, "batch points 28 28"], mask: Bool[Tensor, "batch points"]
    ) -> Float[Tensor, "batch points features"]:
        chunks = x.reshape(-1, 1, 28, 28).split(IMAGES_PER_CHUNK)
        if len(chunks) == 1 or not torch.is_grad_enabled():
            features = [self.layers(chunk) for chunk in chunks]
        else:  # keep the activations of one chunk at a time
            features = [checkpoint(self.layers, chunk, use_reentrant=False) for chunk in chunks]
        return torch.cat(features).view(*x.shape[:2], self.features)
