"""Sources of sets: what every data section of a configuration offers.

Simulators, and the data that they draw from, are imported where they are built: to load a checkpoint needs
none.
"""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from gfncp.configuration.fields import Section

TEST_POINTS = 300
Simulator = Callable[[int, int, torch.Generator], tuple[Tensor, ...]]  # of points, labels and further results


class Simulators(NamedTuple):
    """Simulators of the sets to train on and of those to validate on."""

    training: Simulator
    validation: Simulator


class Data(Section):
    """Source of sets.

    Each has ``test_points``, the number of points in sets for validation and, by default, for tests.

    In the methods, ``encoder`` is the one whose embeddings of images are drawn, if it has an embedding, and
    ``path`` where the data that the section names are: a folder of images, of which None downloads those that
    are public, or a file of embeddings.
    """

    is_simulated: ClassVar[bool] = False  # test sets need no data
    made_of: ClassVar[str]  # what a training cluster consists of

    def make_simulators(self, encoder: nn.Module, path: Path | None, seed: int) -> Simulators:
        """Return the simulators of training and of validation sets.

        Args:
            seed: seed of what is drawn once, before any set.

        Raises:
            ValueError: the data are missing, damaged or too few.
        """
        raise NotImplementedError

    def make_test_simulator(self, encoder: nn.Module, path: Path | None) -> Simulator:
        """Return the simulator of test sets: fresh ones, or whole classes that were not trained on.

        Raises:
            ValueError: the data are missing or damaged, or there are no classes to test on.
        """
        raise NotImplementedError

    def make_held_out_simulator(self, encoder: nn.Module, path: Path | None) -> Simulator | None:
        """Return the simulator of whole classes held out of the training split; None where there are none."""
        return None

    def images_to_embed(self, path: Path | None) -> UInt8[Tensor, "images height width"]:
        """Return the images that an embedding is pre-trained on.

        Raises:
            ValueError: the section names no images.
        """
        kind = dict(self)["kind"]
        raise ValueError(f"data.kind={kind!r}: an embedding of images is trained on images alone")
