"""Standardisation: what it does not depend on, and that nothing a table may hold breaks it."""

import pytest
import torch
from scipy.stats import ortho_group

from gfncp.networks.standardise import COMPONENTS, CORE, principal_components, standardise
from gfncp.partitions import prefix_mask
from gfncp.simulators import GeneralMixtures

TOLERANCE = {"rtol": 0, "atol": 1e-8}


def everyone(x):
    return torch.ones(x.shape[:2], dtype=torch.bool)


def components(x):
    return principal_components(x, everyone(x))


@pytest.fixture(params=[(40, 5), (12, 30), (9, 16)], ids=["narrow", "wide", "16"])
def table(request, generator):
    """Correlated, skewed columns of different sizes."""
    points, dim = request.param
    normal = torch.randn(2, points, dim, dtype=torch.float64, generator=generator)
    mixed = normal @ torch.randn(dim, dim, dtype=torch.float64, generator=generator)
    return (mixed / 4).exp() + mixed


def test_any_width_gives_16_components(table):
    found = components(table)
    assert found.shape == (*table.shape[:2], COMPONENTS)
    rank = min(table.shape[2], table.shape[1] - 1, COMPONENTS)
    assert torch.all(found.square().sum(1)[:, :rank] > 1e-3)
    torch.testing.assert_close(found[..., rank:], torch.zeros_like(found[..., rank:]), rtol=0, atol=1e-6)


def test_components_are_uncorrelated_and_the_widest_has_variance_1(table):
    found = components(table)
    torch.testing.assert_close(found.mean(1), torch.zeros_like(found[:, 0]), **TOLERANCE)
    covariance = found.mT @ found / found.shape[1]
    variances = covariance.diagonal(dim1=1, dim2=2)
    torch.testing.assert_close(covariance, torch.diag_embed(variances), **TOLERANCE)
    torch.testing.assert_close(variances[:, 0], torch.ones_like(variances[:, 0]))
    assert torch.all(variances.diff(dim=1) <= 1e-9)


def test_distances_between_standardised_points_are_kept_up_to_one_scale(table):
    if table.shape[2] > COMPONENTS:
        table = table[..., :COMPONENTS]
    before, after = (
        torch.cdist(*2 * [standardise(table, everyone(table))]),
        torch.cdist(*2 * [components(table)]),
    )
    scale = (before * after).sum((1, 2), keepdim=True) / after.square().sum((1, 2), keepdim=True)
    torch.testing.assert_close(before, scale * after, rtol=0, atol=1e-6)


@pytest.mark.parametrize("change", ["units", "signs", "order of columns", "constant columns"])
def test_columns_may_be_written_in_other_ways(table, generator, change):
    dim = table.shape[2]
    other = {
        "units": lambda: table * torch.logspace(-9, 9, dim, dtype=torch.float64) + 3,
        "signs": lambda: table * torch.tensor([1.0, -1.0]).repeat(dim)[:dim],
        "order of columns": lambda: table[..., torch.randperm(dim, generator=generator)],
        "constant columns": lambda: torch.cat([table, torch.full_like(table[..., :3], 0.1)], 2),
    }[change]()
    torch.testing.assert_close(components(other), components(table), rtol=0, atol=1e-5)


def test_rotations_of_standardised_columns_do_not_matter(monkeypatch, table):
    rotation = torch.from_numpy(ortho_group.rvs(table.shape[2], random_state=0))
    expected = components(table)
    monkeypatch.setattr(
        "gfncp.networks.standardise.standardise", lambda x, mask: standardise(x, mask) @ rotation
    )
    torch.testing.assert_close(components(table), expected, rtol=0, atol=1e-6)


def test_points_keep_their_order(table, generator):
    order = torch.randperm(table.shape[1], generator=generator)
    torch.testing.assert_close(components(table[:, order]), components(table)[:, order], **TOLERANCE)


def test_absent_points_do_not_change_the_others(table):
    padded = torch.cat([table, torch.full_like(table[:, :4], torch.nan)], 1)
    mask = prefix_mask(torch.tensor([table.shape[1]] * 2), padded.shape[1])
    found = principal_components(padded, mask)
    torch.testing.assert_close(found[:, : table.shape[1]], components(table), rtol=0, atol=1e-6)
    assert torch.all(found[:, table.shape[1] :] == 0)


def test_a_set_does_not_depend_on_the_others(table):
    torch.testing.assert_close(components(table)[:1], components(table[:1]), **TOLERANCE)


def test_a_normal_column_is_divided_by_its_standard_deviation(generator):
    x = 7 + 3 * torch.randn(1, 100_000, 1, dtype=torch.float64, generator=generator)
    z = CORE * torch.sinh(standardise(x, everyone(x)) / CORE)
    assert z.std().item() == pytest.approx(1, abs=0.02)
    assert z.median().item() == pytest.approx(0, abs=1e-4)  # the lower of two middle entries


def test_a_few_outliers_change_little(generator):
    x = torch.randn(1, 400, 3, dtype=torch.float64, generator=generator)
    spoilt = x.clone()
    spoilt[0, :4] = 1e12
    before, after = (standardise(each, everyone(each))[0, 4:] for each in (x, spoilt))
    torch.testing.assert_close(after, before, rtol=0, atol=0.1)
    assert components(spoilt).abs().max() < 1e3


@pytest.mark.parametrize(
    "column",
    [
        [3.0] * 8,
        [0.1 + 0.2, 0.3] * 4,  # equal up to rounding
        [0.0] * 7 + [1.0],
        [1e308, -1e308] * 4,
        [1e-300, 2e-300] * 4,
        [0.0] * 7 + [1e300],
        list(range(8)),
    ],
    ids=["constant", "rounding", "rare", "huge", "tiny", "one huge", "even"],
)
def test_hostile_columns_give_moderate_numbers(column):
    x = torch.tensor(column, dtype=torch.float64)[None, :, None]
    x = torch.cat([x, torch.arange(8.0, dtype=torch.float64).square()[None, :, None]], 2)
    found = components(x)
    assert found.isfinite().all() and found.abs().max() < 10


@pytest.mark.parametrize("points", [1, 2])
def test_the_smallest_sets_are_accepted(points):
    x = torch.arange(points * 3.0).view(1, points, 3)
    assert components(x).isfinite().all()
    assert components(torch.ones(1, points, 3)).abs().max() == 0


def test_columns_equal_up_to_rounding_are_constant():
    x = torch.tensor([0.1 + 0.2, 0.3] * 4, dtype=torch.float64)[None, :, None]
    assert torch.all(standardise(x, everyone(x)) == 0)


def test_far_columns_keep_their_differences(generator):
    x = torch.randn(1, 50, 2, dtype=torch.float64, generator=generator)
    torch.testing.assert_close(components(x + 1e6), components(x), rtol=0, atol=1e-8)


def test_simulated_sets_fit_single_precision(generator):
    x, _ = GeneralMixtures()(16, 60, generator)
    assert components(x).abs().max() < 100
