"""Whole numbers of few values are pointed out beside others, in any order of rows and columns."""

import numpy as np
import pandas as pd
import pytest

from gfncp.data.codes import few_values
from gfncp.data.columns import Columns

RNG = np.random.default_rng(0)
X = np.stack([RNG.normal(size=60), RNG.normal(size=60), RNG.integers(1, 4, 60), RNG.normal(size=60)], 1)


def test_codes_are_found_in_any_order():
    places = RNG.permutation(4)
    assert few_values(X) == [0, 0, 3, 0]
    assert few_values(RNG.permutation(X)[:, places]) == [few_values(X)[place] for place in places]
    gap = np.append(X, np.full((1, 4), np.nan), axis=0)
    assert few_values(gap) == few_values(X)


def test_flags_counts_fractions_and_questionnaires_are_no_codes():
    others = [RNG.integers(0, 2, 60), RNG.integers(0, 30, 60), RNG.integers(1, 4, 60) / 4]
    for other in others:
        assert few_values(np.c_[X[:, :2], other]) == [0, 0, 0]
    assert few_values(RNG.integers(1, 6, (60, 4)).astype(float)) == [0] * 4
    assert few_values(X[:10]) == [0] * 4


def test_the_warning_names_the_column_and_is_silent_once_it_is_a_category(recwarn):
    table = pd.DataFrame(X, columns=["a", "b", "code", "c"])
    with pytest.warns(UserWarning, match=r"code \(3 values\); if they are, say .*--categories code"):
        Columns.of(table).warn()
    recwarn.clear()
    Columns.of(table.astype({"code": "category"})).warn()
    assert not recwarn.list
