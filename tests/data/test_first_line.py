"""The first line names the columns, or the file is refused."""

import warnings

import numpy as np
import pandas as pd
import pytest

from gfncp.data.point_sets import Roles, read_sets

X = np.random.default_rng(0).normal(size=(12, 2)).round(3)


def test_consecutive_integers_may_name_columns(read, tmp_path):
    table = pd.DataFrame(
        np.random.default_rng(0).normal(size=(9, 4)), columns=["1999", "2000", "2001", "2002"]
    )
    found, _ = read(tmp_path / "x.csv", table.to_csv(index=False))
    pd.testing.assert_frame_equal(found, table)
    for names in ("1999,2001,2002,2003", "7,8"):
        with pytest.raises(ValueError, match="the first line has to name the columns"):
            read(tmp_path / "x.csv", f"{names}\n" + f"{'1,2,3,4'[: len(names)]}\n" * 3)


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
def test_files_that_hold_something_else_are_refused(read, tmp_path, text, message):
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
