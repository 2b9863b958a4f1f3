"""Micro-clusters of points in a plane: half of those of the checkpoint, or all of them."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from gfncp import GFNCP


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
    np.testing.assert_array_equal(again.predict_proba(x[:5]), model.predict_proba(x[:5]))


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
