"""Sets of recorded images: which images and classes they show, and as what numbers."""

import pytest
import torch

from gfncp.partitions import canonical_labels
from gfncp.seeds import seeded
from gfncp.simulators import RecordedImages
from gfncp.simulators.recorded import FULL, VIEWS, ImageSource

PER_CLASS = 20


@pytest.fixture
def source():
    """Fifty classes whose images are uniform, of a grey that is their number."""
    classes = torch.arange(50 * PER_CLASS) % 50
    return ImageSource(classes[:, None, None].expand(-1, 28, 28).to(torch.uint8), classes, max_clusters=30)


@pytest.mark.parametrize("points", [2, 15, 100, 480])
def test_images_are_of_the_class_that_is_said(source, points):
    images, label = source.draw(6, points, seeded(0))
    assert torch.equal(images[..., 0, 0].long(), label)


def test_clusters_are_as_many_as_images_suffice_for(source):
    assert source.most_points == FULL * PER_CLASS * 30
    for points in (50, 200, source.most_points):
        _, label = source.draw(8, points, seeded(1, points))
        found = torch.tensor([len(each.unique()) for each in label])
        assert (found <= 30).all() and (found * PER_CLASS >= points).all()


def test_a_source_with_fewer_classes_than_clusters_shows_all_of_them():
    classes = torch.arange(2).repeat(1000)
    source = ImageSource(classes[:, None, None].expand(-1, 28, 28).to(torch.uint8), classes, max_clusters=30)
    _, label = source.draw(40, 200, seeded(2))
    assert {len(each.unique()) for each in label} == {2}


def test_only_sources_with_enough_images_are_shown(source):
    large = ImageSource(torch.full((4000, 28, 28), 255, dtype=torch.uint8), torch.arange(4000) % 2)
    family = RecordedImages((source, large))
    for seed in range(6):
        x, _ = family(2, source.most_points + 1, seeded(seed))
        assert len({row.sum().item() for row in x[0]}) == 1 or x[0].std(0).max() <= 0.2  # of white, and noise


@pytest.mark.parametrize(("view", "columns"), list(zip(VIEWS, (196, 169, 384, 150), strict=True)))
def test_views_are_rows_of_numbers(view, columns):
    x = torch.rand(5, 1, 28, 28, generator=seeded(3))
    rows = view(x, seeded(4)).flatten(1)
    assert rows.shape == (5, columns)
    assert torch.equal(rows, view(x, seeded(4)).flatten(1))
    assert torch.equal(view(x[[1, 1]], seeded(4))[0], view(x[[1, 1]], seeded(4))[1])  # one filter for all


def test_labels_come_in_order_of_appearance_and_a_seed_gives_the_same_sets(source):
    family = RecordedImages((source,))
    x, labels = family(4, 60, seeded(5))
    assert torch.equal(labels, canonical_labels(labels))
    again = family(4, 60, seeded(5))
    assert torch.equal(x, again[0]) and torch.equal(labels, again[1])
