"""Part of a configuration's data sections: how sets become coresets."""

from typing import Annotated, Any

from pydantic import Field

from gfncp.configuration.fields import CoordinateKind
from gfncp.configuration.sources import Data, Simulator
from gfncp.coresets.components import COORDINATES


class SummarisedData(Data):
    """Sets summarised as coresets; ``fewest`` is for training alone.

    See `gfncp.simulators.labelled_coresets.LabelledCoresets`.
    """

    tokens: Annotated[int, Field(ge=2)] = 128
    fewest: Annotated[int, Field(ge=2)] | None = None
    coordinates: CoordinateKind = "components"

    def coresets(self, fewest: int | None, families: Any = None) -> Simulator:
        """Return the simulator of coresets of sets of some families, those of the prior for None."""
        from gfncp.simulators import LabelledCoresets
        from gfncp.simulators.prior import FAMILIES

        return LabelledCoresets(
            self.tokens, fewest, FAMILIES if families is None else families, COORDINATES[self.coordinates]
        )
