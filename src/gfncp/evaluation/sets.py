"""Test sets, each a function of its address alone: seed, stream, number of points, number of the set.

So a method that is evaluated on 20 sets has the first 20 of the 500 sets of another.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from gfncp import simulators
from gfncp.configuration import Configuration
from gfncp.configuration.data import EmbeddingData, EmbeddingFile, ImageData, OwnImages
from gfncp.data import labelled_images
from gfncp.networks.encoders import prepared
from gfncp.seeds import TEST, seeded
from gfncp.training import unseen_classes
from gfncp.training.preparation import Simulator

SETS_PER_BATCH = 50
DRAWN = "each set from its own seed"  # a note in records: older ones drew sets by fifties


def draw_sets(
    simulate: Simulator, numbers: range, points: int, seed: int, stream: int = TEST
) -> tuple[Tensor, ...]:
    """Return points and labels of the sets of these numbers, and further results of the simulator."""
    drawn = [simulate(1, points, seeded(seed, stream, points, number)) for number in numbers]
    return tuple(torch.cat(part) for part in zip(*drawn, strict=True))


def batches(sets: int, most: int = SETS_PER_BATCH) -> Iterator[range]:
    """Yield ranges of the numbers of sets that are processed together."""
    yield from (range(first, min(first + most, sets)) for first in range(0, sets, most))


def make_test_simulator(configuration: Configuration, encoder: nn.Module, data: Path | None) -> Simulator:
    """Make the simulator of test sets: fresh ones, or whole classes of test images or of unseen classes.

    Args:
        encoder: encoder whose embeddings of the images are drawn, if it has an embedding.
        data: folder of the images that the configuration names, None downloads them; or embeddings.

    Raises:
        ValueError: there are data, but test sets are simulated.
    """
    check_simulated(configuration, data)
    if isinstance(configuration.data, EmbeddingFile):
        return unseen_classes.make_test_simulator(configuration.data, data)
    values = configuration.data.model_dump()
    kind = values.pop("kind")
    if kind == "gaussian-mixtures":
        return simulators.GaussianMixtures(**values)
    if kind == "general-mixtures":
        return simulators.GeneralMixtures(**values)
    if kind == "coresets":
        return simulators.LabelledCoresets(values["tokens"])
    x, classes = labelled_images(values["dataset"], "test", data)
    bounds = values["n_clusters"]
    if not isinstance(bounds, int):  # bounds apply to training clusters, which are not classes
        bounds = (1, len(classes.unique()))
    return simulators.WholeClasses(
        _as_drawn(configuration, encoder, x), classes, values["alpha"], bounds, values.get("largest")
    )


def _as_drawn(
    configuration: Configuration, encoder: nn.Module, images: UInt8[Tensor, "images height width"]
) -> Float[Tensor, "images *shape"]:
    """Return images as sets have them: embedded, unless that is done where coresets are made of a set."""
    coresets = configuration.network.kind == "coreset-energy"
    return images / 255 if coresets else prepared(encoder, images)


def check_simulated(configuration: Configuration, data: Path | None) -> None:
    """Refuse data for test sets that are simulated.

    Raises:
        ValueError: there are such.
    """
    if data is not None and not isinstance(configuration.data, EmbeddingFile | ImageData | EmbeddingData):
        raise ValueError(
            f"data={str(data)!r}: accepted is none, the test sets of this checkpoint are simulated; "
            "gfncp cluster FILE --label-column NAME compares the clustering of a file with known labels"
        )


def make_held_out_simulator(
    configuration: Configuration, encoder: nn.Module, data: Path | None
) -> simulators.WholeClasses | None:
    """Make the simulator of whole classes held out of the training split; None where there are none.

    Args:
        encoder, data: see `make_test_simulator`.
    """
    options = configuration.data
    if isinstance(options, EmbeddingFile):
        held_out = unseen_classes.split(options, data).validation
        return held_out if isinstance(held_out, simulators.WholeClasses) else None
    if not isinstance(options, ImageData | EmbeddingData) or isinstance(options, OwnImages):
        return None
    x, classes = labelled_images(options.dataset, "validation", data)
    bounds = (1, len(np.unique(classes)))
    largest = getattr(options, "largest", None)
    points = _as_drawn(configuration, encoder, x)
    return simulators.WholeClasses(points, classes, options.alpha, bounds, largest)
