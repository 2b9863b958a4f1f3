"""Test how the benchmark of calibration judges the answers of a posterior."""

import numpy as np
import pytest
import torch

from gfncp.evaluation import coreset_sets as sets


@pytest.fixture
def calibration(import_benchmark):
    return import_benchmark("calibration")


@pytest.fixture
def inference(coreset_inference):
    return coreset_inference()


def points(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 2)) * [3.0, 1.0]


def measured(calibration, inference, truths, x):
    streams = [torch.Generator().manual_seed(seed) for seed in range(4)]
    drawn = [
        sets.SimulatedSet("made", each, labels, sets.some_known(each, labels, streams[3]))
        for each, labels in zip(x, truths, strict=True)
    ]
    return calibration.summary(calibration.measure(inference, drawn, "auto", 20, streams), streams[3])


def test_the_posterior_that_made_the_labels_is_found_calibrated(calibration, inference, generator):
    x = [points(8, seed=seed) for seed in range(24)]
    given = [inference.given(each) for each in x]
    truths = [each.samples[0].astype(np.int64) for each in sets.answer_sets(inference, given, 1, generator)]
    found = measured(calibration, inference, truths, x)
    assert abs(found["ratio"].value - 1) < 4 * found["ratio"].error
    assert found["rank_p"] > 0.01
    assert found["clusters_p"] > 0.01
    assert found["pairs"]["truth"]["error"] == pytest.approx(found["pairs"]["sample"]["error"], abs=0.03)
    assert found["possible"].value == 1


def test_labels_that_another_law_made_are_found_out(calibration, inference):
    x = [points(8, seed=seed) for seed in range(16)]
    found = measured(calibration, inference, [np.zeros(8, dtype=np.int64)] * 16, x)
    assert found["clusters_p"] < 1e-6
    assert found["pairs"]["truth"]["error"] > found["pairs"]["sample"]["error"] + 0.1
    missed = {what for what, _, _, met in calibration.targets(found) if not met}
    assert {"K: p-value of ranks", "pairs: error beyond a sample's"} <= missed
