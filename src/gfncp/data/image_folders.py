"""Folders of images: which files there are, and their pixels."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from gfncp.data.levels import bits_of, in_8_bits, is_deep
from gfncp.extras import extra

if TYPE_CHECKING:
    import PIL.Image

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")


class ImageFiles(NamedTuple):
    """Files in sorted order, and the class of each: the sub-folder of ``folder`` that it is in."""

    folder: Path
    files: list[Path]
    classes: list[str] | None


def list_images(folder: Path, classes: list[str] | None = None) -> ImageFiles:
    """List all images below a folder, flat or with a sub-folder for each class; hidden files are left out.

    Args:
        classes: take these sub-folders only; None takes all.

    Raises:
        ValueError: there is no such folder, one of the classes has no images, no images are there, or some
            of them lie beside the sub-folders of others.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder}: there is no such folder")
    if classes is None:
        flat = [path for path in folder.iterdir() if _is_image(path.relative_to(folder))]
        roots = [path for path in folder.iterdir() if path.is_dir()]
    else:
        flat, roots = [], [folder / name for name in classes]
    below = {root: images_below(root) for root in roots}
    for root in below:
        if classes is not None and not below[root]:
            raise ValueError(
                f"{root}: there is no such folder, or it holds no images ({', '.join(SUFFIXES)})"
            )
    files = flat + [path for found in below.values() for path in found]
    if not files:
        raise ValueError(f"{folder}: holds no images; accepted are files that end in {', '.join(SUFFIXES)}")
    if flat and len(flat) < len(files):
        raise ValueError(
            f"{flat[0]}: lies beside sub-folders with images; accepted are images in a flat folder, "
            "or in one sub-folder for each class"
        )
    files.sort(key=lambda path: path.relative_to(folder).as_posix())
    names = None if flat else [path.relative_to(folder).parts[0] for path in files]
    return ImageFiles(folder, files, names)


def images_below(root: Path) -> list[Path]:
    """List images at any depth, without hidden ones; ``root`` may be a link."""
    return [path for path in root.rglob("*") if _is_image(path.relative_to(root)) and path.is_file()]


def _is_image(path: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    return path.suffix.lower() in SUFFIXES and not hidden


class Opened(NamedTuple):
    """Decoded image, turned as its camera was held; of one that moves, the first frame."""

    image: "PIL.Image.Image"
    moves: bool


def open_image(file: Path | BytesIO, path: Path) -> Opened:
    """Decode an image; decoders raise nearly anything on damaged files.

    Args:
        path: what the message names where Pillow is missing.
    """
    with extra("images", str(path)):
        from PIL import Image, ImageOps
    with Image.open(file) as image:
        return Opened(ImageOps.exif_transpose(image), getattr(image, "is_animated", False))


def decode_image(path: Path, mode: str) -> "PIL.Image.Image":
    """Decode an image into colours (``mode`` "RGB") or grey levels ("L").

    Raises:
        ValueError: the file is no image, or is damaged.
    """
    with extra("images", str(path)):
        from PIL import Image
    try:
        image = open_image(path, path).image
        if is_deep(image):  # which Pillow would cut off above 255
            levels = np.asarray(image, dtype=np.float32)
            image = Image.fromarray(in_8_bits(levels, bits_of(float(levels.max()))))
        return image.convert(mode)
    except Exception as error:
        raise ValueError(f"{path}: not a readable image ({error or type(error).__name__})") from None


def read_image(path: Path, size: int, resize: int) -> UInt8[Tensor, "3 size size"]:
    """Read an image in colour: its shorter side brought to ``resize`` pixels, then the square in the middle.

    Raises:
        ValueError: the file is no image, or is damaged.
    """
    picture = decode_image(path, "RGB")
    from PIL import Image

    scale = resize / min(picture.size)
    width, height = (max(size, round(side * scale)) for side in picture.size)
    picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - size) // 2, (height - size) // 2
    square = picture.crop((left, top, left + size, top + size))
    return torch.from_numpy(np.array(square)).permute(2, 0, 1)
