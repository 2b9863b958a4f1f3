"""Baselines through configuration, training loop, checkpoints, evaluation and scikit-learn's interface."""

import numpy as np
import pytest
import torch
from sklearn.base import clone

from gfncp import GFNCP, load
from gfncp.checkpoints import save
from gfncp.configuration import Configuration, parse
from gfncp.estimators.clusterer import CCP, DAC, SetTransformer
from gfncp.evaluation.evaluate import evaluate
from gfncp.evaluation.sets import draw_sets, make_test_simulator
from gfncp.metrics import scores
from gfncp.objectives.batch import Batch
from gfncp.simulators import GaussianMixtures
from gfncp.training.train import train

ATTENTION = {"hidden": 16, "inducing": 4, "heads": 2}
NETWORKS = {
    "ccp": {"depth": 3, "width": 16, "latent": 4},
    "dac": {**ATTENTION, "blocks": 1},
    "dac-anchored": {**ATTENTION, "blocks": 1},
    "set-transformer": {**ATTENTION, "n_components": 2},
}
CLUSTERERS = {"ccp": CCP, "dac": DAC, "dac-anchored": DAC, "set-transformer": SetTransformer}


def describe(kind: str, **changes) -> dict:
    """A small run on an easy problem: two clusters, far apart."""
    return {
        "encoder": {"kind": "vectors", "dim": 2, "scale": 10.0},
        "network": {"kind": kind, **NETWORKS[kind]},
        "data": {"kind": "gaussian-mixtures", "spread": 15.0, "n_clusters": 2},
        "objective": {"name": kind},
        "training": {
            "iterations": 40,
            "batch": 8,
            "points": (8, 12),
            "learning_rate": 5e-3,
            "clip": 1.0,
            "validation_sets": 1,
        },
    } | changes


@pytest.fixture(params=sorted(NETWORKS))
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """A folder with an untrained checkpoint of every kind."""
    folder = tmp_path_factory.mktemp("checkpoints")
    for kind in NETWORKS:
        configuration = parse(describe(kind), kind)
        save(configuration.build(), configuration, folder / kind)
    configuration = Configuration(
        encoder={"kind": "vectors", "dim": 2}, data={"kind": "gaussian-mixtures"}, objective={"name": "ncp"}
    )
    save(configuration.build(), configuration, folder / "energy")
    return folder


@pytest.mark.usefixtures("small_validation")
def test_training_lowers_the_loss_and_leaves_a_checkpoint(kind, tmp_path):
    configuration = parse(describe(kind), kind)
    x, labels = GaussianMixtures(spread=15.0, n_clusters=2)(100, 10, torch.Generator().manual_seed(8))
    loss = configuration.objective.build()

    @torch.no_grad()
    def measure(model):
        return float(loss(model, Batch(x, labels), torch.Generator().manual_seed(9))["loss"])

    torch.manual_seed(configuration.seed)
    before = measure(configuration.build())
    model = train(configuration, tmp_path / kind)
    after = measure(model)
    assert after < before - 0.1

    loaded = load(tmp_path / kind)
    assert measure(loaded) == after
    assert torch.equal(loaded.predict(x), model.predict(x))
    result = evaluate(str(tmp_path / kind), sets=2, points=20, seed=0, data=None, exact=False)
    x, labels = draw_sets(make_test_simulator(configuration, model.encoder, None), range(2), 20, 0)
    assert result["greedy"] == pytest.approx(scores(labels, model.predict(x)))


def test_clusterers_give_the_networks_labels(kind, checkpoints, generator):
    x, _ = GaussianMixtures()(1, 15, generator)
    clusterer = CLUSTERERS[kind](checkpoint=checkpoints / kind)
    labels = clusterer.fit_predict(x[0].double().numpy())
    np.testing.assert_array_equal(labels, load(checkpoints / kind).predict(x)[0])
    assert clusterer.n_clusters_ == len(np.unique(labels))
    assert clusterer.n_features_in_ == 2
    assert clone(clusterer).get_params() == clusterer.get_params()


def test_clusterers_refuse_other_kinds(kind, checkpoints):
    others = {"energy", *NETWORKS} - set(CLUSTERERS[kind].kinds)
    assert len(others) >= 3
    for other in others:
        clusterer = CLUSTERERS[kind](checkpoint=checkpoints / other)
        with pytest.raises(ValueError, match=rf"kind '{other}': accepted is '{CLUSTERERS[kind].kinds[0]}'"):
            clusterer.fit(np.zeros((3, 2)))


def test_gfncp_refuses_a_baseline(kind, checkpoints):
    with pytest.raises(ValueError, match=rf"kind '{kind}': accepted is 'energy'"):
        GFNCP(checkpoint=checkpoints / kind).fit(np.zeros((3, 2)))


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((4, 3)), r"X has shape \(4, 3\).*\(n_samples, 2\)"),
        (np.zeros(4), r"X has shape \(4,\)"),
        (np.array([[0.0, np.nan]]), "holds nan"),
        (np.zeros((0, 2)), "at least one point"),
        (np.array([["a", "b"]]), "holds 'a'"),
    ],
)
def test_bad_points_are_refused(kind, checkpoints, points, message):
    with pytest.raises(ValueError, match=message):
        CLUSTERERS[kind](checkpoint=checkpoints / kind).fit(points)


def test_the_number_of_components_is_fixed(checkpoints):
    points = np.random.default_rng(0).normal(size=(5, 2))
    folder = checkpoints / "set-transformer"
    assert SetTransformer(folder, n_clusters=2).fit(points).n_clusters_ <= 2
    with pytest.raises(ValueError, match=r"n_clusters=3: .* has 2 components"):
        SetTransformer(folder, n_clusters=3).fit(points)


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("ccp", {"objective": {"name": "ncp"}}, "'ncp' trains a network of kind 'energy'.*'ccp'"),
        ("dac", {"objective": {"name": "dac-anchored"}}, "'dac-anchored' trains"),
        ("dac", {"network": {"kind": "dac", "hidden": 10, "heads": 4}}, "heads=4.*hidden=10"),
        ("dac", {"network": {"kind": "dca"}}, "dca"),
        ("ccp", {"training": {"sampled_steps": 8}}, "sampled_steps=8.*energy"),
        (
            "set-transformer",
            {"data": {"kind": "gaussian-mixtures", "n_clusters": (1, 10)}},
            r"n_clusters=\(1, 10\).*n_components=2",
        ),
        ("set-transformer", {"network": {"kind": "set-transformer"}}, "n_components.*required"),
    ],
)
def test_configurations_that_do_not_fit_are_refused(kind, changes, message):
    with pytest.raises(ValueError, match=message):
        parse(describe(kind, **changes), "run.toml")


def test_the_energy_network_is_the_default():
    values = {
        "encoder": {"kind": "vectors", "dim": 2},
        "data": {"kind": "gaussian-mixtures"},
        "objective": {"name": "ncp"},
    }
    assert parse(values, "run.toml").network.kind == "energy"
    network = parse(values | {"network": {"depth": 3}}, "run.toml").network
    assert (network.kind, network.depth) == ("energy", 3)


def test_stored_configurations_are_read_back(kind):
    configuration = parse(describe(kind), kind)
    assert parse(configuration.model_dump(mode="json"), kind) == configuration
