"""Encoders of vectors and of images; see `gfncp.networks.interfaces.Encoder`."""

from copy import copy

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from gfncp.networks.image_embeddings import IMAGES_PER_CHUNK, ImageEmbedding, embed, one_channel
from gfncp.networks.interfaces import Conditional, Encoder, Network
from gfncp.networks.standardise import COMPONENTS, principal_axes, principal_components

NUMBERS_PER_CHUNK = 2**23  # entries of the raw vectors that are standardised together


def alone(encoder: nn.Module, points: Float[Tensor, "new *shape"]) -> Float[Tensor, "new features"]:
    """Return the features of points by a pointwise encoder."""
    return encoder(points[None], torch.ones(1, len(points), dtype=torch.bool, device=points.device))[0]


class ScaledVectorEncoder(Encoder):
    """Vectors divided by a fixed scale, each on its own: the data should be centred near zero.

    Args:
        dim: width of the vectors.
        scale: typical size of a coordinate, in the units of the data.
    """

    pointwise = True
    scale: Tensor

    def __init__(self, dim: int, scale: float = 1.0) -> None:
        super().__init__()
        self.point_shape = (dim,)
        self.features = dim
        self.register_buffer("scale", torch.tensor(float(scale)), persistent=False)

    def forward(
        self, x: Float[Tensor, "batch points dim"], mask: Bool[Tensor, "batch points"]
    ) -> Float[Tensor, "batch points dim"]:
        return x.to(self.scale.dtype) / self.scale

    def conditioned_on(self, given: Float[Tensor, "given dim"]) -> Conditional:
        return lambda new: alone(self, new)


class VectorEncoder(ScaledVectorEncoder):
    """Vectors, centred on the median of their set and divided by a fixed scale.

    Vectors may have more precision than the network: they are centred before they are rounded.
    """

    pointwise = False

    def forward(
        self, x: Float[Tensor, "batch points dim"], mask: Bool[Tensor, "batch points"]
    ) -> Float[Tensor, "batch points dim"]:
        present = torch.where(mask[..., None], x, torch.nan)
        return super().forward(x - present.nanmedian(dim=1, keepdim=True).values, mask)

    def conditioned_on(self, given: Float[Tensor, "given dim"]) -> Conditional:
        median = given.median(dim=0).values
        return lambda new: (new - median).to(self.scale.dtype) / self.scale


class AnyVectorEncoder(ScaledVectorEncoder):
    """Vectors of any width, in any units: the principal components of their set.

    See `gfncp.networks.standardise`.

    Principal axes settle what rotations, reflections and the order of the components could change, before
    the network sees the vectors. Simulated sets pass through this encoder as a user's data do.
    """

    pointwise = False

    def __init__(self) -> None:
        super().__init__(COMPONENTS)
        self.point_shape = (None,)

    def forward(
        self, x: Float[Tensor, "batch points dim"], mask: Bool[Tensor, "batch points"]
    ) -> Float[Tensor, "batch points 16"]:
        sets = max(1, NUMBERS_PER_CHUNK // x[0].numel())
        parts = zip(x.split(sets), mask.split(sets), strict=True)
        return super().forward(torch.cat([principal_components(*part) for part in parts]), mask)

    def conditioned_on(self, given: Float[Tensor, "given dim"]) -> Conditional:
        components = principal_axes(given)
        return lambda new: components(new).to(self.scale.dtype) / self.scale


class ImageEncoder(Encoder):
    """Features of 28 x 28 grey images in [0, 1] by a small LeNet (two convolutions, two linear layers)."""

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
        chunks = one_channel(x.flatten(0, 1)).split(IMAGES_PER_CHUNK)
        if len(chunks) == 1 or not torch.is_grad_enabled():
            features = [self.layers(chunk) for chunk in chunks]
        else:  # keep the activations of one chunk at a time
            features = [checkpoint(self.layers, chunk, use_reentrant=False) for chunk in chunks]
        return torch.cat(features).view(*x.shape[:2], self.features)

    def conditioned_on(self, given: Float[Tensor, "given 28 28"]) -> Conditional:
        return lambda new: alone(self, new)


class EmbeddedEncoder(Encoder):
    """Frozen embedding of single points, followed by an encoder of the embedded points.

    Points may be given raw, or already embedded.
    """

    def __init__(self, embedding: ImageEmbedding, encoder: Encoder) -> None:
        super().__init__()
        self.embedding = embedding.requires_grad_(False).eval()
        self.encoder = encoder
        self.point_shape = embedding.point_shape
        self.features = encoder.features
        self.pointwise = encoder.pointwise

    def train(self, mode: bool = True) -> "EmbeddedEncoder":
        super().train(mode)
        self.embedding.eval()
        return self

    def embed(self, points: Float[Tensor, "rows *shape"]) -> Float[Tensor, "rows features"]:
        return embed(self.embedding, points)

    def forward(
        self, x: Float[Tensor, "batch points *shape"], mask: Bool[Tensor, "batch points"]
    ) -> Float[Tensor, "batch points features"]:
        if x.shape[2:] == self.point_shape:
            x = self.embed(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return self.encoder(x, mask)

    def conditioned_on(self, given: Float[Tensor, "given *shape"]) -> Conditional:
        raw = given.shape[1:] == self.point_shape
        inner = self.encoder.conditioned_on(self.embed(given) if raw else given)
        return lambda new: inner(self.embed(new) if raw else new)


def embedded(encoder: nn.Module, points: Float[Tensor, "points *shape"]) -> Float[Tensor, "points *embedded"]:
    """Return points for repeated encoding: their embeddings if the encoder has one, else the points."""
    return encoder.embed(points) if isinstance(encoder, EmbeddedEncoder) else points


def without_embedding(network: Network) -> Network:
    """Return the part of a network that is behind its encoder's embedding; weights are shared."""
    inner = copy(network)
    inner._modules = {**network._modules, "encoder": network.encoder.get_submodule("encoder")}
    return inner


def prepared(
    encoder: nn.Module, images: UInt8[Tensor, "images height width"]
) -> Float[Tensor, "images *shape"]:
    """Return images for repeated encoding: their embeddings if the encoder has one, else values in [0, 1]."""
    return embedded(encoder, images / 255)
