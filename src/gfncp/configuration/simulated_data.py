"""Sections of a configuration for sets that are simulated, in training and in tests."""

# Each section has a kind of its own.
# pyright: reportIncompatibleVariableOverride=false

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import nn

from gfncp.configuration.fields import Bounds, Clusters, CoordinateKind, Width
from gfncp.configuration.sources import TEST_POINTS, Data, Simulator, Simulators
from gfncp.coresets.components import COORDINATES
from gfncp.networks.tokens import COLUMNS


class SimulatedData(Data):
    """Fresh sets; those of training, validation and tests are of one kind."""

    is_simulated: ClassVar[bool] = True
    test_points: ClassVar[int] = TEST_POINTS

    def make_simulators(self, encoder: nn.Module, path: Path | None, seed: int) -> Simulators:
        simulate = self.make_test_simulator(encoder, path)
        return Simulators(simulate, simulate)


class MixtureData(SimulatedData):
    """See `gfncp.simulators.GaussianMixtures`."""

    kind: Literal["gaussian-mixtures"]
    dim: Width = 2
    alpha: Annotated[float, Field(gt=0)] = 1.0
    spread: Annotated[float, Field(gt=0)] = 10.0
    n_clusters: Bounds = (1, 10)

    @property
    def point_shape(self) -> tuple[int, ...]:
        return (self.dim,)

    def make_test_simulator(self, encoder: nn.Module, path: Path | None) -> Simulator:
        from gfncp.simulators import GaussianMixtures

        return GaussianMixtures(self.dim, self.alpha, self.spread, self.n_clusters)


class GeneralData(SimulatedData):
    """See `gfncp.simulators.GeneralMixtures`."""

    kind: Literal["general-mixtures"]
    max_clusters: Clusters = 30

    @property
    def n_clusters(self) -> tuple[int, int]:
        return 1, self.max_clusters

    @property
    def point_shape(self) -> tuple[None]:
        return (None,)

    def make_test_simulator(self, encoder: nn.Module, path: Path | None) -> Simulator:
        from gfncp.simulators import GeneralMixtures

        return GeneralMixtures(self.max_clusters)


class CoresetData(SimulatedData):
    """See `gfncp.simulators.labelled_coresets.LabelledCoresets`; ``fewest`` is for training alone."""

    kind: Literal["coresets"]
    tokens: Annotated[int, Field(ge=2)] = 128
    fewest: Annotated[int, Field(ge=2)] | None = None
    coordinates: CoordinateKind = "components"
    n_clusters: ClassVar[None] = None  # the families decide
    point_shape: ClassVar[tuple[int]] = (COLUMNS,)

    def make_simulators(self, encoder: nn.Module, path: Path | None, seed: int) -> Simulators:
        from gfncp.simulators import LabelledCoresets

        coordinates = COORDINATES[self.coordinates]
        training = LabelledCoresets(self.tokens, self.fewest, coordinates=coordinates)
        return Simulators(training, self.make_test_simulator(encoder, path))

    def make_test_simulator(self, encoder: nn.Module, path: Path | None) -> Simulator:
        from gfncp.simulators import LabelledCoresets

        return LabelledCoresets(self.tokens, coordinates=COORDINATES[self.coordinates])
