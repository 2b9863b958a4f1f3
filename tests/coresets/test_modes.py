"""Clear modes of a column, whatever its law, order and weights."""

import numpy as np
import pytest
import torch
from sklearn.datasets import make_moons

from gfncp import GFNCP
from gfncp.coresets.modes import count_modes
from gfncp.coresets.units import choose_scale, in_units


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def modes(values, weights=None):
    z = torch.from_numpy(np.asarray(values, float))
    weights = torch.ones(len(z)) if weights is None else torch.from_numpy(weights).double()
    return int(count_modes(z[:, None], weights))


def heaps(rng, count, points, apart=12.0):
    """Return normal values around regular places."""
    return apart * (np.arange(points) % count) + rng.normal(size=points)


@pytest.mark.parametrize("points", [160, 1000])
@pytest.mark.parametrize("count", [2, 3, 6, 9, 14])
def test_heaps_are_counted(rng, count, points):
    assert modes(heaps(rng, count, points)) == count


@pytest.mark.parametrize("points", [1, 2, 9, 40, 300, 2000])
@pytest.mark.parametrize(
    "law",
    [
        lambda rng, points: rng.normal(size=points),
        lambda rng, points: rng.random(points),
        lambda rng, points: rng.exponential(size=points),
        lambda rng, points: rng.lognormal(size=points),
        lambda rng, points: rng.standard_t(2, points),
        lambda rng, points: rng.integers(1, 6, points),
        lambda rng, points: rng.integers(0, 2, points),
        lambda rng, points: rng.poisson(3, points),
        lambda rng, points: rng.choice([1999, 2005, 2006, 2010, 2019, 2020, 2021], points),
        lambda rng, points: rng.choice([9.99, 19.99, 49.99, 99.99, 199], points),
        lambda rng, points: np.where(rng.random(points) < 0.7, 0, rng.exponential(size=points)),
        lambda rng, points: np.zeros(points),
        lambda rng, points: np.round(rng.normal(size=points), 1),
        lambda rng, points: np.r_[rng.normal(size=points), 30.0],
    ],
)
def test_one_heap_grids_flags_and_outliers_are_one_mode(rng, law, points):
    assert modes(law(rng, points)) == 1


def test_order_signs_and_units_mean_nothing(rng):
    x = heaps(rng, 5, 203, apart=7.0)
    for other in (x[::-1].copy(), rng.permutation(x), -x, 1e-3 * x + 5):
        assert modes(other) == modes(x) == 5


def test_a_weight_of_two_is_a_row_twice(rng):
    x = heaps(rng, 4, 90)
    weights = rng.integers(1, 4, len(x))
    assert modes(x, weights) == modes(np.repeat(x, weights)) == 4


def test_neighbouring_modes_are_as_far_apart_as_another_column_is_wide(rng):
    x = np.stack([heaps(rng, 9, 900, apart=30.0), 1e3 * rng.normal(size=900)], 1)
    z = in_units(torch.from_numpy(x), torch.ones(900), "columns").numpy()
    gaps = np.diff([z[np.arange(900) % 9 == k, 0].mean() for k in range(9)])
    assert (gaps > 2.5).all()
    assert z[:, 1].std() == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize(("clusters", "points"), [(6, 30), (9, 30), (9, 100), (15, 40)])
def test_a_row_of_clusters_beside_a_column_of_noise_is_found(rng, clusters, points):
    """Its columns' spreads differ by more than 20, so that each is standardised."""
    labels = np.arange(clusters * points) % clusters
    x = np.stack([labels + 0.04 * rng.normal(size=len(labels)), 0.04 * rng.normal(size=len(labels))], 1)
    model = GFNCP(n_samples=5, random_state=0).fit(x)
    assert model.scale_ == "columns"
    wrong = (model.labels_[:, None] == model.labels_) != (labels[:, None] == labels)
    assert wrong.mean() < 0.01


@pytest.mark.parametrize("unit", [1, 3, 6, 10, 15, 25, 1e4])
def test_three_clusters_are_found_in_any_units(rng, unit):
    """Two columns, one up to 20 times as wide as the other, share a unit unless modes say otherwise."""
    labels = np.repeat([0, 1, 2], 50)
    x = (np.array([[0, 0], [8, 0], [0, 8]])[labels] + rng.normal(size=(150, 2))) * [1, unit]
    found = GFNCP(n_samples=5, random_state=0).fit(x).labels_
    assert ((found[:, None] == found) == (labels[:, None] == labels)).all()


def test_a_long_row_of_clusters_has_one_unit(rng):
    labels = np.arange(270) % 9
    x = torch.from_numpy(np.stack([6 * labels + rng.normal(size=270), rng.normal(size=270)], 1))
    assert choose_scale(x, torch.ones(270)) == "none"


@pytest.mark.parametrize("unit", [1, 5, 12, 1000])
def test_moons_are_found_in_any_units(unit):
    x, labels = make_moons(400, noise=0.06, random_state=0)
    found = GFNCP(n_samples=5, random_state=0).fit(x * [1, unit]).labels_
    assert ((found[:, None] == found) == (labels[:, None] == labels)).all()
