"""Sets of some classes of well-known data: many sets to compare checkpoints on, of data that are few."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from families_data import Case, Labels, Points, numbered, plates, wide_tables
from real_sets import RealSet
from sklearn.datasets import load_digits

from gfncp.data import labelled_images
from gfncp.data.embeddings import clinc150

SETS = 7  # of each source
MOST_CLASSES = 26
FEWEST_POINTS, MOST_POINTS = 120, 1200


def sources(data: Path) -> Iterator[tuple[str, Points, Labels]]:
    """Yield name, points and classes of each source; of images, those that were held out of training."""
    for real in (*wide_tables(data), *plates(data)):
        yield real.name, real.x, real.references[0]
    yield "digits", *load_digits(return_X_y=True)
    for name in ("mnist", "fashion-mnist", "omniglot"):
        x, classes = labelled_images(name, "validation", data / name)
        yield name, x.flatten(1).double().numpy(), classes.numpy()
    sentences = clinc150(data / "clinc150")
    yield "clinc150", sentences.x.double().numpy(), numbered(sentences.classes)


def subsets(data: Path, seeds: int) -> Iterator[Case]:
    """Yield random points of 2 to 26 random classes of each source, 120 to 1200 of them, log-uniformly."""
    for name, x, classes in sources(data):
        every = np.unique(classes)
        for number in range(SETS):
            rng = np.random.default_rng([*map(ord, name), number])
            chosen = rng.choice(every, int(rng.integers(2, min(len(every), MOST_CLASSES) + 1)), replace=False)
            rows = np.flatnonzero(np.isin(classes, chosen))
            most = int(np.exp(rng.uniform(np.log(FEWEST_POINTS), np.log(MOST_POINTS))))
            rows = rng.choice(rows, min(most, len(rows)), replace=False)
            yield Case(RealSet(name, x[rows], (numbered(classes[rows]),)), 0)
