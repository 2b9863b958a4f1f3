"""How the benchmark of calibration draws sets, asks a posterior about them and judges its answers."""

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


# Sets.


def test_a_set_is_a_function_of_its_address():
    first, again, other = sets.draw_set(20, 0, 3), sets.draw_set(20, 0, 3), sets.draw_set(20, 0, 4)
    np.testing.assert_array_equal(first.x, again.x)
    np.testing.assert_array_equal(first.labels, again.labels)
    np.testing.assert_array_equal(first.known, again.known)
    assert not np.array_equal(first.x, other.x)


def test_a_fifth_of_the_labels_are_known_but_one_of_equal_rows(generator):
    x, labels = points(40), np.arange(40)
    known = sets.some_known(x, labels, generator)
    assert (known >= 0).sum() == 8
    np.testing.assert_array_equal(known[known >= 0], labels[known >= 0])
    coarse = np.repeat(x[:4], 10, axis=0)
    known = sets.some_known(coarse, labels, generator)
    assert len(np.unique(coarse[known >= 0], axis=0)) == (known >= 0).sum() == 4


# What a posterior says.


def prepared(inference, x):
    given = [inference.given(each) for each in x]
    return given, [inference.prepared(each) for each in given]


def test_a_cluster_without_a_medoid_is_impossible(inference):
    """Two clusterings of a set: all rows together, and a row alone that is the medoid of no coreset."""
    given = inference.given(points(12))
    medoids = np.concatenate([sets.medoid_rows(each) for each in inference.coresets(given)])
    labels = np.zeros((2, 12), dtype=np.int64)
    labels[1, np.setdiff1d(np.arange(12), medoids)[:1]] = 1
    together, alone = sets.log_probs(inference, [given], [labels])[0]
    assert np.isfinite(together) and alone == -np.inf


def test_sets_get_answers_of_their_own_with_the_number_of_clusters_told(inference, generator):
    sizes, clusters = [8, 6, 9, 7, 5, 8], [2, 3, 2, 1, 5, 3]
    given, _ = prepared(inference, [points(size, seed=size) for size in sizes])
    found = sets.answers_told(inference, given, clusters, 2, generator)
    for size, number, answer in zip(sizes, clusters, found, strict=True):
        assert answer.samples.shape == (2, size)
        assert {len(np.unique(row)) for row in (answer.labels, *answer.samples)} == {number}


# All together.


def measured(calibration, inference, truths, x):
    streams = [torch.Generator().manual_seed(seed) for seed in range(4)]
    drawn = [
        sets.SimulatedSet("made", each, labels, sets.some_known(each, labels, streams[3]))
        for each, labels in zip(x, truths, strict=True)
    ]
    return calibration.summary(calibration.measure(inference, drawn, "auto", 20, streams), streams[3])


def test_the_posterior_that_made_the_labels_is_found_calibrated(calibration, inference, generator):
    x = [points(8, seed=seed) for seed in range(24)]
    given, _ = prepared(inference, x)
    truths = [each.samples[0].astype(np.int64) for each in sets.answers(inference, given, 1, generator)]
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
