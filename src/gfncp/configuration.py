"""A run's configuration: a TOML file, checked before anything starts, stored with the checkpoint."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Clusters = Annotated[int, Field(ge=1)]
Bounds = Clusters | tuple[Clusters, Clusters] | None


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VectorNetwork(Section):
    kind: Literal["vectors"]
    dim: Annotated[int, Field(ge=1)]
    scale: Annotated[float, Field(gt=0)] = 1.0
    depth: Annotated[int, Field(ge=2)] = 5
    width: Annotated[int, Field(ge=1)] = 128


class ImageNetwork(Section):
    kind: Literal["images"]
    depth: Annotated[int, Field(ge=2)] = 2
    width: Annotated[int, Field(ge=1)] = 128


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
    name: Literal["ncp"]


class GFNCPObjective(Section):
    name: Literal["gfncp"]
    beta: Annotated[float, Field(ge=0, le=1)] = 0.99
    delta: Annotated[float, Field(ge=0)] = 0.6
    contrast: Annotated[float, Field(ge=0)] = 0.4


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
    network: Annotated[VectorNetwork | ImageNetwork, Field(discriminator="kind")]
    data: Annotated[MixtureData | ImageData, Field(discriminator="kind")]
    objective: Annotated[NCPObjective | GFNCPObjective, Field(discriminator="name")]
    training: Training = Training()


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
