"""Columns whose numbers span orders of magnitude are pointed out, in any unit."""

import numpy as np
import pandas as pd
import pytest

from gfncp.data.columns import Columns
from gfncp.data.magnitudes import orders_of_magnitude

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("unit", [1e-8, 1.0, 1e6])
def test_orders_do_not_depend_on_the_unit_or_the_order_of_rows(unit):
    x = 10 ** np.linspace(-5, 5, 101)[:, None]
    assert orders_of_magnitude(unit * x) == orders_of_magnitude(RNG.permutation(x)) == [9]
    gap = np.append(x, [[np.nan]], axis=0)
    assert orders_of_magnitude(gap) == [9]


def test_ordinary_columns_span_few():
    wide = 10 ** np.linspace(-5, 5, 101)
    columns = [RNG.normal(50, 9, 101), RNG.lognormal(size=101), wide - 1, np.append(np.ones(100), 1e12)]
    assert orders_of_magnitude(np.stack(columns, 1)) == [0] * 4
    assert orders_of_magnitude(wide[::10, None]) == [0]  # few rows


def test_the_warning_names_the_column():
    table = pd.DataFrame({"a": RNG.normal(size=101), "dose": 10 ** np.linspace(-5, 5, 101)})
    columns = Columns.of(table)
    assert [each.orders for each in Columns.from_json(columns.to_json()).used] == [0, 9]
    with pytest.warns(UserWarning, match=r"numbers span orders of magnitude in dose \(9\): .*logarithms"):
        columns.warn()


@pytest.mark.parametrize("zeros", [0, 1, 60])
def test_amounts_are_found_whether_or_not_some_are_zero(zeros):
    amounts = np.append(RNG.lognormal(4, 2, 100), np.zeros(zeros))[:, None]
    assert orders_of_magnitude(amounts)[0] >= 2
    assert orders_of_magnitude(np.append(amounts, [[-1.0]], 0)) == [0]
    assert orders_of_magnitude(RNG.exponential(size=(500, 5))) == [0] * 5
