"""Units of columns: which one "auto" chooses, and what the result does not depend on."""

import numpy as np
import pytest
import torch
from scipy.stats import ortho_group
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA, TruncatedSVD

from gfncp.coresets.units import FARTHEST, choose_scale, has_like_spreads, in_units
from gfncp.networks.standardise import CORE

SCALES = ["columns", "none", "unit-length"]
CLOSE = {"rtol": 0, "atol": 1e-9}


def ones(x):
    return torch.ones(len(x), dtype=torch.float64)


def choice(x):
    x = torch.as_tensor(np.asarray(x))
    return choose_scale(x, ones(x))


def brought(x, scale):
    return in_units(x, ones(x), scale)


def blobs(generator, points=300, dim=2):
    """Three clusters of unit variance in all columns, as wide in one as in another."""
    means = 4 * torch.randn(3, dim, dtype=torch.float64, generator=generator)
    cluster = torch.randint(3, (points,), generator=generator)
    return means[cluster] + torch.randn(points, dim, dtype=torch.float64, generator=generator)


def with_flags(generator, points=200):
    """Numbers of different units, rounded numbers and flags of all frequencies."""
    numbers = blobs(generator, points, 3) * torch.tensor([1.0, 2e3, 1e-4], dtype=torch.float64)
    shares = torch.tensor([0.5, 0.15, 0.03], dtype=torch.float64)
    flags = torch.rand(points, 3, dtype=torch.float64, generator=generator) < shares
    return torch.cat([numbers, (numbers[:, :1]).round(), flags.double()], 1)


@pytest.mark.parametrize("scale", SCALES[:2])
def test_a_column_of_importance_two_counts_like_two_copies(generator, scale):
    x = blobs(generator, 50, 3)
    doubled = in_units(x, ones(x), scale, torch.tensor([1.0, 1.0, 2.0]))
    copied = brought(torch.cat([x, x[:, 2:]], 1), scale)
    torch.testing.assert_close(torch.pdist(doubled), torch.pdist(copied), **CLOSE)
    torch.testing.assert_close(in_units(x, ones(x), scale, torch.ones(3)), brought(x, scale), **CLOSE)


# --- choose_scale


def test_rows_of_unit_length_are_projected(generator):
    x = torch.randn(200, 30, generator=generator)
    x = x / x.norm(dim=1, keepdim=True)
    assert choice(x) == choice(x.half()) == "unit-length"
    x[:5] = -999
    assert choice(x) == "unit-length"
    assert choice(2 * x) != "unit-length"


def test_one_column_of_signs_has_no_directions():
    assert choice([[1.0], [-1.0]] * 5) == "columns"


@pytest.mark.parametrize("components", [2, 3, 10])
def test_principal_components_keep_their_unit(generator, components):
    mixed = blobs(generator, dim=40) @ torch.randn(40, 40, dtype=torch.float64, generator=generator)
    x = PCA(components).fit_transform(mixed)
    x[:, -1] /= 100  # falls beyond any like spread
    assert choice(x) == choice(x.astype(np.float32)) == choice(x + 1e8) == "none"
    assert choice(x[:, ::-1].copy()) == "columns"


def test_components_of_a_larger_set_keep_their_unit(generator):
    x = torch.randn(4000, 8, dtype=torch.float64, generator=generator) * 0.6 ** torch.arange(8)
    assert choice(x[:500]) == "none"


@pytest.mark.parametrize("noise", [10, 40])
def test_clusters_beside_columns_of_noise_keep_their_unit(generator, noise):
    x = blobs(generator, dim=3)
    x = torch.cat([3 * (x - x.mean(0)), torch.randn(300, noise, dtype=torch.float64, generator=generator)], 1)
    assert choice(x) == choice(1e9 * x) == choice(-x.flip(1)) == "none"
    assert choice(x + 50) == "none"
    assert choice(x * torch.arange(1.0, noise + 4)) == "columns"


def test_answers_on_one_scale_beside_an_age_are_standardised(generator):
    taste = torch.randn(300, 1, dtype=torch.float64, generator=generator)
    answers = 3 + (taste + torch.randn(300, 8, dtype=torch.float64, generator=generator)).round().clamp(-2, 2)
    age = 40 + 12 * torch.randn(300, 1, dtype=torch.float64, generator=generator)
    assert choice(torch.cat([answers, age], 1)) == "columns"


@pytest.mark.parametrize("components", [10, 20])
def test_components_of_a_set_of_which_one_cluster_was_left_out_keep_their_unit(generator, components):
    means = 3 * torch.randn(6, 60, dtype=torch.float64, generator=generator)
    cluster = torch.randint(6, (600,), generator=generator)
    x = means[cluster] + torch.randn(600, 60, dtype=torch.float64, generator=generator)
    x = x * 0.95 ** torch.arange(60)
    scores = torch.from_numpy(PCA(components).fit_transform(x))
    assert choice(scores[cluster > 0]) == choice(scores[::3]) == "none"


@pytest.mark.parametrize(("base", "shift"), [(4.0, 0), (1.8, 20)])
def test_quantities_in_falling_order_are_standardised(generator, base, shift):
    """They are no components if units are as far apart as powers of 4, or most quantities have one sign."""
    x = blobs(generator, dim=8) + shift
    assert choice(x * base ** -torch.arange(8.0)) == "columns"


def test_components_of_fewer_rows_than_dimensions_keep_their_unit(generator):
    x = torch.randn(10, 60, dtype=torch.float64, generator=generator) * 0.5 ** torch.arange(60)
    assert choice(PCA().fit_transform(x)) == "none"  # the last of them is rounding


def test_singular_vectors_keep_their_unit(generator):
    x = torch.randn(200, 30, dtype=torch.float64, generator=generator) * 0.5 ** torch.arange(30)
    counts = (x + 1).clamp_min(0)
    scores = TruncatedSVD(6, algorithm="arpack", random_state=0).fit_transform(counts)
    assert abs(np.corrcoef(scores.T)[0, 1]) > 0.01  # uncorrelated about 0 alone
    assert choice(scores) == "none"


@pytest.mark.parametrize("dim", [2, 3])
def test_coordinates_keep_their_unit(generator, dim):
    x = blobs(generator, dim=dim)
    assert choice(x) == choice(1e-200 * x) == choice(x.round()) == choice(x + 1e9) == "none"


def test_a_long_row_of_clusters_keeps_its_unit(generator):
    along = 6 * torch.arange(9, dtype=torch.float64).repeat_interleave(30)
    x = torch.stack([along, torch.zeros_like(along)], 1)
    x = x + torch.randn(270, 2, dtype=torch.float64, generator=generator)
    assert choice(x) == "none"
    assert choice(torch.cat([x, x[:, 1:] + 1, x[:, 1:] - 1], 1)) == "columns"  # of a table, one quantity


def test_pixels_keep_their_unit():
    assert choice(load_digits().data) == "none"


def test_wide_embeddings_keep_their_unit(generator):
    x = blobs(generator, dim=100)
    assert choice(x) == "none"
    x[:, :3] *= 1000
    assert choice(x) == "columns"


@pytest.mark.parametrize("dim", [2, 3, 12])
def test_mixed_units_are_standardised(generator, dim):
    x = blobs(generator, dim=dim)
    x[:, -1] *= 1000
    assert choice(x) == "columns"


def test_tables_of_different_quantities_are_standardised(generator):
    assert choice(load_wine().data) == choice(with_flags(generator)) == "columns"


def test_outlying_rows_do_not_change_the_choice_of_unit(generator):
    x = blobs(generator)
    mixed = x * torch.tensor([1.0, 1000.0])
    for value in (-999.0, 1e6, 1e150):
        x[:9] = mixed[:9] = value
        assert choice(x) == "none" and choice(mixed) == "columns"


def test_constant_columns_do_not_change_the_choice_of_unit(generator):
    x = blobs(generator)
    assert has_like_spreads(torch.cat([x, torch.full_like(x, 1e9)], 1), ones(x))


@pytest.mark.parametrize("kind", ["blobs", "flags", "components"])
def test_the_choice_of_unit_follows_weights_and_ignores_the_order_of_rows(generator, kind):
    steps = torch.arange(1, 5)
    x = {
        "blobs": lambda: blobs(generator),
        "flags": lambda: with_flags(generator),
        "components": lambda: torch.as_tensor(PCA().fit_transform(blobs(generator, dim=4) * steps)),
    }[kind]()
    expected = choice(x)
    assert choice(x[torch.randperm(len(x), generator=generator)]) == expected
    assert choice(x.repeat(2, 1)) == choose_scale(x, 2 * ones(x)) == expected
    ignored = torch.cat([x, torch.randn(400, x.shape[1], dtype=x.dtype, generator=generator)])
    assert choose_scale(ignored, torch.cat([ones(x), torch.zeros(400, dtype=x.dtype)])) == expected


# --- in_units


@pytest.mark.parametrize("scale", SCALES)
def test_a_row_of_weight_2_is_the_row_twice(generator, scale):
    x = with_flags(generator)
    weights = torch.randint(0, 4, (len(x),), generator=generator)
    expected = in_units(x.repeat_interleave(weights, 0), torch.ones(int(weights.sum()), dtype=x.dtype), scale)
    found = in_units(x, weights.double(), scale)
    torch.testing.assert_close(found.repeat_interleave(weights, 0), expected, **CLOSE)


@pytest.mark.parametrize("scale", SCALES)
def test_the_unit_of_weights_does_not_matter(generator, scale):
    x = with_flags(generator)
    weights = torch.rand(len(x), dtype=x.dtype, generator=generator)
    torch.testing.assert_close(in_units(x, weights / 7, scale), in_units(x, weights, scale), **CLOSE)


@pytest.mark.parametrize("scale", SCALES)
def test_the_order_of_rows_does_not_matter(generator, scale):
    x = with_flags(generator)
    weights = torch.rand(len(x), dtype=x.dtype, generator=generator)
    order = torch.randperm(len(x), generator=generator)
    found = in_units(x[order], weights[order], scale)
    torch.testing.assert_close(found, in_units(x, weights, scale)[order], **CLOSE)


def test_units_signs_and_order_of_columns_do_not_matter(generator):
    x = with_flags(generator)
    order = torch.randperm(x.shape[1], generator=generator)
    units = 10 ** (4 * torch.randn(x.shape[1], dtype=x.dtype, generator=generator))
    signs = 2 * torch.randint(2, (x.shape[1],), generator=generator) - 1
    found = brought((units * signs * x)[:, order] + 3, "columns")
    torch.testing.assert_close(found, (signs * brought(x, "columns"))[:, order], rtol=0, atol=1e-7)


@pytest.mark.parametrize("factor", [1e-200, 1e-3, 1e150])
def test_one_factor_and_a_shift_do_not_matter(generator, factor):
    x = blobs(generator, dim=5)
    shift = torch.randn(5, dtype=x.dtype, generator=generator)
    torch.testing.assert_close(brought(factor * (x + shift), "none"), brought(x, "none"), **CLOSE)


@pytest.mark.parametrize("outlier", [None, 1e6])
def test_rotations_turn_what_is_kept_in_one_unit(generator, outlier):
    x = blobs(generator, dim=6) * torch.tensor([20.0, 5, 1, 1, 1, 0.1], dtype=torch.float64)
    if outlier:
        x[:9] *= outlier
    turn = torch.as_tensor(ortho_group(6, seed=0).rvs())
    torch.testing.assert_close(brought(x @ turn, "none"), brought(x, "none") @ turn, rtol=0, atol=1e-8)


def test_distances_in_one_unit_keep_their_ratios(generator):
    x = blobs(generator, dim=4)
    ratios = torch.pdist(brought(x, "none")) / torch.pdist(x)
    assert ratios.amax() / ratios.amin() < 1.5  # 1, were no tails drawn in
    middle = (x - x.median(0).values).norm(dim=1) < 3
    ratios = torch.pdist(brought(x, "none")[middle]) / torch.pdist(x[middle])
    assert ratios.amax() / ratios.amin() < 1.1


def test_lengths_of_rows_do_not_matter_to_directions(generator):
    x = blobs(generator, dim=5)
    lengths = 10 ** torch.randn(len(x), 1, dtype=x.dtype, generator=generator)
    torch.testing.assert_close(brought(lengths * x, "unit-length"), brought(x, "unit-length"), **CLOSE)
    unit = x / x.norm(dim=1, keepdim=True)
    torch.testing.assert_close(brought(x, "unit-length"), brought(unit, "none"), **CLOSE)


def test_rows_of_zeros_are_at_the_origin_of_directions(generator):
    x = blobs(generator, dim=5)
    x[:3] = 0
    unit = x / x.norm(dim=1, keepdim=True).clamp_min(1e-9)
    torch.testing.assert_close(brought(x, "unit-length"), brought(unit, "none"), **CLOSE)


def test_a_normal_column_is_divided_by_its_standard_deviation(generator):
    x = 7 + 3 * torch.randn(100_000, 1, dtype=torch.float64, generator=generator)
    for scale in ("columns", "none"):
        z = CORE * torch.sinh(brought(x, scale) / CORE)
        assert z.std().item() == pytest.approx(1, abs=0.02)
        assert z.median().item() == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("share", [0.5, 0.2, 0.1, 0.03])
def test_a_flag_counts_like_one_numeric_column(share):
    x = (torch.arange(1000) < 1000 * share).double()[:, None]
    assert brought(x, "columns").std().item() == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("scale", ["columns", "none"])
@pytest.mark.parametrize("values", [[-999.0], [1e6], [1e6, -3e6, 1e7], [1e150, -999]], ids=str)
@pytest.mark.parametrize("dim", [2, 10])
def test_outlying_rows_do_not_hide_the_rest(generator, scale, values, dim):
    x = blobs(generator, dim=dim)
    spoilt = x.clone()
    spoilt[:9] = torch.tensor(values, dtype=x.dtype).repeat(9)[:9, None]
    clean, found = brought(x, scale)[9:], brought(spoilt, scale)
    rest = found[9:] - found[9:].mean(0)
    assert (rest - clean + clean.mean(0)).square().mean() < 0.02 * clean.var(0).mean()
    widest = [torch.linalg.matrix_norm(each, 2) for each in (rest, found - found.mean(0))]
    assert widest[0] > 0.3 * widest[1]


@pytest.mark.parametrize("scale", ["columns", "none"])
def test_small_clusters_far_from_the_others_stay_apart(generator, scale):
    x = torch.randn(1000, 2, dtype=torch.float64, generator=generator)
    x[:40, 0] += 40
    x[40:80, 0] += 60
    found = brought(x, scale)[:80, 0]
    assert found[40:].amin() > found[:40].amax()


@pytest.mark.parametrize("share", [0.5, 0.2, 0.07])
def test_outlying_rows_do_not_hide_flags_and_grades(generator, share):
    flag = (torch.rand(300, dtype=torch.float64, generator=generator) < share).double()
    grade = torch.randint(1, 6, (300,), generator=generator).double()
    x = torch.stack([flag, grade], 1)
    x[:9] = 1e6
    assert torch.all(brought(x, "columns")[9:].std(0) > 0.5)


def test_outliers_are_at_the_largest_distance(generator):
    x = torch.randn(200, 4, dtype=torch.float64, generator=generator)
    x[:5] *= 1e9
    most = CORE * np.arcsinh(FARTHEST / CORE)
    assert brought(x, "columns").abs().amax().item() == pytest.approx(most)
    assert brought(x, "none").norm(dim=1).amax().item() == pytest.approx(most)


@pytest.mark.parametrize("scale", ["columns", "none"])
def test_far_columns_keep_their_differences(generator, scale):
    x = (1024 * blobs(generator)).round() / 1024
    x[:, 0] *= 2.0**10  # so that 1e13 rounds nothing away
    x[:, 1] *= 2.0**10
    torch.testing.assert_close(brought(x + 1e13, scale), brought(x, scale), **CLOSE)


@pytest.mark.parametrize("scale", ["columns", "none"])
def test_constant_columns_are_zero_and_change_nothing(generator, scale):
    x = blobs(generator)
    constants = torch.tensor([0.0, 1e13, 0.1 + 0.2, -1e300], dtype=x.dtype).expand(len(x), 4)
    found = brought(torch.cat([x, constants], 1), scale)
    torch.testing.assert_close(found[:, :2], brought(x, scale), **CLOSE)
    assert torch.all(found[:, 2:] == 0)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    "column",
    [
        [3.0] * 8,
        [0.1 + 0.2, 0.3] * 4,
        [0.0] * 7 + [1.0],
        [1e308, -1e308] * 4,
        [1e-300, 2e-300] * 4,
        [5e-324, 0.0] * 4,
        [0.0] * 7 + [1e300],
        [1e-200, 1e150] * 4,
    ],
    ids=["constant", "rounding", "rare", "huge", "tiny", "least", "one huge", "both"],
)
def test_hostile_columns_give_moderate_numbers(scale, column):
    x = torch.tensor(column, dtype=torch.float64)[:, None]
    x = torch.cat([x, torch.arange(8.0, dtype=torch.float64).square()[:, None]], 1)
    found = brought(x, scale)
    assert found.isfinite().all() and found.abs().max() < 100
    assert choice(x) in SCALES


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("points", [1, 2])
def test_the_smallest_tables_are_accepted(scale, points):
    x = torch.arange(points * 3.0).view(points, 3)
    assert brought(x, scale).isfinite().all()
    assert torch.all(brought(torch.ones(points, 3), scale) == 0)
    assert choice(x) in SCALES
