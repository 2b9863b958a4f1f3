"""Numbers in texts: in one unit they are numbers, other cells among them are pointed out or refused."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gfncp.data.cells import (
    NO_UNIT,
    are_meant_as_numbers,
    as_number,
    begins_with_number,
    common_unit,
    looks_like_number,
    split_unit,
    without_unit,
)
from gfncp.data.columns import Columns
from gfncp.data.delimited import Reading
from gfncp.data.point_sets import Roles, read_sets

X = np.random.default_rng(0).normal(size=(24, 1)).round(3)
NUMBERS = (1 + np.arange(24) * 7 % 24) / 4  # all different, some of them whole
FRAME = pd.DataFrame(np.random.default_rng(0).normal(size=(12, 2)).round(3), columns=["a", "b"])
UNITS = [
    "${}",
    "€ {}",
    "R$ {}",
    "CHF {}",
    "{} EUR",
    "{} %",
    "{}%",
    "{} kg",
    "{}°C",
    "{} km/h",
    "{}N",
    "{} km²",
    "{} µm",
    "{} zł",
]


@pytest.mark.parametrize("written", UNITS)
def test_numbers_in_one_unit_are_numbers(written):
    texts = pd.DataFrame({"a": X[:, 0], "b": [written.format(number) for number in NUMBERS]})
    columns = Columns.of(texts)
    assert columns.used[1].used == "number" and columns.used[1].unit != NO_UNIT
    plain = texts.assign(b=NUMBERS)
    np.testing.assert_array_equal(columns.apply(texts), Columns.of(plain).apply(plain))
    np.testing.assert_array_equal(Columns.from_json(columns.to_json()).apply(texts), columns.apply(plain))
    other = texts.assign(b=["3 stones"] * 24)
    with pytest.raises(ValueError, match="row 1, column 'b' holds '3 stones': accepted are finite numbers"):
        columns.apply(other)


@pytest.mark.parametrize("minus", "-\u2212\u2013\uff0d")
def test_any_dash_before_a_number_is_a_minus(minus):
    table = pd.DataFrame({"a": X[:, 0], "b": [f"{minus}{number}" for number in NUMBERS]})
    np.testing.assert_array_equal(Columns.of(table).apply(table)[:, 1], -NUMBERS)
    assert split_unit(f"{minus}3 kg")[1:] == ("-3", "kg")


@pytest.mark.parametrize("written", ["{minus}${}", "${minus}{}", "{minus}CHF {}", "{minus}{} €"])
@pytest.mark.parametrize("minus", "-\u2212")
def test_negative_amounts_of_money_are_numbers(read, tmp_path, written, minus):
    signs = np.where(np.arange(24) % 3 == 0, -1, 1)
    cells = [
        written.format(number, minus=minus if sign < 0 else "")
        for number, sign in zip(NUMBERS, signs, strict=True)
    ]
    table = pd.DataFrame({"a": X[:, 0], "b": cells})
    np.testing.assert_array_equal(Columns.of(table).apply(table)[:, 1], signs * NUMBERS)
    with_commas = table.map(lambda cell: str(cell).replace(".", ","))
    points, _ = read(tmp_path / "x.csv", with_commas.to_csv(index=False, sep=";"), decimal=",")
    np.testing.assert_array_equal(points["b"], signs * NUMBERS)


@pytest.mark.parametrize(
    "cells",
    [
        ["3 MB", "300 KB", "1 GB"],
        ["1h30", "2h15", "9h05"],
        ["10-19", "20-29", "30-39"],
        ["<1", "1-5", ">5"],
        ["120/80", "130/85", "110/70"],
        ["48°5'12", "49°6'1", "50°7'2"],
        ["5 m2", "6 m2", "7 m2"],
        ["1:30 PM", "2:30 PM", "1:30 AM"],
    ],
)
def test_texts_that_begin_with_numbers_are_pointed_out(cells):
    with pytest.warns(UserWarning, match="texts that begin with numbers were not taken for numbers in b"):
        Columns.of(pd.DataFrame({"a": X[:, 0], "b": cells * 8})).warn()


def test_other_texts_are_not_pointed_out(recwarn):
    for cells in (["u", "v", "w"], ["p1", "p2", "p3"], ["1 = male", "2 = female", None], ["A4", "5", "x"]):
        Columns.of(pd.DataFrame({"a": X[:, 0], "b": cells * 8})).warn()
    assert not [each for each in recwarn.list if "begin with numbers" in str(each.message)]
    assert not begins_with_number(3) and not begins_with_number("")


def test_units_are_the_same_in_all_cells():
    assert common_unit(["1 kg", "2kg"]) == ("", "kg")
    assert common_unit(["1 kg", "2 lb"]) is common_unit(["1 kg", "2"]) is common_unit(["p1", "p2"]) is None
    assert common_unit(["1", "2"]) is common_unit([]) is common_unit(["n/a", "-"]) is None
    assert common_unit(["1 kg", "3 kg", "n/a"]) == common_unit(["1 kg", "-"]) == ("", "kg")
    assert common_unit(["1 kg", "u", "v", "w"]) is common_unit(["1 kg", 2.0]) is None
    assert without_unit(" $12 ", ("$", "")) == "12" and without_unit("12 kg", NO_UNIT) == "12 kg"


@pytest.mark.parametrize(
    "cell", ["12-", "(12)", "'12", '="12"', "1\u2009234", "1\u00a0234", "12,5e3", "12,34,567"]
)
def test_numbers_in_other_notations_are_refused_with_advice(cell):
    cells = [cell.replace("12", str(12 + row)) if "34" not in cell else cell for row in range(24)]
    with pytest.raises(
        ValueError, match=r"in a column of numbers: .*(write a minus|remove the signs|thousands|decimal)"
    ):
        Columns.of(pd.DataFrame({"a": X[:, 0], "b": cells}))


@pytest.mark.parametrize(
    ("written", "said", "factor", "offset"),
    [
        ("{},5 %", {}, 1, 0.5),
        ("{},50 €", {}, 1, 0.5),
        ("{},5E+02", {}, 100, 50),
        ("1.23{},5 kg", {"thousands": "."}, 1, 1230.5),
        ("1\u202f23{},5", {"thousands": "space", "decimal": ","}, 1, 1230.5),
        ("1’23{},5", {"thousands": "’", "decimal": ","}, 1, 1230.5),
    ],
)
def test_units_and_exponents_beside_decimal_commas(tmp_path, written, said, factor, offset):
    digits = np.arange(24) % 9
    rows = "".join(
        f"{value:.3f};".replace(".", ",") + written.format(digit) + "\n"
        for value, digit in zip(X[:, 0], digits, strict=True)
    )
    (tmp_path / "x.csv").write_text("a;b\n" + rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        (found,) = read_sets([tmp_path / "x.csv"], Roles(), Reading(**said))
    np.testing.assert_allclose(found.points["b"], factor * digits + offset)
    np.testing.assert_allclose(found.points["a"], X[:, 0])


@pytest.mark.parametrize("stray", ["n/a", "free", "-", "1,234 kg"])
def test_cells_without_a_number_in_that_unit_are_refused_with_their_place(stray):
    cells = [f"{number} kg" for number in NUMBERS]
    cells[5] = stray
    with pytest.raises(ValueError, match=f"row 6, column 'b' holds '{stray}', in a column of numbers"):
        Columns.of(pd.DataFrame({"a": X[:, 0], "b": cells}))


BAD = {
    "?": "--missing '\\?'",
    "-": "--missing -",
    "n.a.": "--missing n.a.",
    "30,000": "--thousands , .*; --decimal , ",
    "1,234,567": "--thousands ,",
    "3,5": "--decimal ,",
    "1.234.567": "--thousands \\.",
    "$12": "remove the signs",
    "-$12": "remove the signs",
    "12 %": "bring the numbers to one unit, in which 1% is 0.01",
    "(8.7)": "write a minus before numbers that are negative",
    "8.7-": "write a minus before numbers that are negative",
    "12 kg": "remove the unit",
    "Total": "remove the row if it sums up others",
    "x" * 100: "missing values; --categories b",
}


@pytest.mark.parametrize(("cell", "advice"), BAD.items(), ids=[name[:9] for name in BAD])
@pytest.mark.parametrize("place", [0, 7, 11])
def test_a_bad_cell_among_numbers_is_refused_with_its_place(read, tmp_path, cell, advice, place):
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


def test_all_cells_that_are_no_numbers_are_named():
    cells = [*map(str, range(8)), ".", "--", "?", "."]
    with pytest.raises(ValueError, match=r"row 9, column 'c' holds '\.'.*; no numbers either: '--', '\?'$"):
        Columns.of(FRAME.assign(c=cells))


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
