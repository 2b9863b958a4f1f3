"""Warped sets: another simulator's labels, and points moved by a map that can be undone."""

import pytest
import torch

from gfncp.simulators import GeneralMixtures
from gfncp.simulators.draw import Draw
from gfncp.simulators.warped import REACH, Warped, residual, sheared, standardised, warped_columns

SETS, POINTS, DIM = 40, 50, 3


def draw(seed):
    """Random numbers that are the same whenever asked for: a map that can be applied to other points too."""
    return Draw(SETS, torch.Generator().manual_seed(seed))


@pytest.fixture
def x(generator):
    return torch.randn(SETS, POINTS, DIM, generator=generator)


def live(x):
    return torch.ones(SETS, 1, x.shape[2], dtype=torch.bool)


def test_labels_are_those_of_the_base_and_points_are_not():
    base = GeneralMixtures(5)
    plain, expected = base(8, 60, torch.Generator().manual_seed(3))
    x, labels = Warped(base)(8, 60, torch.Generator().manual_seed(3))
    assert torch.equal(labels, expected)
    assert x.shape == plain.shape and x.dtype == torch.float32 and x.isfinite().all()
    assert not torch.allclose(x, standardised(plain))


def test_a_batch_is_a_function_of_the_generator_alone():
    state = torch.random.get_rng_state()
    simulate = Warped(GeneralMixtures(5))
    first, again, other = (simulate(3, 10, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])
    assert torch.equal(torch.random.get_rng_state(), state)


def test_each_columns_function_increases(x):
    """Points in a column's order are in that order afterwards, strictly."""
    grid = torch.linspace(-REACH, REACH, 400)[None, :, None].expand(SETS, -1, DIM)
    moved = warped_columns(draw(1), grid)
    assert torch.all(moved[:, 1:] > moved[:, :-1])
    assert not torch.allclose(moved, grid)


def test_residual_blocks_are_inverted_by_fixed_point_iteration(x):
    moved = residual(draw(1), x, live(x))
    assert not torch.allclose(moved, x, atol=0.1)
    found = moved
    for _ in range(200):
        found = moved - (residual(draw(1), found, live(x)) - found)
    torch.testing.assert_close(found, x, rtol=0, atol=1e-4)


def test_shears_are_linear_and_keep_volumes(x):
    basis = torch.eye(DIM).expand(SETS, -1, -1)
    matrix = sheared(draw(1), basis, live(x))
    torch.testing.assert_close(torch.linalg.det(matrix), torch.ones(SETS))
    torch.testing.assert_close(sheared(draw(1), x, live(x)), x @ matrix)
    assert not torch.allclose(matrix, basis)


def test_a_constant_column_stays_constant_and_an_empty_one_empty(x):
    x = torch.cat([x, torch.full((SETS, POINTS, 1), 0.3), torch.zeros(SETS, POINTS, 2)], 2)
    labels = torch.zeros(SETS, POINTS, dtype=torch.long)
    moved, _ = Warped(lambda sets, points, generator: (x, labels))(SETS, POINTS, torch.Generator())
    assert torch.all(moved[..., 3:] == 0)
    assert torch.all(moved[..., :3].std(1) > 0)


def test_standardising_forgets_place_and_scale(x):
    found = standardised(x)
    torch.testing.assert_close(standardised(1000 * x - 7), found, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(found.mean(1), torch.zeros(SETS, DIM), rtol=0, atol=1e-5)
    torch.testing.assert_close(found.square().mean((1, 2)), torch.ones(SETS), rtol=0.15, atol=0)


def test_an_outlier_stays_within_reach(x):
    x[:, 0] = 1e6
    torch.testing.assert_close(standardised(x).abs().amax((1, 2)), torch.full((SETS,), REACH))
