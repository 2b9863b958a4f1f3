"""Configuration of a run, checked before anything starts and stored with the checkpoint.

See `gfncp.configuration.toml_files` for configurations in files.
"""

from typing import Annotated

import torch
from pydantic import Field, ValidationError, field_validator, model_validator

from gfncp.configuration.data import AnyData
from gfncp.configuration.encoder import AnyEncoder
from gfncp.configuration.fields import TAGS, Section, Temperatures
from gfncp.configuration.image_data import EmbeddingData
from gfncp.configuration.neighbour_coresets import NeighbourCoresets
from gfncp.configuration.networks import AnyNetwork, Energy
from gfncp.configuration.objectives import AnyObjective, GFNCPObjective
from gfncp.configuration.training import Training
from gfncp.networks.energy import EnergyNetwork
from gfncp.networks.interfaces import Network


class Configuration(Section):
    """Run of training: network, data, objective and schedule.

    ``temperature``: of decoding, found after training; or pairs of a number of points and the temperature of
    sets of that size, see `gfncp.networks.temperature`.
    """

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    encoder: AnyEncoder
    network: AnyNetwork = Energy()
    data: AnyData
    objective: AnyObjective
    training: Training = Training()
    temperature: Temperatures = 1.0

    @property
    def summarises(self) -> bool:
        """Return True if sets are summarised as coresets, which the network clusters."""
        return self.network.kind == "coreset-energy"

    @property
    def is_online(self) -> bool:
        """Return True if points are assigned before later ones are seen."""
        return self.network.kind == "online-energy"

    @field_validator("network", mode="before")
    @classmethod
    def _energy_by_default(cls, value: object) -> object:
        return {"kind": "energy", **value} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _fitting(self) -> "Configuration":
        if not self.network.kind.endswith(self.objective.trains):
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
        if self.is_online and isinstance(self.temperature, tuple):
            raise ValueError(
                f"temperature={self.temperature}: a stream has no number of points; accepted is one number"
            )
        if self.training.sampled_steps is not None and not self.network.kind.endswith("energy"):
            raise ValueError(
                f"training.sampled_steps={self.training.sampled_steps}: only an energy network is "
                "trained by steps"
            )
        disagreement = self.objective.disagreement if isinstance(self.objective, GFNCPObjective) else 0
        if self.training.sampled_steps is not None and disagreement:
            raise ValueError(
                f"objective.disagreement={disagreement}: two orders of the data are compared "
                "over all of their steps; with training.sampled_steps accepted is 0"
            )
        if self.network.kind == "set-transformer" and bounds != self.network.n_components:
            raise ValueError(
                f"data.n_clusters={bounds!r}: a 'set-transformer' has a fixed number of clusters, here "
                f"network.n_components={self.network.n_components}"
            )
        return self

    @model_validator(mode="after")
    def _embedded(self) -> "Configuration":
        coresets = isinstance(self.data, NeighbourCoresets)
        needed = "embedded-tokens" if coresets else "embedded-images"
        if isinstance(self.data, EmbeddingData) and self.encoder.kind != needed:
            raise ValueError(
                f"encoder.kind={self.encoder.kind!r}: data {self.data.kind!r} of images needs {needed!r}"
            )
        if self.encoder.kind == "embedded-tokens" and not coresets:
            raise ValueError(
                f"data.kind={self.data.kind!r}: encoder 'embedded-tokens' needs 'neighbour-coresets'"
            )
        if coresets and not self.summarises:
            raise ValueError(
                f"network.kind={self.network.kind!r}: data 'neighbour-coresets' needs 'coreset-energy'"
            )
        return self

    def with_iterations(self, iterations: int) -> "Configuration":
        """Return the same configuration with another number of iterations."""
        training = self.training.model_copy(update={"iterations": iterations})
        return self.model_copy(update={"training": training})

    def build(self) -> Network:
        """Return a new network with the configured shape and temperature."""
        network = self.network.build(self.encoder.build())
        if isinstance(network, EnergyNetwork):
            network.temperature = self.temperature
        return network


def parse(values: object, where: str) -> Configuration:
    """Check a configuration.

    Raises:
        ValueError: one line that names the place, the value and what is accepted.
    """
    try:
        return Configuration.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"] if part not in TAGS) or "configuration"
        given = "" if isinstance(first["input"], dict) else f"={first['input']!r}"
        raise ValueError(f"{where}: {place}{given}: {first['msg']}") from None


def parse_stored(values: object) -> Configuration | None:
    """Return a configuration from a run or a record, or None if this version cannot read it.

    Options that it lacks, because they were added since, have their defaults.
    """
    try:
        return parse(values, "stored")
    except ValueError:
        return None
