"""The posterior from samples: expectations are averages over samples."""

import numpy as np
import pytest

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
