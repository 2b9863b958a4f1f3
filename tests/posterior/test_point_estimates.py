"""Point estimates: losses by their definition, and estimates no clustering of a small set improves on."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, mutual_info_score
from sklearn.metrics.cluster import pair_confusion_matrix

from gfncp.partitions import all_partitions
from gfncp.posterior import point_estimates
from gfncp.posterior.point_estimates import binder_growth, expected_loss, information, least_expected_loss
from gfncp.posterior.posterior import Posterior

EVERY = all_partitions(6).numpy()
LOSSES = {"Binder": binder_growth, "variation of information": information(6)}


def draw(samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Clusterings around one of two, with random weights."""
    rng = np.random.default_rng(seed)
    rows = EVERY[rng.integers(len(EVERY), size=samples)]
    rows[: samples // 2] = EVERY[rng.integers(len(EVERY))]
    weights = rng.random(samples)
    return rows, weights / weights.sum()


def test_binder_loss_is_the_number_of_pairs_that_differ():
    for one, other in zip(EVERY[::7], EVERY[::-7], strict=True):
        disagreeing = pair_confusion_matrix(one, other)[[0, 1], [1, 0]].sum() / 2
        assert expected_loss(one, other[None], np.ones(1), binder_growth) == pytest.approx(disagreeing)


def test_variation_of_information_is_entropies_less_twice_the_information():
    for one, other in zip(EVERY[::7], EVERY[::-7], strict=True):
        expected = (
            mutual_info_score(one, one) + mutual_info_score(other, other) - 2 * mutual_info_score(one, other)
        )
        assert expected_loss(one, other[None], np.ones(1), information(6)) == pytest.approx(expected)


@pytest.mark.parametrize("growth", LOSSES.values(), ids=LOSSES)
def test_the_estimate_is_never_worse_than_a_sample_and_mostly_the_best_of_all_203(growth):
    best = 0
    for seed in range(8):
        labels, weights = draw(10, seed)
        found = least_expected_loss(labels, weights, growth)
        loss = expected_loss(found, labels, weights, growth)
        assert loss <= min(expected_loss(row, labels, weights, growth) for row in labels) + 1e-12
        best += loss <= min(expected_loss(row, labels, weights, growth) for row in EVERY) + 1e-9
    assert best >= 6


@pytest.mark.parametrize("growth", LOSSES.values(), ids=LOSSES)
def test_no_single_move_lowers_the_loss(growth):
    labels, weights = draw(7, seed=3)
    found = least_expected_loss(labels, weights, growth)
    loss = expected_loss(found, labels, weights, growth)
    for point in range(6):
        for cluster in range(found.max() + 2):
            moved = found.copy()
            moved[point] = cluster
            assert expected_loss(moved, labels, weights, growth) >= loss - 1e-9


@pytest.mark.parametrize("growth", LOSSES.values(), ids=LOSSES)
def test_moves_reach_a_clustering_that_no_sample_is(growth):
    rows = np.array([[0, 0, 0, 1, 1, 0], [0, 0, 1, 1, 1, 1], [0, 1, 0, 2, 2, 2], [0, 0, 0, 1, 2, 1]])
    found = least_expected_loss(rows, np.full(4, 0.25), growth)
    assert found.tolist() == [0, 0, 0, 1, 1, 1]


def test_large_tables_are_not_made(monkeypatch):
    labels, weights = draw(10, seed=1)
    monkeypatch.setattr(point_estimates, "TABLE_ENTRIES", 1)
    found = least_expected_loss(labels, weights, binder_growth)
    assert found.tolist() in labels.tolist()


def test_a_posterior_has_both_estimates():
    agreed = Posterior.from_samples(np.array([[0, 0, 1, 0]] * 3), np.zeros(3))
    assert agreed.binder_estimate().tolist() == [0, 0, 1, 0]
    assert agreed.vi_estimate().tolist() == [0, 0, 1, 0]
    assert agreed.most_likely().tolist() == [0, 0, 1, 0]


def test_agreement_is_the_adjusted_rand_index_of_all_pairs():
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, k, 20) for k in (1, 2, 5, 9, 40)]
    labels = np.stack([np.unique(row, return_inverse=True)[1] for row in (*drawn, np.arange(20), drawn[2])])
    expected = [[adjusted_rand_score(one, other) for other in labels] for one in labels]
    np.testing.assert_allclose(point_estimates.agreement(labels), expected, atol=1e-12)
    assert point_estimates.agreement(np.zeros((3, 1), dtype=int)).tolist() == [[1.0] * 3] * 3
