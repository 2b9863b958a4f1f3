"""Folders of images as arrays: every image brought to grey and to the size that networks take."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Num, Shaped, UInt8

from gfncp.data.image_folders import SUFFIXES, images_below, open_image
from gfncp.data.levels import WHITE, bits_of, in_8_bits, is_deep, white_of
from gfncp.extras import extra

if TYPE_CHECKING:
    import PIL.Image

PIXELS = 28  # height and width of the images that networks take


class Pictures(NamedTuple):
    """The images of a folder, their names in it, and notes about what was done to them."""

    pixels: UInt8[np.ndarray, "images 28 28"]
    names: list[str]
    notes: list[str]


def read_pictures(folder: Path, skip_bad: bool = False) -> Pictures:
    """Return the images below a folder, in the order of their names.

    Args:
        skip_bad: leave out files that cannot be read; a note names them.

    Raises:
        ValueError: there are no images, or, naming all of them, some cannot be read.
    """
    files = sorted(images_below(folder))
    if not files:
        raise ValueError(f"{folder}: holds no images; accepted are files that end in {', '.join(SUFFIXES)}")
    with extra("images", str(folder)):
        from PIL import Image
    names = [path.relative_to(folder).as_posix() for path in files]
    levels, largest, deep, read, sizes, bad, moving = [], [], [], [], [], [], 0
    for path, name in zip(files, names, strict=True):
        try:
            image, moves = open_image(path, path)
            upright = _grey(image)
            grey = np.asarray(upright.resize((PIXELS, PIXELS), Image.Resampling.LANCZOS))
            most, is_of_many_bits = float(np.asarray(upright).max()), is_deep(image)
            sizes.append(upright.size)
            moving += moves
        except Exception as error:  # decoders raise nearly anything on damaged files
            bad.append(f"{name} ({_reason(error)})")
            continue
        levels.append(grey)
        largest.append(most)
        deep.append(is_of_many_bits)
        read.append(name)
    unreadable = f"{len(bad)} of {len(files)} images cannot be read: {', '.join(bad)}"
    if bad and (not skip_bad or not levels):
        advice = "--skip-bad leaves them out" if levels else "accepted is at least one image"
        raise ValueError(f"{folder}: {unreadable}; {advice}")
    notes = [f"{folder}: left out, {unreadable}"] if bad else []
    if moving:
        notes.append(f"{folder}: {moving} of {len(files)} images move: their first frame was taken")
    pixels = np.empty((len(levels), PIXELS, PIXELS), np.uint8)
    for group in (True, False):  # images of one folder have as many bits
        places = [place for place, each in enumerate(deep) if each == group]
        bits = bits_of(max((largest[place] for place in places), default=0.0) or float(WHITE))
        for place in places:
            pixels[place] = in_8_bits(levels[place], bits)
        if bits != 8:
            unit = "bit" if bits == 1 else "bits"
            notes.append(f"{folder}: {len(places)} of {len(files)} images were read as of {bits} {unit}")
    return Pictures(pixels, read, notes + _notes_on_sizes(folder, sizes))


def invert(images: Shaped[np.ndarray, "images height width"]) -> Num[np.ndarray, "images height width"]:
    """Return images with light and dark exchanged: integers of 0 to 255 or of 1 bit, or numbers in [0, 1]."""
    return white_of(images) - (images if images.dtype.kind in "ui" else images.astype(np.float64))


def _grey(image: "PIL.Image.Image") -> "PIL.Image.Image":
    """Return grey levels; what is transparent becomes a ground unlike what is drawn on it."""
    from PIL import Image

    if is_deep(image):
        return Image.fromarray(np.asarray(image, dtype=np.float32))
    if image.mode == "L" and np.asarray(image).max() <= 1:  # of a bit, in bytes: resizing would round it
        return image.convert("F")
    if not image.has_transparency_data:
        return image.convert("L")
    grey, alpha = image.convert("RGBA").convert("LA").split()
    opaque = np.asarray(alpha, dtype=np.float64)
    light = (np.asarray(grey) * opaque).sum() > WHITE / 2 * opaque.sum()
    ground = Image.new("L", image.size, 0 if light else WHITE)
    ground.paste(grey, mask=alpha)
    return ground


def _reason(error: Exception) -> str:
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    return str(error) or type(error).__name__


def _notes_on_sizes(folder: Path, sizes: Sequence[tuple[int, int]]) -> list[str]:
    """Return a note on the images that had another size, if there are any."""
    others = [size for size in sizes if size != (PIXELS, PIXELS)]
    if not others:
        return []
    largest = max(others, key=lambda size: size[0] * size[1])
    squeezed = sum(width != height for width, height in others)
    shape = f"; {squeezed} of them were not square and are squeezed" if squeezed else ""
    return [
        f"{folder}: {len(others)} of {len(sizes)} images were brought to {PIXELS} × {PIXELS} pixels (the "
        f"largest from {largest[0]} × {largest[1]}){shape}"
    ]
