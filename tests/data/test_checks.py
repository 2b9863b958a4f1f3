"""Points of every container as arrays or tables; what is neither is named."""

import re

import numpy as np
import pandas as pd
import pytest
import torch

from gfncp.data.checks import as_array, check_known, check_weights, warn_of_weights
from gfncp.data.columns import Columns

X = np.random.default_rng(0).normal(size=(12, 2)).round(3)
FRAME = pd.DataFrame(X, columns=["a", "b"])


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.bfloat16])
def test_tensors_that_are_trained_are_points(kind):
    x = torch.tensor([[1.0, 2.5], [-3.0, 4.0]], dtype=kind, requires_grad=True)
    np.testing.assert_array_equal(as_array(x, (None,), "a checkpoint"), [[1.0, 2.5], [-3.0, 4.0]])


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ((row for row in X), "X is a generator: accepted are arrays, DataFrames and lists of rows"),
        ({"a": [1, 2], "b": [3, 4]}, r"X is a dict: .*pandas.DataFrame\(X\) makes a table"),
        ([{"a": 1, "b": 2}] * 3, r"X is a list of dicts: .*pandas.DataFrame\(X\) makes a table"),
        (None, "X is a NoneType: accepted are"),
        ("x.csv", "X is a str: accepted are"),
        ([[1, 2], [1, 2, 3], [3]], "X: row 2 holds 3 values, row 1 2: accepted are rows of equal length"),
        (torch.eye(3).to_sparse(), r"X is a sparse tensor: .*X.to_dense\(\)"),
    ],
    ids=["generator", "dict", "dicts", "None", "path", "ragged", "sparse"],
)
def test_what_is_no_array_is_named(points, message):
    with pytest.raises(ValueError, match=message):
        as_array(points, (None,), "X")


def test_structured_arrays_are_tables():
    held = np.rec.fromarrays(X.T, names="a,b")
    pd.testing.assert_frame_equal(as_array(held, (None,), "X"), FRAME)


def test_masked_texts_are_missing():
    mask = np.zeros(X.shape, dtype=bool)
    mask[2, 1] = True
    held = as_array(np.ma.masked_array(X.astype(str), mask), (None,), "X")
    assert held[2, 1] is None and held[1, 1] == str(X[1, 1])
    records = np.ma.masked_array(np.rec.fromarrays(X.T, names="a,b"), [tuple(row) for row in mask])
    pd.testing.assert_frame_equal(as_array(records, (None,), "X"), FRAME.where(~mask))


def test_vectors_in_structured_arrays_are_vectors():
    held = np.zeros(12, dtype=[("e", float, (2,)), ("a", float)])
    held["e"], held["a"] = X, X[:, 0]
    table = as_array(held, (None,), "X")
    np.testing.assert_array_equal(Columns.of(table).apply(table), np.c_[X, X[:, 0]])


def test_what_is_ambiguous_or_no_number_is_refused():
    with pytest.raises(
        ValueError, match="X has several columns 'a': accepted are columns of different names"
    ):
        as_array(FRAME.set_axis(["a", "a"], axis=1), (None,), "X")
    with pytest.raises(ValueError, match=r"pandas.DataFrame\(X\) makes a table of dates"):
        as_array(np.array([["2020-01-31"]], dtype="datetime64[D]"), (None,), "X")
    with pytest.raises(ValueError, match=r"X is no array: .*requires grad"):
        as_array([torch.ones(2, requires_grad=True)] * 3, (None,), "X")


def test_weights_may_be_changed_without_changing_what_was_given():
    given = pd.Series([1.5, 2.0])
    check_weights(given, 2)[0] = 7
    assert given.tolist() == [1.5, 2.0]
    given = np.array([1.5, 2.0])
    given.flags.writeable = False
    assert check_weights(given, 2).flags.writeable


@pytest.mark.parametrize("largest", [1e-300, 1e38])
def test_weights_near_the_ends_of_float32_are_refused(largest):
    said = re.escape(f"sample_weight: the largest weight is {largest:g}: accepted is one from")
    with pytest.raises(ValueError, match=said):
        check_weights([0, largest], 2)
    assert check_weights([1e-300, 1], 2).tolist() == [1e-300, 1]


@pytest.mark.parametrize("label", [("a", 1), [1, 2], np.inf, np.float32("-inf")])
def test_known_labels_that_are_neither_text_nor_finite_numbers_are_refused(label):
    with pytest.raises(ValueError, match=r"known_labels\[1\] is .*accepted are finite numbers and text"):
        check_known([None, label, None], 3)


@pytest.mark.parametrize("weights", [np.full(300, 1 / 300), np.full(80, 100.0)], ids=["sum to 1", "hundreds"])
def test_weights_that_are_no_counts_are_pointed_out(weights):
    with pytest.warns(UserWarning, match="relative weights should be divided by their mean"):
        warn_of_weights(weights)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("weights", [np.ones(9), np.arange(6.0), np.array([0.0, 0.0, 1.0])])
def test_counts_of_rows_are_not_pointed_out(weights):
    warn_of_weights(weights)
