"""A run's configuration: a TOML file, checked before anything starts, stored with the checkpoint."""

import tomllib
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from torch import nn

from gfncp.baselines.ccp import CCPLoss, CCPNetwork
from gfncp.baselines.dac import AnchoredDACLoss, AnchoredDACNetwork, DACLoss, DACNetwork
from gfncp.baselines.set_transformer import SetTransformerLoss, SetTransformerNetwork
from gfncp.encoders import ImageEncoder, VectorEncoder
from gfncp.model import Model
from gfncp.objectives import NCP, GFNCPPaper, Objective

Clusters = Annotated[int, Field(ge=1)]
Bounds = Clusters | tuple[Clusters, Clusters] | None


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Vectors(Section):
    """See `gfncp.encoders.VectorEncoder`."""

    kind: Literal["vectors"]
    dim: Annotated[int, Field(ge=1)]
    scale: Annotated[float, Field(gt=0)] = 1.0

    def build(self) -> nn.Module:
        return VectorEncoder(self.dim, self.scale)


class Pictures(Section):
    """See `gfncp.encoders.ImageEncoder`."""

    kind: Literal["images"]

    def build(self) -> nn.Module:
        return ImageEncoder()


class Energy(Section):
    """See `gfncp.energy.EnergyNetwork`."""

    kind: Literal["energy"] = "energy"
    depth: Annotated[int, Field(ge=2)] = 5
    width: Annotated[int, Field(ge=1)] = 128

    def build(self, encoder: nn.Module) -> nn.Module:
        return Model(encoder, self.depth, self.width)


class CCP(Section):
    """See `gfncp.baselines.ccp.CCPNetwork`."""

    kind: Literal["ccp"]
    depth: Annotated[int, Field(ge=2)] = 4
    width: Annotated[int, Field(ge=1)] = 128
    latent: Annotated[int, Field(ge=1)] = 32

    def build(self, encoder: nn.Module) -> nn.Module:
        return CCPNetwork(encoder, self.depth, self.width, self.latent)


class Attention(Section):
    """Sizes of attention blocks, see `gfncp.baselines.attention`."""

    hidden: Annotated[int, Field(ge=1)] = 128
    inducing: Annotated[int, Field(ge=1)] = 32
    heads: Annotated[int, Field(ge=1)] = 4

    @model_validator(mode="after")
    def _divisible(self) -> "Attention":
        if self.hidden % self.heads != 0:
            raise ValueError(f"heads={self.heads}: accepted are divisors of hidden={self.hidden}")
        return self


class DAC(Attention):
    """See `gfncp.baselines.dac.DACNetwork`."""

    kind: Literal["dac"]
    blocks: Annotated[int, Field(ge=1)] = 4

    def build(self, encoder: nn.Module) -> nn.Module:
        return DACNetwork(encoder, self.hidden, self.inducing, self.heads, self.blocks)


class AnchoredDAC(Attention):
    """See `gfncp.baselines.dac.AnchoredDACNetwork`."""

    kind: Literal["dac-anchored"]
    blocks: Annotated[int, Field(ge=1)] = 4

    def build(self, encoder: nn.Module) -> nn.Module:
        return AnchoredDACNetwork(encoder, self.hidden, self.inducing, self.heads, self.blocks)


class SetTransformer(Attention):
    """See `gfncp.baselines.set_transformer.SetTransformerNetwork`."""

    kind: Literal["set-transformer"]
    n_components: Clusters

    def build(self, encoder: nn.Module) -> nn.Module:
        return SetTransformerNetwork(encoder, self.n_components, self.hidden, self.inducing, self.heads)


class MixtureData(Section):
    kind: Literal["gaussian-mixtures"]
    dim: Annotated[int, Field(ge=1)] = 2
    alpha: Annotated[float, Field(gt=0)] = 1.0
    spread: Annotated[float, Field(gt=0)] = 10.0
    n_clusters: Bounds = (1, 10)


class ImageData(Section):
    kind: Literal["augmented-images", "neighbour-images"]
    dataset: Literal["mnist", "fashion-mnist"]
    alpha: Annotated[float, Field(gt=0)] = 1.0
    n_clusters: Bounds = (1, 10)
    images: Annotated[int, Field(ge=100, le=50_000)] = 20_000


class NCPObjective(Section):
    """See `gfncp.objectives.NCP`."""

    name: Literal["ncp"]
    trains: ClassVar[str] = "energy"

    def build(self) -> Objective:
        return NCP()


class GFNCPPaperObjective(Section):
    """See `gfncp.objectives.GFNCPPaper`."""

    name: Literal["gfncp-paper"]
    trains: ClassVar[str] = "energy"
    beta: Annotated[float, Field(ge=0, le=1)] = 0.99
    delta: Annotated[float, Field(ge=0)] = 0.6
    contrast: Annotated[float, Field(ge=0)] = 0.4

    def build(self) -> Objective:
        return GFNCPPaper(self.beta, self.delta, self.contrast)


class CCPObjective(Section):
    """See `gfncp.baselines.ccp.CCPLoss`."""

    name: Literal["ccp"]
    trains: ClassVar[str] = "ccp"

    def build(self) -> Objective:
        return CCPLoss()


class DACObjective(Section):
    """See `gfncp.baselines.dac.DACLoss`."""

    name: Literal["dac"]
    trains: ClassVar[str] = "dac"

    def build(self) -> Objective:
        return DACLoss()


class AnchoredDACObjective(Section):
    """See `gfncp.baselines.dac.AnchoredDACLoss`."""

    name: Literal["dac-anchored"]
    trains: ClassVar[str] = "dac-anchored"

    def build(self) -> Objective:
        return AnchoredDACLoss()


class SetTransformerObjective(Section):
    """See `gfncp.baselines.set_transformer.SetTransformerLoss`."""

    name: Literal["set-transformer"]
    trains: ClassVar[str] = "set-transformer"

    def build(self) -> Objective:
        return SetTransformerLoss()


Network = Annotated[
    Energy | CCP | DAC | AnchoredDAC | SetTransformer,
    Field(discriminator="kind"),
]
AnyObjective = Annotated[
    NCPObjective
    | GFNCPPaperObjective
    | CCPObjective
    | DACObjective
    | AnchoredDACObjective
    | SetTransformerObjective,
    Field(discriminator="name"),
]


class Training(Section):
    iterations: Annotated[int, Field(ge=1)] = 5000
    batch: Annotated[int, Field(ge=1)] = 64
    points: tuple[Annotated[int, Field(ge=2)], Annotated[int, Field(ge=2)]] = (100, 1000)
    sampled_steps: Annotated[int, Field(ge=1)] | None = None
    learning_rate: Annotated[float, Field(gt=0)] = 5e-4
    final_learning_rate: Annotated[float, Field(ge=0)] = 1e-6
    clip: Annotated[float, Field(gt=0)] | None = None
    save_every: Annotated[int, Field(ge=1)] = 250
    validation_sets: Annotated[int, Field(ge=1)] = 40

    @model_validator(mode="after")
    def _ordered(self) -> "Training":
        if self.points[0] > self.points[1]:
            raise ValueError(f"points={self.points}: low must not exceed high")
        return self


class Configuration(Section):
    seed: Annotated[int, Field(ge=0)] = 0
    encoder: Annotated[Vectors | Pictures, Field(discriminator="kind")]
    network: Network = Energy()
    data: Annotated[MixtureData | ImageData, Field(discriminator="kind")]
    objective: AnyObjective
    training: Training = Training()

    @field_validator("network", mode="before")
    @classmethod
    def _energy_by_default(cls, value: object) -> object:
        return {"kind": "energy", **value} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _fitting(self) -> "Configuration":
        if self.objective.trains != self.network.kind:
            raise ValueError(
                f"objective.name={self.objective.name!r} trains a network of kind {self.objective.trains!r}, "
                f"but network.kind={self.network.kind!r}"
            )
        if self.training.sampled_steps is not None and self.network.kind != "energy":
            raise ValueError(
                f"training.sampled_steps={self.training.sampled_steps}: only a network of kind 'energy' is "
                "trained by steps"
            )
        if self.network.kind == "set-transformer" and self.data.n_clusters != self.network.n_components:
            raise ValueError(
                f"data.n_clusters={self.data.n_clusters!r}: a 'set-transformer' has a fixed number of "
                f"clusters, here network.n_components={self.network.n_components}"
            )
        return self

    def build(self) -> nn.Module:
        """A new network with the configured shape."""
        return self.network.build(self.encoder.build())


def parse(values: dict, where: str) -> Configuration:
    """Check a configuration.

    Raises:
        ValueError: one line that names the place, the value and what is accepted.
    """
    try:
        return Configuration.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "configuration"
        raise ValueError(f"{where}: {place}={first['input']!r}: {first['msg']}") from None


def read_configuration(path: Path) -> Configuration:
    """The configuration in a TOML file; see `parse` for errors."""
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path}: not a readable TOML file ({error})") from None
    return parse(values, str(path))
