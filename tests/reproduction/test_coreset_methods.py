"""Networks of coresets in the tables: on the same test sets as other methods, clustered as users get it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from gfncp import GFNCP
from gfncp.checkpoints import load_configuration, save
from gfncp.configuration import parse
from gfncp.configuration.toml_files import to_toml
from gfncp.data.image_sets import LabelledImages
from gfncp.data.splits import class_list
from gfncp.evaluation import sets
from gfncp.reproduction import measures, runs
from gfncp.reproduction.coreset_methods import CoresetClusterer, of_any_number
from gfncp.reproduction.declarations import read_declarations
from gfncp.reproduction.measures import draw_sets
from gfncp.reproduction.reproduce import RECORDS, RESULTS, RUNS, reproduce
from gfncp.reproduction.runs import make_run, trained_for
from gfncp.seeds import seeded
from gfncp.simulators import GaussianMixtures

DECLARED = read_declarations(Path(__file__).parents[2] / "experiments")
TABLES = {
    "mnist-six": "table2",
    "fashion-mnist-six": "table2",
    "mnist": "table3",
    "fashion-mnist": "table3",
    "clinc150-150": "table4",
    "omniglot": "omniglot",
}
SHIPPED = {
    "fashion-mnist-six": "fashion-mnist",
    "fashion-mnist": "fashion-mnist",
    "clinc150-150": "clinc150",
    "omniglot": "omniglot",
}
COMPARED = "coresets", "ours", "ncp-short", "k-means"  # Omniglot has no network of points of ours
MEMBERS, DIM = 30, 384


@pytest.fixture
def ten_classes(monkeypatch) -> None:
    """Images of ten classes in place of data sets."""

    def images(dataset, part, folder=None):
        x = torch.randint(256, (10 * MEMBERS, 28, 28), generator=seeded(0), dtype=torch.uint8)
        return LabelledImages(x, torch.arange(len(x)) % 10)

    monkeypatch.setattr("gfncp.data.labelled_images", images)


@pytest.fixture
def data(tmp_path, ten_classes) -> Path:
    """A folder with embeddings of the classes of CLINC150; images need none."""
    path = tmp_path / "data" / "clinc150" / "sentences.npz"
    path.parent.mkdir(parents=True)
    names = np.repeat(class_list("clinc150"), MEMBERS)
    x = np.random.default_rng(0).normal(size=(len(names), DIM)).astype(np.float32)
    np.savez(path, x=x, y=names)
    return tmp_path / "data"


@pytest.fixture
def estimator(coreset_checkpoint) -> GFNCP:
    return GFNCP(coreset_checkpoint, n_samples=1, random_state=0)


@pytest.fixture
def points() -> torch.Tensor:
    return GaussianMixtures(2)(3, 12, seeded(0))[0]


@pytest.mark.parametrize(("dataset", "table"), TABLES.items())
def test_test_sets_are_those_of_the_other_methods(dataset, table, data):
    drawn = []
    methods = [method for method in DECLARED.tables[table].methods if method in COMPARED]
    assert len(methods) >= 3
    for method in methods:
        run = make_run(DECLARED, table, dataset, method, 0, None, 2)
        own = runs.data_folder(run.configuration, data)
        simulate = sets.make_test_simulator(run.configuration, torch.nn.Identity(), own)
        drawn.append(next(draw_sets(simulate, run.sets, 20, run.draw)))
    for batch in drawn[1:]:
        assert torch.equal(batch.x, drawn[0].x) and torch.equal(batch.labels, drawn[0].labels)
    if dataset.endswith("six"):
        assert (drawn[0].labels.amax(1) == 5).all()


@pytest.mark.parametrize(("dataset", "checkpoint"), SHIPPED.items())
def test_shipped_checkpoints_are_measured(dataset, checkpoint, tmp_path):
    run = make_run(DECLARED, TABLES[dataset], dataset, "coresets", 0)
    folder, about = trained_for(run, tmp_path, None, "cpu")
    shipped = load_configuration(checkpoint)
    assert folder.name == checkpoint and not any(tmp_path.iterdir())
    assert about == {"training": {"checkpoint": checkpoint, "temperature": shipped.temperature}}
    assert run.iterations == shipped.training.iterations


def test_one_network_is_trained_for_any_number_of_clusters_and_for_six():
    six, any_number = (DECLARED.configuration(dataset, "coresets") for dataset in ("mnist-six", "mnist"))
    assert six.data.n_clusters == 6
    assert of_any_number(six) == of_any_number(any_number) == any_number


def test_clusterings_are_the_consensus_that_users_get(points):
    """Unless samples contradict it, which a single one cannot."""
    estimator = GFNCP("general", n_samples=1, random_state=0)
    inference = estimator._inference()
    found = CoresetClusterer(estimator).predict(points)
    assert (found.amax(1) > 0).any()
    for labels, x in zip(found, points.double().numpy(), strict=True):
        assert torch.equal(labels, inference.greedy(inference.given(x)))


def test_samples_come_with_their_probabilities(estimator, points):
    clusterer = CoresetClusterer(estimator)
    drawn, log_prob = clusterer.sample(points, 20, seeded(3))
    assert drawn.shape == (3, 20, 12) and log_prob.shape == (3, 20)
    for labels, values, x in zip(drawn, log_prob, points.numpy(), strict=True):
        assert len(labels.unique(dim=0)) > 1
        np.testing.assert_allclose(estimator.log_prob(x, labels.numpy()), values, rtol=1e-4)
    again, _ = clusterer.sample(points, 20, seeded(3))
    other, _ = clusterer.sample(points, 20, seeded(4))
    assert torch.equal(again, drawn) and not torch.equal(other, drawn)


TABLE = """
title = "Table 2. Tiny"
measure = "{measure}"
metrics = {metrics}
datasets = ["mnist-three"]
methods = ["coresets"]
seeds = {seeds}
sets = 2
points = 12
"""


@pytest.fixture
def root(tmp_path, embedded_coreset_checkpoint, few_images, small_validation, monkeypatch) -> Path:
    """A folder with tiny declarations, where the checkpoint of seed 0 ships."""
    values = load_configuration(embedded_coreset_checkpoint).model_dump(mode="json")
    values["encoder"]["embedding"] = str(embedded_coreset_checkpoint)
    configuration = parse(values, "tiny")
    save(configuration.build(), configuration, tmp_path / "shipped" / "tiny")
    monkeypatch.setattr(runs, "PRETRAINED", tmp_path / "shipped")
    tables = tmp_path / "experiments" / "tables"
    tables.mkdir(parents=True)
    (tmp_path / "experiments" / "tiny.toml").write_text(to_toml(configuration))
    changes = "changes.data = { n_clusters = 3 }"
    column = f'[mnist-three]\ntitle = "Three"\nconfiguration = "tiny"\n{changes}\nsets = 9\n'
    (tables / "datasets.toml").write_text(column)
    (tables / "methods.toml").write_text('[coresets]\ntitle = "ours (coresets)"\n')
    for name, measure, metrics, seeds in (
        ("table2", "greedy", '["nmi", "mc"]', [0, 1]),
        ("table5", "average", '["nmi", "ari"]', [0]),
        ("fig1", "sdpp", '["sdpp"]', [0]),
    ):
        text = TABLE.format(measure=measure, metrics=metrics, seeds=seeds)
        (tables / f"{name}.toml").write_text(text)
    return tmp_path


def test_tables_are_made(root, monkeypatch):
    monkeypatch.setattr(measures, "SAMPLES", 20)
    for table in ("table2", "table5"):
        reproduce(root, table, device="cpu", report=lambda line: None)
    paths = sorted((root / RECORDS).rglob("*.json"))
    average, shipped, trained = (json.loads(path.read_text()) for path in paths)
    assert average["measure"] == "average" and {"nmi", "ari"} <= set(average["metrics"])
    assert all(one["configuration"]["data"]["n_clusters"] == 3 for one in (average, shipped, trained))
    assert shipped["training"] == average["training"] == {"checkpoint": "tiny", "temperature": 1.0}
    folder = root / RUNS / trained["training"]["folder"]
    assert load_configuration(folder).data.n_clusters == (1, 10)
    assert all(set(one["metrics"]) == {"nmi", "ari", "clusters"} for one in (shipped, trained))
    (row, _) = [one for one in (root / RESULTS).read_text().splitlines() if one.startswith("| Three")]
    _, _, nmi, mc, seeds, tests, *_ = row.split(" | ")
    mean = np.mean([one["metrics"]["nmi"] for one in (shipped, trained)])
    assert nmi.startswith(f"{mean:.3f} ± ") and (mc, seeds, tests) == ("–", "2", "2 of 12")


def test_other_measures_are_refused_before_anything_is_trained(root):
    lines = []
    with pytest.raises(ValueError, match="1 runs of fig1 could not be made"):
        reproduce(root, "fig1", seeds=[1], device="cpu", report=lines.append)
    assert "measure='sdpp': " in lines[0] and "accepted are 'greedy' and 'average'" in lines[0]
    assert not (root / RUNS).exists()
