"""Grey levels of images of any number of bits, as those of 8."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Num, Shaped, UInt8

if TYPE_CHECKING:
    import PIL.Image

BITS = (1, 8, 10, 12, 14, 16)  # of the images of cameras and scanners, and of masks
WHITE = 255


def bits_of(largest: float) -> int:
    """Return the fewest bits whose levels reach the largest of some images; 1 for numbers in [0, 1], too."""
    return next((bits for bits in BITS if largest < 2**bits), BITS[-1])


def in_8_bits(levels: Num[np.ndarray, "*shape"], bits: int) -> UInt8[np.ndarray, "*shape"]:
    """Return levels of 0 to 255 for those of 0 to ``2**bits - 1``."""
    return (levels * (WHITE / (2**bits - 1))).clip(0, WHITE).round().astype(np.uint8)


def white_of(images: Shaped[np.ndarray, "*shape"]) -> int:
    """Return the level of white: 255 in integers, unless none is above 1."""
    return WHITE if images.dtype.kind in "ui" and images.size and images.max() > 1 else 1


def is_deep(image: "PIL.Image.Image") -> bool:
    """Recognise images of more than 8 bits, and of floats."""
    return image.mode.startswith(("I", "F"))
