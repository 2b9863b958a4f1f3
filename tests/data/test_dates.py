"""Dates, times and spans are days in every container; what may be read in two ways is asked about."""

import datetime
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from gfncp.data.columns import Columns
from gfncp.data.dates import in_days
from gfncp.data.delimited import Reading
from gfncp.data.point_sets import Roles, read_sets

X = np.random.default_rng(0).normal(size=(12, 2)).round(3)
FRAME = pd.DataFrame(X, columns=["a", "b"])


def uses(columns):
    return {name: each.used for name, each in columns.items()}


DAYS = [18262.0, 18263.5, np.nan, 18293.0]
MOMENTS = pd.Series(pd.to_datetime(["2020-01-01", "2020-01-02 12:00", None, "2020-02-01"], format="ISO8601"))


@pytest.mark.parametrize(
    "column",
    [
        MOMENTS,
        MOMENTS.dt.tz_localize("UTC"),
        MOMENTS.astype("datetime64[s]"),
        MOMENTS.astype(object),
        MOMENTS.map(lambda moment: moment.to_pydatetime()).astype(object),
        pd.Series(["2020-01-01", "2020-01-02T12:00", None, "2020/02/01"]),
        pd.Series(["2020-01-01", "2020-01-02 13:00+01:00", np.nan, " 2020-02 "], dtype=object),
        MOMENTS.astype(pd.ArrowDtype(pa.timestamp("us"))),
    ],
)
def test_dates_are_days_however_they_are_held(column):
    np.testing.assert_array_equal(in_days(column), DAYS)
    table = pd.DataFrame({"when": column, "a": [1.0, 2.0, 3.0, 5.0]})
    columns = Columns.of(table)
    assert [each.used for each in columns.used] == ["date", "number"]
    with pytest.warns(UserWarning, match="1 in column 'when'"):
        assert columns.apply(table)[:, 0].tolist() == [18262.0, 18263.5, 18263.5, 18293.0]


def test_time_spans_periods_and_dates_are_read_in_days():
    np.testing.assert_array_equal(in_days(pd.Series(pd.to_timedelta(["36h", None]))), [1.5, np.nan])
    np.testing.assert_array_equal(
        in_days(pd.Series(pd.period_range("2020-01", periods=2, freq="M"))), [18262, 18293]
    )
    days = pd.Series([datetime.date(2020, 1, 1), None], dtype=object)
    np.testing.assert_array_equal(in_days(days), [18262, np.nan])
    assert in_days(pd.Series(["2020-13-45", "2020-01-01"])) is None
    assert in_days(pd.Series([1.0, 2.0])) is None


@pytest.mark.parametrize(
    "cell", ["31.01.2020", "01/02/2020", "1-2-20", "3 Jan 2020", "January 3, 2020", "1/2/2020 10:30"]
)
def test_dates_that_may_be_read_in_two_ways_are_asked_about(cell):
    with pytest.raises(
        ValueError, match=r"row 1, column 'b' holds .*: accepted are dates such as 2020-01-31"
    ):
        Columns.of(pd.DataFrame({"a": [1.0, 2.0], "b": [cell, cell]}))


def test_dates_are_alike_in_every_container(read, tmp_path):
    table = FRAME.assign(when=pd.date_range("2020-01-01", periods=12))
    table.to_parquet(tmp_path / "x.parquet")
    (parquet,) = read_sets([tmp_path / "x.parquet"], Roles())
    text, columns = read(tmp_path / "x.csv", table.to_csv(index=False))
    pd.testing.assert_frame_equal(text, parquet.points)
    assert uses(columns) == {"a": "number", "b": "number", "when": "date"}
    expected = Columns.of(table).apply(table)
    np.testing.assert_array_equal(Columns.of(text).apply(text), expected)
    np.testing.assert_array_equal(Columns.of(table).apply(table.astype({"when": str})), expected)


@pytest.mark.parametrize("kind", ["int64", "float64", "Int64"])
def test_dates_without_marks_are_dates(kind):
    days = pd.Series(pd.date_range("2019-11-28", periods=12, freq="17D"))
    table, expected = FRAME.assign(when=days.dt.strftime("%Y%m%d").astype(kind)), FRAME.assign(when=days)
    columns = Columns.of(table)
    assert uses({each.name: each for each in columns.used}) == {"a": "number", "b": "number", "when": "date"}
    np.testing.assert_array_equal(columns.apply(table), Columns.of(expected).apply(expected))
    table.loc[0, "when"] = 20191331 if kind == "Int64" else np.nan
    if kind == "Int64":
        with pytest.raises(
            ValueError, match="row 1, column 'when' holds 20191331, in a column of dates such as"
        ):
            Columns.of(table)
    else:
        assert Columns.of(table).used[2].missing == 1


def test_whole_numbers_that_are_no_dates_stay_numbers():
    for numbers in (np.arange(12) * 997 + 20000000, np.full(12, 20200131), np.linspace(0, 1, 12)):
        assert Columns.of(FRAME.assign(n=numbers)).used[2].used == "number"


@pytest.mark.parametrize(
    "write", ["{0:02d}:{1:02d}", "{0}:{1:02d}:30", "1 days {0:02d}:{1:02d}:30.5", "-{0}:{1:02d}"]
)
def test_times_are_spans(write):
    texts = [write.format(hour, minute) for hour, minute in zip(range(12), range(3, 51, 4), strict=True)]
    whole = [text if text.count(":") == 2 else f"{text}:00" for text in texts]
    days = in_days(pd.Series(texts))
    np.testing.assert_allclose(days, pd.to_timedelta(whole) / pd.Timedelta(days=1))


def test_spans_come_back_from_a_file(read, tmp_path):
    spans = pd.Series(pd.to_timedelta(np.arange(12) * 5003 - 9000, "s"))
    table = FRAME.assign(took=spans, at=[datetime.time(hour, 7) for hour in range(12)])
    found, columns = read(tmp_path / "x.csv", table.to_csv(index=False))
    assert uses(columns) == {"a": "number", "b": "number", "took": "date", "at": "date"}
    np.testing.assert_allclose(Columns.of(found).apply(found), Columns.of(table).apply(table))


def test_times_written_in_two_ways_are_no_spans():
    assert in_days(pd.Series(["12:30", "12:30:15"])) is None


@pytest.mark.parametrize("bad", ["0000-00-00", "2020-02-30", "unknown", "01/02/2020", "NaT"])
def test_a_cell_that_is_no_date_is_named_where_it_stands(bad):
    days = [*(f"2020-01-{day:02d}" for day in range(1, 12)), bad]
    with pytest.raises(
        ValueError, match=rf"row 12, column 'd' holds '{bad}', in a column of dates: accepted"
    ):
        Columns.of(FRAME.assign(d=days))
    days[-1] = None
    assert Columns.of(FRAME.assign(d=days)).used[2].used == "date"


@pytest.mark.parametrize("text", ["2020-01-31 3:05 PM", "2020.01.31", "2020-1-31, 12:00"])
def test_dates_that_are_not_as_in_iso_8601_are_no_categories(text):
    with pytest.raises(ValueError, match=r"row 1, column 'd' .*accepted are dates such as 2020-01-31"):
        Columns.of(FRAME.assign(d=[text] * 12))


@pytest.mark.parametrize(
    "cell", ["Jan-20", "12/2020", "2020Q1", "2020-W05-1", "31. Januar 2020", "3 de enero de 2020"]
)
def test_other_dates_are_no_categories_unless_said(read, tmp_path, cell):
    table = FRAME.assign(d=[cell, cell.replace("20", "21")] * 6)
    with pytest.raises(ValueError, match=r"accepted are dates such as 2020-01-31.*--categories d"):
        read(tmp_path / "x.csv", table.to_csv(index=False))
    assert (
        read(tmp_path / "x.csv", table.to_csv(index=False), Roles(categories=["d"]))[1]["d"].used
        == "category"
    )


def test_days_far_away_are_exact():
    days = in_days(pd.Series(["9999-12-31", "1970-01-02", "0001-01-01", None]))
    np.testing.assert_array_equal(days, [2932896, 1, -719162, np.nan])


@pytest.mark.parametrize("name", ["x.csv", "x.parquet"])
@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y-%m-%d %H:%M:%S", None])
def test_days_may_mean_missing(tmp_path, name, form):
    days = pd.Series(pd.date_range("2020-01-01", periods=12)).astype("datetime64[us]")
    days[:3] = pd.Timestamp("9999-12-31").as_unit("us")
    table = FRAME.assign(until=days if form is None else days.dt.strftime(form))
    (table.to_parquet if name == "x.parquet" else partial(table.to_csv, index=False))(tmp_path / name)
    (found,) = read_sets([tmp_path / name], Roles())
    assert found.points["until"].dtype.kind == "M"
    assert [each.sentinels for each in Columns.of(found.points).used][2] == ((2932896.0, 3),)
    (told,) = read_sets([tmp_path / name], Roles(), Reading(missing=["9999-12-31"]))
    assert told.points["until"].isna().sum() == 3 == told.columns[2].missing
    assert (told.points["until"].dropna() == days[3:]).all()
