"""Tables from beginning to end, tiny: train, measure, record, render, go on."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from gfncp.checkpoints import load, load_configuration
from gfncp.cli import main
from gfncp.configuration import parse
from gfncp.decoding.orders import random_orders
from gfncp.estimators.inference import usual_pool
from gfncp.partitions import canonical_labels
from gfncp.reproduction import runs
from gfncp.reproduction.declarations import read_declarations
from gfncp.reproduction.measures import AlongOrders, along_orders
from gfncp.reproduction.reproduce import RECORDS, RESULTS, RUNS, reproduce, write_results
from gfncp.seeds import ORDERS_SEED, seeded

TRAINING = """
[encoder]
kind = "vectors"
dim = 2
scale = 10.0
[network]
depth = 2
width = 8
cluster_width = 8
[data]
kind = "gaussian-mixtures"
[objective]
name = "gfncp-paper"
[training]
iterations = 3
batch = 2
points = [5, 8]
validation_sets = 1
"""
DATASETS = """
[tiny]
title = "Tiny MoG"
configuration = "tiny"
changes.data = { n_clusters = 3 }
sets = 4
points = 10
[absent]
title = "Elsewhere"
configuration = "absent"
sets = 4
"""
METHODS = """
[gfncp]
title = "GFNCP"
[gfncp-orders]
title = "GFNCP, 3 orders"
like = "gfncp"
orders = 3
[ncp]
title = "NCP"
changes.objective = { name = "ncp" }
[ncp-sharp]
title = "NCP, sharp"
like = "ncp"
temperature = 1e-12
[dac]
title = "DAC"
changes.network = { kind = "dac-anchored", hidden = 8, inducing = 2, heads = 1, blocks = 1 }
changes.objective = { name = "dac-anchored" }
[dac-sharp]
title = "DAC, sharp"
like = "dac"
temperature = 0.5
[k-means]
title = "k-means, told K"
estimator = "k-means"
"""
TABLE = """
title = "Table 2. Tiny"
measure = "greedy"
metrics = ["nmi", "ari", "mc"]
datasets = ["tiny", "absent"]
methods = ["gfncp", "ncp", "dac", "k-means"]
seeds = [0, 1]
[paper.tiny]
ncp = { nmi = [0.95, 0.01], mc = [10.3, 7.7] }
gfncp = { ari = [0.98] }
"""
FIGURE = """
title = "Figure 1. Tiny"
measure = "{measure}"
metrics = {metrics}
datasets = ["tiny"]
methods = ["gfncp", "ncp"]
seeds = [0]
sets = 2
points = 6
"""


@pytest.fixture
def root(tmp_path, small_validation) -> Path:
    """A folder with tiny declarations."""
    tables = tmp_path / "experiments" / "tables"
    tables.mkdir(parents=True)
    (tmp_path / "experiments" / "tiny.toml").write_text(TRAINING)
    (tables / "datasets.toml").write_text(DATASETS)
    (tables / "methods.toml").write_text(METHODS)
    (tables / "table2.toml").write_text(TABLE)
    (tables / "fig1.toml").write_text(FIGURE.format(measure="sdpp", metrics='["sdpp"]'))
    return tmp_path


@pytest.fixture
def run(root):
    """Reproduce a table, and the lines that it reports."""

    def call(table="table2", **options) -> list[str]:
        lines = []
        reproduce(root, table, report=lines.append, **({"datasets": ["tiny"]} | options))
        return lines

    return call


def records(root) -> dict[Path, dict]:
    return {path: json.loads(path.read_text()) for path in sorted((root / RECORDS).rglob("*.json"))}


def test_a_table_is_made_and_then_nothing_is_run_again(root, run, monkeypatch):
    lines = run(iterations=2)
    assert len(lines) == 8 and all(": recorded: nmi" in line for line in lines)
    before = records(root)
    assert len(before) == 8
    text = (root / RESULTS).read_text()
    table = text[: text.index("## Figure")].splitlines()
    rows = {row.split(" | ")[1]: row.split(" | ") for row in table if row.startswith("| Tiny MoG")}
    for method, title in (("ncp", "NCP"), ("dac", "DAC"), ("k-means", "k-means, told K")):
        values = [record["metrics"]["nmi"] for record in before.values() if record["method"] == method]
        assert rows[title][2] == f"{np.mean(values):.3f} ± {np.std(values, ddof=1) / 2**0.5:.3f}"
        assert rows[title][6:9] == ["2", "4 of 10", "–" if method == "k-means" else "2"]
        assert rows[title][10].startswith("cpu (")
    assert rows["NCP"][5] == "NCP: 0.95 ± 0.01 / –" and rows["GFNCP"][5] == "GFNCP: – / 0.98"
    assert rows["DAC"][4:6] == ["–", "–"]  # no energies, no MC
    assert "10.3" not in text  # the paper's MC is another quantity
    (line,) = [line for line in text.splitlines() if line.startswith("Not run: **Elsewhere**")]
    assert line.startswith("Not run: **Elsewhere**: all. `gfncp reproduce table2`: ")

    def refuse(*_):
        raise AssertionError("run again")

    monkeypatch.setattr(runs, "train", refuse)
    monkeypatch.setattr(runs, "greedy_by", refuse)
    monkeypatch.setitem(runs.MEASURES, "greedy", refuse)
    lines = run(iterations=2)
    assert len(lines) == 8 and all(": recorded before: nmi" in line for line in lines)
    assert records(root) == before
    assert (root / RESULTS).read_text() == text


def test_a_record_says_what_was_run(root, run):
    run(methods=["ncp"], seeds=[5], sets=3)
    (record,) = records(root).values()
    expected = {
        "kind": "result",
        "dataset": "tiny",
        "method": "ncp",
        "measure": "greedy",
        "estimator": None,
        "seed": 5,
        "iterations": 3,
        "sets": 3,
        "points": 10,
        "draw": 0,
        "torch": torch.__version__,
    }
    assert {name: record[name] for name in expected} == expected
    configuration = parse(record["configuration"], "record")
    assert configuration.seed == 5 and configuration.objective.name == "ncp"
    assert configuration.data.n_clusters == 3 and configuration.training.iterations == 3
    assert set(record["metrics"]) == {"nmi", "ari", "clusters", "mc"}
    assert record["training"]["in_this_command"]["iterations"] == 3
    assert record["seconds"] > 0 and record["training"]["in_this_command"]["seconds"] > 0
    assert record["device"].startswith("cpu")
    folder = root / RUNS / record["training"]["folder"]
    assert load_configuration(folder) == configuration
    assert load(folder).state_dict().keys() == configuration.build().state_dict().keys()


def test_a_stopped_command_goes_on_where_it_was(root, run, monkeypatch):
    """The second cell is stopped; the first is not run again, and all is as if nothing had happened."""
    done = []
    train = runs.train

    def stop_at_second(configuration, *rest):
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(configuration)
        return train(configuration, *rest)

    monkeypatch.setattr(runs, "train", stop_at_second)
    with pytest.raises(KeyboardInterrupt):
        run(methods=["gfncp"])
    assert len(records(root)) == 1
    monkeypatch.setattr(runs, "train", train)
    assert [line.split(": ")[1] for line in run(methods=["gfncp"])] == ["recorded before", "recorded"]


def test_a_method_may_have_seeds_of_its_own(root, run):
    """Also one that is like it; no other seed is run, or said to be missing."""
    methods = METHODS.replace('title = "GFNCP"', 'title = "GFNCP"\nseeds.tiny = [7]', 1)
    (root / "experiments" / "tables" / "methods.toml").write_text(methods)
    table = root / "experiments" / "tables" / "table2.toml"
    table.write_text(TABLE.replace('["gfncp", "ncp", "dac", "k-means"]', '["gfncp", "gfncp-orders"]'))
    run()
    assert {(record["method"], record["seed"]) for record in records(root).values()} == {
        ("gfncp", 7),
        ("gfncp-orders", 7),
    }
    text = (root / RESULTS).read_text()
    assert "Tiny MoG**" not in text[: text.index("## Figure")] and "where a row has fewer" not in text


def test_what_cannot_be_run_is_named_and_the_rest_is_run(root, run):
    with pytest.raises(ValueError, match="4 runs of table2 could not be made, 'table2, absent, ncp, seed 0'"):
        run(datasets=["absent", "tiny"], methods=["ncp", "k-means"])
    assert len(records(root)) == 4
    assert "Not run: **Tiny MoG**: GFNCP, DAC; **Elsewhere**: all. " in (root / RESULTS).read_text()


def test_what_was_not_run_costs_what_was_measured(root, run):
    """An hour for each of two more seeds, of a table whose only run took one hour."""
    alone = TABLE.replace(', "absent"]', "]").replace("[0, 1]", "[0, 1, 2]")
    alone = alone.replace('["gfncp", "ncp", "dac", "k-means"]', '["ncp"]')
    (root / "experiments" / "tables" / "table2.toml").write_text(alone)
    run(methods=["ncp"], seeds=[0])
    ((path, record),) = records(root).items()
    record["training"]["in_this_command"]["seconds"], record["seconds"] = 3000.0, 600.0
    path.write_text(json.dumps(record))
    write_results(root, read_declarations(root / "experiments"))
    text = (root / RESULTS).read_text()
    assert "Not run: the rest of 3 seeds where a row has fewer. `gfncp reproduce table2`: about 2 h" in text
    (row,) = [row for row in text.splitlines() if row.startswith("| Tiny MoG | NCP")]
    assert f"{record['metrics']['nmi']:.3f} ± {record['errors']['nmi']:.3f}" in row  # over sets
    assert "| 50 + 10.0 |" in row


def test_a_page_without_runs_has_no_numbers(root):
    write_results(root, read_declarations(root / "experiments"))
    text = (root / RESULTS).read_text()
    assert "| Tiny MoG" not in text and "0.98" not in text
    assert "Not run: **Tiny MoG**, **Elsewhere**: all. `gfncp reproduce table2`: not timed: GFNCP, " in text
    assert "Not run: **Tiny MoG**: all. `gfncp reproduce fig1`: not timed: GFNCP, NCP." in text


def test_longer_training_is_shown_and_other_configurations_are_not(root, run):
    run(methods=["ncp"], seeds=[0, 1], iterations=1)
    run(methods=["ncp"], seeds=[0], iterations=2)
    text = (root / RESULTS).read_text()
    assert "| 1 | 4 of 10 | 2 |" in text  # one seed, four sets, two iterations
    run(methods=["ncp"], seeds=[0], sets=5, iterations=2)
    assert "| 1 | 5 of 10 | 2 |" in (root / RESULTS).read_text()
    (root / "experiments" / "tiny.toml").write_text(TRAINING.replace("width = 8\n", "width = 12\n", 1))
    run(methods=["k-means"], seeds=[0])
    assert "| Tiny MoG | NCP" not in (root / RESULTS).read_text()


def test_an_estimator_is_run_again_for_other_data_and_not_for_another_network(root, run):
    run(methods=["k-means"], seeds=[0])
    (root / "experiments" / "tiny.toml").write_text(TRAINING.replace("width = 8\n", "width = 12\n", 1))
    assert ": recorded before: " in run(methods=["k-means"], seeds=[0])[0]
    assert "| Tiny MoG | k-means, told K | " in (root / RESULTS).read_text()
    data = 'kind = "gaussian-mixtures"'
    (root / "experiments" / "tiny.toml").write_text(TRAINING.replace(data, f"{data}\nspread = 5.0"))
    run(methods=["ncp"], seeds=[0])
    assert "| Tiny MoG | k-means, told K | " not in (root / RESULTS).read_text()
    assert ": recorded: " in run(methods=["k-means"], seeds=[0])[0]


def test_networks_are_trained_once_for_all_tables(root, run, monkeypatch, pixels):
    run(methods=["gfncp", "ncp"], seeds=[0])

    def refuse(*_):
        raise AssertionError("trained again")

    monkeypatch.setattr(runs, "train", refuse)
    run("fig1")
    picture = root / "docs" / "images" / "fig1-tiny.png"
    pixels(picture)
    text = (root / RESULTS).read_text()
    assert "![Figure 1. Tiny: Tiny MoG](docs/images/fig1-tiny.png)" in text
    assert text.index("Table 2") < text.index("Figure 1")
    (record,) = [one for one in records(root).values() if one["measure"] == "sdpp" and one["method"] == "ncp"]
    assert len(record["per_set"]) == 2
    assert record["metrics"]["sdpp"] == pytest.approx(sum(record["per_set"]) / 2)  # the median of two
    assert record["training"]["in_this_command"]["iterations"] == 0


def test_the_average_score_is_measured_by_its_own_table(root, run):
    (root / "experiments" / "tables" / "table5.toml").write_text(
        FIGURE.format(measure="average", metrics='["nmi", "ari"]').replace('"ncp"', '"ncp", "ncp-sharp"')
    )
    run("table5", methods=["ncp", "ncp-sharp"])
    plain, sharp = sorted(records(root).values(), key=lambda record: record["method"])
    assert {"nmi", "ari"} <= set(plain["metrics"])
    assert (plain["temperature"], sharp["temperature"]) == (None, 1e-12)
    assert plain["configuration"] == sharp["configuration"] and plain["metrics"] != sharp["metrics"]


def test_samples_of_no_temperature_are_the_greedy_clustering(root, run):
    declared = read_declarations(root / "experiments")
    one = runs.make_run(declared, "table2", "tiny", "ncp-sharp", 0)
    assert one.temperature == 1e-12
    table = root / "experiments" / "tables" / "table2.toml"
    table.write_text(TABLE.replace('"dac"', '"ncp-sharp"'))
    run(methods=["ncp", "ncp-sharp"], seeds=[0])
    greedy, sharp = sorted(records(root).values(), key=lambda record: record["method"])
    assert greedy["metrics"]["ari"] == sharp["metrics"]["ari"]  # greedy clusterings have no temperature
    table.write_text(TABLE.replace('"dac"', '"ncp-sharp"').replace('"greedy"', '"average"'))
    run(methods=["ncp-sharp"], seeds=[0])
    (average,) = [record for record in records(root).values() if record["measure"] == "average"]
    for score in ("nmi", "ari", "clusters"):
        assert average["metrics"][score] == pytest.approx(greedy["metrics"][score])


def test_a_method_of_several_orders_is_the_same_network(root, run):
    table = root / "experiments" / "tables" / "table2.toml"
    table.write_text(TABLE.replace('"gfncp", "ncp"', '"gfncp", "gfncp-orders", "ncp"'))
    run(methods=["gfncp", "gfncp-orders"], seeds=[0])
    one, several = sorted(records(root).values(), key=lambda record: record["orders"])
    assert (one["orders"], several["orders"]) == (1, 3)
    assert several["configuration"] == one["configuration"]
    assert several["training"]["folder"] == one["training"]["folder"]
    assert several["training"]["in_this_command"]["iterations"] == 0
    assert "mc" in one["metrics"] and "mc" not in several["metrics"]
    path = next(path for path, record in records(root).items() if record == one)
    del one["orders"]  # as records were before
    path.write_text(json.dumps(one))
    assert all(": recorded before: " in line for line in run(methods=["gfncp", "gfncp-orders"], seeds=[0]))
    text = (root / RESULTS).read_text()
    assert "| Tiny MoG | GFNCP |" in text and "| Tiny MoG | GFNCP, 3 orders |" in text


def test_answers_and_samples_along_orders_are_those_that_users_get(root):
    model = parse(tomllib.loads(TRAINING), "here").build()
    x = torch.randn(3, 12, 2, generator=torch.Generator().manual_seed(0))
    order = random_orders(1, 12, seeded(ORDERS_SEED))[0]
    found = AlongOrders(model, 1).predict(x)
    assert torch.equal(canonical_labels(found[:, order]), model.predict(x[:, order]))
    assert along_orders(model, 1) is model
    labels, log_prob = AlongOrders(model, 2).sample(x, 5, seeded(1))
    expected, value = usual_pool(model, model.encode(x)).sample(5, seeded(1))
    assert torch.equal(labels, expected) and torch.equal(log_prob, value)
    with pytest.raises(ValueError, match="orders=3: accepted is 1, as Identity follows no order"):
        along_orders(torch.nn.Identity(), 3)


def test_a_network_without_energies_has_no_temperature(root, run):
    table = root / "experiments" / "tables" / "table2.toml"
    table.write_text(TABLE.replace('"dac"', '"dac-sharp"'))
    with pytest.raises(
        ValueError, match="1 runs of table2 could not be made, 'table2, tiny, dac-sharp, seed 0'"
    ):
        run(methods=["dac-sharp"], seeds=[0])
    assert not records(root)


def test_several_orders_are_for_clusterings(root):
    figure = root / "experiments" / "tables" / "fig1.toml"
    figure.write_text(figure.read_text().replace('"ncp"', '"gfncp-orders"'))
    with pytest.raises(ValueError, match="measure='sdpp': 'gfncp-orders' clusters along several"):
        read_declarations(root / "experiments")


def test_test_sets_are_the_same_for_all_methods(root):
    """They depend on the data set alone, not on method, training seed or iterations."""
    declarations = read_declarations(root / "experiments")
    drawn = []
    for method, seed, iterations in (("ncp", 0, None), ("dac", 3, 2), ("k-means", 1, None)):
        made = runs.make_run(declarations, "table2", "tiny", method, seed, iterations, None)
        simulate = runs.make_test_simulator(made.configuration, torch.nn.Identity(), None)
        (batch,) = runs.draw_sets(simulate, made.sets, made.points, made.draw)
        drawn.append(batch)
    for batch in drawn[1:]:
        assert torch.equal(batch.x, drawn[0].x) and torch.equal(batch.labels, drawn[0].labels)
    assert (drawn[0].labels.amax(1) == 2).all() and drawn[0].x.shape == (4, 10, 2)


def test_a_shipped_checkpoint_is_not_trained_again(tmp_path):
    from gfncp.checkpoints import PRETRAINED, load_configuration

    if not (PRETRAINED / "mog-2d").is_dir():
        pytest.skip("needs the checkpoint mog-2d")
    shipped = load_configuration("mog-2d")
    for configuration in (shipped, shipped.model_copy(update={"temperature": 1.0})):
        folder, about = runs.trained(configuration, tmp_path, None, None)
        assert folder == PRETRAINED / "mog-2d" and not any(tmp_path.iterdir())
        assert about == {"training": {"checkpoint": "mog-2d", "temperature": shipped.temperature}}


def test_records_of_earlier_versions_have_defaults_for_new_options(root, run):
    """An option that a record's configuration lacks has its default; an unknown one makes it another run."""
    run(methods=["ncp"], seeds=[0])
    ((path, record),) = records(root).items()
    del record["configuration"]["training"]["validation_sets"]
    path.write_text(json.dumps(record))
    assert ": recorded: " in run(methods=["ncp"], seeds=[0])[0]  # 40 by default, 1 here
    record["configuration"]["training"] |= {"validation_sets": 1}
    del record["configuration"]["training"]["clip"]
    path.write_text(json.dumps(record))
    assert ": recorded before: " in run(methods=["ncp"], seeds=[0])[0]
    record["configuration"]["training"]["removed"] = 1
    path.write_text(json.dumps(record))
    assert ": recorded: " in run(methods=["ncp"], seeds=[0])[0]


def test_the_command_runs_the_named_cells(root, capsys):
    arguments = ["--root", str(root), "--method", "ncp, k-means", "--dataset", "tiny", "--seeds", "2"]
    assert main(["reproduce", "table2", *arguments, "--iterations", "2", "--device", "cpu"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("table2, tiny, ") for line in lines) == 2
    assert {record["seed"] for record in records(root).values()} == {2}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["table7"], "table='table7': accepted are ['table2', 'fig1']"),
        (["table2", "--method", "ncp,gibbs"], "method='gibbs': accepted are ['gfncp',"),
        (["table2", "--dataset", "mnist"], "dataset='mnist': accepted are ['tiny', 'absent']"),
        (["table2", "--seeds", "0,one"], "--seeds='0,one': accepted are whole numbers"),
        (["table2", "--seeds", "-1"], "--seeds='-1'"),
        (["table2", "--dataset", "absent", "--method", "k-means"], "2 runs of table2 could not be made"),
        (["table2", "--dataset", "tiny", "--method", "ncp", "--device", "tpu"], "could not be made"),
    ],
)
def test_unknown_names_are_refused_before_anything_runs(root, capsys, arguments, said):
    assert main(["reproduce", *arguments, "--root", str(root)]) == 2
    assert said in capsys.readouterr().err
    assert not (root / RECORDS).exists()


def test_a_folder_without_declarations_is_refused(tmp_path, capsys):
    assert main(["reproduce", "table2", "--root", str(tmp_path)]) == 2
    assert "holds no experiments/tables; accepted is a checkout" in capsys.readouterr().err


def test_compact_json_is_the_same_json():
    values = {"a": [1, -2.5e-7, 3.0], "b": [[0, 1], [2]], "c": ["1, 2", "[ 3,  4 ]"], "d": [], "e": None}
    text = runs.compact_json(json.dumps(values, indent=2))
    assert json.loads(text) == values
    assert '"a": [ 1, -2.5e-07, 3.0 ]' in text


def test_tiny_declarations_are_toml():
    for text in (TRAINING, DATASETS, METHODS, TABLE):
        assert tomllib.loads(text)
