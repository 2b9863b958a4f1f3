"""Ranges of the data that a checkpoint was trained on, stored beside it in `range.json`.

    python experiments/ranges.py mnist --data FOLDER
    python experiments/ranges.py general

Of a checkpoint of vectors, mean and covariance of the statistics of `gfncp.estimators.set_range` in sets of
its simulator of validation (of a checkpoint of coresets: of its prior, or of classes held out of training),
clustered by itself. Measure them after the temperature. Of a checkpoint of images, limits of each statistic
of `gfncp.estimators.image_range`, between which lie all but a thousandth of the training images as they are
and, once more, at a random size: what is drawn may be a tenth smaller than in training, or fill the image. Of
one that learned from redrawn characters, these count, too.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.progress import track
from torch.nn import functional

from gfncp import GFNCP
from gfncp.checkpoints import RANGES, find, load, load_configuration
from gfncp.configuration.embedding_files import FileCoresets
from gfncp.configuration.encoder import EmbeddedPictures
from gfncp.estimators import image_range
from gfncp.estimators.outside import statistics_of
from gfncp.estimators.ranges import ImageRanges, SetRanges
from gfncp.estimators.set_range import FEWEST_POINTS, fit_ranges
from gfncp.evaluation.subjects import make_draw
from gfncp.files import write_text
from gfncp.seeds import seeded
from gfncp.simulators.images import augmented_by
from gfncp.training.augmentations import handwriting_augmentations

OUTSIDE = 0.001  # share of the training images outside of the limits of a statistic
SMALLEST = 0.9  # size of what is drawn, in units of what it is in training
EXTENT = list(image_range.STATISTICS).index("extent")
SIZES_STREAM = 2**31 + 17  # apart from all other streams
DIGITS = 6
AT_ONCE = 5000
SETS_STREAM = 2**31 + 18
SETS = 400
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


def simulated_sets(checkpoint: str, data: Path | None) -> Iterator[np.ndarray]:
    """Yield points of sets of as many sizes as in training."""
    configuration, encoder = load_configuration(checkpoint), load(checkpoint).encoder
    least, most = configuration.training.points
    if isinstance(configuration.data, FileCoresets):  # whose neighbours are drawn again, but not classes
        most = configuration.data.test_points
    least, most = math.log(least), math.log(most)
    coresets = configuration.summarises
    if coresets:
        draw = make_draw(configuration, encoder, data)
    else:
        simulate = configuration.data.make_simulators(encoder, data, configuration.seed).validation
    for number in range(SETS):
        generator = seeded(0, SETS_STREAM, number)
        points = max(
            FEWEST_POINTS, round(math.exp(least + (most - least) * torch.rand((), generator=generator)))
        )
        if coresets:
            yield draw(points, 0, number, SETS_STREAM).x
        else:
            yield simulate(1, points, generator)[0][0].double().numpy()


def ranges_of_sets(checkpoint: str, command: str, data: Path | None) -> SetRanges:
    """Cluster simulated sets; return mean and covariance of their statistics."""
    inference = GFNCP(checkpoint)._inference()
    found, points = [], []
    for x in track(simulated_sets(checkpoint, data), "clustering", SETS, console=console):
        model = GFNCP(checkpoint, n_samples=1, random_state=0, categorical_weight=1).fit(x)
        log_prob = model.posterior_.log_prob_of(model.labels_)
        statistics = statistics_of(inference, model._given, model.labels_, log_prob)
        if statistics is not None:
            found.append(statistics)
            points.append(len(x))
    return fit_ranges(np.stack(found), np.array(points), command)


def ranges_of_images(checkpoint: str, command: str, data: Path | None) -> ImageRanges:
    """Return limits of the statistics of training images."""
    configuration, generator, found = load_configuration(checkpoint), seeded(0, SIZES_STREAM), []
    encoder = configuration.encoder
    pretraining = encoder.pretraining if isinstance(encoder, EmbeddedPictures) else None
    for part in configuration.data.images_to_embed(data).split(AT_ONCE):
        x = part / 255
        views = [x, zoomed(x, generator)]
        if pretraining is not None and pretraining.augmentations == "handwriting":
            views.append(augmented_by(handwriting_augmentations(pretraining.strength), x, generator))
        found += [image_range.image_statistics(each.numpy()) for each in views]
    ranges = limits(np.concatenate(found), list(image_range.STATISTICS))
    return ImageRanges.model_validate({"command": command, "ranges": ranges})


def main(
    checkpoint: Annotated[str, typer.Argument(help="A checkpoint, which gets a range.json.")],
    data: Annotated[Path | None, typer.Option(help="Where its data lie, if it needs any.")] = None,
) -> None:
    """Measure the ranges and store them."""
    command = f"python experiments/ranges.py {checkpoint}" + (" --data FOLDER" if data else "")
    path = find(checkpoint) / RANGES
    images_of = len(load_configuration(checkpoint).data.point_shape) == 2
    if not images_of:
        path.unlink(missing_ok=True)  # no warnings of an earlier state
    ranges = (ranges_of_images if images_of else ranges_of_sets)(checkpoint, command, data)
    write_text(path, json.dumps(ranges.model_dump(), indent=2) + "\n")
    console.print(f"Written to {path}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    typer.run(main)
