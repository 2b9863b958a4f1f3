"""The posterior from samples: expectations are averages over samples."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import entropy

from gfncp import posterior as posteriors
from gfncp.membership import membership
from gfncp.posterior import Posterior

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
    found = membership(reference, renamed, np.full(3, 1 / 3))
    np.testing.assert_allclose(found, np.eye(4)[reference])


def test_membership_by_hand():
    reference, labels = np.array([0, 0, 0, 1]), np.array([[0, 0, 1, 2], [0, 0, 0, 0]])
    expected = [[1, 0, 0], [1, 0, 0], [0.5, 0, 0.5], [0.5, 0.5, 0]]
    np.testing.assert_allclose(membership(reference, labels, np.array([0.5, 0.5])), expected)


def test_membership_is_a_distribution_of_each_point(random_samples):
    posterior = Posterior.from_samples(*random_samples)
    found = membership(np.array([0, 1, 2, 0, 1, 2, 3]), posterior.labels, posterior.weights)
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
    assert text.splitlines()[1].count("(") == 8


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


def test_reweighting_drops_what_the_other_distribution_excludes(posterior):
    found = posterior.reweighted(np.where(posterior.counts == 1, -np.inf, 0.0))
    assert found.n_clusters() == {2: 1.0, 4: 0.0}
    for bad in (np.zeros(2), np.full(3, -np.inf), np.full(3, np.nan)):
        with pytest.raises(ValueError, match="log_prob has shape"):
            posterior.reweighted(bad)


def test_entropies_do_not_depend_on_blocks(random_samples, monkeypatch):
    found = Posterior.from_samples(*random_samples)
    whole = found.entropy(found.most_likely())
    monkeypatch.setattr(posteriors, "POINTS_PER_BLOCK", 2)
    np.testing.assert_array_equal(found.entropy(found.most_likely()), whole)


def test_pairs_of_a_large_set_are_refused_before_they_fill_the_memory():
    large = Posterior.from_samples(np.zeros((2, 1_000_000), dtype=np.int32), np.zeros(2))
    with pytest.raises(ValueError, match=r"1000000 of them .* accepted are indices of at most 10000 points"):
        large.coclustering()
    assert large.coclustering(np.array([3, 999_999])).tolist() == [[1, 1], [1, 1]]
