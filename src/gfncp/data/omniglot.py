"""Omniglot (Lake, Salakhutdinov, Tenenbaum 2015): 20 drawings of each of 1623 characters of 50 alphabets.

The published archives are read from a folder, or downloaded; arrays made of them do as well. Drawings are
brought from 105 x 105 pixels to 28 x 28 grey ones, ink light on dark, as the digits of MNIST are.
"""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Int, UInt8
from torch import Tensor

from gfncp.data.image_folders import open_image
from gfncp.extras import extra

URL = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/"
DRAWINGS = 20  # of each character
PIXELS = 105  # along each side, as published
SIDE = 28
CHARACTERS_AT_ONCE = 100


class Published(NamedTuple):
    """One of the two splits: they share no alphabet.

    Attributes:
        name: of the archive is ``images_NAME.zip``, of the arrays ``NAME.npz``.
        md5_packed: of the archive.
        md5_unpacked: of its pixels, alphabet by alphabet, a bit each.
    """

    name: str
    characters: int
    md5_packed: str
    md5_unpacked: str


SPLITS = {
    "train": Published(
        "background", 964, "68d2efa1b9178cc56df9314c21c6e718", "7093fa19207e0ed3dd6d62f0e90f1f57"
    ),
    "test": Published(
        "evaluation", 659, "6b91aef0f799c5bb55b94e3f2daec811", "b1491eb9844c6468bf743277d7b5caf0"
    ),
}


def images(
    split: str, folder: Path | None = None
) -> tuple[UInt8[Tensor, "images 28 28"], Int[Tensor, "images"]]:
    """Return drawings and the numbers of their characters, which come one after the other.

    Args:
        split: ``"train"``, the background characters, or ``"test"``, those of evaluation.
        folder: where ``images_background.zip`` and ``images_evaluation.zip`` lie, or ``background.npz`` and
            ``evaluation.npz`` with an array ``images`` of shape (characters, 20, 105, 105), true for paper
            and false for ink; None downloads the archives to the cache.

    Raises:
        ValueError: an unknown split, a missing or damaged file, or other drawings in its place.
    """
    if split not in SPLITS:
        raise ValueError(f"split={split!r}: accepted are {sorted(SPLITS)}")
    published = SPLITS[split]
    path = _locate(published, folder)
    try:
        paper = _arrays(path) if path.suffix == ".npz" else _archive(path)
    except Exception as error:  # parsers raise nearly anything on damaged files
        raise ValueError(f"{path}: cannot be read ({error or type(error).__name__})") from None
    expected = (published.characters, DRAWINGS, PIXELS, PIXELS)
    if paper.dtype != bool or paper.shape != expected:
        raise ValueError(
            f"{path}: holds drawings of shape {paper.shape} and type {paper.dtype}: "
            f"accepted are {expected} and bool"
        )
    found = hashlib.md5(np.packbits(paper).tobytes(), usedforsecurity=False).hexdigest()
    if found != published.md5_unpacked:
        raise ValueError(
            f"{path}: is not Omniglot's {published.name}: its pixels have MD5 {found}, "
            f"not {published.md5_unpacked}"
        )
    characters = torch.arange(published.characters).repeat_interleave(DRAWINGS)
    parts = (paper[first : first + CHARACTERS_AT_ONCE] for first in range(0, len(paper), CHARACTERS_AT_ONCE))
    return torch.cat([downscaled(torch.from_numpy(~part).flatten(0, 1)) for part in parts]), characters


def downscaled(ink: Bool[Tensor, "images height width"]) -> UInt8[Tensor, "images 28 28"]:
    """Return small images whose pixels are as light as the share of their area that is ink."""
    return (255 * F.adaptive_avg_pool2d(ink[:, None].float(), SIDE)[:, 0]).round().to(torch.uint8)


def with_rotations(
    images: UInt8[Tensor, "images side side"], classes: Int[Tensor, "images"]
) -> tuple[UInt8[Tensor, "turned side side"], Int[Tensor, "turned"]]:
    """Return images turned by 0, 90, 180 and 270 degrees, each turn of a class a class of its own."""
    count = int(classes.max()) + 1
    return (
        torch.cat([images.rot90(turns, (1, 2)) for turns in range(4)]),
        torch.cat([classes + turns * count for turns in range(4)]),
    )


def _locate(published: Published, folder: Path | None) -> Path:
    archive = f"images_{published.name}.zip"
    if folder is None:
        with extra("train", "omniglot without a folder"):
            import pooch
        try:
            known = f"md5:{published.md5_packed}"
            return Path(pooch.retrieve(URL + archive, known, path=pooch.os_cache("gfncp") / "omniglot"))
        except OSError as error:
            raise ValueError(
                f"omniglot: cannot download {URL + archive} ({type(error).__name__}); "
                f"give a folder that holds {archive}"
            ) from None
    for path in (Path(folder) / archive, Path(folder) / f"{published.name}.npz"):
        if path.is_file():
            return path
    raise ValueError(f"{folder}: {archive} is missing")


def _arrays(path: Path) -> np.ndarray:
    with np.load(path, allow_pickle=False) as held:
        return held["images"]


def _archive(path: Path) -> Bool[np.ndarray, "characters drawings height width"]:
    """Return the pictures of an archive in the order of their names: ALPHABET/CHARACTER/DRAWING.png."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".png"))
        drawn = [open_image(io.BytesIO(archive.read(name)), path).image for name in names]
    pictures = [np.asarray(image.convert("1")) for image in drawn]
    return np.stack(pictures).reshape(-1, DRAWINGS, *pictures[0].shape)
