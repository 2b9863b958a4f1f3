"""The clustering that is answered: kept unless contradicted, without small clusters, noise marked."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from gfncp.partitions import canonical_labels
from gfncp.posterior import decision
from gfncp.posterior.decision import mark_noise, merge_small, place_points, settle
from gfncp.posterior.posterior import Posterior


def canonical(labels):
    return canonical_labels(torch.from_numpy(np.asarray(labels))).numpy()


def posterior_of(*rows, counts=None):
    rows = canonical(np.array(rows))
    drawn = rows if counts is None else np.repeat(rows, counts, axis=0)
    return Posterior.from_samples(drawn, np.zeros(len(drawn)))


def noisy(points: int, clusters: int, draws: int, seed: int) -> tuple[np.ndarray, Posterior]:
    """A clustering, and samples in which a quarter of its points are elsewhere."""
    rng = np.random.default_rng(seed)
    labels = canonical(rng.integers(0, clusters, points))
    rows = np.tile(labels, (draws, 1))
    moved = rng.random(rows.shape) < 0.25
    rows[moved] = rng.integers(0, clusters + 1, moved.sum())
    return labels, posterior_of(*rows)


# The answer.


def test_the_greedy_clustering_is_kept_where_samples_agree_and_where_they_merge_its_clusters():
    """Also if no sample has its number of clusters: such greedy clusterings are mostly right."""
    greedy = np.array([0, 0, 1, 1, 2, 2])
    assert settle(greedy, posterior_of(greedy, [0, 0, 0, 0, 1, 1])).tolist() == greedy.tolist()
    assert (
        settle(greedy, posterior_of(np.zeros(6, dtype=int), [0, 0, 0, 0, 1, 1])).tolist() == greedy.tolist()
    )


def test_ten_singletons_are_not_the_answer_where_one_cluster_is_most_probable():
    one, two = np.zeros(10, dtype=int), np.arange(10) // 5
    posterior = posterior_of(one, two, np.arange(10), counts=[12, 6, 2])
    assert settle(np.arange(10), posterior).tolist() == one.tolist()


def test_one_cluster_is_not_the_answer_where_the_samples_have_many():
    five = np.arange(20) // 4
    posterior = posterior_of(five, np.minimum(five, 3), counts=[14, 6])
    assert settle(np.zeros(20, dtype=int), posterior).tolist() == five.tolist()


@pytest.mark.parametrize("draws", [1, 5, 19])
def test_few_samples_contradict_nothing(draws):
    posterior = posterior_of(np.zeros(10, dtype=int), counts=[draws])
    assert settle(np.arange(10), posterior).tolist() == list(range(10))


def test_samples_that_agree_with_nothing_contradict_nothing():
    """Each agrees with itself; of some that are all different, that says nothing."""
    greedy = np.arange(9)
    for rows in ([np.arange(9) // 3, np.arange(9) % 3], np.random.default_rng(0).integers(0, 5, (20, 9))):
        posterior = posterior_of(*rows)
        assert posterior.confidence(greedy).mean() < decision.CONTRADICTED
        assert settle(greedy, posterior).tolist() == greedy.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_the_answer_permutes_with_the_points(seed):
    _, posterior = noisy(30, 4, 20, seed)
    order = np.random.default_rng(seed).permutation(30)
    permuted = Posterior(canonical(posterior.labels[:, order]), posterior.log_prob, posterior.counts)
    for greedy in (np.arange(30), np.zeros(30, dtype=int)):
        found = settle(greedy, posterior)
        assert settle(canonical(greedy[order]), permuted).tolist() == canonical(found[order]).tolist()


def test_many_points_are_compared_by_some(monkeypatch):
    monkeypatch.setattr(decision, "COMPARED", 10)
    five = np.arange(100) // 20
    found = settle(np.zeros(100, dtype=int), posterior_of(five, np.minimum(five, 3), counts=[14, 6]))
    assert found.tolist() == five.tolist()


# Single points.


def test_a_point_is_where_nearly_all_samples_have_it():
    greedy = np.array([0, 0, 0, 1, 1, 1, 1])
    elsewhere = np.array([0, 0, 0, 0, 1, 1, 1])
    for often, expected in ((20, greedy), (66, greedy), (67, elsewhere), (100, elsewhere)):
        counts = [often, 100 - often] if often < 100 else [often]
        posterior = posterior_of(*[elsewhere, greedy][: len(counts)], counts=counts)
        assert place_points(greedy, posterior).tolist() == expected.tolist()
    assert place_points(greedy, posterior_of(elsewhere, counts=[19])).tolist() == greedy.tolist()  # too few


def test_clusters_that_samples_merge_or_leave_stay():
    """The points of a merged cluster are together all the same; no cluster loses its last point."""
    greedy = np.array([0, 0, 0, 1, 1, 2])
    for sample in ([0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1], np.arange(6)):
        assert place_points(greedy, posterior_of(sample, counts=[20])).tolist() == greedy.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_points_are_moved_alike_in_any_order(seed):
    """A tenth of the places are wrong; all are found by samples in each of which a few others are."""
    rng = np.random.default_rng(seed)
    truth = canonical(rng.integers(0, 3, 60))
    rows = np.tile(truth, (100, 1))
    moved = rng.random(rows.shape) < 0.02
    rows[moved] = rng.integers(0, 3, moved.sum())
    posterior = posterior_of(*rows)
    wrong = truth.copy()
    chosen = rng.choice(60, 6, replace=False)
    wrong[chosen] = (wrong[chosen] + 1) % 3
    wrong = canonical(wrong)
    found = place_points(wrong, posterior)
    assert found.tolist() == truth.tolist() != wrong.tolist()
    order = rng.permutation(60)
    permuted = Posterior(canonical(posterior.labels[:, order]), posterior.log_prob, posterior.counts)
    assert place_points(canonical(wrong[order]), permuted).tolist() == canonical(found[order]).tolist()


# Small clusters.


def test_a_small_cluster_joins_the_one_it_shares_points_with_most_probably():
    labels = np.array([0, 0, 0, 1, 2, 2, 2])
    posterior = posterior_of([0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1, 1], labels, counts=[3, 4, 3])
    assert merge_small(labels, posterior, 2).tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert merge_small(labels, posterior, 3).tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert merge_small(labels, posterior, 4).tolist() == [0] * 7


@pytest.mark.parametrize("seed", range(4))
def test_merging_makes_coarser_clusterings_that_are_large_enough(seed):
    labels, posterior = noisy(40, 12, 15, seed)
    assert merge_small(labels, posterior, 1).tolist() == labels.tolist()
    for smallest in (2, 4, 9, 40, 99):
        found = merge_small(labels, posterior, smallest)
        assert len(set(zip(labels, found, strict=True))) == labels.max() + 1
        assert np.bincount(found).min() >= smallest or found.max() == 0
        assert merge_small(found, posterior, smallest).tolist() == found.tolist()
        order = np.random.default_rng(seed).permutation(40)
        permuted = Posterior(canonical(posterior.labels[:, order]), posterior.log_prob, posterior.counts)
        assert sizes(merge_small(canonical(labels[order]), permuted, smallest)) == sizes(found)


def sizes(labels) -> list[int]:
    return sorted(np.bincount(labels).tolist())


def test_what_is_known_is_kept():
    labels = np.arange(6)
    posterior = posterior_of(np.zeros(6, dtype=int), np.arange(6) // 3)
    assert merge_small(labels, posterior, 6, fewest=3).max() + 1 == 3
    told = np.array([True, True, True, False, False, False])
    found = merge_small(labels, posterior, 6, told=told)
    assert len(set(found[:3])) == 3 == found.max() + 1
    assert merge_small(labels, posterior, 6, told=np.ones(6, dtype=bool)).tolist() == labels.tolist()


def test_a_small_cluster_of_a_large_set_is_merged_quickly_and_in_little_memory():
    labels = np.arange(200_000) % 40
    labels[:3] = 40
    labels = canonical(labels)
    found = merge_small(labels, posterior_of(labels, np.minimum(labels, 39)), 10)
    assert found.max() == 39


# Noise.


def test_points_that_are_mostly_alone_are_noise():
    posterior = posterior_of([0, 0, 1, 1, 2], [0, 0, 0, 0, 1], [0, 0, 1, 1, 1], counts=[5, 3, 2])
    labels = np.array([0, 0, 1, 1, 2])
    assert mark_noise(labels, posterior, 0.8).tolist() == [0, 0, 1, 1, -1]
    assert mark_noise(labels, posterior, 0.81).tolist() == labels.tolist()


def test_all_points_may_be_noise_and_clusters_stay_numbered_without_gaps():
    alone = posterior_of(np.arange(4))
    assert mark_noise(np.arange(4), alone, 1.0).tolist() == [-1] * 4
    posterior = posterior_of([0, 1, 1, 2, 2])
    assert mark_noise(np.array([0, 1, 1, 2, 2]), posterior, 0.5).tolist() == [-1, 0, 0, 1, 1]


@pytest.mark.parametrize("seed", range(4))
def test_a_lower_threshold_marks_more_points(seed):
    labels, posterior = noisy(25, 14, 30, seed)
    marked = [mark_noise(labels, posterior, threshold) < 0 for threshold in (0.05, 0.3, 0.5, 0.8, 1.0)]
    assert marked[0].any()
    assert all((fewer <= more).all() for more, fewer in pairwise(marked))
