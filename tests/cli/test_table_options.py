"""The command line says what it used of a table, and takes what it is told of one."""

import csv
import io

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from gfncp.cli import main
from gfncp.cli.table_options import TableOptions

X = np.random.default_rng(0).normal(size=(12, 2)).round(3)
FRAME = pd.DataFrame(X, columns=["a", "b"])


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


def test_options_of_reading_are_refused_on_ray(capsys):
    assert main(["cluster", "x.parquet", "--engine", "ray", "--decimal", ","]) == 2
    assert "--decimal=,: accepted with --engine local only" in capsys.readouterr().err


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z"))), min_size=1).filter(all))
def test_names_are_listed_as_in_csv_files(names):
    """Those with commas or quotation marks are quoted, by Python's csv module, too."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(names)
    roles = TableOptions(columns=line.getvalue(), categories=line.getvalue(), log=line.getvalue()).roles()
    assert roles.columns == roles.categories == roles.logarithms == names


def test_names_without_commas_need_no_quotation_marks():
    assert TableOptions(columns=' 6" pipe, a b ,"c').roles().columns == ['6" pipe', "a b", '"c']
    assert TableOptions(columns='"height, cm", "weight "').roles().columns == ["height, cm", "weight "]
