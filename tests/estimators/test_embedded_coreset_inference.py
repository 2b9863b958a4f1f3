"""Images are clustered as their embeddings are by the same network of coresets."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from gfncp import GFNCP
from gfncp.checkpoints import WEIGHTS, load_configuration, save_configuration
from gfncp.configuration import parse
from gfncp.data import labelled_images
from gfncp.estimators.embedded_coreset_inference import EmbeddedCoresetInference
from gfncp.estimators.image_range import STATISTICS
from gfncp.metrics import agreements
from gfncp.networks.encoders import EmbeddedEncoder
from gfncp.partitions import all_partitions


@pytest.fixture
def checkpoint(embedded_coreset_checkpoint):
    return embedded_coreset_checkpoint


@pytest.fixture
def of_embeddings(checkpoint, tmp_path):
    """A checkpoint of the same network without the embedding."""
    values = load_configuration(checkpoint).model_dump(mode="json")
    values["encoder"] = {"kind": "tokens", "context": values["encoder"]["context"]}
    values["data"] = {"kind": "coresets", "tokens": values["data"]["tokens"]}
    folder = tmp_path / "of-embeddings"
    save_configuration(parse(values, "test"), folder)
    weights = load_file(checkpoint / WEIGHTS)
    behind = {
        name.replace("encoder.encoder.", "encoder."): value
        for name, value in weights.items()
        if not name.startswith("encoder.embedding.")
    }
    save_file(behind, folder / WEIGHTS)
    return folder


@pytest.fixture
def embed(checkpoint):
    return lambda x: GFNCP(checkpoint)._inference().vectors(x)


def images(count, seed=0):
    """Noise that is brighter in one half or the other."""
    rng = np.random.default_rng(seed)
    x = rng.random((count, 28, 28)) / 2
    x[::2, :14] += 0.5
    x[1::2, 14:] += 0.5
    return x


def test_vectors_are_what_the_embedding_makes(checkpoint):
    inference, x = GFNCP(checkpoint)._inference(), images(5)
    expected = inference.network.encoder.embed(torch.from_numpy(x).float()).numpy()
    np.testing.assert_allclose(inference.vectors(x), expected, rtol=1e-5, atol=1e-5)


def fitted(checkpoint, x, scale="auto", **known):
    return GFNCP(checkpoint, random_state=0, n_samples=10, scale=scale).fit(x, **known)


@pytest.mark.parametrize("rows", [5, 30])
@pytest.mark.parametrize("known", [{}, {"known_labels": True, "sample_weight": True}], ids=["", "known"])
def test_images_are_clustered_as_their_embeddings_in_one_unit(checkpoint, of_embeddings, embed, rows, known):
    x, new = images(rows), images(4, seed=1)
    given = {
        "known_labels": np.r_[0, 1, 0, np.full(rows - 3, -1)],
        "sample_weight": np.arange(1.0, rows + 1),
    }
    given = {name: given[name] for name in known}
    model, plain = fitted(checkpoint, x, **given), fitted(of_embeddings, embed(x), "none", **given)
    assert np.array_equal(model.labels_, plain.labels_)
    assert np.array_equal(model.posterior_.labels, plain.posterior_.labels)
    np.testing.assert_allclose(model.posterior_.log_prob, plain.posterior_.log_prob, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(model.predict_proba(new), plain.predict_proba(embed(new)), atol=1e-4)
    np.testing.assert_allclose(
        model.log_prob(x, model.labels_), plain.log_prob(embed(x), model.labels_), rtol=1e-4, atol=1e-4
    )
    if known:
        assert model.labels_[0] == model.labels_[2] != model.labels_[1]


@pytest.mark.parametrize("n_clusters", [None, 2, (2, 3)])
def test_probabilities_of_all_partitions_sum_to_one(checkpoint, n_clusters):
    made = GFNCP(checkpoint, n_clusters=n_clusters)._inference()
    values = made.log_prob(made.given(images(6)), all_partitions(6))
    assert np.exp(values).sum() == pytest.approx(1, abs=1e-5)
    assert (values > -np.inf).sum() > 2


def test_the_order_of_the_images_changes_nothing_at_all(checkpoint):
    x = images(40)
    order = np.random.default_rng(1).permutation(40)
    made = GFNCP(checkpoint)._inference()
    assert np.array_equal(made.vectors(x)[order], made.vectors(x[order]))
    before, after = fitted(checkpoint, x), fitted(checkpoint, x[order])
    _, first = np.unique(before.labels_[order], return_index=True)
    names = np.empty(len(first), dtype=int)
    names[before.labels_[order][np.sort(first)]] = np.arange(len(first))
    assert np.array_equal(names[before.labels_[order]], after.labels_)
    assert np.array_equal(before.posterior_.log_prob, after.posterior_.log_prob)


def test_images_are_embedded_once_for_a_fit_and_once_for_predictions(checkpoint, monkeypatch):
    embedded, embed = [], EmbeddedEncoder.embed
    monkeypatch.setattr(
        EmbeddedEncoder, "embed", lambda self, points: embedded.append(len(points)) or embed(self, points)
    )
    model = GFNCP(checkpoint, random_state=0, n_samples=5).fit(np.concatenate([images(20), images(20)]))
    assert sum(embedded) == 20
    embedded.clear()
    model.predict_proba(images(3, seed=1))
    assert sum(embedded) == 20 + 3
    embedded.clear()
    model.predict_proba(images(2, seed=2))
    assert sum(embedded) == 2


def test_images_of_sets_side_by_side_are_embedded_once_to_be_clustered(checkpoint, monkeypatch):
    made, embedded, embed = GFNCP(checkpoint)._inference(), [], EmbeddedEncoder.embed
    monkeypatch.setattr(
        EmbeddedEncoder, "embed", lambda self, points: embedded.append(len(points)) or embed(self, points)
    )
    sets = [made.given(images(20, seed=seed)) for seed in range(3)]
    made.cluster(sets, 2, torch.Generator())
    for given in sets:
        made.log_prob(given, torch.zeros(1, 20, dtype=torch.long))
    assert sum(embedded) == 60


def test_equal_images_are_one_point(checkpoint):
    x = images(20)
    model = fitted(checkpoint, np.concatenate([x, x]))
    assert np.array_equal(model.labels_[:20], model.labels_[20:])


@pytest.mark.parametrize("count", [1, 2])
def test_few_images_are_clustered(checkpoint, count):
    assert len(fitted(checkpoint, images(count)).labels_) == count


def test_sets_side_by_side_are_as_alone(checkpoint):
    sets = [images(4), images(30), images(7, seed=3)]
    told = [None, [0, 1, *[-1] * 28], None]
    models = GFNCP(checkpoint, random_state=0, n_samples=5).fit_sets(sets, known_labels=told)
    for x, known, model in zip(sets, told, models, strict=True):
        alone = GFNCP(checkpoint, random_state=0, n_samples=5).fit(x, known_labels=known)
        assert np.array_equal(alone.labels_, model.labels_)


@pytest.mark.parametrize("kind", ["numbers", "bytes"])
def test_fits_are_saved_with_their_images(checkpoint, tmp_path, kind):
    x, new = images(20), images(3, seed=1)
    if kind == "bytes":
        x, new = ((255 * each).astype(np.uint8) for each in (x, new))
    model = fitted(checkpoint, x, known_labels=["a", "b", *[""] * 18], sample_weight=np.arange(1, 21))
    model.save(tmp_path / "fitted")
    again = GFNCP.load(tmp_path / "fitted")
    assert again.X_.shape == (20, 28, 28) and np.array_equal(again.X_, model.X_)
    assert again.scale_ is model.scale_ is None and again.n_features_in_ == 28 * 28
    assert np.array_equal(again.labels_, model.labels_)
    np.testing.assert_array_equal(again.predict_proba(new), model.predict_proba(new))


@pytest.mark.parametrize("scale", ["none", "columns", "unit-length"])
def test_embeddings_have_one_unit(checkpoint, scale):
    with pytest.raises(ValueError, match=f"scale={scale!r}: .* embeds images; accepted is 'auto'"):
        GFNCP(checkpoint, scale=scale).fit(images(5))


def test_other_points_and_streams_are_refused(checkpoint):
    with pytest.raises(ValueError, match=r"was trained on \(n_samples, 28, 28\)"):
        GFNCP(checkpoint).fit(np.zeros((5, 34)))
    assert not hasattr(GFNCP(checkpoint), "partial_fit")


def test_images_unlike_those_of_training_are_refused(checkpoint):
    ranges = dict.fromkeys(STATISTICS, (0.0, 1.0)) | {"border": (0.0, 0.1)}
    described = {"of": "images", "command": "test", "ranges": ranges}
    (checkpoint / "range.json").write_text(json.dumps(described))
    with pytest.raises(ValueError, match="mean intensity of the border"):
        GFNCP(checkpoint).fit(images(5))


def test_networks_of_vectors_have_their_own_inference(checkpoint, coreset_checkpoint, vector_checkpoint):
    kinds = [type(GFNCP(each)._inference()) for each in (checkpoint, coreset_checkpoint, vector_checkpoint)]
    assert kinds[0] is EmbeddedCoresetInference and EmbeddedCoresetInference not in kinds[1:]


def test_characters_of_unseen_alphabets_are_found(data_folder):
    images, classes = labelled_images("omniglot", "test", data_folder("omniglot"))
    rows = torch.isin(classes, torch.tensor([7, 140, 260, 390, 520]))
    model = GFNCP("omniglot", random_state=0).fit((images[rows] / 255).numpy())
    found = agreements(classes[rows][None], torch.from_numpy(model.labels_).long()[None, None])
    assert found.ari.item() > 0.9
    assert model.posterior_.n_clusters()[5] > 0.1
