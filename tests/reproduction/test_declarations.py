"""What is declared is what the paper says, and every cell has a configuration."""

import tomllib
from pathlib import Path

import pytest

from gfncp.checkpoints import load_configuration
from gfncp.configuration import parse
from gfncp.configuration.toml_files import read_configuration, read_values
from gfncp.estimators.registry import METHODS
from gfncp.reproduction.declarations import read_declarations
from gfncp.reproduction.results import METRICS
from gfncp.seeds import seeded
from gfncp.simulators import GaussianMixtures

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
DECLARED = read_declarations(EXPERIMENTS)
CELLS = sorted({cell for table in DECLARED.tables for cell in DECLARED.cells(table)})
FEWEST = ({}, {"n_clusters": (2, 1000)})
NAMES = ["table2", "table3", "table4", "table5", "table6", "fig1", "fig3", "fig4", "fig5"]


def is_there(dataset: str, method: str) -> bool:
    column = DECLARED.datasets[dataset].configuration
    name = DECLARED.methods[method].configurations.get(dataset, column)
    return (EXPERIMENTS / f"{name}.toml").exists()


THERE = [cell for cell in CELLS if is_there(*cell)]


def test_all_tables_and_figures_are_declared():
    assert list(DECLARED.tables) == [*NAMES[:5], "mixtures", "omniglot", *sorted(NAMES[5:])]


@pytest.mark.parametrize(
    ("table", "dataset", "method", "metric", "expected"),
    [
        ("table2", "mog-six", "st", "nmi", [0.91, 0.03]),
        ("table2", "mog-six", "gfncp", "ari", [0.98, 0.01]),
        ("table2", "mnist-six", "ncp", "mc", [34.3, 28.1]),
        ("table2", "mnist-six", "dac", "nmi", [0.27, 0.07]),
        ("table2", "fashion-mnist-six", "gfncp", "nmi", [0.53, 0.02]),
        ("table3", "mog", "gfncp", "mc", [41.1, 19.8]),
        ("table3", "mnist", "gfncp", "ari", [0.74, 0.05]),
        ("table3", "fashion-mnist", "ncp", "nmi", [0.51, 0.10]),
        ("table3", "fashion-mnist", "dac", "ari", [0.18, 0.02]),
        ("table4", "imagenet-50", "gfncp", "nmi", [0.62, 0.08]),
        ("table4", "imagenet-100", "dac", "ari", [0.13, 0.03]),
        ("table4", "imagenet-200", "ncp", "mc", [64.4, 20.5]),
        ("table5", "mnist", "gfncp", "ari", [0.75]),
        ("table5", "imagenet-200", "ncp", "nmi", [0.24]),
        ("table6", "mog", "online", "mc", [30.5]),
        ("table6", "imagenet-200", "online", "ari", [0.43]),
        ("table6", "imagenet-100", "gfncp", "mc", [53.0, 13.5]),
    ],
)
def test_the_papers_figures_are_declared(table, dataset, method, metric, expected):
    assert DECLARED.tables[table].paper[dataset][method][metric] == expected


def test_what_the_paper_prints_twice_is_the_same():
    six, four, three = (DECLARED.tables[name].paper for name in ("table6", "table4", "table3"))
    for dataset, cells in six.items():
        assert cells["gfncp"] == (four | three)[dataset]["gfncp"]
    for table in DECLARED.tables.values():
        if "mog-code" in table.paper:
            assert table.paper["mog-code"] == table.paper["mog"]


def test_the_papers_protocol_is_declared():
    sets = {"mog": 3000, "mnist": 10_000, "fashion-mnist": 10_000, "imagenet-50": 2500}
    for dataset, number in sets.items():
        assert DECLARED.protocol("table3", dataset) == (number, 300)
    for name in NAMES[:5]:
        table = DECLARED.tables[name]
        assert table.seeds == [0, 1, 2] and table.sets is None and table.points is None


@pytest.mark.parametrize("name", NAMES)
def test_tables_show_known_metrics_of_declared_cells(name):
    table = DECLARED.tables[name]
    assert set(table.metrics) <= METRICS.keys()
    cells = DECLARED.cells(name)
    for dataset, of_dataset in table.paper.items():
        for method, of_method in of_dataset.items():
            assert (dataset, method) in cells
            assert set(of_method) <= set(table.metrics)


@pytest.mark.parametrize(("dataset", "method"), THERE, ids="-".join)
def test_every_cell_has_a_configuration(dataset, method):
    configuration = DECLARED.configuration(dataset, method)
    assert DECLARED.methods[method].estimator in (None, *METHODS)
    base = DECLARED.configuration(dataset, "gfncp").data
    for option in ("dataset", "alpha", "spread", "n_clusters", "classes"):  # what test sets depend on
        assert getattr(configuration.data, option, None) == getattr(base, option, None)


@pytest.mark.parametrize("dataset", ["mog", "mog-six", "mnist", "mnist-six", "fashion-mnist"])
def test_the_papers_rows_differ_in_the_objective_alone(dataset):
    paper, ncp = (DECLARED.configuration(dataset, method) for method in ("gfncp", "ncp"))
    training = paper.training
    assert (training.iterations, training.batch, training.points) == (5000, 64, (100, 1000))
    assert paper.objective.name == "gfncp-paper" and ncp.objective.name == "ncp"
    assert paper.objective.beta == (0.999 if dataset.startswith("mog") else 0.99)
    assert ncp.model_copy(update={"objective": paper.objective}) == paper


@pytest.mark.parametrize("method", ["gfncp", "ncp", "online"])
@pytest.mark.parametrize("dataset", ["mog", "mnist", "clinc150-50"])
def test_short_rows_differ_from_the_papers_in_the_training_alone(dataset, method):
    paper, short = (DECLARED.configuration(dataset, name) for name in (method, f"{method}-short"))
    assert short.training.batch_points == 1200 and paper.training.batch_points is None
    assert short.model_copy(update={"training": paper.training}) == paper


@pytest.mark.parametrize("method", ["gfncp", "ncp", "online"])
def test_the_papers_rows_keep_the_best_weights_and_short_ones_the_last(method):
    kept = [DECLARED.configuration("mog", name).training.keep for name in (method, f"{method}-short")]
    assert kept == ["lowest-loss", "last"]


@pytest.mark.parametrize("size", [50, 100, 200])
def test_features_of_imagenet_are_not_centred_and_all_of_half_of_the_classes_are_trained_on(size):
    paper = DECLARED.configuration(f"imagenet-{size}", "gfncp")
    assert (
        paper.encoder.kind == "scaled-vectors"
        and DECLARED.configuration("mog", "gfncp").encoder.kind == "vectors"
    )
    assert paper.data.held_out == 0 and paper.data.points > 1300 * size / 2


def test_rows_of_dac_and_set_transformer_say_which():
    filtering, anchored = (
        DECLARED.configuration("mnist", name).network for name in ("dac-min-filtering", "dac")
    )
    assert (filtering.kind, anchored.kind) == ("dac", "dac-anchored")
    raw, trained = (DECLARED.configuration("mnist-six", name).encoder for name in ("st", "st-embedded"))
    assert (raw.kind, trained.kind) == ("images", "embedded-images")
    for dataset, ours in (("mnist-six", "mnist"), ("fashion-mnist-six", "fashion-mnist")):
        own = read_configuration(EXPERIMENTS / f"{ours}.toml").encoder
        assert DECLARED.configuration(dataset, "st-embedded").encoder == own.model_copy(
            update={"context": None}
        )


def mixtures(**changes) -> GaussianMixtures:
    values = read_values(EXPERIMENTS / "paper" / "mog-2d.toml")
    data = parse(values | {"data": values["data"] | changes}, "changed").data
    return GaussianMixtures(data.dim, data.alpha, data.spread, data.n_clusters)


def test_the_papers_mixtures_may_have_two_clusters_at_least():
    fewest = [int(mixtures(alpha=0.01, **more)(50, 100, seeded(0))[1].amax(1).min()) + 1 for more in FEWEST]
    assert fewest == [1, 2]


def test_sigma_of_the_papers_mixtures_may_be_a_variance():
    """Eq. 33; of one cluster, the mean of the points is that of the cluster."""
    x, _ = mixtures(spread=3.1623, n_clusters=1)(1000, 100, seeded(0))
    assert 8.5 < float(x.mean(1).var()) < 11.5  # 10, of 2,000 numbers


def test_baselines_are_trained_as_their_own_files_say():
    for method, name in (("st", "set-transformer"), ("dac", "dac"), ("ccp", "ccp")):
        own = read_configuration(EXPERIMENTS / "baselines" / f"{name}-mog-2d-six.toml")
        declared = DECLARED.configuration("mog-six", method)
        six = own.data.model_copy(update={"alpha": 6.0})  # given K, partitions do not depend on it
        assert own.model_copy(update={"data": six}) == declared


@pytest.mark.parametrize(
    ("checkpoint", "last_step"), [("mog-2d", "mog-2d-further"), ("mnist", "mnist-pairs-end")]
)
def test_what_ships_was_trained_as_its_last_step_says(checkpoint, last_step):
    """But for its temperature, which is found after training and does not change greedy clusterings."""
    trained = load_configuration(checkpoint).model_copy(update={"temperature": 1.0})
    assert read_configuration(EXPERIMENTS / f"{last_step}.toml") == trained


@pytest.mark.parametrize(
    ("dataset", "last_step"), [("mixtures", "mog-2d-further"), ("mnist", "mnist-pairs-end")]
)
def test_our_row_is_what_ships(dataset, last_step):
    assert DECLARED.configuration(dataset, "ours") == read_configuration(EXPERIMENTS / f"{last_step}.toml")


GOOD = {
    "datasets.toml": 'a = { title = "A", configuration = "a", sets = 3 }',
    "methods.toml": 'm = { title = "M" }',
    "table2.toml": 'title = "T"\nmeasure = "greedy"\nmetrics = ["nmi"]\ndatasets = ["a"]\nmethods = ["m"]',
}


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("datasets.toml", "a = [", "datasets.toml: not a readable TOML file"),
        ("datasets.toml", 'a = { title = "A", configuration = "a", sets = 0 }', "datasets.toml: a.sets=0"),
        (
            "methods.toml",
            'm = { title = "M", estimator = "k-median" }',
            "methods.toml: m.estimator='k-median'",
        ),
        ("methods.toml", 'm = { title = "M", colour = "red" }', "m.colour='red'"),
        ("methods.toml", 'm = { title = "M", datasets = ["b"] }', "m: datasets='b': accepted are ['a']"),
        ("methods.toml", 'm = { title = "M", like = "m" }', "m: like='m': accepted are []"),
        ("methods.toml", 'n = { title = "N" }', "table2: methods='m': accepted are ['n']"),
        ("table2.toml", GOOD["table2.toml"].replace("greedy", "best"), "measure='best'"),
        ("table2.toml", GOOD["table2.toml"].replace('"a"', '"b"'), "table2: datasets='b'"),
        ("table2.toml", GOOD["table2.toml"] + "\npaper.a.x.nmi = [1]", "table2: methods='x'"),
        ("table2.toml", GOOD["table2.toml"] + "\npaper.a.m.nmi = [1, 2, 3]", "paper.a.m.nmi"),
    ],
)
def test_inconsistent_declarations_are_refused(tmp_path, file, text, said):
    (tmp_path / "tables").mkdir()
    for name, good in GOOD.items():
        (tmp_path / "tables" / name).write_text(good)
    assert list(read_declarations(tmp_path).tables) == ["table2"]
    (tmp_path / "tables" / file).write_text(text)
    with pytest.raises(ValueError) as error:
        read_declarations(tmp_path)
    assert said in str(error.value)


def test_all_files_are_small():
    paths = list((EXPERIMENTS / "tables").glob("*.toml"))
    assert paths
    for path in paths:
        assert tomllib.loads(path.read_text()) and len(path.read_text().splitlines()) < 160
