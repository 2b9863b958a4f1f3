"""Draw mnist-300.npz, the images of `make demo`, from the MNIST test split.

A partition of 300 points from CRP(1), given 6 clusters, the first whose clusters all have 20 points or more;
each cluster gets a digit and as many random test images of it.

Usage: python examples/make_mnist_sample.py FOLDER_OF_IDX_FILES [OUTPUT]
"""

import sys
from pathlib import Path

import numpy as np
import torch

from gfncp.data import images
from gfncp.files import write_atomically
from gfncp.partitions import sample_crp

POINTS, DIGITS, SMALLEST, SEED = 300, 6, 20, 0


def draw(folder: Path) -> dict[str, np.ndarray]:
    """Images ``x`` (300, 28, 28) and digits ``label`` (300,), both uint8."""
    generator = torch.Generator().manual_seed(SEED)
    x, digits = images("mnist", "test", folder)
    while True:
        partition = sample_crp(1, POINTS, alpha=1.0, generator=generator, n_clusters=DIGITS)[0]
        if partition.bincount().min() >= SMALLEST:
            break
    label = torch.randperm(10, generator=generator)[partition]
    chosen = torch.empty(POINTS, dtype=torch.long)
    for digit in label.unique():
        members = (digits == digit).nonzero()[:, 0]
        here = label == digit
        chosen[here] = members[torch.randperm(len(members), generator=generator)[: here.sum()]]
    return {"x": x[chosen].numpy(), "label": label.numpy().astype(np.uint8)}


if __name__ == "__main__":
    folder, *output = map(Path, sys.argv[1:])
    target = output[0] if output else Path(__file__).with_name("mnist-300.npz")
    arrays = draw(folder)

    def write(path: Path) -> None:
        with path.open("wb") as file:
            np.savez_compressed(file, **arrays)

    write_atomically(target, write)
