"""Section of a configuration for coresets of simulated sets and of recorded images."""

# The section extends that of simulated sets, and has a kind of its own.
# pyright: reportIncompatibleVariableOverride=false

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from gfncp.configuration.simulated_data import CoresetData
from gfncp.configuration.sources import Simulators

SOURCES = {"mnist": 10, "fashion-mnist": 10, "omniglot": 30}  # the most clusters of a set


class RecordedCoresets(CoresetData):
    """Coresets of the prior's families and of what is nearer to real classes; test sets are of the prior.

    ``recorded`` is the share of `gfncp.simulators.RecordedImages`, with classes as labels. Images are those
    to train on of MNIST, Fashion-MNIST and Omniglot, each in a folder of this name. ``faceted`` is the share
    of `gfncp.simulators.faceted.Faceted`, of mixtures with shared factors.
    """

    kind: Literal["recorded-coresets"]
    recorded: Annotated[float, Field(gt=0, lt=0.5)] = 0.12
    faceted: Annotated[float, Field(ge=0, lt=0.5)] = 0.05

    def make_simulators(self, encoder: nn.Module, path: Path | None, seed: int) -> Simulators:
        from gfncp.data import labelled_images
        from gfncp.simulators import RecordedImages
        from gfncp.simulators.faceted import Faceted
        from gfncp.simulators.factors import FactorMixtures
        from gfncp.simulators.prior import FAMILIES
        from gfncp.simulators.recorded import ImageSource

        images = RecordedImages(
            tuple(
                ImageSource(*labelled_images(name, "training", path and path / name), most)
                for name, most in SOURCES.items()
            )
        )
        whole = sum(share for share, _ in FAMILIES) / (1 - self.recorded - self.faceted)
        families = (
            *FAMILIES,
            (whole * self.recorded, images),
            (whole * self.faceted, Faceted(FactorMixtures(max_clusters=50))),
        )
        return Simulators(self.coresets(self.fewest, families), self.make_test_simulator(encoder, path))
