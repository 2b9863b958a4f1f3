"""Part of a configuration's data sections: sets of neighbours, summarised as coresets."""

from pathlib import Path
from typing import Literal

from torch import nn

from gfncp.configuration.sources import Simulators
from gfncp.configuration.summarised import SummarisedData


class NeighbourCoresets(SummarisedData):
    """Mixin for coresets of sets of neighbours, see `gfncp.simulators.LabelledCoresets`.

    List it before a data section; the sets of that section are then summarised as coresets.
    """

    kind: Literal["neighbour-coresets"]

    def make_simulators(self, encoder: nn.Module, path: Path | None, seed: int) -> Simulators:
        training, validation = super().make_simulators(encoder, path, seed)
        return Simulators(
            self.coresets(self.fewest, ((1.0, training),)), self.coresets(None, ((1.0, validation),))
        )
