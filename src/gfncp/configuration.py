"""A run's configuration: a TOML file, checked before anything starts, stored with the checkpoint."""

import tomllib
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)
from torch import nn

from gfncp.encoders import ImageEncoder, VectorEncoder
from gfncp.model import Model
from gfncp.objectives import NCP, GFNCPPaper, Objective


def _ordered(bounds: tuple[int, int]) -> tuple[int, int]:
    if bounds[0] > bounds[1]:
        raise ValueError("low must not exceed high")
    return bounds


Clusters = Annotated[int, Field(ge=1)]
Pair = Annotated[tuple[Clusters, Clusters], AfterValidator(_ordered)]
Bounds = (
    Annotated[
        Annotated[Clusters, Tag("number")] | Annotated[Pair, Tag("pair")],
        Discriminator(lambda value: "pair" if isinstance(value, list | tuple) else "number"),
    ]
    | None
)
Points = Annotated[int, Field(ge=2)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


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


class MixtureData(Section):
    kind: Literal["gaussian-mixtures"]
    dim: Annotated[int, Field(ge=1)] = 2
    alpha: Annotated[float, Field(gt=0)] = 1.0
    spread: Annotated[float, Field(gt=0)] = 10.0
    n_clusters: Bounds = (1, 10)

    @property
    def point_shape(self) -> tuple[int, ...]:
        return (self.dim,)


class ImageData(Section):
    kind: Literal["augmented-images", "neighbour-images"]
    dataset: Literal["mnist", "fashion-mnist"]
    alpha: Annotated[float, Field(gt=0)] = 1.0
    n_clusters: Bounds = (1, 10)
    images: Annotated[int, Field(ge=100, le=50_000)] = 20_000

    @property
    def point_shape(self) -> tuple[int, ...]:
        return (28, 28)


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
    points: Annotated[tuple[Points, Points], AfterValidator(_ordered)] = (100, 1000)
    sampled_steps: Annotated[int, Field(ge=1)] | None = None
    learning_rate: Annotated[float, Field(gt=0)] = 5e-4
    final_learning_rate: Annotated[float, Field(ge=0)] = 1e-6
    clip: Annotated[float, Field(gt=0)] | None = None
    save_every: Annotated[int, Field(ge=1)] = 250
    validation_sets: Annotated[int, Field(ge=1)] = 40


class Configuration(Section):
    seed: Annotated[int, Field(ge=0)] = 0
    encoder: Annotated[Vectors | Pictures, Field(discriminator="kind")]
    network: Energy = Energy()
    data: Annotated[MixtureData | ImageData, Field(discriminator="kind")]
    objective: Annotated[NCPObjective | GFNCPPaperObjective, Field(discriminator="name")]
    training: Training = Training()

    @model_validator(mode="after")
    def _fitting(self) -> "Configuration":
        if self.objective.trains != self.network.kind:
            raise ValueError(
                f"objective.name={self.objective.name!r} trains a network of kind {self.objective.trains!r}, "
                f"but network.kind={self.network.kind!r}"
            )
        with torch.device("meta"):  # no weights are drawn
            accepted = self.encoder.build().point_shape
        if self.data.point_shape != accepted:
            raise ValueError(
                f"data.kind={self.data.kind!r} makes points of shape {self.data.point_shape}, "
                f"but encoder.kind={self.encoder.kind!r} takes {accepted}"
            )
        bounds = self.data.n_clusters
        fewest = bounds[0] if isinstance(bounds, tuple) else bounds or 1
        if fewest > self.training.points[0]:
            raise ValueError(
                f"data.n_clusters={bounds}: sets of {self.training.points[0]} points (training.points) "
                "cannot have so many clusters"
            )
        return self

    def build(self) -> nn.Module:
        """A new network with the configured shape."""
        return self.network.build(self.encoder.build())


def parse(values: object, where: str) -> Configuration:
    """Check a configuration.

    Raises:
        ValueError: one line that names the place, the value and what is accepted.
    """
    try:
        return Configuration.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "configuration"
        given = "" if isinstance(first["input"], dict) else f"={first['input']!r}"
        raise ValueError(f"{where}: {place}{given}: {first['msg']}") from None


def read_configuration(path: Path) -> Configuration:
    """The configuration in a TOML file; see `parse` for errors."""
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path}: not a readable TOML file ({error})") from None
    return parse(values, str(path))
