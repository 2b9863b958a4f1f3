"""Components: rotations, units and copies change nothing."""

import pytest
import torch

from gfncp.coresets.components import COORDINATES
from gfncp.coresets.smoothing import smoothed
from gfncp.coresets.whitening import whitened
from gfncp.networks.tokens import COMPONENTS

CHANGED = {
    "components": lambda x, weights: x,
    "whitened": whitened,
    "smoothed": lambda x, weights: smoothed(whitened(x, weights), weights),
}
KINDS = pytest.mark.parametrize("components", COORDINATES.values(), ids=COORDINATES)


def draw(generator, points, dim):
    x = torch.randn(1, points, dim, generator=generator, dtype=torch.float64) * torch.arange(1, dim + 1)
    return x, torch.ones(1, points, dtype=torch.float64)


@pytest.mark.parametrize("kind", COORDINATES)
def test_distances_are_those_of_the_points_in_units_of_the_radius(generator, kind):
    x, weights = draw(generator, 40, 5)
    found = COORDINATES[kind](x, weights)
    assert found.shape == (1, 40, COMPONENTS)
    x = CHANGED[kind](x - x.mean(1, keepdim=True), weights)
    apart, before = torch.cdist(found, found)[0], torch.cdist(x, x)[0]
    torch.testing.assert_close(apart, before * apart.amax() / before.amax(), rtol=1e-6, atol=1e-6)
    square = found.square().sum(2)[0].sort().values
    assert torch.minimum(square, square[35]).mean().sqrt().isclose(torch.tensor(1.0).double())


@KINDS
def test_units_shifts_and_rotations_change_nothing(generator, components):
    x, weights = draw(generator, 30, 4)
    turn = torch.linalg.qr(torch.randn(4, 4, generator=generator, dtype=torch.float64)).Q
    torch.testing.assert_close(components(1e6 * x @ turn + 5, weights), components(x, weights))


@KINDS
def test_a_point_of_weight_two_is_two_points(generator, components):
    x, weights = draw(generator, 12, 3)
    weights[0, :4] = 2
    twice = torch.cat([x, x[:, :4]], 1)
    found = components(twice, torch.ones(1, 16, dtype=torch.float64))
    torch.testing.assert_close(components(x, weights), found[:, :12])


@KINDS
def test_outliers_hardly_change_the_radius(generator, components):
    """As far as `gfncp.coresets.units` lets them be."""
    x, weights = draw(generator, 100, 3)
    far = torch.cat([x, torch.full((1, 3, 3), 12.0, dtype=torch.float64)], 1)
    more = torch.cat([weights, torch.ones(1, 3, dtype=torch.float64)], 1)
    apart = torch.cdist(components(far, more)[:, :100], components(far, more)[:, :100]).max()
    assert apart > 0.5 * torch.cdist(components(x, weights), components(x, weights)).max()


@KINDS
def test_points_without_weight_are_placed_and_not_measured(generator, components):
    x, weights = draw(generator, 20, 3)
    more = torch.cat([x, 3 * x[:, :2]], 1)
    found = components(more, torch.cat([weights, torch.zeros(1, 2, dtype=torch.float64)], 1))
    torch.testing.assert_close(found[:, :20], components(x, weights))


@KINDS
def test_constant_sets_are_zero(components):
    x = torch.ones(1, 5, 3, dtype=torch.float64)
    assert not components(x, torch.ones(1, 5, dtype=torch.float64)).any()


@KINDS
def test_points_are_within_twenty_radii_where_most_are_equal(components):
    x = torch.zeros(1, 300, 2, dtype=torch.float64)
    x[0, :3] = 1
    found = components(x, torch.ones(1, 300, dtype=torch.float64))
    assert found.norm(dim=2).max() == pytest.approx(20)
