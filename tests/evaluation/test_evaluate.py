"""Scores of a checkpoint are those of its clusterings of fresh sets."""

import json

import pytest
import torch

from gfncp.checkpoints import load
from gfncp.estimators.inference import usual_pool
from gfncp.evaluation.evaluate import evaluate
from gfncp.evaluation.sets import draw_sets
from gfncp.metrics import scores
from gfncp.simulators import GaussianMixtures

WAYS = {"greedy", "labels", "samples", "exact draws"}


def test_the_record_holds_what_was_measured(vector_checkpoint):
    record = evaluate(str(vector_checkpoint), 4, 20, 0, None, False)
    x, labels = draw_sets(GaussianMixtures(n_clusters=(1, 10)), range(4), 20, 0)
    assert record["true_clusters"] == pytest.approx((labels.amax(1) + 1).double().mean().item())
    model = load(vector_checkpoint)
    with torch.no_grad():
        nll = -usual_pool(model, model.encode(x)).log_prob(labels[:, None])[:, 0]
    truth = record["posterior"]["truth_nll"]
    assert truth["value"] == pytest.approx(float(nll.mean()), rel=1e-5)
    assert truth["error"] == pytest.approx(float(nll.std() / 2), rel=1e-5)
    assert (record["sets"], record["points"], record["seed"]) == (4, 20, 0)
    assert set(record) >= WAYS and set(record["errors"]) == WAYS | {"true_clusters"}
    assert json.loads(json.dumps(record, allow_nan=False)) == record


def test_networks_without_probabilities_are_scored_by_what_they_predict(make_checkpoint):
    checkpoint = make_checkpoint(
        network={"kind": "dac-anchored", "hidden": 8, "inducing": 2, "heads": 1, "blocks": 1},
        objective={"name": "dac-anchored"},
    )
    record = evaluate(str(checkpoint), 4, 20, 0, None, False)
    x, labels = draw_sets(GaussianMixtures(n_clusters=(1, 10)), range(4), 20, 0)
    assert record["greedy"] == pytest.approx(scores(labels, load(checkpoint).predict(x)))
    assert set(record["errors"]) == {"greedy", "true_clusters"} and "posterior" not in record


def test_the_exact_sampler_beats_an_untrained_network(vector_checkpoint):
    record = evaluate(str(vector_checkpoint), 3, 12, 0, None, True)
    assert record["exact"]["nmi"] > 0.8 and record["exact draws"]["nmi"] > 0.7
    assert record["nmi_of_exact"] == pytest.approx(record["greedy"]["nmi"] / record["exact"]["nmi"])
    assert record["nmi_of_exact"] < 1


def test_the_seed_decides_the_sets(vector_checkpoint):
    first, again, other = (evaluate(str(vector_checkpoint), 2, 15, seed, None, False) for seed in (0, 0, 1))
    assert first["greedy"] == again["greedy"] and first["samples"] == again["samples"]
    assert first["greedy"] != other["greedy"]


def test_only_mixtures_have_an_exact_sampler(image_checkpoint):
    with pytest.raises(ValueError, match="only Gaussian mixtures"):
        evaluate(str(image_checkpoint), 1, 10, 0, None, True)


def test_images_are_clustered_by_class(image_checkpoint, data_folder):
    record = evaluate(str(image_checkpoint), 2, 12, 0, data_folder("mnist"), False)
    assert 1 <= record["true_clusters"] <= 10
    assert torch.isfinite(torch.tensor(record["greedy"]["nmi"]))
    assert "exact draws" not in record
