"""The posterior from samples: expectations are averages over samples."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.cluster.hierarchy import cophenet, is_monotonic, is_valid_linkage
from scipy.spatial.distance import squareform
from scipy.stats import entropy

from gfncp.partitions import canonical_labels
from gfncp.posterior import expectations
from gfncp.posterior.matching import match_probabilities
from gfncp.posterior.posterior import Posterior

LABELS = np.array([[0, 0, 1, 1], [0, 1, 1, 1], [0, 0, 1, 1], [0, 1, 2, 3], [0, 0, 1, 1]])
LOG_PROB = np.array([-1.0, -0.5, -1.0, -3.0, -1.0])


@pytest.fixture
def posterior():
    return Posterior.from_samples(LABELS, LOG_PROB)


@pytest.fixture
def random_samples():
    rng = np.random.default_rng(0)
    labels = np.stack([np.unique(rng.integers(0, 3, 7), return_inverse=True)[1] for _ in range(40)])
    return labels, -labels.sum(1).astype(float)


def test_clusterings_are_distinct_and_the_most_likely_comes_first(posterior):
    assert posterior.labels.tolist() == [[0, 1, 1, 1], [0, 0, 1, 1], [0, 1, 2, 3]]
    assert posterior.log_prob.tolist() == [-0.5, -1.0, -3.0]
    assert posterior.counts.tolist() == [1, 3, 1]
    assert posterior.weights.sum() == pytest.approx(1.0)


def test_numbers_of_clusters_are_shares_of_samples(posterior):
    assert posterior.n_clusters() == pytest.approx({2: 0.8, 4: 0.2})


def test_coclustering_is_the_share_of_samples_that_join_two_points(random_samples):
    labels, log_prob = random_samples
    together = Posterior.from_samples(labels, log_prob).coclustering()
    np.testing.assert_allclose(together, (labels[:, :, None] == labels[:, None, :]).mean(0), atol=1e-12)
    assert together.min() >= 0
    assert together.max() <= 1


@pytest.mark.parametrize(
    "clustering", [[0, 0, 1, 1, 2, 3, 3], [0] * 7, list(range(7)), [5, 5, 9, 9, 5, 0, 9]]
)
def test_confidence_is_the_mean_coclustering_with_the_other_members(random_samples, clustering):
    labels, log_prob = random_samples
    clustering = np.array(clustering)
    together = (labels[:, :, None] == labels[:, None, :]).mean(0)
    expected = []
    for point, cluster in enumerate(clustering):
        others = [other for other in np.flatnonzero(clustering == cluster) if other != point]
        alone = np.mean([(row == row[point]).sum() == 1 for row in labels])
        expected.append(together[point, others].mean() if others else alone)
    found = Posterior.from_samples(labels, log_prob).confidence(clustering)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_confidence_is_total_where_all_samples_agree():
    posterior = Posterior.from_samples(np.array([[0, 0, 1]] * 7), np.zeros(7))
    assert posterior.confidence(np.array([0, 0, 1])).tolist() == [1.0, 1.0, 1.0]


def test_confidence_in_many_points_needs_linear_memory():
    points = 200_000  # all pairs of them would take 320 GB
    labels = np.arange(points)[None] // 2
    assert Posterior.from_samples(labels, np.zeros(1)).confidence(labels[0]).min() == 1.0


def test_coclustering_of_chosen_points_is_their_part(random_samples):
    posterior = Posterior.from_samples(*random_samples)
    chosen = np.array([5, 0, 3])
    np.testing.assert_array_equal(
        posterior.coclustering(chosen), posterior.coclustering()[np.ix_(chosen, chosen)]
    )


# Membership and entropy.


def test_membership_does_not_depend_on_names_of_clusters():
    reference = np.array([0, 0, 1, 1, 2])
    renamed = np.array([[0, 0, 1, 1, 2], [2, 2, 0, 0, 1], [1, 1, 2, 2, 0]])
    found = match_probabilities(reference, renamed, np.full(3, 1 / 3))
    np.testing.assert_allclose(found, np.eye(4)[reference])


def test_membership_by_hand():
    reference, labels = np.array([0, 0, 0, 1]), np.array([[0, 0, 1, 2], [0, 0, 0, 0]])
    expected = [[1, 0, 0], [1, 0, 0], [0.5, 0, 0.5], [0.5, 0.5, 0]]
    np.testing.assert_allclose(match_probabilities(reference, labels, np.array([0.5, 0.5])), expected)


def test_membership_is_a_distribution_of_each_point(random_samples):
    posterior = Posterior.from_samples(*random_samples)
    found = match_probabilities(np.array([0, 1, 2, 0, 1, 2, 3]), posterior.labels, posterior.weights)
    assert found.shape == (7, 5)
    np.testing.assert_allclose(found.sum(1), 1)


def test_entropy_is_zero_where_all_samples_agree_and_positive_elsewhere(posterior):
    agreed = Posterior.from_samples(np.array([[0, 0, 1]] * 7), np.zeros(7))
    assert agreed.entropy(np.array([0, 0, 1])).tolist() == [0.0, 0.0, 0.0]
    found = posterior.entropy(np.array([0, 0, 1, 1]))
    assert found[0] < found[1]
    # point 1: with point 0 in three of five draws, with the other cluster in one, alone in one
    assert found[1] == pytest.approx(entropy([0.6, 0.2, 0.2]))


# Tables and text.


def test_a_frame_has_a_row_per_point_under_its_name():
    posterior = Posterior.from_samples(LABELS, LOG_PROB).named(pd.Index(list("wxyz"), name="id"))
    frame = posterior.to_frame()
    assert frame.index.tolist() == list("wxyz")
    assert frame.index.name == "id"
    assert list(frame.columns) == ["label", "probability", "entropy"]
    assert frame["label"].tolist() == posterior.most_likely().tolist() == [0, 1, 1, 1]
    other = np.array([0, 0, 1, 1])
    frame = posterior.to_frame(other)
    np.testing.assert_array_equal(frame["probability"], posterior.confidence(other))
    np.testing.assert_array_equal(frame["entropy"], posterior.entropy(other))


def test_the_top_clusterings_are_the_first_ones(posterior):
    top = posterior.top(2)
    assert top["log_prob"].tolist() == [-0.5, -1.0]
    assert top["share"].tolist() == pytest.approx([0.2, 0.6])
    assert top["n_clusters"].tolist() == [2, 2]
    assert top["sizes"].tolist() == [(3, 1), (2, 2)]
    assert len(posterior.top(99)) == 3


# Clusterings that were found by another way than sampling.


def test_a_clustering_that_was_found_is_a_candidate_and_changes_no_probability(posterior):
    alone = np.zeros(4, dtype=int)
    more = posterior.including(alone, -0.1)
    assert more.most_likely().tolist() == [0, 0, 0, 0]
    assert more.top()["log_prob"].tolist() == [-0.1, -0.5, -1.0, -3.0]
    assert more.top()["share"].tolist() == pytest.approx([0.0, 0.2, 0.6, 0.2])
    assert more.top(1)["sizes"].tolist() == [(4,)]
    assert "1 clusters, of sizes 4" in more.summary()
    assert more.n_clusters() == posterior.n_clusters()
    assert more.effective_samples == posterior.effective_samples
    np.testing.assert_array_equal(more.coclustering(), posterior.coclustering())
    np.testing.assert_array_equal(more.binder_estimate(), posterior.binder_estimate())
    np.testing.assert_array_equal(more.labels, posterior.labels)


def test_a_clustering_that_was_found_and_sampled_is_one_candidate(posterior):
    more = posterior.including(np.array([0, 0, 1, 1]), -1.0)
    assert [each.found for each in more.candidates()] == [False, True, False]
    assert [each.draws for each in more.candidates()] == [1, 3, 1]
    assert more.including(np.array([0, 0, 1, 1]), -1.0) is more


@pytest.mark.parametrize("seed", range(5))
def test_candidates_are_all_there_are_and_sorted(random_samples, seed):
    rng = np.random.default_rng(seed)
    posterior = Posterior.from_samples(*random_samples)
    for row in (np.arange(7), np.zeros(7, dtype=int), posterior.labels[3]):
        posterior = posterior.including(row, -float(rng.integers(1, 30)))
    found = posterior.candidates()
    assert [each.log_prob for each in found] == sorted((each.log_prob for each in found), reverse=True)
    assert len(np.unique([each.labels for each in found], axis=0)) == len(found)
    assert sum(each.share for each in found) == pytest.approx(1)
    for each in found:
        assert posterior.log_prob_of(each.labels) == each.log_prob <= found[0].log_prob
    assert posterior.log_prob_of(np.array([0, 1, 2, 3, 4, 5, 5])) is None


def test_reweighting_keeps_only_the_samples(posterior):
    more = posterior.including(np.zeros(4, dtype=int), -0.1)
    assert more.reweighted(more.log_prob).found == ()


# Noise.


def test_noise_probability_by_hand(posterior):
    np.testing.assert_allclose(posterior.noise_probability(), [0.4, 0.2, 0.2, 0.2])
    np.testing.assert_allclose(posterior.noise_probability(share=0.75), [1.0, 0.8, 0.8, 0.8])
    np.testing.assert_allclose(posterior.noise_probability(share=1.0), 1.0)


def test_noise_probability_grows_with_the_share_and_is_equivariant(random_samples):
    labels, log_prob = random_samples
    posterior = Posterior.from_samples(labels, log_prob)
    found = [posterior.noise_probability(share) for share in (0.0, 0.3, 0.5, 0.8, 1.0)]
    assert (np.diff(found, axis=0) >= 0).all()
    alone = [np.mean([(row == row[point]).sum() == 1 for row in labels]) for point in range(7)]
    np.testing.assert_allclose(found[0], alone)
    order = np.random.default_rng(1).permutation(7)
    renamed = canonical_labels(torch.from_numpy(labels[:, order])).numpy()
    permuted = Posterior.from_samples(renamed, log_prob)
    np.testing.assert_allclose(permuted.noise_probability(0.5), found[2][order])


@pytest.mark.parametrize("share", [-0.1, 1.01, np.nan])
def test_a_share_that_is_none_is_refused(posterior, share):
    with pytest.raises(ValueError, match=r"share=.*: accepted is a number from 0 to 1"):
        posterior.noise_probability(share)


def test_noise_has_its_own_probability_and_is_no_cluster(posterior):
    labels = np.array([-1, 0, 0, -1])
    found = posterior.confidence(labels)
    np.testing.assert_allclose(found[[0, 3]], posterior.noise_probability()[[0, 3]])
    np.testing.assert_allclose(found[[1, 2]], posterior.coclustering()[1, 2])
    assert posterior.to_frame(labels)["label"].tolist() == [-1, 0, 0, -1]
    every = posterior.to_frame(np.full(4, -1))
    np.testing.assert_allclose(every["probability"], posterior.noise_probability())
    assert every["entropy"].tolist() == [0, 0, 0, 0]


# The hierarchy.


def test_the_tree_by_hand(posterior):
    tree = posterior.linkage()  # together: 2 and 3 in 0.8, 0 and 1 in 0.6, across 0.2 of half of the pairs
    assert tree[:, :2].tolist() == [[2, 3], [0, 1], [4, 5]]
    np.testing.assert_allclose(tree[:, 2], [0.2, 0.4, 0.9])
    assert posterior.cut(0.1).tolist() == [0, 0, 0, 0]
    assert posterior.cut(0.5).tolist() == [0, 0, 1, 1]
    assert posterior.cut(0.7).tolist() == [0, 1, 2, 2]
    assert posterior.cut(0.81).tolist() == [0, 1, 2, 3]


def test_the_tree_is_valid_and_monotone_and_its_heights_are_probabilities(random_samples):
    tree = Posterior.from_samples(*random_samples).linkage()
    assert is_valid_linkage(tree)
    assert is_monotonic(tree)
    assert tree[:, 2].min() >= 0 and tree[:, 2].max() <= 1


def test_permuted_points_have_the_same_tree(random_samples):
    labels, log_prob = random_samples
    rng = np.random.default_rng(3)
    drawn = Posterior.from_samples(labels, log_prob)
    one = drawn.reweighted(drawn.log_prob + rng.normal(size=len(drawn.log_prob)))  # weights without ties
    order = rng.permutation(7)
    other = replace(one, labels=canonical_labels(torch.from_numpy(one.labels[:, order])).numpy())
    heights = squareform(cophenet(one.linkage()))
    np.testing.assert_allclose(squareform(cophenet(other.linkage())), heights[np.ix_(order, order)])
    for probability in (0.2, 0.4, 0.6):
        cut = canonical_labels(torch.from_numpy(one.cut(probability)[order])).numpy()
        np.testing.assert_array_equal(other.cut(probability), cut)


def test_a_cut_at_a_higher_probability_refines_one_at_a_lower(random_samples):
    posterior = Posterior.from_samples(*random_samples)
    cuts = [posterior.cut(probability) for probability in np.linspace(0, 1, 21)]
    assert cuts[0].max() == 0
    for coarse, fine in pairwise(cuts):
        assert len(set(zip(coarse, fine, strict=True))) == fine.max() + 1


def test_points_that_are_always_together_are_not_cut():
    agreed = Posterior.from_samples(np.array([[0, 0, 1]] * 7), np.zeros(7))
    assert agreed.cut(1.0).tolist() == [0, 0, 1]
    assert agreed.cut(0.0).tolist() == [0, 0, 0]
    assert Posterior.from_samples(np.zeros((1, 1), dtype=int), np.zeros(1)).cut(0.5).tolist() == [0]


def test_trees_that_there_are_not_are_refused(posterior):
    for probability in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match=r"probability=.*: accepted is a number from 0 to 1"):
            posterior.cut(probability)
    with pytest.raises(ValueError, match=r"points: there are 1 of them; accepted for a tree are at least 2"):
        posterior.linkage(np.array([2]))
    large = Posterior.from_samples(np.zeros((1, 1_000_000), dtype=np.int32), np.zeros(1))
    for call in (large.linkage, lambda: large.cut(0.5)):
        with pytest.raises(ValueError, match="accepted are indices of at most 10000 points"):
            call()
    assert large.linkage(np.array([5, 7, 999_999])).tolist() == [[0, 1, 0, 2], [2, 3, 0, 3]]


def test_the_summary_tells_what_is_there():
    index = pd.Index(["<b>w</b>", "x", "y", "z"])
    posterior = Posterior.from_samples(LABELS, LOG_PROB).named(index)
    text = posterior.summary()
    assert "4 points, 5 samples, 3 distinct clusterings" in text
    assert "2 (0.80), 4 (0.20)" in text
    assert "2 clusters, of sizes 3 1" in text
    page = posterior._repr_html_()
    assert "4 points" in page
    assert page.count("<table") == 2


def test_a_summary_of_many_numbers_of_clusters_names_the_most_probable_ones():
    labels = np.stack([np.minimum(np.arange(30), k) for k in range(30)])
    text = Posterior.from_samples(labels, np.zeros(30)).summary()
    line = text.splitlines()[1]
    assert line.count("(") == 9 and line.endswith(", others (0.73)")
    assert "others" not in Posterior.from_samples(labels[:8], np.zeros(8)).summary()


# Importance weights.


def test_reweighting_to_the_same_distribution_changes_nothing(posterior):
    same = posterior.reweighted(posterior.log_prob + 7)
    np.testing.assert_allclose(same.weights, posterior.weights)
    np.testing.assert_allclose(same.log_prob, posterior.log_prob)
    assert same.effective_samples == pytest.approx(5) == posterior.effective_samples


def test_reweighted_draws_estimate_the_other_distribution():
    rng = np.random.default_rng(0)
    labels = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 1], [0, 1, 2]])
    p, q = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.4, 0.3, 0.2, 0.1])
    drawn = rng.choice(4, 20_000, p=q)
    other = Posterior.from_samples(labels[drawn], np.log(q)[drawn])
    rows = [labels.tolist().index(row) for row in other.labels.tolist()]
    found = other.reweighted(np.log(p)[rows] - 3)
    rows = [labels.tolist().index(row) for row in found.labels.tolist()]
    np.testing.assert_allclose(found.weights, p[rows], atol=0.02)
    np.testing.assert_allclose(found.log_prob, np.log(p)[rows], atol=0.05)
    assert (np.diff(found.log_prob) <= 0).all()
    assert found.effective_samples == pytest.approx(20_000 / (p**2 / q).sum(), rel=0.05)


def test_reweighting_twice_is_reweighting_to_the_last_distribution(random_samples):
    drawn = Posterior.from_samples(*random_samples)
    rng = np.random.default_rng(1)
    first, last = (drawn.log_prob + rng.normal(size=len(drawn.log_prob)) for _ in range(2))
    once, between = drawn.reweighted(last), drawn.reweighted(first)
    at = {row.tobytes(): value for row, value in zip(drawn.labels, last, strict=True)}
    twice = between.reweighted(np.array([at[row.tobytes()] for row in between.labels]))
    np.testing.assert_array_equal(twice.labels, once.labels)
    np.testing.assert_allclose(twice.weights, once.weights)
    np.testing.assert_allclose(twice.log_prob, once.log_prob)


def test_reweighting_drops_what_the_other_distribution_excludes(posterior):
    found = posterior.reweighted(np.where(posterior.counts == 1, -np.inf, 0.0))
    assert found.n_clusters() == {2: 1.0, 4: 0.0}
    for bad in (np.zeros(2), np.full(3, -np.inf), np.full(3, np.nan)):
        with pytest.raises(ValueError, match="log_prob has shape"):
            posterior.reweighted(bad)


def test_entropies_do_not_depend_on_blocks(random_samples, monkeypatch):
    found = Posterior.from_samples(*random_samples)
    whole = found.entropy(found.most_likely())
    monkeypatch.setattr(expectations, "POINTS_PER_BLOCK", 2)
    np.testing.assert_array_equal(found.entropy(found.most_likely()), whole)


def test_pairs_of_a_large_set_are_refused_before_they_fill_the_memory():
    large = Posterior.from_samples(np.zeros((2, 1_000_000), dtype=np.int32), np.zeros(2))
    with pytest.raises(ValueError, match=r"1000000 of them .* accepted are indices of at most 10000 points"):
        large.coclustering()
    assert large.coclustering(np.array([3, 999_999])).tolist() == [[1, 1], [1, 1]]
