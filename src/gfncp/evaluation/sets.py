"""Test sets, each a function of its address alone: seed, stream, number of points, number of the set.

So a method that is evaluated on 20 sets has the first 20 of the 500 sets of another.
"""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from gfncp.configuration import Configuration
from gfncp.configuration.sources import Simulator
from gfncp.seeds import TEST, seeded

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
    return configuration.data.make_test_simulator(encoder, data)


def check_simulated(configuration: Configuration, data: Path | None) -> None:
    """Refuse data for test sets that are simulated.

    Raises:
        ValueError: there are such.
    """
    if data is not None and configuration.data.is_simulated:
        raise ValueError(
            f"data={str(data)!r}: accepted is none, the test sets of this checkpoint are simulated; "
            "gfncp cluster FILE --label-column NAME compares the clustering of a file with known labels"
        )
