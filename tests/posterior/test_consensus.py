"""Consensus of clusterings: what the votes agree on, whatever their names and order."""

import numpy as np
import pytest
import torch

from gfncp.partitions import canonical_labels
from gfncp.posterior.consensus import Votes


def consensus(labels, **bounds):
    labels = np.array(labels)
    found = Votes(labels, labels.max(1) + 1).consensus(**bounds)
    return canonical_labels(torch.from_numpy(found)).numpy()


def random_votes(seed, clusterings=9, points=30):
    """Votes on three clusters, in which a third of the points is anywhere."""
    rng = np.random.default_rng(seed)
    wrong = rng.random((clusterings, points)) < 1 / 3
    labels = np.where(wrong, rng.integers(0, 5, (clusterings, points)), np.arange(points) % 3)
    return canonical_labels(torch.from_numpy(labels)).numpy()


def test_equal_clusterings_agree_on_themselves():
    labels = canonical_labels(torch.from_numpy(np.random.default_rng(0).integers(0, 6, 40))).numpy()
    assert np.array_equal(consensus([labels] * 5), labels)


def test_points_are_together_that_most_clusterings_have_together():
    votes = [[0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 1, 2], [0, 0, 0, 1, 2, 2]]
    assert consensus(votes).tolist() == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(("single", "clusters"), [(4, 2), (5, 1), (6, 1)])
@pytest.mark.parametrize("further", [False, True])
def test_the_median_clustering_has_no_more_clusters(single, further, clusters):
    """Some agree that there are two, though not where they meet; most pairs are together either way."""
    border = np.array([[7], [8], [9], [8], [7]])
    votes = np.concatenate([np.zeros((single, 12), int), np.arange(12) >= border])
    together = (votes[:, :, None] == votes[:, None]).mean(0)
    assert together.mean() > 0.7
    if further:  # a cluster that is apart in all clusterings counts as one more
        votes = np.concatenate([votes, np.full((len(votes), 6), 2)], 1)
    assert consensus(canonical_labels(torch.from_numpy(votes)).numpy()).max() + 1 == clusters + further


def test_one_point_has_one_cluster():
    assert consensus([[0], [0]]).tolist() == [0]


def test_a_cluster_that_hardly_any_clustering_has_joins_the_others():
    alone = [[0, 0, 0, 0, 1, 1, 1, 1, 2]]
    somewhere = [[0, 0, 0, 0, 1, 1, 1, 1, 0]] * 5 + [[0, 0, 0, 0, 1, 1, 1, 1, 1]] * 3
    assert consensus(alone + somewhere).tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 0]


def test_outliers_are_no_cluster_of_those_that_are_wanted():
    """Most votes have two halves as one; in fewer votes, two outliers are apart."""
    whole, halves = [0] * 24, [0] * 12 + [1] * 12
    votes = [[*whole, 1, 1]] * 4 + [[*whole, 0, 0]] * 2 + [[*halves, 0, 0]] * 2 + [[*halves, 1, 1]] * 2
    assert consensus(votes, low=1).tolist() == [*whole, 1, 1]
    assert consensus(votes, low=2, high=2)[:24].tolist() == halves


@pytest.mark.parametrize("seed", range(5))
def test_names_and_order_of_clusterings_and_points_mean_nothing(seed):
    votes, rng = random_votes(seed), np.random.default_rng(seed)
    found = consensus(votes)
    renamed = [rng.permutation(row.max() + 1)[row] for row in votes]
    assert np.array_equal(consensus(renamed), found)
    assert np.array_equal(consensus(rng.permutation(votes)), found)
    assert np.array_equal(consensus(np.concatenate([votes, votes])), found)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("low", "high"), [(1, 1), (2, 2), (4, 6), (12, 12), (1, 30), (30, 30)])
def test_bounds_are_kept(seed, low, high):
    labels = consensus(random_votes(seed), low=low, high=high)
    assert low <= labels.max() + 1 <= high


def test_what_clusters_share_with_those_of_the_votes():
    votes = random_votes(3)
    labels = np.arange(votes.shape[1]) % 4
    made = Votes(votes, votes.max(1) + 3)  # two clusters of each have none of the points
    shared = made.shared(labels)
    for number, (row, first) in enumerate(zip(votes, made.first, strict=True)):
        assert first == (votes.max(1) + 3)[:number].sum()
        expected = [[(row[labels == k] == voted).mean() for k in range(4)] for voted in range(row.max() + 3)]
        np.testing.assert_allclose(shared[first : first + row.max() + 3], expected)
    together = (votes[:, :, None] == votes[:, None]).mean(0)
    expected = np.stack([together[:, labels == k].mean(1) for k in range(4)], 1)
    np.testing.assert_allclose(made.member @ shared / len(votes), expected)
