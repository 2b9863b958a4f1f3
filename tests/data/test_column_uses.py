"""Columns say what they are used as, or why they are left out."""

import numpy as np
import pandas as pd
import pytest

from gfncp.data.column_uses import REPEATED, Column, describe_columns
from gfncp.data.columns import Columns
from gfncp.data.point_sets import Roles

X = np.random.default_rng(0).normal(size=(12, 2)).round(3)
FRAME = pd.DataFrame(X, columns=["a", "b"])


def uses(columns):
    return {name: each.used for name, each in columns.items()}


def test_columns_that_are_said_to_be_categories_are(read, tmp_path):
    text = "a,grade,zip\n" + "".join(f"{i * i},{'12?'[i % 3]},{i % 3}\n" for i in range(9))
    found, columns = read(tmp_path / "x.csv", text, Roles(categories=["grade", "zip"]))
    assert uses(columns) == {"a": "number", "grade": "category", "zip": "category"}
    assert found["grade"].tolist() == ["1", "2", "?"] * 3
    unique = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": pd.Categorical(["x", "y", "z"])})
    assert [each.used for each in Columns.of(unique).used] == ["number", "category"]
    for roles, message in (
        (Roles(categories=["no"]), "there is no column 'no'"),
        (Roles(categories=["a"], ids="a"), "'a' has another role"),
        (Roles(categories=["a"], columns=["grade"]), r"'a' is not among columns=\['grade'\]"),
    ):
        with pytest.raises(ValueError, match=message):
            read(tmp_path / "x.csv", text, roles)


def test_names_and_numbers_of_rows_are_left_out_of_files(read, tmp_path):
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
def test_integers_that_do_not_count_rows_are_numbers(read, tmp_path, column):
    table = FRAME.assign(n=list(column))
    assert uses(read(tmp_path / "x.csv", table.to_csv(index=False))[1])["n"] == "number"


def test_a_file_is_never_left_without_columns(read, tmp_path):
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


@pytest.mark.parametrize(
    "name", ["species", "Class", "label", "true label", "y_true", "cluster_id", "ground truth"]
)
def test_columns_that_seem_to_hold_known_clusters_are_pointed_out(name):
    for values in (["u", "v", "w"] * 4, [0, 1, 2] * 4):
        with pytest.warns(UserWarning, match=rf"X: {name}: .*--label-column '?{name}"):
            Columns.of(FRAME.assign(**{name: values})).warn()


@pytest.mark.parametrize("name", ["classy", "labeled", "targets met", "y", "subspecies count"])
def test_other_columns_are_not_taken_for_known_clusters(name, recwarn):
    Columns.of(FRAME.assign(**{name: ["u", "v", "w"] * 4})).warn()
    assert not recwarn.list


def test_spaces_around_texts_make_no_kinds():
    texts = pd.Series(["u", " v", "u ", "v"] * 3)
    stripped, both = FRAME.assign(k=texts.str.strip()), FRAME.assign(k=texts)
    assert Columns.of(both).used[2].why == "2 values"
    np.testing.assert_array_equal(Columns.of(both).apply(both), Columns.of(stripped).apply(stripped))


@pytest.mark.parametrize(
    "name",
    ["userid", "zip", "Zip Code", "phone", "account", "order_number", "Kundennummer", "tweet_id", "ISBN"],
)
def test_different_integers_that_are_called_identifiers_are_left_out(read, tmp_path, name):
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
