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
    """Coresets of the prior's families and of `gfncp.simulators.RecordedImages`; test sets are simulated.

    ``recorded`` is the share of the latter, with classes as labels. Images are those to train on of MNIST,
    Fashion-MNIST and Omniglot, each in a folder of this name.
    """

    kind: Literal["recorded-coresets"]
    recorded: Annotated[float, Field(gt=0, lt=1)] = 0.12

    def make_simulators(self, encoder: nn.Module, path: Path | None, seed: int) -> Simulators:
        from gfncp.data import labelled_images
        from gfncp.simulators import LabelledCoresets, RecordedImages
        from gfncp.simulators.prior import FAMILIES
        from gfncp.simulators.recorded import ImageSource

        images = RecordedImages(
            tuple(
                ImageSource(*labelled_images(name, "training", path and path / name), most)
                for name, most in SOURCES.items()
            )
        )
        of_images = self.recorded / (1 - self.recorded) * sum(share for share, _ in FAMILIES)
        training = LabelledCoresets(self.tokens, self.fewest, (*FAMILIES, (of_images, images)))
        return Simulators(training, self.make_test_simulator(encoder, path))
