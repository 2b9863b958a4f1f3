"""Training on coresets of neighbours: what sets are made of, and where first weights come from."""

import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from safetensors.torch import load_file

from gfncp.checkpoints import WEIGHTS, load, load_configuration, save
from gfncp.configuration import parse
from gfncp.configuration.toml_files import to_toml
from gfncp.networks.encoders import prepared, without_embedding
from gfncp.networks.tokens import COLUMNS
from gfncp.objectives.batch import Batch
from gfncp.seeds import seeded
from gfncp.simulators import LabelledCoresets, NeighbourEmbeddings, WholeClasses
from gfncp.training.preparation import EMBEDDING
from gfncp.training.train import move_towards, train

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.fixture
def checkpoint(embedded_coreset_checkpoint):
    return embedded_coreset_checkpoint


@pytest.fixture
def vectors(tmp_path):
    """A file of six heaps in seven dimensions, by their names."""
    rng = np.random.default_rng(0)
    x = np.repeat(5 * rng.normal(size=(6, 7)), 20, axis=0) + rng.normal(size=(120, 7))
    np.savez(tmp_path / "x.npz", x=x, kind=np.repeat(list("abcdef"), 20))
    return tmp_path / "x.npz"


def changed(checkpoint, **sections):
    """A checkpoint's configuration with some options changed."""
    values = load_configuration(checkpoint).model_dump(mode="json")
    return parse({**values, **{name: {**values[name], **options} for name, options in sections.items()}}, "")


def altered(configuration, folder, seed=1):
    """A checkpoint of a configuration with other random weights."""
    torch.manual_seed(seed)
    save(configuration.build(), configuration, folder)
    return str(folder)


def without(checkpoint, folder):
    """A checkpoint of the network behind an embedding, with other weights."""
    values = load_configuration(checkpoint).model_dump(mode="json")
    values["encoder"] = {"kind": "tokens", "context": values["encoder"]["context"]}
    values["data"] = {"kind": "coresets", "tokens": 5}
    return altered(parse(values, "test"), folder)


def weights(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def same(some, others):
    assert some.keys() == others.keys() and some
    assert all(torch.equal(value, others[name]) for name, value in some.items())


def test_sets_are_coresets_of_neighbours_and_validation_of_held_out_classes(checkpoint, few_images):
    described, encoder = changed(checkpoint, data={"fewest": 3}), load(checkpoint).encoder
    training, validation = described.data.make_simulators(encoder, None, described.seed)
    assert isinstance(training, LabelledCoresets) and (training.tokens, training.fewest) == (5, 3)
    assert isinstance(validation, LabelledCoresets) and (validation.tokens, validation.fewest) == (5, None)
    ((_, neighbours),), ((_, classes),) = training.families, validation.families
    assert isinstance(neighbours, NeighbourEmbeddings) and isinstance(classes, WholeClasses)
    assert torch.equal(neighbours.views[0], prepared(encoder, few_images("mnist", "training").images))
    assert torch.equal(classes.points, prepared(encoder, few_images("mnist", "validation").images))
    for simulate in (training, validation):
        drawn = simulate(3, 20, seeded(0))
        assert drawn.x.shape[2] == COLUMNS and drawn.x.isfinite().all()


def test_coresets_of_files_are_made_of_their_vectors(checkpoint, vectors):
    described = changed(without(checkpoint, vectors.with_name("tokens")))
    data = {"kind": "neighbour-coresets", "dataset": "file", "dim": 7, "label": "kind", "test_points": 8}
    described = parse({**described.model_dump(), "data": {**data, "held_out": 0.0, "tokens": 5}}, "test")
    training, validation = described.data.make_simulators(described.build().encoder, vectors, described.seed)
    ((_, neighbours),), ((_, classes),) = training.families, validation.families
    assert neighbours.views.shape == (1, 60, 7)
    assert classes.points.shape == (60, 7)
    x, labels, *rest = training(3, 20, seeded(0))
    loss = described.objective.build()(described.build(), Batch(x, labels, None, 1.0, *rest), seeded(0))
    assert loss["loss"].isfinite()
    train(described, vectors.with_name("run"), vectors)
    assert load(vectors.with_name("run")).encoder.features


def test_first_weights_without_an_embedding_land_behind_it(checkpoint, tmp_path):
    model, other = load(checkpoint), without(checkpoint, tmp_path / "plain")
    before = weights(model.encoder.embedding)
    move_towards(model, other, 1.0)
    same(weights(without_embedding(model)), weights(load(other)))
    same(weights(model.encoder.embedding), before)


def test_first_weights_with_an_embedding_are_taken_whole(checkpoint, tmp_path):
    model, other = load(checkpoint), altered(load_configuration(checkpoint), tmp_path / "other")
    move_towards(model, other, 1.0)
    same(weights(model), weights(load(other)))


def test_first_weights_of_another_network_are_refused(checkpoint, vector_checkpoint):
    with pytest.raises(ValueError, match=r"training\.initial=.*not the weights of the configured network"):
        move_towards(load(checkpoint), str(vector_checkpoint), 1.0)


@pytest.mark.parametrize("kind", ["embedded-tokens", "embedded-images"])
def test_a_run_keeps_the_embedding_of_another_checkpoint(
    checkpoint, make_checkpoint, tmp_path, few_images, small_validation, kind
):
    described = changed(checkpoint)
    if kind == "embedded-tokens":
        other = altered(described, tmp_path / "other")
    else:
        encoder = {"kind": kind, "features": 6, "channels": (2, 2, 2)}
        data = {"kind": "neighbour-embeddings", "dataset": "mnist"}
        other = str(make_checkpoint(encoder=encoder, data=data, objective={"name": "ncp"}))
    initial = without(checkpoint, tmp_path / "plain")
    described = changed(checkpoint, encoder={"embedding": other}, training={"initial": initial})
    trained = train(described, tmp_path / "run")
    same(weights(trained.encoder.embedding), weights(load(other).encoder.embedding))
    same(load_file(tmp_path / "run" / EMBEDDING), weights(load(other).encoder.embedding))
    network, first = weights(without_embedding(trained)), weights(load(initial))
    assert network.keys() == first.keys()
    assert not all(torch.equal(value, first[name]) for name, value in network.items())


@pytest.mark.parametrize(
    ("features", "message"), [(None, "accepted are checkpoints with an"), (7, "another shape")]
)
def test_what_has_no_such_embedding_is_refused(checkpoint, tmp_path, few_images, features, message):
    if features is None:
        other = without(checkpoint, tmp_path / "other")
    else:
        other = altered(changed(checkpoint, encoder={"features": features}), tmp_path / "other")
    with pytest.raises(ValueError, match=rf"encoder\.embedding=.*{message}"):
        train(changed(checkpoint, encoder={"embedding": other}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.fixture
def join(monkeypatch):
    monkeypatch.syspath_prepend(str(EXPERIMENTS))
    return importlib.import_module("with_embedding").main


def test_a_network_and_an_embedding_are_joined(checkpoint, tmp_path, join):
    other = altered(load_configuration(checkpoint), tmp_path / "other")
    network = without(checkpoint, tmp_path / "plain")
    (tmp_path / "joined.toml").write_text(to_toml(load_configuration(checkpoint)))
    join(tmp_path / "joined", network, other, tmp_path / "joined.toml")
    joined = load(tmp_path / "joined")
    assert load_configuration(tmp_path / "joined") == load_configuration(checkpoint)
    same(weights(joined.encoder.embedding), weights(load(other).encoder.embedding))
    same(weights(without_embedding(joined)), weights(load(network)))


def test_what_cannot_be_joined_is_refused(checkpoint, tmp_path, join):
    network = without(checkpoint, tmp_path / "plain")
    path = tmp_path / "joined.toml"
    path.write_text(to_toml(load_configuration(network)))
    with pytest.raises(typer.BadParameter, match=r"encoder\.kind='tokens': accepted is 'embedded-tokens'"):
        join(tmp_path / "joined", network, str(checkpoint), path)
    path.write_text(to_toml(load_configuration(checkpoint)))
    with pytest.raises(typer.BadParameter, match="accepted are checkpoints with an embedding"):
        join(tmp_path / "joined", network, network, path)
    assert not (tmp_path / "joined" / WEIGHTS).exists()
