"""Text files: delimiters, marks and encodings are detected, or asked for and used."""

import numpy as np
import pandas as pd
import pytest

from gfncp.data import read_points
from gfncp.data.delimited import Reading, detect_delimiter
from gfncp.data.point_sets import Roles, read_sets

X = np.random.default_rng(0).normal(size=(12, 2)).round(3)
FRAME = pd.DataFrame(X, columns=["a", "b"])


@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.txt", "x.csv.gz", "X.TXT.GZ"])
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", " "])
def test_delimiters_and_decimal_marks_are_detected(read, tmp_path, name, decimal, delimiter):
    if decimal == delimiter:
        pytest.skip("quoted cells with commas are asked about")
    found, _ = read(tmp_path / name, FRAME.to_csv(index=False, sep=delimiter, decimal=decimal))
    pd.testing.assert_frame_equal(found, FRAME, check_index_type=False)


@pytest.mark.parametrize("delimiter", [";", "tab", r"\t", "space", ","])
def test_given_delimiters_and_decimal_marks_are_used(read, tmp_path, delimiter):
    mark = {"tab": "\t", r"\t": "\t", "space": " "}.get(delimiter, delimiter)
    text = FRAME.to_csv(index=False, sep=mark, decimal=",")
    found, _ = read(tmp_path / "x.csv", text, delimiter=delimiter, decimal=",")
    np.testing.assert_array_equal(found.to_numpy(), X)


@pytest.mark.parametrize("mark", [",", ".", "'", "space"])
def test_thousands_are_asked_for(read, tmp_path, mark):
    shown, decimal = {"space": " "}.get(mark, mark), "," if mark == "." else "."
    values = [1234567.5, -1234.0, 12.0, 999.0]
    cells = [f"{value:,}".translate({ord(","): shown, ord("."): decimal}) for value in values]
    text = "a;b\n" + "".join(f"{cell};{i * i}\n" for i, cell in enumerate(cells))
    found, _ = read(tmp_path / "x.csv", text, thousands=mark)
    assert found["a"].tolist() == values
    with pytest.raises(ValueError, match=r"x\.csv: data row 1, column 'a' holds .*--thousands"):
        read(tmp_path / "x.csv", text)


def test_grouping_is_not_mistaken(read, tmp_path):
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
def test_other_encodings_are_asked_for(read, tmp_path, encoding, advised):
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


def test_a_mark_of_the_byte_order_is_no_text(read, tmp_path):
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
def test_what_is_said_of_other_files_is_refused(read, tmp_path, name, said, kind):
    with pytest.raises(ValueError, match=f"is accepted for {kind} only"):
        read(tmp_path / name, b"", **said)


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


def test_numbers_that_mean_missing_in_parquet_are_missing(tmp_path):
    FRAME.assign(b=[7.0] + [-999.0] * 11).to_parquet(tmp_path / "x.parquet")
    (found,) = read_sets([tmp_path / "x.parquet"], Roles(), Reading(missing=["-999"]))
    assert found.points["b"].isna().sum() == 11 and found.points["a"].tolist() == FRAME["a"].tolist()


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
def test_files_that_are_no_tables_are_refused_in_words(read, tmp_path, text, message):
    with pytest.raises(ValueError, match=f"x.csv: cannot be read .*{message}"):
        read(tmp_path / "x.csv", text)


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u202f"])
def test_thousands_may_be_separated_by_spaces_that_do_not_break(read, tmp_path, space):
    text = "a;b\n" + "".join(f"1{space}{100 + row};{row * row}\n" for row in range(12))
    with pytest.raises(ValueError, match="--thousands space if that"):
        read(tmp_path / "x.csv", text)
    found, _ = read(tmp_path / "x.csv", text, thousands="space")
    assert found["a"].tolist() == [1100.0 + row for row in range(12)]


def test_the_line_by_which_spreadsheets_name_the_delimiter_is_no_row(read, tmp_path):
    for mark in ";", "\t", "#":
        found, _ = read(tmp_path / "x.csv", f"sep={mark}\r\n" + FRAME.to_csv(index=False, sep=mark))
        pd.testing.assert_frame_equal(found, FRAME)


def test_points_that_may_be_between_thousands_are_pointed_out(tmp_path):
    amounts = [f"{row + 1}.{100 + row}" for row in range(9)]
    (tmp_path / "x.csv").write_text(
        "a;b\n" + "".join(f"0.{row}7;{cell}\n" for row, cell in enumerate(amounts))
    )
    with pytest.warns(UserWarning, match=r"the points in column 'b' .*as in 1\.100: --thousands \."):
        read_sets([tmp_path / "x.csv"], Roles())


def test_names_of_columns_have_no_spaces_around_them(read, tmp_path):
    found, _ = read(tmp_path / "x.csv", " a , b\t\n1.5,2\n3,5\n4,7\n", Roles(columns=["a", "b"]))
    assert found.columns.tolist() == ["a", "b"]
    assert read(tmp_path / "x.csv", "a,a ,b\n1,2,3\n4,6,9\n1,2,4\n")[0].columns.tolist() == ["a", "a ", "b"]
