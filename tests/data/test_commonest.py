"""Columns of mostly one number: which are found, and that they count like flags."""

import numpy as np
import pandas as pd
import pytest

from gfncp.data.columns import Columns
from gfncp.data.commonest import commonest

RNG = np.random.default_rng(0)
ROWS = 200
AMOUNTS = np.where(np.arange(ROWS) % 10 == 0, RNG.lognormal(3, 1, ROWS), 0.0)
X = RNG.normal(size=(ROWS, 3))


@pytest.mark.parametrize("usual", [0.0, 7.0, -1e6])
def test_the_commonest_number_is_found_in_any_order_beside_gaps(usual):
    column = RNG.permutation(AMOUNTS)[:, None] + usual
    assert commonest(np.c_[X, column]) == [0, 0, 0, 0.9]
    column[::2] = np.nan
    share = (column[1::2] == usual).mean()
    assert commonest(np.c_[X, column])[3] == pytest.approx(share)


def test_nothing_is_found_among_others():
    flags = (AMOUNTS > 0).astype(float)
    spread = np.where(np.arange(ROWS) % 2 == 0, AMOUNTS, 0) + RNG.integers(0, 3, ROWS)
    assert commonest(np.c_[X, flags, spread, np.ones(ROWS), np.full(ROWS, np.nan)]) == [0] * 7
    assert commonest(AMOUNTS[:12, None]) == [0]
    assert commonest(np.empty((ROWS, 0))) == []


def test_tables_of_such_columns_are_left_alone():
    assert commonest(np.stack([RNG.permutation(AMOUNTS) for _ in range(4)], 1)) == [0] * 4


def test_one_column_among_very_many_is_left_alone():
    assert commonest(np.c_[RNG.normal(size=(ROWS, 60)), AMOUNTS]) == [0] * 61


def test_they_count_like_flags():
    table = pd.DataFrame(X, columns=list("abc")).assign(paid=AMOUNTS)
    columns, flag = Columns.of(table), Columns.of(table.assign(paid=AMOUNTS > 0))
    assert [each.same for each in Columns.from_json(columns.to_json()).used] == [0, 0, 0, 0.9]
    assert np.array_equal(columns.importance(0.1), flag.importance(0.1))
    assert (
        columns.importance(1.0) is None is Columns.of(table[["paid"]]).importance(0.1)
    )  # alone it is a number
    assert columns.without_categories().apply(table).shape == (ROWS, 3)
    with pytest.warns(
        UserWarning, match=r"the same number in paid \(90% of the rows\): .*categorical_weight=1"
    ):
        columns.warn()
