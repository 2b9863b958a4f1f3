"""Part of a configuration's data sections: sets of neighbours, summarised as coresets."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from gfncp.configuration.fields import CoordinateKind
from gfncp.configuration.sources import Data, Simulators
from gfncp.coresets.components import COORDINATES


class NeighbourCoresets(Data):
    """Mixin for coresets of sets of neighbours, see `gfncp.simulators.LabelledCoresets`.

    List it before a data section; the sets of that section are then summarised as coresets.
    """

    kind: Literal["neighbour-coresets"]
    tokens: Annotated[int, Field(ge=2)] = 128
    fewest: Annotated[int, Field(ge=2)] | None = None
    coordinates: CoordinateKind = "components"

    def make_simulators(self, encoder: nn.Module, path: Path | None, seed: int) -> Simulators:
        from gfncp.simulators import LabelledCoresets

        coordinates = COORDINATES[self.coordinates]
        training, validation = super().make_simulators(encoder, path, seed)
        return Simulators(
            LabelledCoresets(self.tokens, self.fewest, ((1.0, training),), coordinates),
            LabelledCoresets(self.tokens, families=((1.0, validation),), coordinates=coordinates),
        )
