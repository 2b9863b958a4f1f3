"""A run's configuration: a TOML file, checked before anything starts, stored with the checkpoint."""

import tomllib
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from torch import nn

from gfncp.encoders import ImageEncoder, ScaledVectorEncoder, VectorEncoder
from gfncp.model import Model, OnlineModel
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


class ScaledVectors(Vectors):
    """See `gfncp.encoders.ScaledVectorEncoder`."""

    kind: Literal["scaled-vectors"]

    def build(self) -> nn.Module:
        return ScaledVectorEncoder(self.dim, self.scale)


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


class OnlineEnergy(Energy):
    """See `gfncp.online.OnlineEnergyNetwork`; every objective of an energy network trains it."""

    kind: Literal["online-energy"]

    def build(self, encoder: nn.Module) -> nn.Module:
        return OnlineModel(encoder, self.depth, self.width)


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
    encoder: Annotated[Vectors | ScaledVectors | Pictures, Field(discriminator="kind")]
    network: Annotated[Energy | OnlineEnergy, Field(discriminator="kind")] = Energy()
    data: Annotated[MixtureData | ImageData, Field(discriminator="kind")]
    objective: Annotated[NCPObjective | GFNCPPaperObjective, Field(discriminator="name")]
    training: Training = Training()

    @model_validator(mode="after")
    def _fitting(self) -> "Configuration":
        if self.objective.trains != self.network.kind.removeprefix("online-"):
            raise ValueError(
                f"objective.name={self.objective.name!r} trains a network of kind {self.objective.trains!r}, "
                f"but network.kind={self.network.kind!r}"
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
