"""Random changes of images that leave what they show the same, for the pre-training of an embedding.

Images are those of `gfncp.simulators.images.Augmentation`, of shape (images, 1, height, width). Random
numbers come from PyTorch's global streams, as kornia's do.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from gfncp.extras import extra
from gfncp.simulators.images import Augmentation

if TYPE_CHECKING:
    from kornia.augmentation import RandomErasing

Images = Float[Tensor, "images 1 height width"]

CORNERS = 4  # of the coarse grid that a smooth warp moves, along each side


def strong_augmentations(strength: float) -> Augmentation:
    """Return random rotation, shift, scale, shear and erasing, at full strength harder than for clusters.

    At strength 0, images stay as they are.
    """
    with extra("train", "pre-training"):
        import kornia.augmentation as K

    return K.AugmentationSequential(
        K.RandomAffine(
            25.0 * strength,
            (0.1 * strength, 0.1 * strength),
            (1 - 0.3 * strength, 1 + 0.2 * strength),
            # It takes four numbers, as it says; its annotation forgets them.
            (-20.0 * strength, 20.0 * strength, -20.0 * strength, 20.0 * strength),  # pyright: ignore[reportArgumentType]
        ),
        _erasing(strength),
    )


def handwriting_augmentations(strength: float) -> Augmentation:
    """Return other ways to draw a character: smooth warps, thinner or thicker strokes, and erasing.

    At strength 0, images stay as they are.
    """
    erase = _erasing(strength)

    def redraw(images: Images) -> Images:
        grid = _affine_grid(images, strength) + _smooth_warp(images, strength)
        return erase(_other_strokes(F.grid_sample(images, grid, align_corners=False), strength))

    return redraw


def _erasing(strength: float) -> "RandomErasing":
    with extra("train", "pre-training"):
        import kornia.augmentation as K

    return K.RandomErasing(p=0.5 * strength, scale=(0.02, 0.15))


def _between(images: Images, *shape: int) -> Float[Tensor, "images *shape"]:
    """Draw uniformly between -1 and 1."""
    return 2 * torch.rand(len(images), *shape, device=images.device) - 1


def _affine_grid(images: Images, strength: float) -> Float[Tensor, "images height width 2"]:
    """Draw where pixels come from: rotated and sheared by tens of degrees, scaled, and shifted by a tenth."""
    angle = torch.deg2rad(25 * strength * _between(images))
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).view(-1, 2, 2)
    scale = (0.15 * strength * (_between(images, 2) + _between(images, 1))).exp()
    shear = torch.deg2rad(20 * strength * _between(images, 2)).tan() * images.new_tensor([1.0, 0.5])
    sheared = torch.eye(2, device=images.device) + torch.diag_embed(shear).flip(2)
    moved = torch.cat([turn @ sheared * scale[:, None], 0.2 * strength * _between(images, 2, 1)], 2)
    return F.affine_grid(moved, list(images.shape), align_corners=False)


def _smooth_warp(images: Images, strength: float) -> Float[Tensor, "images height width 2"]:
    """Draw by how much pixels are moved, more in some images than in others."""
    size = 0.18 * strength * torch.rand(len(images), 1, 1, 1, device=images.device)
    coarse = size * torch.randn(len(images), 2, CORNERS, CORNERS, device=images.device)
    shape = images.shape[2:]
    return F.interpolate(coarse, shape, mode="bicubic", align_corners=True).permute(0, 2, 3, 1)


def _other_strokes(images: Images, strength: float) -> Images:
    """Make the strokes of some images thicker, those of others thinner, and all lighter or darker."""
    share = 0.7 * strength * torch.rand(len(images), 1, 1, 1, device=images.device)
    thicker = images.lerp(F.max_pool2d(images, 3, 1, 1), share)
    thinner = images + (images - F.avg_pool2d(images, 3, 1, 1)) * share
    kind = torch.rand(len(images), 1, 1, 1, device=images.device)
    changed = torch.where(kind < 0.4, thicker, torch.where(kind < 0.7, thinner.clamp(0, 1), images))
    return (changed * (0.3 * strength * _between(images, 1, 1, 1)).exp()).clamp(0, 1)


AUGMENTATIONS: dict[str, Callable[[float], Augmentation]] = {
    "strong": strong_augmentations,
    "handwriting": handwriting_augmentations,
}
