"""How the benchmark of calibration draws sets, asks a posterior about them and judges its answers."""

import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score

from gfncp.coreset_inference import CoresetInference
from gfncp.partitions import all_partitions

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
TOKENS = 5
SECTIONS = {
    "encoder": {"kind": "tokens", "context": {"width": 8, "heads": 2, "blocks": 1, "local_heads": 1}},
    "network": {"kind": "coreset-energy", "depth": 2, "width": 8, "cluster_width": 8, "body": "gated"},
    "data": {"kind": "coresets", "tokens": TOKENS},
    "objective": {"name": "coreset-likelihood"},
}


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.fixture
def scores():
    return importlib.import_module("calibration_scores")


@pytest.fixture
def sets():
    return importlib.import_module("calibration_sets")


@pytest.fixture
def calibration():
    return importlib.import_module("calibration")


@pytest.fixture
def inference(make_checkpoint):
    """With weights so large that energies differ clearly, and points beside tokens are not sure of them."""
    made = CoresetInference.of(make_checkpoint(**SECTIONS), None, 1, None, None)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, weight in made.network.named_parameters():
            weight *= 1.3
            if name.startswith("placement"):
                weight += 0.1 * torch.randn(weight.shape, generator=generator)
    return made


def points(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 2)) * [3.0, 1.0]


# Scores.


def two_clusters(rng, probability, draws):
    """Labels of points that are in cluster 1 with these probabilities, independently."""
    return (rng.random((draws, len(probability))) < probability).astype(np.int64)


def synthetic_forecasts(scores, generator, believed):
    """Forecasts of samples of a posterior that believes in a function of the probabilities of the truth."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(200):
        probability = rng.beta(0.5, 0.5, 30)
        truth = two_clusters(rng, probability, 1)[0]
        samples = two_clusters(rng, believed(probability), 200)
        found.append(scores.forecasts(samples, truth, 200, generator))
    return [curve.expected_calibration_error for curve in scores.reliability(found)], found


def test_pairs_of_an_exact_posterior_have_no_error(scores, generator):
    (truth, sample), _ = synthetic_forecasts(scores, generator, lambda p: p)
    assert truth < 0.02
    assert sample < 0.02


@pytest.mark.parametrize(
    ("power", "sure"), [pytest.param(4, True, id="over-confident"), pytest.param(1 / 4, False, id="timid")]
)
def test_pairs_of_another_posterior_have_an_error_that_its_own_samples_have_not(
    scores, generator, power, sure
):
    (truth, sample), found = synthetic_forecasts(
        scores, generator, lambda p: p**power / (p**power + (1 - p) ** power)
    )
    assert truth > 0.05
    assert sample < 0.02
    probability, true, _ = (np.concatenate(part) for part in zip(*found, strict=True))
    high = probability > 0.55
    assert (true[high].mean() < probability[high].mean()) == sure


def test_few_samples_make_an_error_of_pairs_that_a_sample_has_as_well(scores, generator):
    rng = np.random.default_rng(0)
    found = []
    for _ in range(400):
        probability = rng.random(30)
        clusterings = two_clusters(rng, probability, 5)
        found.append(scores.forecasts(clusterings[1:], clusterings[0], 200, generator))
    truth, sample = (curve.expected_calibration_error for curve in scores.reliability(found))
    assert truth > 0.1
    assert truth == pytest.approx(sample, abs=0.02)


def test_forecasts_are_of_pairs_of_two_points(scores, generator):
    alone = np.arange(7)
    found = scores.forecasts(np.stack([alone, alone]), alone, 500, generator)
    assert not (found.true.any() or found.sampled.any() or found.probability.any())


def test_ranks_count_the_samples_below_and_break_ties_at_random(scores, generator):
    drawn = np.array([[-1.5, -3.0, -2.0]])
    for true, rank in ((-9.0, 0), (-2.5, 1), (-1.9, 2), (0.0, 3)):
        assert scores.value_ranks(drawn, np.array([true]), generator).item() == rank
    tied = scores.value_ranks(np.full((4000, 3), -2.0), np.full(4000, -2.0), generator)
    np.testing.assert_allclose(np.bincount(tied) / 4000, 0.25, atol=0.03)


@pytest.mark.parametrize("coarse", [False, True])
def test_ranks_of_exchangeable_values_are_uniform_and_of_others_are_not(scores, generator, coarse):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(400, 1)) + rng.normal(size=(400, 21))
    values = values.round() if coarse else values
    true, drawn = values[:, 0], values[:, 1:]
    assert scores.rank_p_value(drawn, true, generator) > 0.01
    assert scores.rank_p_value(drawn, true - 1, generator) < 1e-6
    assert scores.rank_p_value(drawn, 3 * true, generator) < 1e-6


def test_too_few_sets_have_no_p_value(scores, generator):
    assert np.isnan(scores.rank_p_value(np.zeros((9, 20)), np.zeros(9), generator))


def test_a_ratio_of_means_has_the_error_that_repetitions_show(scores):
    rng = np.random.default_rng(0)
    below = 5 + rng.normal(size=(2000, 50))
    above = 2 * below + rng.normal(size=below.shape)
    found = [scores.ratio(a, b) for a, b in zip(above, below, strict=True)]
    values, errors = np.array(found).T
    assert values.mean() == pytest.approx(2, abs=0.01)
    assert values.std() == pytest.approx(errors.mean(), rel=0.1)
    assert scores.ratio(below[0], below[0]) == pytest.approx((1, 0))


def test_sets_without_a_value_have_no_part_in_means(scores):
    values = np.array([1.0, np.nan, 3.0, 8.0])
    assert scores.mean(values) == scores.mean(values[[0, 2, 3]])
    assert scores.mean(np.array([1.0, 3.0])) == pytest.approx((2, 1))
    assert scores.ratio(values, 2 * np.ones(4)).value == pytest.approx(2)


def test_agreements_are_adjusted_rand_indices(scores):
    rng = np.random.default_rng(0)
    truth, found = rng.integers(0, 4, 30), rng.integers(0, 5, (6, 30))
    expected = [adjusted_rand_score(truth, each) for each in found]
    np.testing.assert_allclose(scores.agreements(truth, found), expected)


# Sets.


def test_a_set_is_a_function_of_its_address(sets):
    first, again, other = sets.draw_set(20, 0, 3), sets.draw_set(20, 0, 3), sets.draw_set(20, 0, 4)
    np.testing.assert_array_equal(first.x, again.x)
    np.testing.assert_array_equal(first.labels, again.labels)
    np.testing.assert_array_equal(first.known, again.known)
    assert not np.array_equal(first.x, other.x)


def test_a_fifth_of_the_labels_are_known_but_one_of_equal_rows(sets, generator):
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


def test_probabilities_of_medoids_labels_sum_to_one(sets, inference):
    given, ready = prepared(inference, [points(5)])
    (found,) = sets.surprises(inference, given, ready, [all_partitions(5).numpy()])
    assert np.exp(-found.tokens).sum() == pytest.approx(1, abs=1e-5)
    assert np.isnan(found.beside).all()


def test_medoids_and_other_points_have_the_probability_of_all_together(sets, inference, generator):
    x = [np.concatenate([points(12), points(3)]), points(4, seed=1), points(9, seed=2)]
    given, ready = prepared(inference, x)
    clusterings = [each.samples for each in sets.answers(inference, given, 6, generator)]
    found = sets.surprises(inference, given, ready, clusterings)
    for one, each, surprise, rows in zip(given, ready, found, clusterings, strict=True):
        others = len(each.places) - len(each.medoid)
        both = surprise.tokens + (others * surprise.beside if others else 0)
        expected = inference.log_prob(one, torch.from_numpy(rows).long())
        np.testing.assert_allclose(-both, expected, rtol=1e-4, atol=1e-4)


def test_points_of_clusters_without_a_medoid_are_left_out(sets, inference):
    given, ready = prepared(inference, [points(12)])
    rest = np.setdiff1d(np.arange(12), sets.medoid_rows(ready[0]))
    labels = np.zeros((2, 12), dtype=np.int64)
    labels[1, rest[:3]] = 1
    (found,) = sets.surprises(inference, given, ready, [labels])
    np.testing.assert_allclose(found.beside, 0, atol=1e-6)  # the only cluster of the medoids is certain
    assert found.tokens[0] == found.tokens[1]


def test_sets_get_answers_of_their_own_with_the_number_of_clusters_told(sets, inference, generator):
    sizes, clusters = [8, 6, 9, 7, 5, 8], [2, 3, 2, 1, 5, 3]
    given, _ = prepared(inference, [points(size, seed=size) for size in sizes])
    found = sets.answers_told(inference, given, clusters, 2, generator)
    for size, number, answer in zip(sizes, clusters, found, strict=True):
        assert answer.samples.shape == (2, size)
        assert {len(np.unique(row)) for row in (answer.labels, *answer.samples)} == {number}


# All together.


def measured(calibration, sets, inference, truths, x):
    streams = [torch.Generator().manual_seed(seed) for seed in range(4)]
    drawn = [
        sets.SimulatedSet("made", each, labels, sets.some_known(each, labels, streams[3]))
        for each, labels in zip(x, truths, strict=True)
    ]
    return calibration.summary(calibration.measure(inference, drawn, "auto", 20, streams), streams[3])


def test_the_posterior_that_made_the_labels_is_found_calibrated(calibration, sets, inference, generator):
    x = [points(8, seed=seed) for seed in range(40)]
    given, _ = prepared(inference, x)
    truths = [each.samples[0].astype(np.int64) for each in sets.answers(inference, given, 1, generator)]
    found = measured(calibration, sets, inference, truths, x)
    for name in ("ratio", "beside_ratio"):
        assert abs(found[name].value - 1) < 4 * found[name].error
    assert found["rank_p"] > 0.01
    assert found["clusters_p"] > 0.01
    assert found["pairs"]["truth"]["error"] == pytest.approx(found["pairs"]["sample"]["error"], abs=0.03)
    assert found["without_medoid"].value == 0


def test_labels_that_another_law_made_are_found_out(calibration, sets, inference):
    x = [points(8, seed=seed) for seed in range(24)]
    found = measured(calibration, sets, inference, [np.zeros(8, dtype=np.int64)] * 24, x)
    assert found["clusters_p"] < 1e-6
    assert found["pairs"]["truth"]["error"] > found["pairs"]["sample"]["error"] + 0.1
    missed = {what for what, _, _, met in calibration.targets(found) if not met}
    assert {"K: p-value of ranks", "pairs: error beyond a sample's"} <= missed
