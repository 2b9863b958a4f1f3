"""Random changes of images in pre-training."""

import pytest
import torch

from gfncp.simulators.images import augmented_by
from gfncp.training.augmentations import AUGMENTATIONS, handwriting_augmentations


@pytest.fixture
def crosses():
    """Images of a cross of thin strokes, darker at its ends."""
    images = torch.zeros(64, 28, 28)
    images[:, 8:20, 13:15] = images[:, 13:15, 8:20] = 0.8
    return images


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_at_no_strength_images_stay_as_they_are(name, crosses, generator):
    changed = augmented_by(AUGMENTATIONS[name](0.0), crosses, generator)
    torch.testing.assert_close(changed, crosses, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_changes_are_of_each_image_alone_and_follow_the_generator(name, crosses):
    first, again, other = (
        augmented_by(AUGMENTATIONS[name](1.0), crosses, torch.Generator().manual_seed(seed))
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert len(first.flatten(1).unique(dim=0)) > len(first) / 2  # kornia leaves half of the images in place
    assert first.min() >= 0 and first.max() <= 1


def test_strokes_become_thicker_and_thinner(crosses, generator):
    """Erasing leaves half of the images whole; warps alone hardly change how much ink there is."""
    ink = augmented_by(handwriting_augmentations(1.0), crosses, generator).sum((1, 2)) / crosses[0].sum()
    assert (ink > 1.3).any() and (ink < 0.8).any()
    assert 0.7 < ink.median() < 1.4
