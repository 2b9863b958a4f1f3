"""Images of a user, without labels: some to train on, the others held out."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Shaped, UInt8
from torch import Tensor

from gfncp.configuration.data import FEWEST_OWN, OwnImages
from gfncp.data import read_points
from gfncp.data.checks import check_images
from gfncp.data.pictures import PIXELS, read_pictures
from gfncp.seeds import IMAGE_ORDER, seeded


class Parts(NamedTuple):
    """Images to train on and images held out, each part in random order."""

    training: UInt8[Tensor, "images 28 28"]
    validation: UInt8[Tensor, "held_out 28 28"]


def split(data: OwnImages, path: Path | None) -> Parts:
    """Split the images of a folder or file.

    Raises:
        ValueError: there is no ``path``, it cannot be read, or holds too few images.
    """
    if path is None:
        raise ValueError(f"data.dataset={data.dataset!r}: say where the images are with --data")
    x = read(path)
    if len(x) < FEWEST_OWN:
        raise ValueError(f"{path}: holds {len(x)} images: training accepts at least {FEWEST_OWN}")
    x = x[torch.randperm(len(x), generator=seeded(0, IMAGE_ORDER))[: data.images]]
    held_out = round(data.held_out * len(x))
    return Parts(x[held_out:], x[:held_out])


def read(path: Path) -> UInt8[Tensor, "images 28 28"]:
    """Return the images below a folder, as `gfncp cluster` reads them, or in an array.

    Raises:
        ValueError: they cannot be read, or are of another size.
    """
    path = Path(path)
    if path.is_dir():
        return torch.from_numpy(read_pictures(path).pixels)
    return as_bytes(read_points(path)[0], str(path))


def as_bytes(x: Shaped[np.ndarray, "images *shape"], name: str) -> UInt8[Tensor, "images 28 28"]:
    """Return images as integers from 0 to 255.

    Raises:
        ValueError: they are of another size, or out of range.
    """
    if x.shape[1:] != (PIXELS, PIXELS):
        raise ValueError(f"{name} has shape {x.shape}: accepted are images (points, {PIXELS}, {PIXELS})")
    return torch.from_numpy((255 * check_images(x)).round().astype(np.uint8))
