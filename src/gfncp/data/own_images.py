"""Images of a user, without labels, to train on."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Shaped, UInt8
from torch import Tensor

from gfncp.data.checks import check_images
from gfncp.data.pictures import PIXELS, read_pictures
from gfncp.data.tables import read_points


def read_images(path: Path) -> UInt8[Tensor, "images 28 28"]:
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
