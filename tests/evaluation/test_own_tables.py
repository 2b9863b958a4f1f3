"""Tables to evaluate on are read as those to cluster: the same options, the same numbers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from typer.main import get_command

from gfncp.checkpoints import save
from gfncp.cli import app, main
from gfncp.cli.table_options import TableOptions
from gfncp.configuration import parse
from gfncp.data.columns import Columns
from gfncp.data.delimited import Reading
from gfncp.data.point_sets import Roles, read_sets
from gfncp.evaluation.own_tables import as_embeddings

OPTIONS = TableOptions(
    delimiter="|", decimal=",", missing=["?"], columns="a,b", id_column="id", label_column="kind"
)
SAID = ["--delimiter", "|", "--decimal", ",", "--missing", "?", "--columns", "a,b", "--id-column", "id"]
SAID += ["--label-column", "kind"]
CONFIGURATION = parse(
    {
        "encoder": {"kind": "vectors", "dim": 2},
        "network": {"depth": 2, "width": 16},
        "data": {"kind": "augmented-embeddings", "dataset": "file", "dim": 2, "label": "class"},
        "objective": {"name": "ncp"},
    },
    "test",
)


@pytest.fixture
def run(tmp_path) -> Path:
    """A checkpoint for vectors of length 2, whose classes are in the column ``class``."""
    torch.manual_seed(0)
    save(CONFIGURATION.build(), CONFIGURATION, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def table(tmp_path) -> Path:
    """A table that is understood with all of the options, and with none fewer."""
    kinds = np.repeat(list("uvwx"), 20)
    numbers = np.random.default_rng(0).normal(size=(80, 2)).round(3)
    frame = pd.DataFrame(numbers, columns=["a", "b"]).map(lambda value: str(value).replace(".", ","))
    frame.loc[3, "a"] = "?"
    frame = frame.assign(kind=kinds, id=[f"p{row}" for row in range(80)], other=range(100, 180))
    frame.to_csv(tmp_path / "x.csv", sep="|", index=False)
    return tmp_path / "x.csv"


def test_commands_have_the_same_options_of_tables():
    commands = get_command(app).commands
    named = [{each.name: each.opts for each in commands[name].params} for name in ("cluster", "evaluate")]
    fields = TableOptions.__dataclass_fields__
    assert [{name: opts[name] for name in fields} for opts in named] == [
        {name: [f"--{name.replace('_', '-')}"] for name in fields}
    ] * 2


def test_the_numbers_are_those_that_are_clustered(table):
    (whole,) = read_sets([table], OPTIONS.roles(), OPTIONS.reading())
    with (
        pytest.warns(UserWarning, match="1 in column 'a'"),
        as_embeddings(CONFIGURATION, table, OPTIONS.roles(), OPTIONS.reading()) as path,
    ):
        held = load_file(path)
    with pytest.warns(UserWarning, match="1 in column 'a'"):
        expected = Columns.of(whole.points).apply(whole.points)
    np.testing.assert_array_equal(held["x"], expected.astype(np.float32))
    assert held["class"].tolist() == np.repeat(range(4), 20).tolist()


def test_evaluate_takes_the_options_and_says_what_it_did(run, table, capsys):
    command = ["evaluate", str(run), "--data", str(table), "--sets", "2", "--points", "10"]
    assert main([*command, *SAID]) == 0
    assert "Note: X lacks values (1 in column 'a')" in capsys.readouterr().err
    assert main([*command, *SAID[:4], *SAID[6:]]) == 2
    assert "--missing '?' if it is a missing value" in capsys.readouterr().err


def test_options_without_a_table_are_refused():
    for said in ((Roles(), Reading(missing=["?"])), (Roles(ids="id"), Reading())):
        with (
            pytest.raises(ValueError, match=r"^(missing=\[|ids=).*accepted with --data FILE"),
            as_embeddings(CONFIGURATION, None, *said),
        ):
            pass


def test_another_number_of_coordinates_is_refused_with_what_was_read(table):
    said = Roles(["a", "b", "other"], labels="kind"), OPTIONS.reading()
    message = (
        r"x\.csv: holds 3 coordinates \(Numbers: a \(1 filled in\), b, other\), but the checkpoint takes 2"
    )
    with (
        pytest.warns(UserWarning, match="1 in column 'a'"),
        pytest.raises(ValueError, match=message),
        as_embeddings(CONFIGURATION, table, *said),
    ):
        pass


@pytest.mark.parametrize("checkpoint", ["mog-2d", "general"])
def test_data_are_not_ignored_where_test_sets_are_simulated(checkpoint, table, capsys):
    assert main(["evaluate", checkpoint, "--sets", "1", "--data", str(table)]) == 2
    assert "gfncp cluster FILE --label-column NAME" in capsys.readouterr().err
