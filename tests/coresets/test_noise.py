"""Columns of noise: those without modes that are independent of all others."""

import pytest
import torch

from gfncp.coresets.noise import is_noise
from gfncp.coresets.units import in_units


def table(generator, informative, noise=8, points=400):
    columns = [informative, torch.randn(points, noise, dtype=torch.float64, generator=generator)]
    z = torch.cat(columns, 1)
    return (z - z.mean(0)) / z.std(0), torch.ones(points, dtype=torch.float64)


def corners(generator, points=400):
    """Four overlapping clusters that are apart in three columns together."""
    means = 1.3 * torch.tensor([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, -1]], dtype=torch.float64)
    cluster = torch.randint(4, (points,), generator=generator)
    return means[cluster] + torch.randn(points, 3, dtype=torch.float64, generator=generator)


def circle(generator, points=400):
    angle = 6.3 * torch.rand(points, 1, dtype=torch.float64, generator=generator)
    blur = 0.1 * torch.randn(points, 2, dtype=torch.float64, generator=generator)
    return torch.cat([angle.cos(), angle.sin()], 1) + blur


def halves(generator, points=400):
    """Two clusters that are far apart in one column."""
    heaps = 8.0 * torch.randint(2, (points, 1), generator=generator)
    return heaps + torch.randn(points, 1, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("informative", [corners, circle, halves])
def test_columns_that_tell_nothing_are_noise(generator, informative):
    x = informative(generator)
    found = is_noise(*table(generator, x))
    assert not found[: x.shape[1]].any()
    assert found[x.shape[1] :].float().mean() > 0.8  # a chance correlation may save one


def test_a_table_is_not_all_noise_and_a_few_such_columns_are_kept(generator):
    z, weights = table(generator, corners(generator), 4)
    assert not is_noise(z, weights).any()
    assert not is_noise(z[:, 3:].repeat(1, 2), weights).any()  # each column has a copy
    assert not is_noise(z[:50], weights[:50]).any()
    pure = torch.randn(400, 10, dtype=torch.float64, generator=generator)
    assert not is_noise(pure, weights).all()


def test_units_signs_and_the_order_of_columns_and_rows_do_not_matter(generator):
    z, weights = table(generator, corners(generator))
    found = is_noise(z, weights)
    assert (is_noise(-z.flip(0, 1), 7 * weights) == found.flip(0)).all()
    assert found.any()


def test_what_tells_clusters_apart_is_wider_than_noise_in_any_unit(generator):
    z, weights = table(generator, corners(generator))
    units = 10.0 ** torch.linspace(-3, 3, z.shape[1], dtype=torch.float64)
    widths = in_units(z * units, weights, "columns").std(0)
    assert widths[:3].amin() > 3 * widths[3:].median()
    constant = torch.cat([z * units, torch.ones_like(z[:, :1])], 1)
    torch.testing.assert_close(in_units(constant, weights, "columns")[:, :-1].std(0), widths)
