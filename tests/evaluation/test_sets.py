"""A test set depends on its address alone."""

import pytest
import torch

from gfncp.evaluation.sets import batches, draw_sets
from gfncp.simulators import GaussianMixtures, WholeClasses

SIMULATORS = {
    "mixtures": GaussianMixtures(2, 1.0, 5.0),
    "classes": WholeClasses(torch.randn(90, 3), torch.arange(90) % 3),
}


@pytest.mark.parametrize("simulate", SIMULATORS.values(), ids=SIMULATORS)
def test_the_first_20_of_500_sets_are_the_20_sets(simulate):
    few = draw_sets(simulate, range(20), 8, 3)
    many = [draw_sets(simulate, numbers, 8, 3) for numbers in batches(500)]
    for mine, theirs in zip(few, (torch.cat(part) for part in zip(*many, strict=True)), strict=True):
        assert len(theirs) == 500
        assert torch.equal(mine, theirs[:20])


def test_seed_size_and_number_decide():
    simulate = GaussianMixtures(2)
    one = draw_sets(simulate, range(1), 8, 0)[0]
    assert torch.equal(one, draw_sets(simulate, range(1), 8, 0)[0])
    for other in (
        draw_sets(simulate, range(1), 8, 1),
        draw_sets(simulate, range(1, 2), 8, 0),
        draw_sets(simulate, range(1), 8, 0, 7),
    ):
        assert not torch.equal(one, other[0])


def test_batches_hold_every_set_once():
    assert [list(batch) for batch in batches(5, 2)] == [[0, 1], [2, 3], [4]]


def test_no_cluster_needs_more_points_than_its_class_has(generator):
    simulate = WholeClasses(torch.arange(60.0)[:, None], torch.arange(60) % 12, largest=5)
    x, labels = simulate(20, 30, generator)
    for points, known in zip(x[..., 0].long(), labels, strict=True):
        assert known.bincount().max() <= 5
        assert len(points.unique()) == 30
        assert all(len((points[known == k] % 12).unique()) == 1 for k in known.unique())
    with pytest.raises(ValueError, match=r"points=60: \d+ clusters, but 12 classes"):
        simulate(20, 60, generator)
