"""Data sets of labelled images by name, each in three parts that share no image."""

from pathlib import Path
from typing import Literal, NamedTuple

import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from gfncp.data import idx, omniglot
from gfncp.seeds import CHARACTER_ORDER, seeded

Part = Literal["training", "validation", "test"]
HELD_OUT = 10_000  # the last images of MNIST's training split are kept for validation
HELD_OUT_CHARACTERS = 100  # the last background characters of Omniglot, of other alphabets than most


class LabelledImages(NamedTuple):
    """Images, and the numbers of their classes."""

    images: UInt8[Tensor, "images 28 28"]
    classes: Int[Tensor, "images"]


def labelled_images(dataset: str, part: Part, folder: Path | None) -> LabelledImages:
    """Return a part of a data set; the part to train on is in random order.

    Omniglot's characters are others in each part, and those to train on are there four times: each turn by
    90 degrees is a character of its own.

    Args:
        dataset: ``"mnist"``, ``"fashion-mnist"`` or ``"omniglot"``.
        folder: see `gfncp.data.idx.images` and `gfncp.data.omniglot.images`.

    Raises:
        ValueError: `gfncp.data.idx.images` or `gfncp.data.omniglot.images` fails.
    """
    split = "test" if part == "test" else "train"
    if dataset == "omniglot":
        return _characters(part, *omniglot.images(split, folder))
    x, classes = idx.images(dataset, split, folder)
    kept = {"training": slice(-HELD_OUT), "validation": slice(-HELD_OUT, None), "test": slice(None)}[part]
    return LabelledImages(x[kept], classes[kept])


def _characters(
    part: Part, x: UInt8[Tensor, "images 28 28"], classes: Int[Tensor, "images"]
) -> LabelledImages:
    if part == "test":
        return LabelledImages(x, classes)
    held_out = classes > classes.max() - HELD_OUT_CHARACTERS
    if part == "validation":
        return LabelledImages(x[held_out], classes[held_out])
    x, classes = omniglot.with_rotations(x[~held_out], classes[~held_out])
    order = torch.randperm(len(x), generator=seeded(0, CHARACTER_ORDER))
    return LabelledImages(x[order], classes[order])
