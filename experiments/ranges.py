"""The ranges of what a checkpoint was trained on, stored beside it in `range.json`.

    python experiments/ranges.py mnist --data FOLDER

Of a checkpoint of images, limits of each statistic of `gfncp.estimators.image_range`, between which lie all
but a thousandth of the training images as they are and, once more, at a random size: what is drawn may be a
tenth smaller than in training, or fill the image.
"""

import json
import math
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from torch.nn import functional

from gfncp.checkpoints import RANGES, find, load_configuration
from gfncp.configuration import Configuration
from gfncp.configuration.data import OwnImages
from gfncp.data import images
from gfncp.estimators import image_range
from gfncp.files import write_text
from gfncp.seeds import seeded
from gfncp.training import own_images

OUTSIDE = 0.001  # share of the training images outside of the limits of a statistic
SMALLEST = 0.9  # size of what is drawn, in units of what it is in training
EXTENT = list(image_range.STATISTICS).index("extent")
SIZES_STREAM = 2**31 + 17  # apart from all other streams
DIGITS = 6
AT_ONCE = 5000
console = Console(highlight=False)


def limits(values: np.ndarray, names: list[str]) -> dict[str, list[float]]:
    """Return limits of each column of some values, as many values below as above."""
    low, high = np.quantile(values, [OUTSIDE / 2, 1 - OUTSIDE / 2], axis=0)
    return {name: [round(low[at], DIGITS), round(high[at], DIGITS)] for at, name in enumerate(names)}


def zoomed(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return images ``(images, height, width)`` in [0, 1], at random sizes at which nothing is cut off."""
    extent = torch.from_numpy(image_range.image_statistics(x.numpy())[:, EXTENT]).float()
    low, high = math.log(SMALLEST), -extent.clamp(min=1 / x.shape[1]).log()
    size = (low + (high - low) * torch.rand(len(x), generator=generator)).exp()
    grid = functional.affine_grid(torch.eye(2, 3) / size[:, None, None], [len(x), 1, *x.shape[1:]], False)
    return functional.grid_sample(x[:, None], grid, align_corners=False)[:, 0]


def training_images(configuration: Configuration, data: Path | None) -> torch.Tensor:
    """Return the images that a checkpoint was trained on, without those held out."""
    options = configuration.data
    if isinstance(options, OwnImages):
        return own_images.split(options, data).training
    return images(options.dataset, "train", data)[0][: options.images]


def main(
    checkpoint: Annotated[str, typer.Argument(help="A checkpoint, which gets a range.json.")],
    data: Annotated[Path | None, typer.Option(help="Where its data lie, if it needs any.")] = None,
) -> None:
    """Measure the ranges and store them."""
    configuration = load_configuration(checkpoint)
    generator, found = seeded(0, SIZES_STREAM), []
    for part in training_images(configuration, data).split(AT_ONCE):
        x = part / 255
        found += [image_range.image_statistics(each.numpy()) for each in (x, zoomed(x, generator))]
    ranges = limits(np.concatenate(found), list(image_range.STATISTICS))
    command = f"python experiments/ranges.py {checkpoint}" + (" --data FOLDER" if data else "")
    path = find(checkpoint) / RANGES
    write_text(path, json.dumps({"of": "images", "command": command, "ranges": ranges}, indent=2) + "\n")
    console.print(f"Written to {path}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    typer.run(main)
