"""Scores of a checkpoint are those of its greedy clusterings of fresh sets."""

import json

import pytest
import torch

from gfncp.checkpoints import load, seeded
from gfncp.evaluation.evaluate import TEST_STREAM, evaluate
from gfncp.evaluation.metrics import scores
from gfncp.simulators import GaussianMixtures


def test_the_record_holds_what_was_measured(vector_checkpoint):
    record = evaluate(str(vector_checkpoint), 4, 20, 0, None, False)
    x, labels = GaussianMixtures(n_clusters=(1, 10))(4, 20, seeded(0, TEST_STREAM, 0))
    assert record["greedy"] == scores(labels, load(vector_checkpoint).predict(x))
    assert record["true_clusters"] == pytest.approx((labels.amax(1) + 1).double().mean().item())
    assert (record["sets"], record["points"], record["seed"]) == (4, 20, 0)
    json.dumps(record)


def test_the_exact_sampler_beats_an_untrained_network(vector_checkpoint):
    record = evaluate(str(vector_checkpoint), 3, 12, 0, None, True)
    assert record["exact"]["nmi"] > 0.8
    assert record["nmi_of_exact"] == pytest.approx(record["greedy"]["nmi"] / record["exact"]["nmi"])
    assert record["nmi_of_exact"] < 1


def test_the_seed_decides_the_sets(vector_checkpoint):
    first, again, other = (evaluate(str(vector_checkpoint), 2, 15, seed, None, False) for seed in (0, 0, 1))
    assert first["greedy"] == again["greedy"]
    assert first["greedy"] != other["greedy"]


def test_only_mixtures_have_an_exact_sampler(image_checkpoint):
    with pytest.raises(ValueError, match="only Gaussian mixtures"):
        evaluate(str(image_checkpoint), 1, 10, 0, None, True)


def test_images_are_clustered_by_class(image_checkpoint, data_folder):
    record = evaluate(str(image_checkpoint), 2, 12, 0, data_folder("mnist"), False)
    assert 1 <= record["true_clusters"] <= 10
    assert torch.isfinite(torch.tensor(record["greedy"]["nmi"]))
