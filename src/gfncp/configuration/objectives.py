"""Sections of a configuration for losses. Those of other methods are imported where they are built."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from gfncp.configuration.fields import Section
from gfncp.objectives.algorithm_1 import GFNCPLoss
from gfncp.objectives.batch import Objective
from gfncp.objectives.coreset_likelihood import CoresetLikelihood
from gfncp.objectives.ncp import NCPLoss
from gfncp.objectives.two_orders import TwoOrdersLoss


class NCPObjective(Section):
    """See `gfncp.objectives.ncp.NCPLoss`."""

    name: Literal["ncp"]
    trains: ClassVar[str] = "energy"

    def build(self) -> Objective:
        return NCPLoss()


class GFNCPPaperObjective(Section):
    """See `gfncp.objectives.algorithm_1.GFNCPLoss`."""

    name: Literal["gfncp-paper"]
    trains: ClassVar[str] = "energy"
    beta: Annotated[float, Field(ge=0, le=1)] = 0.99
    delta: Annotated[float, Field(ge=0)] = 0.6
    contrast: Annotated[float, Field(ge=0)] = 0.4

    def build(self) -> Objective:
        return GFNCPLoss(self.beta, self.delta, self.contrast)


class GFNCPObjective(Section):
    """See `gfncp.objectives.two_orders.TwoOrdersLoss`."""

    name: Literal["gfncp"]
    trains: ClassVar[str] = "energy"
    disagreement: Annotated[float, Field(ge=0)] = 1.0
    terminal: Annotated[float, Field(ge=0)] = 0.2
    anchor: Annotated[float, Field(ge=0)] = 1e-4

    def build(self) -> Objective:
        return TwoOrdersLoss(self.disagreement, self.terminal, self.anchor)


class CoresetObjective(Section):
    """See `gfncp.objectives.coreset_likelihood.CoresetLikelihood`."""

    name: Literal["coreset-likelihood"]
    trains: ClassVar[str] = "coreset-energy"
    placement: Annotated[float, Field(ge=0)] = 0.5
    anchor: Annotated[float, Field(ge=0)] = 1e-5

    def build(self) -> Objective:
        return CoresetLikelihood(self.placement, self.anchor)


class CCPObjective(Section):
    """See `gfncp.methods.ccp.CCPLoss`."""

    name: Literal["ccp"]
    trains: ClassVar[str] = "ccp"

    def build(self) -> Objective:
        from gfncp.methods.ccp import CCPLoss

        return CCPLoss()


class DACObjective(Section):
    """See `gfncp.methods.dac.DACLoss`."""

    name: Literal["dac"]
    trains: ClassVar[str] = "dac"

    def build(self) -> Objective:
        from gfncp.methods.dac import DACLoss

        return DACLoss()


class AnchoredDACObjective(Section):
    """See `gfncp.methods.dac.AnchoredDACLoss`."""

    name: Literal["dac-anchored"]
    trains: ClassVar[str] = "dac-anchored"

    def build(self) -> Objective:
        from gfncp.methods.dac import AnchoredDACLoss

        return AnchoredDACLoss()


class SetTransformerObjective(Section):
    """See `gfncp.methods.set_transformer.SetTransformerLoss`."""

    name: Literal["set-transformer"]
    trains: ClassVar[str] = "set-transformer"

    def build(self) -> Objective:
        from gfncp.methods.set_transformer import SetTransformerLoss

        return SetTransformerLoss()


AnyObjective = Annotated[
    NCPObjective
    | GFNCPPaperObjective
    | GFNCPObjective
    | CoresetObjective
    | CCPObjective
    | DACObjective
    | AnchoredDACObjective
    | SetTransformerObjective,
    Field(discriminator="name"),
]
