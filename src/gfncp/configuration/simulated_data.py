"""Sections of a configuration for sets that are simulated, in training and in tests."""

# Each section has a kind of its own.
# pyright: reportIncompatibleVariableOverride=false

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import nn

from gfncp.configuration.fields import Bounds, Clusters, Width
from gfncp.configuration.sources import TEST_POINTS, Data, Simulator, Simulators
from gfncp.configuration.summarised import SummarisedData
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


class CoresetData(SummarisedData, SimulatedData):
    """Coresets of sets of the prior's families."""

    kind: Literal["coresets"]
    n_clusters: ClassVar[None] = None  # the families decide
    point_shape: ClassVar[tuple[int]] = (COLUMNS,)

    def make_simulators(self, encoder: nn.Module, path: Path | None, seed: int) -> Simulators:
        return Simulators(self.coresets(self.fewest), self.make_test_simulator(encoder, path))

    def make_test_simulator(self, encoder: nn.Module, path: Path | None) -> Simulator:
        return self.coresets(None)
