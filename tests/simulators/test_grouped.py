"""Grouped mixtures: clusters overlap as chosen within groups, and groups do not touch."""

import pytest
import torch

from gfncp.partitions import canonical_labels
from gfncp.simulators.draw import Draw
from gfncp.simulators.grouped import DIMENSIONS, GROUPS, WITHIN, Grouped, grouped
from gfncp.simulators.overlap import draw_ellipsoids, to_nearest

CLUSTERS = 12


@pytest.mark.parametrize(("sets", "points"), [(1, 5), (3, 60), (2, 700)])
def test_shapes_and_labels(generator, sets, points):
    dims = set()
    for _ in range(10):
        x, labels = Grouped()(sets, points, generator)
        assert x.shape[:2] == (sets, points)
        assert x.dtype == torch.float32 and x.isfinite().all()
        assert torch.equal(canonical_labels(labels), labels)
        assert labels.max() < 25
        dims.add(x.shape[2])
    assert 2 in dims and max(dims) <= DIMENSIONS


@pytest.fixture
def moved(generator):
    """Ellipsoids before and after their groups were moved, with the groups."""
    sets = 20
    draw = Draw(sets, generator)
    used = torch.ones(sets, CLUSTERS, dtype=torch.bool)
    before = draw_ellipsoids(draw, used, torch.ones(sets, 3, dtype=torch.bool), draw.log_uniform(1e-4, 0.01))
    group = torch.arange(CLUSTERS).expand(sets, -1) % 4
    return before, grouped(draw, before, group, used), group


def test_a_group_is_shrunk_as_a_whole(moved):
    """Separations in standard deviations stay as they were within a group."""
    before, after, group = moved
    apart = group[:, None] != group[:, :, None]
    old, new = (each.separations().masked_fill(apart, 0) for each in (before, after))
    torch.testing.assert_close(old, new, rtol=1e-3, atol=1e-3)
    scale = (after.deviations / before.deviations)[..., 0]
    assert ((scale >= 0.1) & (scale <= 1)).all()
    torch.testing.assert_close(scale[:, :4], scale[:, 4:8])


def test_groups_do_not_touch(moved):
    _, after, group = moved
    reach = WITHIN * after.deviations.amax(2)
    gap = torch.cdist(after.means, after.means) - reach[:, None] - reach[:, :, None]
    assert (gap[group[:, None] != group[:, :, None]] > 0).all()


def test_a_group_of_its_own_changes_nothing_but_place_and_size(generator):
    draw = Draw(4, generator)
    used = torch.ones(4, 3, dtype=torch.bool)
    before = draw_ellipsoids(draw, used, torch.ones(4, 2, dtype=torch.bool), draw.log_uniform(1e-4, 0.01))
    after = grouped(draw, before, torch.full((4, 3), GROUPS - 1), used)
    nearest = (to_nearest(each.separations(), used) for each in (before, after))
    torch.testing.assert_close(*nearest, rtol=1e-3, atol=1e-3)
    assert after.means.isfinite().all()
