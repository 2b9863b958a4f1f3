"""Tables, masked arrays and containers of other libraries, as the estimator takes them."""

import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse

from gfncp import GFNCP
from gfncp.data import read_points
from gfncp.data.column_uses import Column

X = np.random.default_rng(0).normal(size=(12, 2)).round(3)
FRAME = pd.DataFrame(X, columns=["a", "b"])


@pytest.mark.parametrize("kind", [scipy.sparse.csr_array, scipy.sparse.csc_matrix, scipy.sparse.coo_array])
def test_sparse_matrices_get_advice(tmp_path, vector_checkpoint, kind):
    scipy.sparse.save_npz(tmp_path / "x.npz", kind(np.eye(3)))
    for use in (
        lambda: read_points(tmp_path / "x.npz"),
        lambda: GFNCP(vector_checkpoint).fit(kind(np.eye(3))),
    ):
        with pytest.raises(ValueError, match="TruncatedSVD"):
            use()


@pytest.fixture
def make(vector_checkpoint):
    return lambda: GFNCP(vector_checkpoint, n_samples=3, random_state=0)


def test_masked_entries_are_missing(make):
    mask = np.zeros_like(X, dtype=bool)
    mask[2, 1] = True
    with pytest.warns(UserWarning, match="1 in column 2"):
        found = make().fit(np.ma.masked_array(X, mask)).X_
    expected = X.copy()
    expected[2, 1] = np.median(np.delete(X[:, 1], 2))
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(make().fit(np.ma.masked_array(X)).X_, X)
    with pytest.warns(UserWarning, match="1 in column 2"):
        whole = make().fit(np.ma.masked_array((100 * X).astype(int), mask)).X_
    assert whole[2, 1] == np.median(np.delete((100 * X).astype(int)[:, 1], 2))


def test_a_single_row_of_numbers_is_asked_about(make):
    for one in (X[:, 0], FRAME["a"], X[0].tolist()):
        with pytest.raises(ValueError, match=r"X\.reshape\(-1, 1\) makes points of one column"):
            make().fit(one)


@pytest.mark.parametrize("library", ["pyarrow", "polars"])
def test_tables_of_other_libraries_equal_data_frames(make, library):
    table = FRAME.assign(who=[f"n{i}" for i in range(12)])
    given = pa.Table.from_pandas(table)
    if library == "polars":
        given = pytest.importorskip("polars").from_arrow(given)
    with pytest.warns(UserWarning, match="left out of X: who"):
        model = make().fit(given)
    np.testing.assert_array_equal(model.X_, X)
    assert model.feature_names_in_.tolist() == ["a", "b", "who"]
    np.testing.assert_array_equal(model.predict_proba(given), model.predict_proba(table))


def test_an_estimator_says_what_it_used_and_keeps_it(make, tmp_path):
    table = pd.DataFrame({"who": [f"n{i}" for i in range(12)], "e": list(X)})
    with pytest.warns(UserWarning, match="left out of X: who"):
        model = make().fit(table)
    expected = [Column("who", "left out", "a different text in each row"), Column("e", "vector", width=2)]
    assert model.columns_ == expected
    model.save(tmp_path / "fitted")
    again = GFNCP.load(tmp_path / "fitted")
    assert again.columns_ == expected
    np.testing.assert_array_equal(again.predict_proba(table[:2]), model.predict_proba(table[:2]))
    assert [each.name for each in make().fit(X).columns_] == ["column 1", "column 2"]


def test_dates_beside_numbers_have_columns_standardised(coreset_checkpoint):
    """Days and lengths have no unit in common, however few columns there are."""
    draw = np.random.default_rng(0)
    lengths = pd.DataFrame(draw.normal(size=(30, 2)), columns=["a", "b"])
    days = pd.to_timedelta(draw.integers(0, 9, 30), unit="D") + pd.Timestamp("2024-01-01")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = [
            GFNCP(coreset_checkpoint, n_samples=3, random_state=0).fit(frame).scale_
            for frame in (lengths, lengths.assign(day=days))
        ]
    assert fitted == ["none", "columns"]


def test_a_checkpoint_that_is_no_name_is_refused():
    with pytest.raises(ValueError, match=r"'checkpoint' parameter of GFNCP must be .*None"):
        GFNCP(None).fit(X)


def test_later_rows_may_lack_what_said_nothing(coreset_checkpoint, tmp_path):
    table = FRAME.assign(who=[f"n{i}" for i in range(12)], id=range(70, 82), same=7, kind="u", none=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = GFNCP(coreset_checkpoint, n_samples=3, random_state=0).fit(table)
    model.save(tmp_path / "fitted")
    new = table.assign(a=table["a"] + 0.5)
    expected = model.predict_proba(new)
    for lacking in (["who"], ["id"], ["same"], ["kind"], ["none"], ["who", "id", "same", "kind", "none"]):
        later = new.drop(columns=lacking)
        for fitted in (model, GFNCP.load(tmp_path / "fitted")):
            np.testing.assert_array_equal(fitted.predict_proba(later), expected)
        assert later.columns.tolist() == [name for name in table.columns if name not in lacking]
    for other, message in (
        (table.drop(columns="a"), "yet now missing:\n- a"),
        (table.assign(extra=1.0), "unseen at fit time:\n- extra"),
        (table.drop(columns="id")[["b", "a", "who", "same", "kind", "none"]], "in the same order"),
    ):
        with pytest.raises(ValueError, match=message):
            model.predict(other)


# Arrays of other kinds.
