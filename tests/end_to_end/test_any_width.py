"""A checkpoint for data of any width, from training to the estimator."""

import numpy as np
import pytest

from gfncp import GFNCP, load
from gfncp.configuration import parse
from gfncp.configuration.toml_files import read_configuration, to_toml
from gfncp.evaluation.evaluate import evaluate
from gfncp.evaluation.sets import draw_sets
from gfncp.simulators import GeneralMixtures
from gfncp.training.train import train

GENERAL = {
    "encoder": {"kind": "any-vectors", "context": {"width": 8, "heads": 2, "blocks": 1}},
    "data": {"kind": "general-mixtures", "max_clusters": 4},
}


@pytest.fixture
def checkpoint(make_checkpoint):
    return make_checkpoint(**GENERAL)


@pytest.mark.parametrize("dim", [1, 3, 50])
def test_one_checkpoint_clusters_any_width(checkpoint, dim):
    X = np.random.default_rng(0).normal(size=(20, dim))
    model = GFNCP(checkpoint=checkpoint, n_samples=5, random_state=0).fit(X)
    assert model.labels_.shape == (20,)
    assert model.n_features_in_ == dim
    probabilities = model.predict_proba(X[:3] + 0.5)
    np.testing.assert_allclose(probabilities.sum(1), 1)


def test_units_signs_and_order_of_columns_do_not_matter(checkpoint):
    X = np.random.default_rng(0).normal(size=(20, 3)) ** 3
    model = GFNCP(checkpoint=checkpoint, n_samples=5, random_state=0)
    labels = model.fit(X).labels_
    again = model.log_prob(X[:, [2, 0, 1]] * [-1e3, 1e-3, 1] + 5, labels)
    assert again == pytest.approx(model.log_prob(X, labels), abs=1e-3)


@pytest.mark.parametrize("shape", [(20,), (20, 2, 2)])
def test_what_are_no_vectors_is_refused(checkpoint, shape):
    with pytest.raises(ValueError, match=r"X has shape .* was trained on \(n_samples, any width\)"):
        GFNCP(checkpoint=checkpoint).fit(np.zeros(shape))


@pytest.mark.usefixtures("small_validation")
def test_a_general_run_trains_and_is_evaluated(tmp_path):
    configuration = parse(
        GENERAL
        | {
            "network": {"kind": "interacting-energy", "depth": 2, "width": 8, "cluster_width": 8},
            "objective": {"name": "gfncp", "disagreement": 0.0},
            "training": {"iterations": 2, "batch": 2, "points": (5, 9), "validation_sets": 1},
        },
        "test",
    )
    train(configuration, tmp_path / "run")
    assert load(tmp_path / "run").encoder.point_shape == (None,)
    found = evaluate(str(tmp_path / "run"), 2, 12, 0, None, False)
    _, labels = draw_sets(GeneralMixtures(max_clusters=4), range(2), 12, 0)
    assert found["true_clusters"] == pytest.approx((labels.amax(1) + 1).double().mean().item())
    (tmp_path / "again.toml").write_text(to_toml(configuration))
    assert read_configuration(tmp_path / "again.toml") == configuration


def test_data_of_any_width_needs_an_encoder_that_takes_it():
    with pytest.raises(
        ValueError, match=r"points of shape \(None,\), but encoder.kind='vectors' takes \(2,\)"
    ):
        parse(GENERAL | {"encoder": {"kind": "vectors", "dim": 2}, "objective": {"name": "ncp"}}, "test")
