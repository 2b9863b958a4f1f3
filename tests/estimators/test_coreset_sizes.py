"""Sizes of coresets: in order, within what the checkpoint takes, and the one that is asked for or needed."""

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score

from gfncp import GFNCP
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


def blobs(rows, columns, points, seed=0):
    """Return round clusters on a grid, and their labels."""
    clusters = rows * columns
    labels = np.arange(clusters * points) % clusters
    centres = np.stack(np.divmod(np.arange(clusters), columns), 1)
    return centres[labels] + 0.04 * np.random.default_rng(seed).normal(size=(len(labels), 2)), labels


def fitted(x):
    return GFNCP(n_samples=2, random_state=0).fit(x)


def tokens(model):
    return len(model._inference().prepared(model._given).mean)


def test_few_clusters_in_a_plane_need_half_of_the_micro_clusters():
    x, labels = blobs(2, 3, 100)
    model = fitted(x)
    assert tokens(model) == 64
    assert adjusted_rand_score(labels, model.labels_) == 1


@pytest.mark.slow
def test_many_clusters_in_a_plane_have_all_of_them(tmp_path):
    x, labels = blobs(10, 10, 12)
    model = fitted(x)
    assert tokens(model) > 100
    assert adjusted_rand_score(labels, model.labels_) > 0.95
    model.save(tmp_path / "fitted")
    again = GFNCP.load(tmp_path / "fitted")
    assert tokens(again) == tokens(model)
    np.testing.assert_array_equal(again.predict_proba(x[:5] + 0.5), model.predict_proba(x[:5] + 0.5))


@pytest.mark.parametrize("dim", [2, 3, 5])
def test_a_plane_within_further_dimensions_is_one(dim):
    x, _ = blobs(2, 3, 100)
    frame = np.linalg.qr(np.random.default_rng(1).normal(size=(dim, 2)))[0]
    assert tokens(GFNCP(n_samples=2, scale="none", random_state=0).fit(x @ frame.T)) == 64


def test_points_in_many_dimensions_have_a_micro_cluster_for_every_four():
    x = np.random.default_rng(2).normal(size=(400, 8))
    assert tokens(fitted(x)) == 100


@pytest.mark.parametrize("distinct", [1, 2, 3])
def test_many_rows_of_few_distinct_ones(distinct):
    x = np.arange(60 * distinct).reshape(-1, 1) % distinct * [5.0, 3.0]
    model = fitted(x)
    assert tokens(model) == distinct
    assert all(
        (model.labels_[x[:, 0] == value] == model.labels_[row]).all() for row, value in enumerate(x[:9, 0])
    )
