"""Laws of what is measured."""

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import KMeans
from sklearn.metrics import normalized_mutual_info_score

from gfncp.evaluation import consistency
from gfncp.partitions import all_partitions
from gfncp.reproduction import measures
from gfncp.reproduction.measures import LabelledSets, draw_sets, greedy_by, matched
from gfncp.seeds import seeded
from gfncp.simulators import GaussianMixtures

CPU = torch.device("cpu")


@pytest.fixture
def batches(vectors):
    simulate = GaussianMixtures(2, 1.0, 3.0)
    return [LabelledSets(*simulate(2, 5, generator), generator) for generator in map(seeded, range(3))]


@pytest.fixture
def joined(batches):
    return torch.cat([batch.x for batch in batches]), torch.cat([batch.labels for batch in batches])


def test_sets_are_the_same_however_many_are_drawn_before_them():
    simulate = GaussianMixtures(2)
    some, more = list(draw_sets(simulate, 60, 7, 1)), list(draw_sets(simulate, 110, 7, 1))
    assert [len(batch.x) for batch in some] == [50, 10] and [len(batch.x) for batch in more] == [50, 50, 10]
    assert torch.equal(some[0].x, more[0].x) and torch.equal(some[0].labels, more[0].labels)
    assert torch.equal(some[1].x, more[1].x[:10]) and torch.equal(some[1].labels, more[1].labels[:10])
    assert not torch.equal(more[1].x[:10], more[0].x[:10])


def test_greedy_measures_are_means_over_all_sets(vectors, batches, joined):
    result = measures.greedy(vectors, batches, CPU)
    x, labels = joined
    found = vectors.predict(x)
    pairs = zip(labels.numpy(), found.numpy(), strict=True)
    assert result["nmi"] == pytest.approx(np.mean([normalized_mutual_info_score(*pair) for pair in pairs]))
    assert result["clusters"] == pytest.approx(float(found.amax(1).double().mean() + 1))
    assert result["mc"] == pytest.approx(float(consistency.marginal_consistency(vectors, x, labels).mean()))


def test_an_estimator_is_told_the_true_number_of_clusters_and_sees_no_labels():
    simulate = GaussianMixtures(2, 1.0, 30.0, 3)
    batches = list(draw_sets(simulate, 5, 20, 0))
    result = greedy_by(KMeans(n_init=5, random_state=0), batches)
    assert result["clusters"] == 3 and result["nmi"] > 0.8


def test_noise_is_a_cluster_of_its_own_and_not_part_of_the_first():
    class Noisy(BaseEstimator, ClusterMixin):
        def fit_predict(self, x):
            return np.array([0, 0, 1, 1, -1, -1])

    truth = torch.tensor([[0, 0, 1, 1, 2, 2]])
    batch = LabelledSets(torch.zeros(1, 6, 2), truth, torch.Generator())
    result = greedy_by(Noisy(), [batch])
    assert (result["nmi"], result["ari"], result["clusters"]) == pytest.approx((1, 1, 3))


def test_errors_are_those_of_means_over_sets(vectors, batches, joined):
    result = measures.greedy(vectors, batches, CPU)
    x, _ = joined
    clusters = vectors.predict(x).amax(1).double() + 1
    assert result["errors"]["clusters"] == pytest.approx(float(clusters.std()) / len(x) ** 0.5)
    assert set(result["errors"]) == {"nmi", "ari", "clusters", "mc"}


def test_sdpp_keeps_every_value(vectors, batches):
    result = measures.sdpp(vectors, batches, CPU)
    assert len(result["per_set"]) == 6 and min(result["per_set"]) >= 0
    assert result["sdpp_mean"] == pytest.approx(np.mean(result["per_set"]))
    assert result["sdpp"] == pytest.approx(np.median(result["per_set"]))


def test_the_most_likely_clusterings_are_those_of_the_whole_posterior(vectors, batches):
    """The beam is wider than the number of partitions of five points, 52."""
    result = measures.most_likely(vectors, batches, CPU)
    x = batches[0].x[:1]
    partitions = all_partitions(5)
    probabilities = vectors.log_prob(x, partitions[None])[0].exp()
    best = probabilities.topk(3)
    assert result["shown"]["probabilities"] == pytest.approx(best.values.tolist())
    assert result["shown"]["labels"] == partitions[best.indices].tolist()
    every = torch.cat([vectors.log_prob(part.x, partitions.expand(len(part.x), -1, -1)) for part in batches])
    assert result["probability"] == pytest.approx(every.amax(1).exp().mean().item())


def test_two_orders_are_mapped_back_to_the_points(batches):
    """What clusters by value alone does not depend on the order: nothing differs."""

    class ByValue(torch.nn.Module):
        def predict(self, x):
            return measures.canonical_labels((x[..., 0] > 0).long())

    result = measures.two_orders(ByValue(), batches, CPU)
    assert result["differing"] == 0 and result["agreement"] == 1
    first, second = result["shown"]["labels"]
    assert first == second
    assert sorted(result["shown"]["order"]) == list(range(5))


def test_what_depends_on_the_order_is_found(batches):
    class FirstAlone(torch.nn.Module):
        def predict(self, x):
            return (torch.arange(x.shape[1]) > 0).long().expand(len(x), -1)

    result = measures.two_orders(FirstAlone(), batches, CPU)
    second = np.array(result["shown"]["labels"][1])
    order = result["shown"]["order"]
    assert np.flatnonzero(np.bincount(second)[second] == 1).tolist() == [order[0]]
    assert result["differing"] > 0 and result["agreement"] < 1


def test_matching_renames_clusters_and_changes_no_partition():
    like = np.array([0, 0, 0, 1, 1, 2])
    assert matched(np.array([1, 1, 1, 0, 0, 2]), like).tolist() == like.tolist()
    split = matched(np.array([0, 0, 1, 2, 2, 3]), like)
    assert split[[0, 1, 3, 4, 5]].tolist() == [0, 0, 1, 1, 2] and split[2] > 2  # a new name
    merged = matched(np.array([0, 0, 0, 1, 1, 1]), like)
    assert merged.tolist() == [0, 0, 0, 1, 1, 1]
    rng = np.random.default_rng(0)
    for _ in range(20):
        labels, other = rng.integers(0, 5, 12), rng.integers(0, 4, 12)
        labels = np.unique(labels, return_inverse=True)[1]
        renamed = matched(labels, np.unique(other, return_inverse=True)[1])
        assert np.array_equal(labels[:, None] == labels, renamed[:, None] == renamed)
