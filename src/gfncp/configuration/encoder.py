"""Sections of a configuration for encoders of points."""

# A section that extends another one takes over its options, and has a kind or data set of its own.
# pyright: reportIncompatibleVariableOverride=false

from typing import Annotated, Literal

from pydantic import Field, model_validator

from gfncp.configuration.fields import Blocks, Precision, Section, Share, Width
from gfncp.networks import interfaces
from gfncp.networks.attention import ContextEncoder
from gfncp.networks.encoders import (
    AnyVectorEncoder,
    EmbeddedEncoder,
    ImageEncoder,
    ScaledVectorEncoder,
    VectorEncoder,
)
from gfncp.networks.image_embeddings import ImageEmbedding, ResidualImageEmbedding
from gfncp.networks.principal import PrincipalEncoder
from gfncp.networks.tokens import TokenEncoder

EMBEDDINGS = {"plain": ImageEmbedding, "residual": ResidualImageEmbedding}


class Pretraining(Section):
    """See `gfncp.training.pretraining.pretrain`."""

    iterations: Annotated[int, Field(ge=0)] = 3000
    rounds: Annotated[int, Field(ge=0)] = 0
    round_iterations: Annotated[int, Field(ge=1)] = 500
    neighbours: Annotated[int, Field(ge=1)] | None = None
    reach: Share = 0.02
    alike: Share = 0.3
    augmentations: Literal["strong", "handwriting"] = "strong"
    strength: Annotated[float, Field(ge=0, le=1)] = 1.0
    batch: Annotated[int, Field(ge=2)] = 256
    temperature: Annotated[float, Field(gt=0)] = 0.2
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    precision: Precision = "float32"

    @model_validator(mode="after")
    def _trains(self) -> "Pretraining":
        if self.iterations == self.rounds == 0:
            raise ValueError("iterations=0: accepted with rounds, or nothing is trained")
        return self


class Context(Section):
    """See `gfncp.networks.attention.ContextEncoder`."""

    width: Width = 64
    heads: Width = 4
    blocks: Blocks = 2
    local_heads: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _divides(self) -> "Context":
        if self.width % self.heads:
            raise ValueError(f"width={self.width}: must be a multiple of heads={self.heads}")
        if self.local_heads > self.heads:
            raise ValueError(f"local_heads={self.local_heads}: accepted are at most heads={self.heads}")
        return self


class Encoder(Section):
    """Section of an encoder: how points are encoded, and what attends to the whole set, if anything."""

    context: Context | None = None

    def of_points(self) -> interfaces.Encoder:
        """Return the encoder of single points."""
        raise NotImplementedError

    def build(self) -> interfaces.Encoder:
        points = self.of_points()
        return points if self.context is None else ContextEncoder(points, **self.context.model_dump())


class Vectors(Encoder):
    """See `gfncp.networks.encoders.VectorEncoder`."""

    kind: Literal["vectors"]
    dim: Width
    scale: Annotated[float, Field(gt=0)] = 1.0

    def of_points(self) -> interfaces.Encoder:
        return VectorEncoder(self.dim, self.scale)


class ScaledVectors(Vectors):
    """See `gfncp.networks.encoders.ScaledVectorEncoder`."""

    kind: Literal["scaled-vectors"]

    def of_points(self) -> interfaces.Encoder:
        return ScaledVectorEncoder(self.dim, self.scale)


class PrincipalComponents(Vectors):
    """See `gfncp.networks.principal.PrincipalEncoder`."""

    kind: Literal["principal-components"]
    components: Width = 48

    def of_points(self) -> interfaces.Encoder:
        return PrincipalEncoder(self.dim, self.components, self.scale)


class AnyVectors(Encoder):
    """See `gfncp.networks.encoders.AnyVectorEncoder`."""

    kind: Literal["any-vectors"]

    def of_points(self) -> interfaces.Encoder:
        return AnyVectorEncoder()


class Tokens(Section):
    """See `gfncp.networks.tokens.TokenEncoder`."""

    kind: Literal["tokens"]
    context: Context = Context()

    def build(self) -> interfaces.Encoder:
        return TokenEncoder(**self.context.model_dump())


class Pictures(Encoder):
    """See `gfncp.networks.encoders.ImageEncoder`."""

    kind: Literal["images"]

    def of_points(self) -> interfaces.Encoder:
        return ImageEncoder()


class EmbeddedPictures(Section):
    """See `gfncp.networks.encoders.EmbeddedEncoder` and `gfncp.networks.image_embeddings`.

    ``layers``: the embedding's, plain convolutions or residual blocks.
    ``embedding``: checkpoint whose embedding is taken; it is pre-trained if left out.
    """

    kind: Literal["embedded-images"]
    features: Width = 128
    channels: tuple[Width, Width, Width] = (16, 32, 64)
    layers: Literal["plain", "residual"] = "plain"
    context: Context | None = None
    pretraining: Pretraining = Pretraining()
    embedding: str | None = None

    @model_validator(mode="after")
    def _made_once(self) -> "EmbeddedPictures":
        if self.embedding is not None and self.pretraining != Pretraining():
            raise ValueError(f"embedding={self.embedding!r}: it is taken as it is; leave out pretraining")
        return self

    def build(self) -> interfaces.Encoder:
        return EmbeddedEncoder(EMBEDDINGS[self.layers](self.features, self.channels), self.of_embedded())

    def of_embedded(self) -> interfaces.Encoder:
        return Vectors(kind="vectors", dim=self.features, context=self.context).build()


class EmbeddedTokens(EmbeddedPictures):
    """Tokens that stand for embedded images: see `Tokens`."""

    kind: Literal["embedded-tokens"]
    context: Context = Context()

    def of_embedded(self) -> interfaces.Encoder:
        return TokenEncoder(**self.context.model_dump())


AnyEncoder = Annotated[
    Vectors
    | ScaledVectors
    | PrincipalComponents
    | AnyVectors
    | Tokens
    | Pictures
    | EmbeddedPictures
    | EmbeddedTokens,
    Field(discriminator="kind"),
]
