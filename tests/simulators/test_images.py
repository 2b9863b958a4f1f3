"""Sets of images: which images a cluster is made of, and what augmenting keeps.

The images are made so that each tells its own number, and its class: flat grey, of class (number mod 4).
"""

import random

import numpy as np
import pytest
import torch

from gfncp.partitions import canonical_labels
from gfncp.simulators import AugmentedImages, NeighbourImages, WholeClasses
from gfncp.simulators import images as module
from gfncp.simulators.images import augment, pixel_components

COUNT = 120


@pytest.fixture
def flat():
    """Image i is grey of level 2 i."""
    return (2 * torch.arange(COUNT)).to(torch.uint8)[:, None, None].expand(-1, 28, 28).contiguous()


@pytest.fixture
def unaltered(monkeypatch):
    """Simulators without their augmentation, so that images can be recognised."""
    monkeypatch.setattr(module, "augment", lambda pictures, generator: pictures)


def numbers(x):
    """Which image each point is."""
    assert torch.equal(x.amin((-1, -2)), x.amax((-1, -2)))
    return (x[..., 0, 0] * 255 / 2).round().long()


@pytest.fixture(params=["augmented", "neighbours", "classes"])
def simulator(request, flat):
    return {
        "augmented": AugmentedImages(flat, n_clusters=(2, 4)),
        "neighbours": NeighbourImages(flat, n_clusters=(2, 4), components=3),
        "classes": WholeClasses(flat / 255, torch.arange(COUNT) % 4, n_clusters=(2, 4)),
    }[request.param]


def test_shapes_bounds_and_range(simulator, generator):
    x, labels = simulator(5, 17, generator)
    assert x.shape == (5, 17, 28, 28)
    assert x.dtype == torch.float32
    assert x.min() >= 0 and x.max() <= 1
    assert torch.equal(canonical_labels(labels), labels)
    found = labels.amax(1) + 1
    assert torch.all((found >= 2) & (found <= 4))


def test_a_batch_is_a_function_of_the_generator_alone(simulator):
    torch.manual_seed(1)
    before = torch.random.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    first = simulator(3, 12, torch.Generator().manual_seed(0))
    after = torch.random.get_rng_state(), random.getstate(), np.random.get_state()[1]  # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert before[1] == after[1]
    assert np.array_equal(before[2], after[2])
    torch.manual_seed(2)
    again = simulator(3, 12, torch.Generator().manual_seed(0))
    other = simulator(3, 12, torch.Generator().manual_seed(1))
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


def test_the_images_are_left_as_they_are(simulator, generator, flat):
    before = flat.clone()
    simulator(3, 12, generator)
    assert torch.equal(flat, before)


def test_an_augmented_cluster_is_one_image_and_clusters_are_different_images(flat, unaltered, generator):
    few = flat[:6]
    x, labels = AugmentedImages(few, n_clusters=6)(50, 20, generator)
    number = numbers(x)
    for row in range(50):
        anchors = [number[row][labels[row] == k].unique() for k in range(6)]
        assert all(len(anchor) == 1 for anchor in anchors)
        assert sorted(int(anchor) for anchor in anchors) == list(range(6))


def test_anchors_of_a_set_lie_far_apart(unaltered, generator):
    """Two heaps of equal images: with two clusters, each heap has one."""
    heaps = torch.zeros(200, 28, 28, dtype=torch.uint8)
    heaps[100:] = 255
    heaps[:, 0] = torch.randint(0, 30, (200, 28), generator=generator).to(torch.uint8)
    x, labels = NeighbourImages(heaps, n_clusters=2, components=3)(40, 10, generator)
    heap = x[..., 14, 14] > 0.5
    for row in range(40):
        first, second = (heap[row][labels[row] == k] for k in range(2))
        assert first.all() != second.all()
        assert not (first.any() and not first.all())


def test_neighbours_need_no_labels():
    assert set(NeighbourImages.__dataclass_fields__) == {"images", "alpha", "n_clusters", "components"}


def test_whole_classes_are_pure_and_drawn_without_replacement(flat, generator):
    simulate = WholeClasses(flat / 255, torch.arange(COUNT) % 4, alpha=2.0)
    x, labels = simulate(40, 25, generator)
    number = numbers(x)
    seen = set()
    for row in range(40):
        clusters = int(labels[row].max()) + 1
        classes = [(number[row][labels[row] == k] % 4).unique() for k in range(clusters)]
        assert all(len(names) == 1 for names in classes)
        assert len({int(names) for names in classes}) == clusters <= 4
        assert len(number[row].unique()) == 25
        seen |= {int(names) for names in classes}
    assert seen == {0, 1, 2, 3}


def test_a_class_that_is_too_small_is_refused(flat, generator):
    with pytest.raises(ValueError, match=r"points=31: class \d has 30 of them, a cluster needs 31"):
        WholeClasses(flat / 255, torch.arange(COUNT) % 4, n_clusters=1)(1, 31, generator)


@pytest.mark.parametrize("bounds", [5, (1, 5)])
def test_more_clusters_than_classes_are_refused(flat, generator, bounds):
    with pytest.raises(ValueError, match=r"n_clusters=.*accepted is at most 4"):
        WholeClasses(flat / 255, torch.arange(COUNT) % 4, n_clusters=bounds)(1, 10, generator)


@pytest.mark.parametrize("kind", [AugmentedImages, lambda x, **k: NeighbourImages(x, components=2, **k)])
def test_more_clusters_than_images_are_refused(flat, generator, kind):
    with pytest.raises(ValueError, match="images: 3 of them cannot be the anchors of 5 clusters"):
        kind(flat[:3], n_clusters=5)(1, 10, generator)


@pytest.fixture
def spots():
    """Image i is dark but for a spot in quarter i mod 4, where no rotation by 30 degrees leads out of."""
    dark = torch.full((64, 28, 28), 0.1)
    for quarter in range(4):
        top, left = 14 * (quarter // 2) + 4, 14 * (quarter % 2) + 4
        dark[quarter::4, top : top + 6, left : left + 6] = 0.9
    return dark


def test_augmenting_alters_each_image_on_its_own_within_the_range(spots, generator):
    same = spots[:1].expand(64, -1, -1)
    altered = augment(same, generator)
    assert altered.shape == same.shape
    assert altered.min() >= 0 and altered.max() <= 1
    assert len(altered.flatten(1).unique(dim=0)) == 64
    assert (altered - same).abs().mean() > 0.01


def test_augmented_images_stay_in_their_places(spots, generator):
    """Labels go on fitting: each row is still the image that it was."""
    quarters = torch.nn.functional.avg_pool2d(augment(spots, generator)[:, None], 14).flatten(1)
    assert torch.equal(quarters.argmax(1), torch.arange(64) % 4)


def test_components_of_pixels_keep_what_pixels_vary_most_in(generator):
    pictures = (torch.rand(40, 4, 4, generator=generator) * 255).to(torch.uint8)
    pictures[::2, 0] = 255
    pixels = pictures.flatten(1) / 255
    torch.testing.assert_close(
        torch.pdist(pixel_components(pictures, 16)), torch.pdist(pixels), atol=1e-4, rtol=1e-4
    )
    variances = pixel_components(pictures, 3).var(0)
    expected = torch.linalg.svdvals(pixels - pixels.mean(0)).square()[:3].flip(0) / 39
    torch.testing.assert_close(variances, expected, atol=1e-4, rtol=1e-4)
