"""How tables are read: marks and delimiters, cells that are no numbers, what is used as what, or left out."""

import datetime
import gzip
import warnings
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st

from gfncp import GFNCP
from gfncp.cli import main
from gfncp.data import read_points
from gfncp.data.cells import are_meant_as_numbers, as_number, looks_like_number
from gfncp.data.checks import as_array
from gfncp.data.column_uses import REPEATED, Column, describe_columns
from gfncp.data.columns import Columns
from gfncp.data.dates import in_days
from gfncp.data.delimited import Reading, detect_delimiter
from gfncp.data.point_sets import Roles, read_sets
from gfncp.training.own_points import store

X = np.random.default_rng(0).normal(size=(12, 2)).round(3)
FRAME = pd.DataFrame(X, columns=["a", "b"])


def read(path, content, roles=None, **said):
    """The table in a file with this content, and what its columns are used as."""
    content = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(content) if path.suffix.lower() == ".gz" else content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        (found,) = read_sets([path], roles or Roles(), Reading(**said))
    return found.points, {each.name: each for each in found.columns}


def uses(columns):
    return {name: each.used for name, each in columns.items()}


# Text files.


@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.txt", "x.csv.gz", "X.TXT.GZ"])
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", " "])
def test_delimiters_and_decimal_marks_are_detected(tmp_path, name, decimal, delimiter):
    if decimal == delimiter:
        pytest.skip("quoted cells with commas are asked about")
    found, _ = read(tmp_path / name, FRAME.to_csv(index=False, sep=delimiter, decimal=decimal))
    pd.testing.assert_frame_equal(found, FRAME, check_index_type=False)


@pytest.mark.parametrize("delimiter", [";", "tab", r"\t", "space", ","])
def test_given_delimiters_and_decimal_marks_are_used(tmp_path, delimiter):
    mark = {"tab": "\t", r"\t": "\t", "space": " "}.get(delimiter, delimiter)
    text = FRAME.to_csv(index=False, sep=mark, decimal=",")
    found, _ = read(tmp_path / "x.csv", text, delimiter=delimiter, decimal=",")
    np.testing.assert_array_equal(found.to_numpy(), X)


@pytest.mark.parametrize("mark", [",", ".", "'", "space"])
def test_thousands_are_asked_for(tmp_path, mark):
    shown, decimal = {"space": " "}.get(mark, mark), "," if mark == "." else "."
    values = [1234567.5, -1234.0, 12.0, 999.0]
    cells = [f"{value:,}".translate({ord(","): shown, ord("."): decimal}) for value in values]
    text = "a;b\n" + "".join(f"{cell};{i * i}\n" for i, cell in enumerate(cells))
    found, _ = read(tmp_path / "x.csv", text, thousands=mark)
    assert found["a"].tolist() == values
    with pytest.raises(ValueError, match=r"x\.csv: data row 1, column 'a' holds .*--thousands"):
        read(tmp_path / "x.csv", text)


def test_grouping_is_not_mistaken(tmp_path):
    with pytest.raises(ValueError, match=r"row 2, column 'a' holds '3,5', in a column of numbers"):
        read(tmp_path / "x.csv", "a;b\n1,234;1\n3,5;2\n", thousands=",")
    with pytest.raises(ValueError, match=r"row 2, column 'a' holds '1\.234'"):
        read(tmp_path / "x.csv", "a;b\n3,5;1\n1.234;2\n", decimal=",")
    for ambiguous in ("1,234", "-12,345"):  # may be about one, or a thousand
        with pytest.raises(ValueError, match=r"--thousands , .*; --decimal , "):
            read(tmp_path / "x.csv", f"a;b\n{ambiguous};1\n2,500;2\n")


def test_a_note_tells_what_was_detected(tmp_path):
    (tmp_path / "x.csv").write_text("a;b\n1,5;2\n2,5;4\n")
    with pytest.warns(
        UserWarning, match=r"x\.csv: as detected, its columns .* by ';' and its decimal mark is ','"
    ):
        read_points(tmp_path / "x.csv")


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ("a,b\n1,2,3\n3,4,5\n", ","),
        ("a,b;c\n1,5;2\n2,5;3\n", ";"),
        ('"a;b",c\n1,2\n3,4\n', ","),
        ("some name\n1\n2\n", ","),
        ("first last\nAnn Smith\nBob Jones\n", ","),
        ("", ","),
        ("\0\n\0", ","),
    ],
)
def test_delimiters_of_odd_files_are_detected(sample, expected):
    assert detect_delimiter(sample) == expected


@pytest.mark.parametrize(("encoding", "advised"), [("latin-1", "latin-1"), ("utf-16", "utf-16")])
def test_other_encodings_are_asked_for(tmp_path, encoding, advised):
    content = "größe,b\n1,2\n2,4\n".encode(encoding)
    with pytest.raises(
        ValueError, match=rf"x\.csv: cannot be read \(it is not UTF-8: .*--encoding {advised}"
    ):
        read(tmp_path / "x.csv", content)
    with pytest.raises(ValueError, match=r"encoding='latin-1'|encoding='utf-16'"):  # who has no such option
        read_points(tmp_path / "x.csv")
    found, _ = read(tmp_path / "x.csv", content, encoding=encoding)
    assert found.columns.tolist() == ["größe", "b"]
    with pytest.raises(ValueError, match="unknown encoding: no-such"):
        read(tmp_path / "x.csv", content, encoding="no-such")


def test_a_mark_of_the_byte_order_is_no_text(tmp_path):
    assert read(tmp_path / "x.csv", "\ufeffa,b\n1,2\n3,5\n")[0].columns.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"decimal": ";"}, r"decimal=';': accepted are '\.' and ','"),
        ({"delimiter": "::"}, "delimiter='::': accepted are one character, 'tab' and 'space'"),
        ({"thousands": "_"}, "thousands='_': accepted are"),
        ({"thousands": ",", "decimal": ","}, "not the decimal mark"),
    ],
)
def test_marks_that_cannot_be_are_refused(said, message):
    with pytest.raises(ValueError, match=message):
        Reading(**said)


@pytest.mark.parametrize(
    ("name", "said", "kind"),
    [
        ("x.parquet", {"delimiter": ";"}, "text files"),
        ("x.npz", {"missing": ["?"]}, "tables"),
        ("x.csv", {"array": "x"}, "NPZ and safetensors files"),
    ],
)
def test_what_is_said_of_other_files_is_refused(tmp_path, name, said, kind):
    with pytest.raises(ValueError, match=f"is accepted for {kind} only"):
        read(tmp_path / name, b"", **said)


# Numbers with a few cells that are none.

BAD = {
    "?": "--missing '\\?'",
    "-": "--missing -",
    "n.a.": "--missing n.a.",
    "30,000": "--thousands , .*; --decimal , ",
    "1,234,567": "--thousands ,",
    "3,5": "--decimal ,",
    "1.234.567": "--thousands \\.",
    "$12": "remove the signs",
    "12 %": "remove the signs",
    "12 kg": "remove the unit",
    "Total": "remove the row if it sums up others",
    "x" * 100: "missing values; --categories b",
}


@pytest.mark.parametrize(("cell", "advice"), BAD.items(), ids=[name[:9] for name in BAD])
@pytest.mark.parametrize("place", [0, 7, 11])
def test_a_bad_cell_among_numbers_is_refused_with_its_place(tmp_path, cell, advice, place):
    table = FRAME.astype(str)
    table.loc[place, "b"] = cell
    message = rf"x\.csv: data row {place + 1}, column 'b' holds .*, in a column of numbers: .*{advice}"
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "x.csv", table.to_csv(index=False))
    table.to_parquet(tmp_path / "x.parquet")
    with pytest.raises(ValueError, match=message.replace("csv", "parquet")):
        read_sets([tmp_path / "x.parquet"], Roles())
    with pytest.raises(ValueError, match=f"X: row {place + 1}, column 'b' holds .*'category'"):
        Columns.of(table)
    with pytest.raises(ValueError, match=f"X: row {place + 1}, column 2 holds"):
        Columns.of(table.to_numpy())


@pytest.mark.parametrize("name", ["x.csv", "x.parquet"])
@pytest.mark.parametrize("cell", ["?", "-", "Total", "-999"])
def test_given_codes_of_missing_values_are_missing(tmp_path, name, cell):
    table = FRAME.astype(str)
    table.loc[5, "b"] = cell
    if name == "x.csv":
        table.to_csv(tmp_path / name, index=False)
    else:
        table.to_parquet(tmp_path / name)
    (found,) = read_sets([tmp_path / name], Roles(), Reading(missing=["other", cell]))
    expected = FRAME.copy()
    expected.loc[5, "b"] = np.nan
    pd.testing.assert_frame_equal(found.points, expected, check_index_type=False)
    assert [each.missing for each in found.columns] == [0, 1]


def test_numbers_that_are_missing_in_parquet(tmp_path):
    FRAME.assign(b=[7.0] + [-999.0] * 11).to_parquet(tmp_path / "x.parquet")
    (found,) = read_sets([tmp_path / "x.parquet"], Roles(), Reading(missing=["-999"]))
    assert found.points["b"].isna().sum() == 11 and found.points["a"].tolist() == FRAME["a"].tolist()


def test_columns_that_are_said_to_be_categories_are(tmp_path):
    text = "a,grade,zip\n" + "".join(f"{i * i},{'12?'[i % 3]},{i % 3}\n" for i in range(9))
    found, columns = read(tmp_path / "x.csv", text, Roles(categories=["grade", "zip"]))
    assert uses(columns) == {"a": "number", "grade": "category", "zip": "category"}
    assert found["grade"].tolist() == ["1", "2", "?"] * 3
    unique = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": pd.Categorical(["x", "y", "z"])})
    assert [each.used for each in Columns.of(unique).used] == ["number", "category"]
    for categories, message in ((["no"], "there is no column 'no'"), (["a"], "'a' has another role")):
        with pytest.raises(ValueError, match=message):
            read(tmp_path / "x.csv", text, Roles(columns=["grade"], categories=categories))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_look_like_numbers_however_they_are_written(values):
    for value in values:
        for text in (repr(value), f" {value:e} ", f"{value:.2f}", f"${value:.2f}", f"{value:.0f} %"):
            assert looks_like_number(text)
        assert as_number(repr(value)) == value
        assert looks_like_number(f"{round(value) % 10**9:,}")


@given(st.text())
def test_any_text_gets_an_answer(text):
    looks_like_number(text)
    are_meant_as_numbers([text, "1"])
    assert as_number(text) is None or "_" not in text


def test_columns_of_mostly_numbers_are_meant_as_numbers():
    assert are_meant_as_numbers(["1", "2", "?", "-"])  # half of what is different
    assert not are_meant_as_numbers(["1", "?", "-"])
    assert are_meant_as_numbers(["1"] * 8 + ["?", "-"])  # four fifths of all
    assert not are_meant_as_numbers(["1"] * 7 + ["?", "-", "x"])
    assert not are_meant_as_numbers(["u", "v", "2020-01-01", "1.2.3", "A4"])
    assert not are_meant_as_numbers([True, False])


# Dates.

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


def test_dates_are_alike_in_every_container(tmp_path):
    table = FRAME.assign(when=pd.date_range("2020-01-01", periods=12))
    table.to_parquet(tmp_path / "x.parquet")
    (parquet,) = read_sets([tmp_path / "x.parquet"], Roles())
    text, columns = read(tmp_path / "x.csv", table.to_csv(index=False))
    pd.testing.assert_frame_equal(text, parquet.points)
    assert uses(columns) == {"a": "number", "b": "number", "when": "date"}
    expected = Columns.of(table).apply(table)
    np.testing.assert_array_equal(Columns.of(text).apply(text), expected)
    np.testing.assert_array_equal(Columns.of(table).apply(table.astype({"when": str})), expected)


# Vectors.


@pytest.mark.parametrize("kind", [list, tuple, np.asarray, lambda row: np.float32(row).tolist()])
def test_lists_of_numbers_are_vectors(kind):
    table = pd.DataFrame({"kind": list("uv") * 6, "e": [kind(row) for row in X], "a": X[:, 0]})
    found = Columns.of(table).apply(table)
    np.testing.assert_allclose(found[:, :3], np.c_[X, X[:, 0]], rtol=1e-6)
    table.loc[3, "e"] = None
    columns = Columns.of(table)
    with pytest.warns(UserWarning, match=r"\(1 in column 'e'\)"):
        filled = columns.apply(table)
    np.testing.assert_allclose(filled[3, :2], np.median(np.delete(X, 3, 0), 0), rtol=1e-6)
    assert columns.used[1] == Column("e", "vector", width=2, missing=1)
    again = Columns.from_json(columns.to_json())
    assert again.used == columns.used


def test_embeddings_in_parquet_are_read_wherever_files_are(tmp_path):
    path = tmp_path / "embeddings.parquet"
    pd.DataFrame({"text": [f"t{i}" for i in range(12)], "embedding": list(X)}).to_parquet(path)
    with pytest.warns(UserWarning, match=r"left out of X: text \(a different text in each row\)"):
        np.testing.assert_array_equal(read_points(path)[0], X)
    (found,) = read_sets([path], Roles(ids="text"))
    np.testing.assert_array_equal(found.points.to_numpy(), X)
    assert found.points.index.tolist() == [f"t{i}" for i in range(12)]
    pa.parquet.write_table(pa.table({"e": pa.array(X.tolist(), pa.list_(pa.float32(), 2))}), path)
    np.testing.assert_array_equal(read_points(path)[0], X.astype(np.float32))
    kept = store(pd.DataFrame({"e": list(X)}), tmp_path / "run")
    np.testing.assert_array_equal(read_points(kept)[0], X.astype(np.float32))


def test_a_vector_of_another_length_is_refused_later_on():
    columns = Columns.of(pd.DataFrame({"e": [[1, 2], [3, 4]]}))
    for other in ([1], 3.0, "x", ["a", "b"], [[1], [2]]):
        with pytest.raises(
            ValueError, match=r"X: row 2, column 'e' holds .*: accepted are lists of 2 numbers"
        ):
            columns.apply(pd.DataFrame({"e": pd.Series([[1, 2], other], dtype=object)}))


# What is left out.


def test_names_and_numbers_of_rows_are_left_out_of_files(tmp_path):
    table = FRAME.assign(
        number=range(1, 13), customer_id=range(70, 82), who=[f"n{i}" for i in range(12)], kind=list("uv") * 6
    )
    for content in (table.to_csv(), table.to_csv(index_label="")):
        found, columns = read(tmp_path / "x.csv", content)
        assert found.columns.tolist() == ["a", "b", "kind"]
        left_out = {name for name, used in uses(columns).items() if used == "left out"}
        assert left_out == {"Unnamed: 0", "number", "customer_id", "who"}
    chosen = ["a", "number", "customer_id"]
    found, _ = read(tmp_path / "x.csv", table.to_csv(), Roles(columns=chosen))
    np.testing.assert_array_equal(found.to_numpy(), table[chosen].to_numpy())
    with pytest.raises(ValueError, match=r"column 'who' holds a different text in each row.*--id-column who"):
        read(tmp_path / "x.csv", table.to_csv(), Roles(columns=["a", "who"]))


@pytest.mark.parametrize(
    "column", [[*range(11), 12], [float(i) for i in range(12)], [1] * 12, [5 * i % 12 for i in range(12)]]
)
def test_integers_that_do_not_count_rows_are_numbers(tmp_path, column):
    table = FRAME.assign(n=list(column))
    assert uses(read(tmp_path / "x.csv", table.to_csv(index=False))[1])["n"] == "number"


def test_a_file_is_never_left_without_columns(tmp_path):
    text = "n\n" + "".join(f"{i}\n" for i in range(9))
    assert read(tmp_path / "x.csv", text)[0]["n"].tolist() == list(range(9))
    with pytest.raises(ValueError, match=r"x\.csv: no column is left to cluster by \(n: a different text"):
        read(tmp_path / "x.csv", "n\nu\nv\nw\n")


@pytest.mark.parametrize(
    ("name", "values", "used"),
    [
        ("Unnamed: 0", [3, 1, 2], "left out"),
        ("__index_level_0__", [3, 1, 2], "left out"),
        ("Unnamed: 0", [3, 1, 1], "number"),
        ("Unnamed: 0", [0.5, 1.5, 2.5], "number"),
        ("Unnamed: 3", [None, None, None], "left out"),
        ("id", [30, 10, 20], "left out"),
        ("Customer ID", [30, 10, 20], "left out"),
        ("passengerId", [30, 10, 20], "left out"),
        ("row", [0, 1, 2], "left out"),
        ("id", [30, 10, 10], "number"),
        ("id", [30.0, 10.0, 20.0], "number"),
        ("body_mass_index", [30, 10, 20], "number"),
        ("grid", [30, 10, 20], "number"),
        ("n", [0, 1, 2], "number"),
        ("who", ["x", "y", "z"], "left out"),
        ("who", ["x", None, "z"], "category"),
        ("who", ["x", "y", "y"], "category"),
    ],
)
def test_the_use_of_a_column_of_a_data_frame_follows_its_values(name, values, used):
    table = pd.DataFrame({"a": [1.0, 2.0, 4.0], name: values})
    columns = Columns.of(table)
    assert [each.used for each in columns.used] == ["number", used]
    assert (columns.used[1].why not in ("", REPEATED)) == (used != "number")


def test_no_number_of_an_array_is_left_out_but_names_are():
    assert Columns.of(np.c_[np.arange(9), X[:9]]).apply(np.c_[np.arange(9), X[:9]]).shape == (9, 3)
    named = np.c_[X[:4].astype(object), list("uvwx")]
    columns = Columns.of(named)
    assert [each.used for each in columns.used] == ["number", "number", "left out"]
    np.testing.assert_array_equal(columns.apply(named), X[:4])


# Arrays.


def test_an_array_is_read_by_its_name(tmp_path):
    np.savez(tmp_path / "x.npz", y=X, z=X[:, 0])
    (found,) = read_sets([tmp_path / "x.npz"], Roles(), Reading(array="y"))
    np.testing.assert_array_equal(found.points, X)
    with pytest.raises(ValueError, match=r"expected an array named 'x', found \['y', 'z'\]; --array y"):
        read_sets([tmp_path / "x.npz"], Roles())
    with pytest.raises(ValueError, match=r"shape \(12,\).*x\.reshape\(-1, 1\)"):
        read_sets([tmp_path / "x.npz"], Roles(), Reading(array="z"))


@pytest.mark.parametrize("kind", [scipy.sparse.csr_array, scipy.sparse.csc_matrix, scipy.sparse.coo_array])
def test_sparse_matrices_get_advice(tmp_path, vector_checkpoint, kind):
    scipy.sparse.save_npz(tmp_path / "x.npz", kind(np.eye(3)))
    for use in (
        lambda: read_points(tmp_path / "x.npz"),
        lambda: GFNCP(vector_checkpoint).fit(kind(np.eye(3))),
    ):
        with pytest.raises(ValueError, match="TruncatedSVD"):
            use()


# The estimator.


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


# What is said.


def test_columns_are_described_in_a_line_each():
    number, category = Column("n", "number", missing=2), Column("k", "category", "3 values")
    assert describe_columns([number, category, Column("w", "left out", "why")]) == [
        "Numbers: n (2 filled in)",
        "Categories: k (3 values)",
        "Left out: w (why)",
    ]
    assert describe_columns([number] * 384) == ["Numbers: columns 1 to 384"]
    many = [*[number] * 8, category, *[number] * 2]
    assert describe_columns(many)[0] == "Numbers: columns 1 to 8, 10 to 11"
    mixed = describe_columns([number, category] * 50)
    assert mixed[0] == "Numbers: columns 1, 3, 5, 7, 9, 11 and others, 50 in all"
    assert describe_columns([]) == []


def test_the_command_line_says_what_it_used(vector_checkpoint, tmp_path, capsys):
    table = FRAME.assign(id=range(70, 82))
    table.loc[3, "b"] = np.nan
    table.astype(object).fillna("?").to_csv(tmp_path / "x.csv", sep=";", index=False)
    command = ["cluster", str(tmp_path / "x.csv"), "--checkpoint", str(vector_checkpoint), "--samples", "3"]
    command += ["--output", str(tmp_path / "out"), "--no-pictures"]
    assert main(command) == 2
    assert "data row 4, column 'b' holds '?', in a column of numbers" in capsys.readouterr().err
    assert main([*command, "--missing", "?"]) == 0
    said = capsys.readouterr()
    lines = [
        f"{tmp_path / 'x.csv'}: as detected, its columns are separated by ';'",
        "Numbers: a, b (1 filled in)",
        "Left out: id (it counts the rows)",
        "--id-column id names the points by it in labels.csv; --columns chooses what is clustered by",
    ]
    for line in lines:
        assert f"Note: {line}\n" in said.err and line not in said.out
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<p>Numbers: a, b (1 filled in).</p>" in page and "<p>Left out: id (" in page
    assert main([*command, "--missing", "?", "--id-column", "id"]) == 0
    assert "Left out" not in capsys.readouterr().err
    assert pd.read_csv(tmp_path / "out" / "labels.csv")["id"].tolist() == list(range(70, 82))


def test_the_command_line_points_out_codes_and_weighs_categories(vector_checkpoint, tmp_path, capsys):
    table = FRAME.assign(flag=[True, False] * 6)
    table.loc[:2, "b"] = -999
    table.to_csv(tmp_path / "x.csv", index=False)
    command = ["cluster", str(tmp_path / "x.csv"), "--checkpoint", str(vector_checkpoint), "--samples", "3"]
    command += ["--output", str(tmp_path / "out"), "--no-pictures", "--categorical-weight", "0"]
    assert main(command) == 0
    said = capsys.readouterr().err
    for line in (
        "X: -999 stands in 3 rows of b, unlike all other numbers: if it means missing, put NaN there "
        "(--missing -999 on the command line)",
        "Left out: flag (a category of weight 0)",
        f"Checkpoint: {vector_checkpoint.name}",
    ):
        assert said.count(f"Note: {line}\n") == 1
    assert main([*command, "--missing", "-999"]) == 0
    assert "Numbers: a, b (3 filled in)" in (said := capsys.readouterr().err) and "unlike" not in said
    assert main([*command[:-1], "-1"]) == 2


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.bfloat16])
def test_tensors_that_are_trained_are_points(kind):
    x = torch.tensor([[1.0, 2.5], [-3.0, 4.0]], dtype=kind, requires_grad=True)
    np.testing.assert_array_equal(as_array(x, (None,), "a checkpoint"), [[1.0, 2.5], [-3.0, 4.0]])


def test_options_of_reading_are_refused_on_ray(capsys):
    assert main(["cluster", "x.parquet", "--engine", "ray", "--decimal", ","]) == 2
    assert "--decimal=,: accepted with --engine local only" in capsys.readouterr().err


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


# Points that are no arrays.


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


def test_a_checkpoint_that_is_no_name_is_refused():
    with pytest.raises(ValueError, match=r"'checkpoint' parameter of GFNCP must be .*None"):
        GFNCP(None).fit(X)


# Dates without marks, times, and what is empty.


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


def test_spans_come_back_from_a_file(tmp_path):
    spans = pd.Series(pd.to_timedelta(np.arange(12) * 5003 - 9000, "s"))
    table = FRAME.assign(took=spans, at=[datetime.time(hour, 7) for hour in range(12)])
    found, columns = read(tmp_path / "x.csv", table.to_csv(index=False))
    assert uses(columns) == {"a": "number", "b": "number", "took": "date", "at": "date"}
    np.testing.assert_allclose(Columns.of(found).apply(found), Columns.of(table).apply(table))


def test_times_written_in_two_ways_are_no_spans():
    assert in_days(pd.Series(["12:30", "12:30:15"])) is None


def test_empty_columns_are_left_out_and_empty_rows_named():
    table = FRAME.assign(nothing=np.nan, none=None, kind=["u", "v"] * 6)
    table.loc[[4, 7], ["a", "b", "kind"]] = np.nan
    columns = Columns.of(table)
    assert [each.why for each in columns.used[2:4]] == ["no values"] * 2
    with pytest.warns(UserWarning, match="nothing is known of rows 5, 8, whose clusters mean nothing"):
        columns.apply(table)
    table.loc[4, "kind"] = "u"
    with pytest.warns(UserWarning, match="nothing is known of row 8,"):
        columns.apply(table)


@pytest.mark.parametrize("X", [np.full((4, 2), np.nan), FRAME * np.nan], ids=["array", "table"])
def test_points_without_a_value_are_refused(X):
    with pytest.raises(ValueError, match=r"all values are missing|no column is left .*no values"):
        Columns.of(X)


# Labels left in a table, cells of several kinds, and files that no parser reads.


@pytest.mark.parametrize(
    "name", ["species", "Class", "label", "true label", "y_true", "cluster_id", "ground truth"]
)
def test_columns_that_seem_to_hold_known_clusters_are_pointed_out(name):
    for values in (["u", "v", "w"] * 4, [0, 1, 2] * 4):
        with pytest.warns(UserWarning, match=rf"X: {name}: .*--label-column '?{name}"):
            Columns.of(FRAME.assign(**{name: values})).warn()


@pytest.mark.parametrize("name", ["classy", "labeled", "targets met", "y", "subspecies count"])
def test_other_columns_are_not(name, recwarn):
    Columns.of(FRAME.assign(**{name: ["u", "v", "w"] * 4})).warn()
    assert not recwarn.list


def test_all_cells_that_are_no_numbers_are_named():
    cells = [*map(str, range(8)), ".", "--", "?", "."]
    with pytest.raises(ValueError, match=r"row 9, column 'c' holds '\.'.*; no numbers either: '--', '\?'$"):
        Columns.of(FRAME.assign(c=cells))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "# made here\n# in May\na,b\n1,2\n3,4\n",
            "line 3 has 2 cells, and those above it 1: accepted is a first",
        ),
        ("a,b\n1,2\n3,4\n5,6,7\n", "line 4 has 3 cells, and those above it 2: accepted is a first line"),
        ('a,b\n1,2\n"3,4\n5,6\n', "a quotation mark is opened in row 3 and never closed"),
        ("a,b\n1,2\n".encode("utf-16-le"), "holds NUL characters: .*utf-16-le"),
    ],
)
def test_files_that_are_no_tables_are_refused_in_words(tmp_path, text, message):
    with pytest.raises(ValueError, match=f"x.csv: cannot be read .*{message}"):
        read(tmp_path / "x.csv", text)


def test_columns_are_chosen_once(tmp_path):
    with pytest.raises(ValueError, match=r"columns=.*accepted is each column once, 'a' is named twice"):
        read(tmp_path / "x.csv", "a,a\n1,2\n3,4\n", Roles(columns=["a", "a"]))


# Cells that are no dates, spaces of any width, and names that are numbers.


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


def test_days_far_away_are_exact():
    days = in_days(pd.Series(["9999-12-31", "1970-01-02", "0001-01-01", None]))
    np.testing.assert_array_equal(days, [2932896, 1, -719162, np.nan])


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u202f"])
def test_thousands_may_be_separated_by_spaces_that_do_not_break(tmp_path, space):
    text = "a;b\n" + "".join(f"1{space}{100 + row};{row * row}\n" for row in range(12))
    with pytest.raises(ValueError, match="--thousands space if that"):
        read(tmp_path / "x.csv", text)
    found, _ = read(tmp_path / "x.csv", text, thousands="space")
    assert found["a"].tolist() == [1100.0 + row for row in range(12)]


def test_consecutive_integers_may_name_columns(tmp_path):
    table = pd.DataFrame(
        np.random.default_rng(0).normal(size=(9, 4)), columns=["1999", "2000", "2001", "2002"]
    )
    found, _ = read(tmp_path / "x.csv", table.to_csv(index=False))
    pd.testing.assert_frame_equal(found, table)
    for names in ("1999,2001,2002,2003", "7,8"):
        with pytest.raises(ValueError, match="the first line has to name the columns"):
            read(tmp_path / "x.csv", f"{names}\n" + f"{'1,2,3,4'[: len(names)]}\n" * 3)


def test_spaces_around_texts_make_no_kinds():
    texts = pd.Series(["u", " v", "u ", "v"] * 3)
    stripped, both = FRAME.assign(k=texts.str.strip()), FRAME.assign(k=texts)
    assert Columns.of(both).used[2].why == "2 values"
    np.testing.assert_array_equal(Columns.of(both).apply(both), Columns.of(stripped).apply(stripped))


def test_the_index_in_a_parquet_file_names_the_rows(tmp_path):
    names = pd.Index([f"p{row}" for row in range(12)], name="who")
    table = FRAME.assign(part=["u", "v"] * 6).set_axis(names)
    table.to_parquet(tmp_path / "x.parquet")
    (whole,) = read_sets([tmp_path / "x.parquet"], Roles(columns=["a", "b"]))
    assert whole.ids.equals(names) and whole.points.index.equals(names)
    parts = read_sets([tmp_path / "x.parquet"], Roles(sets="part"))
    assert [each.ids.tolist() for each in parts] == [names[::2].tolist(), names[1::2].tolist()]
    (told,) = read_sets([tmp_path / "x.parquet"], Roles(ids="part"))
    assert told.ids.tolist() == ["u", "v"] * 6


# Names that say identifier, and later rows without what said nothing.


@pytest.mark.parametrize(
    "name",
    ["userid", "zip", "Zip Code", "phone", "account", "order_number", "Kundennummer", "tweet_id", "ISBN"],
)
def test_different_integers_that_are_called_identifiers_are_left_out(tmp_path, name):
    numbers = 10_000 + 37 * np.random.default_rng(0).permutation(40)
    table = pd.DataFrame(np.random.default_rng(1).normal(size=(40, 2)), columns=["a", "b"]).assign(
        **{name: numbers}
    )
    once_more = table.assign(**{name: np.r_[numbers[1], numbers[1:]]})
    with pytest.warns(UserWarning, match=rf"left out of X: {name} .*X.astype\({{'{name}': float}}\) keeps"):
        Columns.of(table).warn()
    for held in (table, once_more):
        assert Columns.of(held).used[2].used == "left out"
        assert Columns.of(held.astype({name: float})).used[2].used == "number"
    holed = table.astype({name: "Int64"})
    holed.loc[3, name] = pd.NA
    found, columns = read(tmp_path / "x.csv", holed.to_csv(index=False))
    assert columns[name].used == "left out"
    found, _ = read(tmp_path / "x.csv", holed.to_csv(index=False), Roles(columns=["a", name]))
    assert found[name].isna().sum() == 1 and Columns.of(found).used[1].used == "number"
    repeated = table.assign(**{name: numbers // 500})
    assert Columns.of(repeated).used[2].used == "number"
    with pytest.warns(
        UserWarning, match=f"called identifiers, but taken for numbers, as values repeat: {name}"
    ):
        Columns.of(repeated).warn()


@pytest.mark.parametrize(
    "name", ["post", "mobile", "humid", "paid", "grid", "atomic weight", "zipper", "accounts"]
)
def test_other_integers_are_numbers(name):
    table = FRAME.assign(**{name: 7 * np.arange(12) ** 2})
    assert Columns.of(table).used[2].used == "number"


def test_later_rows_may_lack_what_said_nothing(coreset_checkpoint, tmp_path):
    table = FRAME.assign(who=[f"n{i}" for i in range(12)], id=range(70, 82), same=7, kind="u", none=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = GFNCP(coreset_checkpoint, n_samples=3, random_state=0).fit(table)
    model.save(tmp_path / "fitted")
    expected = model.predict_proba(table)
    for lacking in (["who"], ["id"], ["same"], ["kind"], ["none"], ["who", "id", "same", "kind", "none"]):
        later = table.drop(columns=lacking)
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


# Dates of files keep their type, and may be said to be missing.


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


# Lines that are no table, or say something of it.


def test_the_line_by_which_spreadsheets_name_the_delimiter_is_no_row(tmp_path):
    for mark in ";", "\t", "#":
        found, _ = read(tmp_path / "x.csv", f"sep={mark}\r\n" + FRAME.to_csv(index=False, sep=mark))
        pd.testing.assert_frame_equal(found, FRAME)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<html><table>\n<tr>\n</table></html>\n", "it is HTML, XML or JSON"),
        ('{"a": 1}\n{"a": 2}\n', "it is HTML, XML or JSON"),
        ("[[1, 2],\n [3, 4]]\n", "it is HTML, XML or JSON"),
        ("Sales 2020\na;b\n1;2\n1;2\n3;4\n", "its rows have ';' between cells, but the first line has not"),
        ("+---+\n| a |\n+---+\n| 1 |\n| 2 |\n", r"its rows have '\|' between cells"),
        ("INSERT INTO t VALUES (0,1.5,2);\nINSERT INTO t VALUES (1,1.5,3);\n", "but holds the number 1.5"),
        ("Ann,34,170\nBob,30,180\nCem,50,160\n", "but holds the number 34"),
    ],
)
def test_files_that_hold_something_else_are_refused(tmp_path, text, message):
    with pytest.raises(ValueError, match=f"x.csv: cannot be read .*{message}"):
        read(tmp_path / "x.csv", text)


def test_numbers_that_name_columns_are_pointed_out(tmp_path):
    for names in (["country", "1990", "1995", "2000"], ["sample", "450.5", "451.0", "451.5"]):
        rows = [[f"c{row}", *values, values[0]] for row, values in enumerate(X.tolist())]
        pd.DataFrame(rows, columns=names).to_csv(tmp_path / "x.csv", index=False)
        with pytest.warns(UserWarning, match=rf"first line was taken for .*\({', '.join(names[1:])}\)"):
            (found,) = read_sets([tmp_path / "x.csv"], Roles())
        assert found.points.columns.tolist() == names[1:]
    pd.DataFrame(X).to_csv(tmp_path / "x.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_sets([tmp_path / "x.csv"], Roles())


def test_points_that_may_be_between_thousands_are_pointed_out(tmp_path):
    amounts = [f"{row + 1}.{100 + row}" for row in range(9)]
    (tmp_path / "x.csv").write_text(
        "a;b\n" + "".join(f"0.{row}7;{cell}\n" for row, cell in enumerate(amounts))
    )
    with pytest.warns(UserWarning, match=r"the points in column 'b' .*as in 1\.100: --thousands \."):
        read_sets([tmp_path / "x.csv"], Roles())


def test_names_of_columns_have_no_spaces_around_them(tmp_path):
    found, _ = read(tmp_path / "x.csv", " a , b\t\n1.5,2\n3,5\n4,7\n", Roles(columns=["a", "b"]))
    assert found.columns.tolist() == ["a", "b"]
    assert read(tmp_path / "x.csv", "a,a ,b\n1,2,3\n4,6,9\n1,2,4\n")[0].columns.tolist() == ["a", "a ", "b"]


# Arrays of other kinds.


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


@pytest.mark.parametrize(
    "cell", ["Jan-20", "12/2020", "2020Q1", "2020-W05-1", "31. Januar 2020", "3 de enero de 2020"]
)
def test_other_dates_are_no_categories_unless_said(tmp_path, cell):
    table = FRAME.assign(d=[cell, cell.replace("20", "21")] * 6)
    with pytest.raises(ValueError, match=r"accepted are dates such as 2020-01-31.*--categories d"):
        read(tmp_path / "x.csv", table.to_csv(index=False))
    assert (
        read(tmp_path / "x.csv", table.to_csv(index=False), Roles(categories=["d"]))[1]["d"].used
        == "category"
    )


def test_the_command_line_takes_logarithms_and_says_so(vector_checkpoint, tmp_path, capsys):
    draw = np.random.default_rng(0)
    table = pd.DataFrame({"a": draw.normal(size=40), "paid": draw.lognormal(4, 2, 40).round(2)})
    table.to_csv(tmp_path / "x.csv", index=False)
    command = ["cluster", str(tmp_path / "x.csv"), "--checkpoint", str(vector_checkpoint), "--samples", "3"]
    command += ["--output", str(tmp_path / "out"), "--no-pictures"]
    advised = "numpy.log10 of them (--log paid on the command line)"
    assert main(command) == 0
    assert advised in capsys.readouterr().err and advised in (tmp_path / "out" / "report.html").read_text()
    assert main([*command, "--log", "paid"]) == 0
    said = capsys.readouterr().err
    assert "Note: Numbers: a, paid (logarithms)\n" in said and advised not in said
