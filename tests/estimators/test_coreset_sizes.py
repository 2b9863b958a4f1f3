"""Sizes of coresets: in order, within what the checkpoint takes, and the one that is asked for."""

import pytest
import torch

from gfncp.coresets.prepared import DistinctPoints
from gfncp.estimators.coreset_sizes import CoresetSizes, is_flat


def points(rows: int, dims: int) -> DistinctPoints:
    places = torch.zeros(rows, 24)
    places[:, :dims] = torch.rand(rows, dims, generator=torch.Generator().manual_seed(0))
    nothing = torch.full((rows,), -1)
    return DistinctPoints(torch.arange(rows), places, torch.ones(rows), nothing)


@pytest.mark.parametrize("tokens", [8, 60, 128])
@pytest.mark.parametrize("clusters", [1.0, 5.0, 40.0])
@pytest.mark.parametrize(("rows", "dims"), [(4, 2), (300, 2), (300, 8), (2000, 8)])
def test_sizes_grow_within_what_the_checkpoint_takes(tokens, clusters, rows, dims):
    sizes = CoresetSizes(tokens, None, clusters)
    found = sizes.of(points(rows, dims), crowded=False)
    assert found == sorted(found)
    assert sizes.least <= found[0] and found[-1] <= tokens
    assert found[-1] == max(sizes.least, tokens // 2 if dims == 2 else sizes.most(rows))


def test_more_points_never_have_fewer_micro_clusters():
    most = [CoresetSizes(128, None, 1.0).most(rows) for rows in range(1, 1000)]
    assert most == sorted(most) and most[0] == 64 and most[-1] == 128


def test_a_crowded_set_has_all_of_them_and_one_that_is_asked_for_is_the_only_size():
    assert CoresetSizes(128, None, 1.0).of(points(400, 2), crowded=True) == [128]
    asked = CoresetSizes(128, 30, 1.0)
    assert asked.of(points(400, 2), crowded=True) == [asked.least] == [asked.most(400)] == [30]
    assert not asked.may_be_crowded(400)


def test_only_sets_that_could_have_more_may_be_crowded():
    sizes = CoresetSizes(128, None, 1.0)
    assert [sizes.may_be_crowded(rows) for rows in (256, 260, 5000, 5001)] == [False, True, True, False]
    assert [sizes.crowded_by(clusters) for clusters in (57, 58)] == [False, True]


def test_points_in_space_are_flat_whatever_their_rounding():
    assert is_flat(points(50, 3)) and not is_flat(points(50, 4))
    noisy = points(50, 3)
    noisy.places[:, 3:] += 1e-6
    assert is_flat(noisy)
