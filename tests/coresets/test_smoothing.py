"""Smoothing draws clusters of wide data together; units, rotations and copies change nothing."""

import pytest
import torch

from gfncp.coresets.smoothing import COMPARED, NEAR, PULL, smoothed


def normals(generator, *shape):
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def ones(x):
    return torch.ones(x.shape[:2], dtype=torch.float64)


def centred(x):
    return x - x.mean(1, keepdim=True)


def nearest_mean(x, point, count):
    """Return the mean of the ``count`` rows nearest to ``point``."""
    return x[(x - point).norm(dim=1).argsort()[:count]].mean(0)


@pytest.mark.parametrize(("points", "neighbours"), [(80, 0), (300, 2), (700, 5)])
def test_a_point_moves_towards_the_mean_of_it_and_its_nearest_ones(generator, points, neighbours):
    x = centred(normals(generator, 1, points, 6))
    expected = torch.stack([nearest_mean(x[0], point, 1 + neighbours) for point in x[0]])
    torch.testing.assert_close(smoothed(x, ones(x))[0], x[0] + PULL * (expected - x[0]))


def test_clusters_of_wide_data_become_denser(generator):
    label = torch.arange(600) % 3
    x = centred((3 * torch.eye(3, 20, dtype=torch.float64)[label] + normals(generator, 600, 20))[None])
    found = smoothed(x, ones(x))

    def ratio(x):  # of the distance between clusters to the distance within
        means = torch.stack([x[0, label == k].mean(0) for k in range(3)])
        return torch.pdist(means).mean() / (x[0] - means[label]).norm(dim=1).mean()

    assert ratio(found) > 1.05 * ratio(x)


def test_points_of_three_dimensions_are_left_as_they_are(generator):
    x = centred(normals(generator, 1, 60, 3))
    assert torch.equal(smoothed(x, ones(x)), x)


def test_units_and_rotations_change_nothing_but_rounding(generator):
    x = centred(normals(generator, 1, 250, 5))
    turn = torch.linalg.qr(normals(generator, 5, 5)).Q
    torch.testing.assert_close(smoothed(1e5 * x @ turn, ones(x)), 1e5 * smoothed(x, ones(x)) @ turn)


def test_a_point_of_weight_two_is_two_points(generator):
    x, weights = normals(generator, 1, 250, 5), torch.ones(1, 250, dtype=torch.float64)
    weights[0, :70] = 2
    mean = (weights[..., None] * x).sum(1, keepdim=True) / 320
    twice = torch.cat([x, x[:, :70]], 1) - mean
    torch.testing.assert_close(smoothed(x - mean, weights), smoothed(twice, ones(twice))[:, :250])


def test_points_with_many_copies_stay_where_they_are(generator):
    x = centred(normals(generator, 1, 30, 5).repeat(1, 20, 1))
    torch.testing.assert_close(smoothed(x, ones(x)), x)


def test_all_neighbours_at_the_same_distance_have_the_same_say():
    corners = torch.cat([torch.eye(100), -torch.eye(100)]).double()
    x = torch.cat([torch.zeros(1, 100), corners])[None]
    torch.testing.assert_close(smoothed(x, ones(x))[:, 0], x[:, 0])


def test_absent_points_are_placed_and_not_measured(generator):
    x, new = centred(normals(generator, 1, 300, 5)), normals(generator, 1, 7, 5)
    both, weights = torch.cat([x, new], 1), torch.cat([ones(x), 0 * ones(new)], 1)
    found = smoothed(both, weights)
    torch.testing.assert_close(found[:, :300], smoothed(x, ones(x)))
    mean = (2 * nearest_mean(x[0], new[0, 0], 2) + new[0, 0]) / 3
    torch.testing.assert_close(found[0, 300], new[0, 0] + PULL * (mean - new[0, 0]))


def test_a_new_point_that_equals_a_point_goes_with_it(generator):
    x = centred(normals(generator, 1, 300, 5))
    both, weights = torch.cat([x, x[:, :3]], 1), torch.cat([ones(x), 0 * ones(x[:, :3])], 1)
    found = smoothed(both, weights)
    torch.testing.assert_close(found[:, 300:], found[:, :3])


def test_neighbours_in_large_sets_are_points_of_the_set(generator):
    x = centred(normals(generator, 1, COMPARED + 50, 4))
    found = smoothed(x, ones(x))
    moved = (found - x).norm(dim=2)
    assert 0 < moved.max() < 2 * NEAR
    assert found.square().sum() < x.square().sum()


@pytest.mark.parametrize("x", [torch.zeros(1, 1, 5), torch.zeros(1, 6, 5), torch.eye(9)[None]])
def test_few_or_equal_points_give_numbers(x):
    assert smoothed(x.double(), ones(x)).isfinite().all()
