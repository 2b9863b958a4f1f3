"""Numbers that may mean "missing": which are pointed out, and which are not."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gfncp.data.column_uses import Column, describe_columns
from gfncp.data.columns import Columns
from gfncp.data.sentinels import Sentinel, sentinels

RNG = np.random.default_rng(0)
NORMAL = RNG.normal(size=150)
AGES = RNG.integers(18, 91, 150)
ANSWERS = RNG.integers(1, 6, 150)
INCOMES = RNG.lognormal(10, 1, 150)


def found(*parts):
    """The sentinels of one column."""
    column = np.concatenate([np.asarray(part, float) for part in parts])
    return sentinels(RNG.permutation(column)[:, None])[0]


@pytest.mark.parametrize(
    "values", [NORMAL, AGES, ANSWERS, np.rint(NORMAL), 8 * RNG.integers(0, 3, 150) + NORMAL]
)
@pytest.mark.parametrize("code", [-999.0, 999.0, 9999.0, 1e6, -1e300])
def test_repeated_values_far_from_all_others_are_pointed_out(values, code):
    assert found(values, [code] * 5) == (Sentinel(code, 5),)
    assert found(values, [code] * 5, [np.nan] * 20) == (Sentinel(code, 5),)
    assert found(values, [code] * 2) == ()  # repeated by chance
    assert found(values, [code] * 5, [-1e7, 3e8]) == (Sentinel(code, 5),)  # gross outliers do not hide them


def test_codes_on_both_sides_and_several_of_them():
    assert found(NORMAL, [-999] * 5, [999] * 4) == (Sentinel(-999, 5), Sentinel(999, 4))
    assert found(ANSWERS, [77] * 5, [99] * 4) == (Sentinel(77, 5), Sentinel(99, 4))
    assert found(AGES, [-99] * 4, [-999] * 3) == (Sentinel(-999, 3), Sentinel(-99, 4))


@pytest.mark.parametrize("values", [AGES, INCOMES, ANSWERS])
def test_negative_nines_are_pointed_out_wherever_the_others_are(values):
    for code in (-9, -99, -999):
        assert found(values, [code] * 3) == (Sentinel(code, 3),)
    assert found(values, [-9] * 3, [-4, -7]) == ()


@pytest.mark.parametrize(
    "values",
    [
        [0] * 90 + [1] * 20,  # flags
        [0] * 90 + [100] * 20,
        [5.0] * 150,
        [np.nan] * 9,
        [1.0],
        np.r_[NORMAL, NORMAL, NORMAL, [50.0]],
        np.r_[NORMAL, 1e4 + NORMAL[:20]],  # a cluster
        np.r_[np.rint(NORMAL), 1e3 + np.rint(3 * NORMAL[:40])],
        RNG.poisson(RNG.gamma(0.3, 3, 200)),
        RNG.geometric(0.4, 200),
        np.rint(RNG.lognormal(0, 1.5, 200)),
        np.r_[np.arange(100.0), [100.0] * 20],  # top coding
        np.repeat([-1, 0, 1], 50),
    ],
)
def test_nothing_is_said_of_clusters_flags_and_tails(values):
    assert found(values) == ()


@given(
    hnp.arrays(
        float,
        st.tuples(st.integers(1, 12), st.integers(0, 3)),
        elements=st.sampled_from([0, 1, -9, 1e300, -1e308, np.nan, 3.5, 2]),
    ),
    st.randoms(),
)
def test_any_numbers_get_an_answer_that_the_order_of_rows_does_not_change(x, random):
    order = list(range(len(x)))
    random.shuffle(order)
    assert sentinels(x) == sentinels(x[order])


def test_a_large_table_is_looked_at_in_part_and_counted_whole():
    column = np.r_[np.tile(NORMAL, 400), [-999.0] * 300]
    assert sentinels(RNG.permutation(column)[:, None]) == [(Sentinel(-999.0, 300),)]


def test_columns_keep_them_and_a_warning_names_them():
    x = pd.DataFrame({"a": NORMAL, "b": AGES, "when": pd.date_range("2020-01-01", periods=150)})
    x.loc[:4, "a"] = -999
    x.loc[2:8, "b"] = -999
    x.loc[5:8, "when"] = pd.Timestamp("1900-01-01")
    columns = Columns.of(x)
    assert columns.used[0] == Column("a", "number", sentinels=(Sentinel(-999.0, 5),))
    assert Columns.from_json(columns.to_json()).used == columns.used
    assert describe_columns(columns.used)[0] == "Numbers: a, b"
    with pytest.warns(UserWarning, match="dates in X|stands in") as caught:
        columns.warn()
    texts = [str(each.message) for each in caught][1:]
    assert texts[0].startswith(
        "X: -999 stands in 5 rows of a, 7 rows of b, unlike all other numbers: if it means missing, put NaN"
    )
    assert "--missing -999 " in texts[0]
    assert texts[1].startswith("X: 1900-01-01 stands in 4 rows of when")
    assert [each.sentinels for each in Columns.of(x[["a"]].replace(-999, np.nan)).used] == [()]
    vectors = pd.DataFrame({"e": list(np.c_[x["a"], x["b"]])})
    assert Columns.of(vectors).used[0].sentinels == ()


NONE = ["0001-01-01", "1900-01-01", "1970-01-01", "2999-12-31", "9999-12-31"]
RECENT = pd.Series(pd.date_range("2019-03-01", "2023-03-01", periods=150)).dt.floor("D")


@pytest.mark.parametrize("none", NONE)
def test_days_that_stand_for_none_are_pointed_out_as_days(none):
    for days in (RECENT, pd.Series(pd.date_range("1975-01-01", "2023-03-01", periods=150)).dt.floor("D")):
        texts = days.dt.strftime("%Y-%m-%d")
        texts[:4] = none
        columns = Columns.of(pd.DataFrame({"a": NORMAL, "when": texts}))
        assert [(columns.used[1].shown(value), rows) for value, rows in columns.used[1].sentinels] == [
            (none, 4)
        ]
        with pytest.warns(UserWarning, match=rf"{none} stands in 4 rows of when, .*--missing {none}"):
            columns.warn()


def test_days_among_others_and_spans_are_not_pointed_out():
    births = pd.Series(pd.date_range("1940-01-01", "1999-01-01", periods=150)).dt.floor("D")
    births[:5] = pd.Timestamp("1970-01-01")
    spans = pd.Series(pd.to_timedelta(AGES - AGES.min(), "D"))  # several of none at all
    for column in (births, spans):
        assert Columns.of(pd.DataFrame({"a": NORMAL, "when": column})).used[1].sentinels == ()
    spans[:5] = pd.Timedelta(days=9999)
    used = Columns.of(pd.DataFrame({"a": NORMAL, "when": spans})).used[1]
    assert used.shown(used.sentinels[0].value) == "9999 days 00:00:00"
