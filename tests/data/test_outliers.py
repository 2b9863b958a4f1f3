"""Gross outliers are pointed out, whatever their size, and do not hide the rest."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from gfncp import GFNCP
from gfncp.data.columns import Columns
from gfncp.data.outliers import NONE, Outliers, outliers
from gfncp.data.sentinels import Sentinel

RNG = np.random.default_rng(0)
TRUTH = np.repeat([0, 1, 2], 50)
CLUSTERS = np.array([[0, 0], [8, 0], [0, 8]])[TRUTH] + RNG.normal(size=(150, 2))
SIZES = [1e3, 1e6, 1e20, 1e150, 1e300]


def with_outliers(size, count, columns):
    """Three round clusters in the first 150 rows, and rows that are far off in some columns."""
    far = CLUSTERS[:count].copy()
    far[:, columns] = size * np.linspace(1, 1.5, count)[:, None] * RNG.choice([-1, 1], (count, len(columns)))
    return np.concatenate([CLUSTERS, far])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("columns", [[0], [0, 1]])
def test_a_few_rows_far_beyond_all_others_are_pointed_out(size, count, columns):
    x = with_outliers(size, count, columns)
    found = outliers(x)
    for column in range(2):
        assert found[column].rows == (count if column in columns else 0)
        if column in columns:
            assert abs(found[column].farthest) == np.abs(x[:, column]).max()
    assert outliers(x[RNG.permutation(len(x))]) == found
    with pytest.warns(
        UserWarning, match=rf"far beyond all others stand in {count} rows? of column 1 \(up to"
    ):
        Columns.of(x).warn()


@pytest.mark.parametrize(
    ("size", "count", "columns"), [(1e3, 4, [0]), (1e6, 1, [0, 1]), (1e20, 2, [0, 1]), (1e300, 3, [1])]
)
@pytest.mark.filterwarnings("ignore")
def test_the_rest_is_clustered_as_without_them(size, count, columns):
    model = GFNCP(n_samples=2, random_state=0).fit(with_outliers(size, count, columns))
    assert adjusted_rand_score(TRUTH, model.labels_[:150]) > 0.9


def test_outliers_of_all_sizes_at_once():
    assert outliers(np.r_[CLUSTERS[:, 0], 1e300, -1e3, 1e10][:, None]) == [Outliers(3, 1e300)]
    assert outliers(np.r_[CLUSTERS[:, 0], 1.5e308, -1.5e308][:, None])[0].rows == 2


@pytest.mark.parametrize(
    "column",
    [
        CLUSTERS[:, 0],
        np.r_[CLUSTERS[:, 0], 1e6 + RNG.normal(size=15)],  # a cluster
        np.r_[np.zeros(140), np.ones(8), 1e6],  # most are equal
        [0.0] * 148 + [1e20] * 2,  # a flag
        [5.0] * 150,
        [np.nan] * 20,
        [1.0, 2, 3, 1e9],  # few
        RNG.lognormal(size=150),
        RNG.standard_t(3, size=150),
        RNG.poisson(RNG.gamma(0.3, 3, 200)).astype(float),
        np.arange(150.0),
    ],
)
def test_nothing_is_said_of_clusters_flags_and_tails(column):
    assert outliers(np.asarray(column, float)[:, None]) == [NONE]


def test_sentinels_are_named_once():
    x = pd.DataFrame(CLUSTERS, columns=["a", "b"])
    x.loc[:4, "a"] = -999
    columns = Columns.of(x)
    assert columns.used[0].sentinels == (Sentinel(-999.0, 5),)
    assert columns.used[0].outliers == NONE
    x.loc[5:6, "a"] = 1e20
    columns = Columns.of(x)
    assert columns.used[0].sentinels == (Sentinel(-999.0, 5),)
    assert columns.used[0].outliers == Outliers(2, 1e20)
    assert Columns.from_json(columns.to_json()).used == columns.used


def test_ordinary_tables_have_no_note():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Columns.of(CLUSTERS).warn()
