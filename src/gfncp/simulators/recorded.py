"""Sets of recorded images as rows of numbers: real classes, which no simulator has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from gfncp.partitions import canonical_labels
from gfncp.simulators.draw import Draw
from gfncp.simulators.shares import cluster_shares, draw_clusters

FEWEST = 2  # classes of a set: one real class may well consist of clusters
FULL = 0.8  # of the images of a class that one set shows
FILTERS, SIDE = 24, 7  # random filters, and their pixels along each side
COLUMNS = 150  # pixels that are seen
NOISY, NOISE = 0.3, 0.1  # share of the calls with noise, and its standard deviation at most

Images = Float[Tensor, "images 1 height width"]


@dataclass(frozen=True)
class ImageSource:
    """Labelled images, of which sets of some classes are drawn.

    Args:
        images: any number, with values from 0 to 255.
        classes: the class of each image, from 0.
        max_clusters: the most classes of a set.
    """

    images: UInt8[Tensor, "images height width"]
    classes: Int[Tensor, "images"]
    max_clusters: int = 10

    @property
    def most_points(self) -> int:
        """Return how many points a set has at most, for few of them to be one image."""
        return int(self._fullest * min(self.max_clusters, len(self._sizes)))

    def draw(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[UInt8[Tensor, "sets points height width"], Int[Tensor, "sets points"]]:
        """Draw sets; clusters are alike in size where one class has too few images for all points."""
        draw = Draw(sets, generator)
        fewest = -int(-points // self._fullest)
        shares = cluster_shares(draw, min(self.max_clusters, len(self._sizes)), points, max(fewest, FEWEST))
        if fewest > 1:
            shares = (shares > 0).float() / (shares > 0).sum(1, keepdim=True)
        any_order = draw.uniform(len(self._sizes)).argsort(1)
        label = any_order.gather(1, draw_clusters(draw, shares, points))
        chosen = self._first[label] + (draw.uniform(points) * self._sizes[label]).long()
        return self.images[self._by_class[chosen]], label

    @cached_property
    def _by_class(self) -> Int[Tensor, "images"]:
        return self.classes.argsort(stable=True)

    @cached_property
    def _sizes(self) -> Int[Tensor, "classes"]:
        return torch.bincount(self.classes)

    @cached_property
    def _first(self) -> Int[Tensor, "classes"]:
        return self._sizes.cumsum(0) - self._sizes

    @property
    def _fullest(self) -> float:
        return FULL * int(self._sizes.min())


@dataclass(frozen=True)
class RecordedImages:
    """Sets of some classes of recorded images, which are rows of numbers.

    Such classes overlap, consist of parts and vary along curved lines, as those of users' tables do. Each
    call draws one of the sources that have enough images, and what the numbers are: means of squares of 2 x 2
    or 4 x 4 pixels, the responses of 24 random filters, or 150 of the pixels. Three of ten calls add noise.

    Args:
        sources: at least one has enough images for a set of any size that is drawn.
    """

    sources: tuple[ImageSource, ...]

    def __call__(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "sets points dim"], Int[Tensor, "sets points"]]:
        enough = [source for source in self.sources if source.most_points >= points]
        images, label = _one_of(enough, generator).draw(sets, points, generator)
        rows = _one_of(VIEWS, generator)(images.flatten(0, 1)[:, None] / 255, generator)
        x = rows.reshape(sets, points, -1)
        whole = Draw(1, generator)
        noise = whole.uniform(high=NOISE) * whole.some(NOISY)
        return x + noise * Draw(sets, generator).normal(*x.shape[1:]), canonical_labels(label)


def small_squares(x: Images, generator: torch.Generator) -> Float[Tensor, "images 1 height/2 width/2"]:
    """Average squares of 2 x 2 pixels."""
    return F.avg_pool2d(x, 2)


def large_squares(x: Images, generator: torch.Generator) -> Float[Tensor, "images 1 height/2-1 width/2-1"]:
    """Average squares of 4 x 4 pixels, every other row and column."""
    return F.avg_pool2d(x, 4, 2)


def filtered(x: Images, generator: torch.Generator) -> Float[Tensor, "images filters height/7 width/7"]:
    """Return the rectified responses of random filters of 7 x 7 pixels, the same ones for all images."""
    return F.conv2d(x, torch.randn(FILTERS, 1, SIDE, SIDE, generator=generator) / SIDE, stride=SIDE).relu()


def some_pixels(x: Images, generator: torch.Generator) -> Float[Tensor, "images columns"]:
    """Return random pixels, the same ones of all images."""
    pixels = x.flatten(1)
    return pixels[:, torch.randperm(pixels.shape[1], generator=generator)[:COLUMNS]]


VIEWS: tuple[Callable[[Images, torch.Generator], Tensor], ...] = (
    small_squares,
    large_squares,
    filtered,
    some_pixels,
)


def _one_of(choices: Sequence[Any], generator: torch.Generator) -> Any:
    return choices[int(torch.randint(len(choices), (), generator=generator))]
