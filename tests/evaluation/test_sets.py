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
