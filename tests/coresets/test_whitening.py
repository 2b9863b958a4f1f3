"""Whitening makes the clusters of wide data rounder; units, rotations and copies change nothing."""

import pytest
import torch

from gfncp.coresets.coreset import EXACT
from gfncp.coresets.whitening import COMPARED, scatter_of_neighbours, whitened


def normals(generator, *shape):
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def ones(x):
    return torch.ones(x.shape[:2], dtype=torch.float64)


def slender_clusters(generator, points=200, clusters=4, dim=16):
    """Return clusters whose points vary along the same slanted axes, and their labels."""
    label = torch.arange(points) % clusters
    axes = torch.linalg.qr(normals(generator, dim, dim)).Q * torch.linspace(0.5, 3, dim)[:, None]
    x = 4 * normals(generator, clusters, dim)[label] + normals(generator, points, dim) @ axes
    return (x - x.mean(0))[None], label


def width_by_direction(x, label):
    """Return the ratio of the widest to the narrowest direction of the clusters, by their joint scatter."""
    within = torch.cat([x[0, label == k] - x[0, label == k].mean(0) for k in label.unique()])
    values = torch.linalg.eigvalsh(within.T @ within)
    return float((values[-1] / values[0]).sqrt())


def apart(x):
    return torch.cdist(x, x, compute_mode=EXACT)[0]


def test_clusters_of_wide_data_become_rounder(generator):
    x, label = slender_clusters(generator)
    assert width_by_direction(x, label) > 5
    assert width_by_direction(whitened(x, ones(x)), label) < 3.5


def test_round_clusters_stay_as_they_are(generator):
    x = normals(generator, 1, 400, 4)
    x = torch.cat([x + 20, x - 20], 1)
    ratio = (apart(whitened(x, ones(x))) / apart(x))[~torch.eye(800, dtype=torch.bool)]
    assert ratio.max() / ratio.min() < 1.3


def shape(scatter):
    return scatter / scatter.diagonal(dim1=1, dim2=2).sum(1)[:, None, None]


def test_points_of_three_dimensions_are_left_as_they_are(generator):
    x = normals(generator, 1, 60, 3) * torch.tensor([1, 0.2, 0.5])
    ratio = (apart(whitened(x, ones(x))) / apart(x))[~torch.eye(60, dtype=torch.bool)]
    torch.testing.assert_close(ratio, ratio[:1].expand_as(ratio))


def test_the_scatter_is_that_of_a_plain_loop(generator):
    x = normals(generator, 25, 3)
    scatter, log_near = torch.zeros(3, 3, dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for point in x:
        towards = (x - point)[(x - point).norm(dim=1).argsort()[1:5]]
        unit = towards / towards.norm(dim=1, keepdim=True)
        scatter += unit.T @ unit / 100
        log_near += towards.norm(dim=1).log().mean() / 25
    log_any = apart(x[None])[~torch.eye(25, dtype=torch.bool)].log().mean()
    expected = scatter * (4 * (log_near - log_any)).exp()
    torch.testing.assert_close(scatter_of_neighbours(x[None], ones(x[None]))[0], expected)


def test_all_neighbours_at_the_same_distance_count():
    lattice = torch.cartesian_prod(torch.arange(7.0), torch.arange(7.0)).double()[None]
    inner = ((lattice[0] > 0) & (lattice[0] < 6)).all(1)[None].double()  # the rest is not seen
    found = shape(scatter_of_neighbours(lattice, inner))
    torch.testing.assert_close(found, torch.eye(2, dtype=torch.float64)[None] / 2)


def test_units_and_rotations_change_nothing_but_rounding(generator):
    x, _ = slender_clusters(generator)
    turn = torch.linalg.qr(normals(generator, x.shape[2], x.shape[2])).Q
    torch.testing.assert_close(apart(whitened(1e5 * x @ turn, ones(x))), 1e5 * apart(whitened(x, ones(x))))


def test_a_point_of_weight_two_is_two_points(generator):
    x, weights = normals(generator, 1, 20, 3), torch.ones(1, 20, dtype=torch.float64)
    weights[0, :7] = 2
    twice = torch.cat([x, x[:, :7]], 1)
    torch.testing.assert_close(scatter_of_neighbours(x, weights), scatter_of_neighbours(twice, ones(twice)))


def test_absent_points_are_placed_and_not_measured(generator):
    x, far = normals(generator, 1, 2 * COMPARED, 3), 9 * normals(generator, 1, 50, 3)
    both, weights = torch.cat([x, far], 1), torch.cat([ones(x), 0 * ones(far)], 1)
    torch.testing.assert_close(whitened(both, weights)[:, : 2 * COMPARED], whitened(x, ones(x)))


def test_one_far_point_has_no_more_say_on_directions_than_others(generator):
    x = normals(generator, 1, 200, 2)
    far = torch.cat([x, torch.tensor([[[1e6, 0.0]]], dtype=torch.float64)], 1)
    before, after = (shape(scatter_of_neighbours(each, ones(each))) for each in (x, far))
    assert (after - before).abs().max() < 2 / 200


@pytest.mark.parametrize("x", [torch.zeros(1, 1, 3), torch.zeros(1, 6, 2), torch.eye(9)[None]])
def test_few_or_equal_points_give_numbers(x):
    assert whitened(x.double(), ones(x)).isfinite().all()


def test_few_points_for_each_dimension_leave_distances_nearly_as_they_are(generator):
    x = normals(generator, 1, 6, 40)
    x = torch.linalg.qr(x[0]).R[None]  # six points in as many dimensions
    ratio = (apart(whitened(x, ones(x))) / apart(x))[~torch.eye(6, dtype=torch.bool)]
    assert 1 <= ratio.max() / ratio.min() < 2
