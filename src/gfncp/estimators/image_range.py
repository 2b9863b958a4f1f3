"""Images beside those that a checkpoint was trained on: is their background dark, do they have its strokes?

Six statistics of an image's intensities, each with the range that all but a thousandth of the training images
have. They tell dark on light from light on dark, photographs and noise from drawings, and most digits from
clothes; not one alphabet from another.

Drawings may be black and white without grey, as scans of 1 bit are: where training images were drawings, grey
pixels are the soft edges of their strokes, and there may be none. The other statistics judge such images.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Num, Shaped

from gfncp.data.checks import check_images
from gfncp.data.pictures import invert
from gfncp.estimators.ranges import ImageRanges, load_ranges
from gfncp.shipped import shipped

STATISTICS = {
    "border": "mean intensity of the border",
    "extent": "height or width of what is light, as a share of the image's",
    "contrast": "standard deviation of intensities",
    "grey": "share of grey pixels",
    "light": "share of light pixels",
    "roughness": "difference of neighbouring pixels, in units of contrast",
}
DARK, MIDDLE, LIGHT = 0.1, 0.5, 0.9
GREY_OF_DRAWINGS = 1 / 2  # share of grey pixels that no training image reaches where these are drawings
LEAST_CONTRAST = 0.05  # added to what is divided by
MOST = 1 / 2  # share of unlike images above which a set is refused
MANY = 1 / 10  # above which there is a warning, ...
STRAYS = 2  # but for so many
SHOWN = 3  # statistics in a message
EMBED = (
    "embed other images with a network for photographs, `gfncp embed FOLDER --output features.safetensors`, "
    "and cluster the features"
)


def image_statistics(x: Num[np.ndarray, "images height width"]) -> Float[np.ndarray, "images statistics"]:
    """Return `STATISTICS` of images in [0, 1]."""
    border = np.concatenate([x[:, 0], x[:, -1], x[:, 1:-1, 0], x[:, 1:-1, -1]], axis=1)
    contrast = x.std((1, 2))
    down, across = (np.abs(np.diff(x, axis=axis)).mean((1, 2)) for axis in (1, 2))
    extent = np.maximum(*(_extent(np.any(x > DARK, axis)) for axis in (1, 2)))
    return np.stack(
        [
            border.mean(1),
            extent,
            contrast,
            ((x > DARK) & (x < LIGHT)).mean((1, 2)),
            (x > MIDDLE).mean((1, 2)),
            (down + across) / (contrast + LEAST_CONTRAST),
        ],
        axis=1,
    ).astype(np.float64)


def _extent(drawn: Bool[np.ndarray, "images pixels"]) -> Float[np.ndarray, "images"]:
    """Return the share of a side from the first pixel that is drawn to the last; 0 where none is."""
    pixels = drawn.shape[1]
    first, last = drawn.argmax(1), pixels - drawn[:, ::-1].argmax(1)
    return np.where(drawn.any(1), last - first, 0) / pixels


def unlike(
    x: Num[np.ndarray, "images height width"], ranges: ImageRanges
) -> Bool[np.ndarray, "images statistics"]:
    """Return which statistics of which images are outside of their ranges."""
    limits = dict(ranges.ranges)
    if limits["grey"][1] < GREY_OF_DRAWINGS:
        limits["grey"] = (0.0, limits["grey"][1])
    low, high = np.array([limits[name] for name in STATISTICS]).T
    found = image_statistics(x)
    return (found < low) | (found > high)


def image_ranges(checkpoint: str | Path) -> ImageRanges | None:
    """Return a checkpoint's ranges of images, None if it has none.

    Raises:
        ValueError: the file holds other statistics.
    """
    ranges = load_ranges(checkpoint)
    if not isinstance(ranges, ImageRanges):
        return None
    if ranges.ranges.keys() != STATISTICS.keys():
        raise ValueError(
            f"{str(checkpoint)!r} has ranges of {list(ranges.ranges)}: accepted are {list(STATISTICS)}"
        )
    return ranges


def describe_unlike(x: Num[np.ndarray, "images height width"], checkpoint: str | Path) -> str | None:
    """Return how images differ from those that a checkpoint was trained on; None if few of them do."""
    ranges = image_ranges(checkpoint)
    if ranges is None or unlike(x, ranges).any(1).sum() <= STRAYS + MANY * len(x):
        return None
    return _differences(x, ranges, checkpoint)


def refuse_unlike(x: Num[np.ndarray, "images height width"], checkpoint: str | Path) -> None:
    """Refuse a set whose images are mostly unlike those that a checkpoint was trained on.

    A single strange image is no reason.

    Raises:
        ValueError: saying in what they differ, and what can be done.
    """
    ranges = image_ranges(checkpoint)
    if ranges is not None and unlike(x, ranges).any(1).sum() > max(1, MOST * len(x)):
        raise ValueError(f"{_differences(x, ranges, checkpoint)}: {_advice(x, {str(checkpoint): ranges})}")


def _differences(
    x: Num[np.ndarray, "images height width"], ranges: ImageRanges, checkpoint: str | Path
) -> str:
    """Return how many images are outside the ranges, and in which statistics."""
    outside = unlike(x, ranges)
    strange = outside.any(1)
    typical = np.median(image_statistics(x[strange]), axis=0)
    said = []
    for at in np.argsort(-outside.sum(0), kind="stable")[:SHOWN]:
        name = list(STATISTICS)[at]
        low, high = ranges.ranges[name]
        if outside[:, at].any():
            said.append(f"{STATISTICS[name]} {typical[at]:.2g}, trained on {low:.2g} to {high:.2g}")
    return (
        f"{strange.sum()} of {len(x)} images of X are unlike those that {str(checkpoint)!r} was trained on "
        f"({'; '.join(said)})"
    )


def choose_checkpoint(sets: Sequence[Shaped[np.ndarray, "images height width"]]) -> str:
    """Return the shipped checkpoint of images that fits some sets.

    Raises:
        ValueError: most images are outside of the ranges of all.
    """
    checkpoints = _checkpoints_of_images()
    images = [check_images(each) for each in sets]
    x = np.concatenate(images) if len({each.shape[1:] for each in images}) == 1 else images[0]
    best = _fitting(x, checkpoints)
    if best is not None:
        return best
    share = {name: _share(x, ranges) for name, ranges in checkpoints.items()}
    counts = ", ".join(f"{100 * value:.0f} % by {name!r}" for name, value in share.items())
    raise ValueError(
        f"most of the {len(x)} images are unlike those that checkpoints of images were trained on "
        f"({counts}): "
        f"{_advice(x, checkpoints)}; or name a --checkpoint of your own"
    )


def _fitting(x: Num[np.ndarray, "images height width"], checkpoints: Mapping[str, ImageRanges]) -> str | None:
    """Return the checkpoint that fits images: that with the narrowest ranges that few are outside of.

    If there is none, it is the one that most are inside of; None if most are outside of all.
    """
    share = {name: _share(x, ranges) for name, ranges in checkpoints.items()}
    for name in sorted(checkpoints, key=lambda name: _width(checkpoints[name])):
        if share[name] <= MANY:
            return name
    best = min(share, key=lambda name: share[name], default=None)
    return best if best is not None and share[best] <= MOST else None


def _width(ranges: ImageRanges) -> float:
    return sum(high - low for low, high in ranges.ranges.values())


def _share(x: Num[np.ndarray, "images height width"], ranges: ImageRanges) -> float:
    return float(unlike(x, ranges).any(1).mean())


def _advice(x: Num[np.ndarray, "images height width"], tried: Mapping[str, ImageRanges]) -> str:
    """Return advice for images outside the ranges: another checkpoint, inversion or embedding."""
    others = {name: ranges for name, ranges in _checkpoints_of_images().items() if name not in tried}
    best = _fitting(x, others)
    if best is not None:
        return f"checkpoint={best!r} was trained on such images"
    if any(_share(invert(x), ranges) <= MOST for ranges in tried.values()):
        return (
            "light and dark are exchanged; invert them (255 - X, or 1 - X of numbers in [0, 1]; "
            "`gfncp cluster --invert`)"
        )
    return EMBED


def _checkpoints_of_images() -> dict[str, ImageRanges]:
    found = {name: image_ranges(name) for name in shipped()}
    return {name: ranges for name, ranges in found.items() if ranges is not None}
