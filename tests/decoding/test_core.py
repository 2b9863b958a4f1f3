"""Large sets: the definition (a core, and the others each on its own), and that nothing grows unduly."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score

from gfncp import GFNCP
from gfncp.bounds import ClusterBounds
from gfncp.checkpoints import load
from gfncp.decoding import core as large
from gfncp.decoding import predictive as prediction
from gfncp.decoding.model import Model, OnlineModel, PairwiseModel
from gfncp.decoding.pool import Pool
from gfncp.networks.encoders import ScaledVectorEncoder
from gfncp.partitions import all_partitions, canonical_labels
from gfncp.simulators import GaussianMixtures

POINTWISE = {
    "energy": lambda: Model(ScaledVectorEncoder(2, 3.0), depth=2, width=16, cluster_width=24),
    "online": lambda: OnlineModel(ScaledVectorEncoder(2, 3.0), depth=2, width=16, cluster_width=24),
}


def identity(points):
    return torch.arange(points)[None]


def pool_of(network, x, core, orders, bounds=None):
    return Pool(network, network.encode(x[core][None]), orders, bounds)


@pytest.fixture
def core():
    return torch.tensor([6, 2, 9, 4, 0])


@pytest.fixture(params=POINTWISE)
def pointwise(request):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        made = POINTWISE[request.param]().double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter *= 6**0.5
    return made


def test_new_points_by_a_pointwise_encoder_are_judged_exactly(pointwise, draw_points):
    x, new = draw_points(pointwise, 1, 12)[0], draw_points(pointwise, 1, 9, seed=1)[0]
    labels = torch.tensor([0, 0, 1, 0, 2, 1, 0, 0, 2, 3, 0, 1])
    for bounds in (None, ClusterBounds(1, 4)):
        torch.testing.assert_close(
            large.predictive(pointwise, x, labels, new, bounds),
            prediction.predictive(pointwise, x, labels, new, bounds),
        )


def test_new_points_by_other_encoders_are_judged_beside_features_that_stay(network, draw_points, naive_pairs):
    """The definition, step by step, with the features of `beside`."""
    x, new = draw_points(network, 1, 8)[0], draw_points(network, 1, 3, seed=1)[0]
    labels = torch.tensor([0, 1, 0, 2, 1, 0, 2, 0])
    found = large.predictive(network, x, labels, new)
    features = network.encoder(x[None], torch.ones(1, 8, dtype=torch.bool))[0]
    nothing = torch.zeros(network.width, dtype=torch.float64)
    for row, point in zip(found, network.encoder.conditioned_on(x)(new), strict=True):
        energies = []
        for option in range(4):
            clusters = [features[labels == k] for k in range(3)] + [features[:0]] * (option == 3)
            clusters[option] = torch.cat([clusters[option], point[None]])
            pooled = torch.stack([network.h(members).sum(0) for members in clusters])
            inputs = network.g.first.in_features - pooled.shape[1]  # unassigned points: none
            pooled = torch.cat([pooled, nothing[:inputs].expand(len(pooled), -1)], 1)
            hidden = network.g.first(pooled)
            if isinstance(network, PairwiseModel):
                alike = torch.stack([naive_pairs(network, members) for members in clusters])
                hidden = hidden + alike @ network.reads_pairs.weight.T
            total = network.g.last(network.g.body(hidden)).sum(0)
            energies.append(network.f(torch.cat([total, nothing])))
        torch.testing.assert_close(row, torch.log_softmax(-torch.cat(energies), 0))


def test_probabilities_of_all_clusterings_sum_to_one(network, draw_points):
    """Over those whose clusters are all in the core."""
    x, core = draw_points(network, 1, 5)[0], torch.tensor([3, 0, 4])
    log_prob = large.log_prob(network, x, core, pool_of(network, x, core, identity(3)), all_partitions(5))
    assert log_prob.exp().sum() == pytest.approx(1.0)
    inside = [set(row[core].tolist()) == set(row.tolist()) for row in all_partitions(5)]
    assert log_prob.isfinite().tolist() == inside


def test_samples_and_the_greedy_clustering_have_their_log_probability(network, draw_points, core, generator):
    x = draw_points(network, 1, 11)[0]
    along = torch.stack([torch.arange(5), torch.tensor([2, 4, 0, 1, 3])])
    for orders in (along, along[:1]):
        pool = pool_of(network, x, core, orders)
        labels, log_prob = large.sample(network, x, core, pool, 6, generator)
        assert torch.equal(labels, canonical_labels(labels))
        torch.testing.assert_close(log_prob, large.log_prob(network, x, core, pool, labels))
        greedy, value = large.greedy(network, x, core, orders)
        assert torch.equal(greedy, canonical_labels(greedy))
        alone = [pool_of(network, x, core, order[None]) for order in orders]
        each = [large.log_prob(network, x, core, one, greedy[None])[0] for one in alone]
        nearest = min(each, key=lambda other: abs(value - other))
        torch.testing.assert_close(value, nearest)


def test_samples_come_as_often_as_their_probabilities_say(vectors, draw_points, generator):
    x, core = draw_points(vectors, 1, 4)[0] / 4, torch.tensor([2, 0])
    every = all_partitions(4)
    pool = pool_of(vectors, x, core, identity(2))
    expected = large.log_prob(vectors, x, core, pool, every).exp()
    drawn, _ = large.sample(vectors, x, core, pool, 4000, generator)
    found = (drawn[:, None] == every).all(2).double().mean(0)
    assert (expected > 0.02).sum() > 2
    torch.testing.assert_close(found, expected, rtol=0, atol=5 * 0.5 / math.sqrt(4000))


def test_points_outside_the_core_do_not_depend_on_each_other_nor_on_blocks(
    network, draw_points, core, monkeypatch
):
    x = draw_points(network, 1, 11)[0]
    every, log_prob = large.greedy(network, x, core, identity(5))
    monkeypatch.setattr(large, "POINTS_PER_BLOCK", 2)
    labels, value = large.greedy(network, x, core, identity(5))
    assert torch.equal(labels, every)
    torch.testing.assert_close(value, log_prob)
    kept = torch.tensor([0, 1, 2, 4, 6, 9, 10])  # the core is at 4, 2, 5, 3, 0 among these
    fewer, _ = large.greedy(network, x[kept], torch.tensor([4, 2, 5, 3, 0]), identity(5))
    assert torch.equal(fewer, canonical_labels(every[kept]))


def test_bounds_are_kept(network, draw_points, core, generator):
    x = draw_points(network, 1, 30)[0]
    bounds = ClusterBounds(2, 3)
    pool = pool_of(network, x, core, identity(5), bounds)
    labels, _ = large.sample(network, x, core, pool, 8, generator)
    assert set((labels.max(1).values + 1).tolist()) <= {2, 3}


# The core.


def test_a_core_is_a_function_of_the_points_and_has_each_at_most_once(network, draw_points):
    x = draw_points(network, 1, 60)[0]
    core, again = (large.core_points(network, x, 10, torch.Generator().manual_seed(0)) for _ in range(2))
    assert torch.equal(core, again)
    assert 8 <= len(core) <= 10
    assert len(core.unique()) == len(core)
    other = large.core_points(network, x, 10, torch.Generator().manual_seed(1))
    assert not torch.equal(core, other)


def test_a_core_of_one_point_is_accepted(network, draw_points):
    x = draw_points(network, 1, 6)[0]
    core = large.core_points(network, x, 1, torch.Generator().manual_seed(0))
    labels, _ = large.greedy(network, x, core, identity(1))
    assert labels.tolist() == [0] * 6


def test_surprising_points_are_in_the_core():
    """A cluster of 3 points among 3000, which a random part of 40 misses, is found all the same."""
    x, _ = GaussianMixtures(n_clusters=2, spread=3.0)(1, 2997, torch.Generator().manual_seed(0))
    x = torch.cat([x[0], torch.tensor([[40.0, 40.0], [40.5, 40.0], [40.0, 40.5]])]).double()
    model = load("mog-2d")
    core = large.core_points(model, x, 50, torch.Generator().manual_seed(0))
    assert (core >= 2997).any()
    labels, _ = large.greedy(model, x, core, identity(len(core)))
    assert len(labels[2997:].unique()) == 1
    assert not torch.isin(labels[:2997], labels[2997:]).any()


@pytest.mark.slow
def test_outliers_that_many_points_must_have_are_not_in_the_core():
    x, _ = GaussianMixtures(n_clusters=2, spread=3.0)(1, 60_000, torch.Generator().manual_seed(0))
    model = load("mog-2d")
    assert len(large.core_points(model, x[0].double(), 50, torch.Generator().manual_seed(0))) == 40


# The estimator.


@pytest.fixture(scope="module")
def mixture():
    x, labels = GaussianMixtures(n_clusters=4)(1, 500, torch.Generator().manual_seed(4))
    return x[0].double().numpy(), labels[0].numpy()


@pytest.fixture(scope="module")
def fitted(mixture):
    return GFNCP("mog-2d", n_samples=8, random_state=0, max_joint=60).fit(mixture[0])


def test_a_large_set_is_clustered_as_well_as_a_small_one(mixture, fitted):
    _, labels = mixture
    assert fitted.labels_.shape == fitted.probabilities_.shape == (500,)
    assert fitted.posterior_.labels.shape[1] == 500
    assert adjusted_rand_score(labels, fitted.labels_) > 0.9
    assert np.array_equal(fitted.labels_, canonical_labels(torch.from_numpy(fitted.labels_)).numpy())


def test_up_to_max_joint_points_all_are_decoded_jointly(mixture):
    few = mixture[0][:120]
    whole, limited = (
        GFNCP("mog-2d", n_samples=3, random_state=0, max_joint=most).fit(few) for most in (2000, 120)
    )
    assert np.array_equal(whole.labels_, limited.labels_)
    assert np.array_equal(whole.posterior_.log_prob, limited.posterior_.log_prob)


def test_predictions_for_points_outside_the_core_are_their_labels(mixture, fitted):
    probabilities = fitted.predict_proba(mixture[0])
    assert probabilities.shape == (500, fitted.n_clusters_ + 1)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    outside = np.setdiff1d(np.arange(500), fitted._given.core)
    assert np.array_equal(probabilities[outside, :-1].argmax(1), fitted.labels_[outside])


def test_log_probabilities_are_those_of_the_posterior(mixture, fitted):
    x, _ = mixture
    posterior = fitted.posterior_
    np.testing.assert_allclose(fitted.log_prob(x, posterior.labels), posterior.log_prob, rtol=1e-5)
    np.testing.assert_allclose(500 * fitted.score(x), fitted.log_prob(x, fitted.labels_), rtol=1e-5)
    assert fitted.log_prob(x, np.arange(500)) == -np.inf  # clusters without a point in the core


def test_a_fitted_large_set_is_saved_and_loaded(mixture, fitted, tmp_path):
    fitted.save(tmp_path)
    again = GFNCP.load(tmp_path)
    assert again.max_joint == 60
    new = mixture[0][:20] + 0.1
    assert np.array_equal(again.predict_proba(new), fitted.predict_proba(new))


def test_a_large_set_is_clustered_as_alone_and_small_ones_beside_it_jointly(mixture, fitted):
    x, _ = mixture
    estimator = GFNCP("mog-2d", n_samples=8, random_state=0, max_joint=60)
    first, second, third = estimator.fit_sets([x[:50], x, x[50:100]])
    assert np.array_equal(second.labels_, fitted.labels_)
    assert first._given.core is None and third._given.core is None
    assert np.array_equal(first.labels_, estimator.fit(x[:50]).labels_)


def test_max_joint_is_checked(mixture):
    with pytest.raises(ValueError, match=r"'max_joint' .* Got 0"):
        GFNCP("mog-2d", max_joint=0).fit(mixture[0])


def test_large_sets_of_images_are_clustered_and_predicted(image_checkpoint):
    x = np.random.default_rng(0).random((40, 28, 28))
    model = GFNCP(image_checkpoint, n_samples=3, random_state=0, max_joint=10).fit(x)
    assert model.labels_.shape == (40,)
    assert model.predict_proba(x[:5]).shape == (5, model.n_clusters_ + 1)


def test_tensors_of_a_stated_size_are_the_largest(mixture, monkeypatch):
    """No tensor grows like points times core or points times clusters."""
    largest = 0
    blocks = large.ClusteredCore.energies

    def watched(self, sums, y):
        nonlocal largest
        largest = max(largest, len(y) * (len(sums) + 1))
        return blocks(self, sums, y)

    monkeypatch.setattr(large.ClusteredCore, "energies", watched)
    monkeypatch.setattr(large, "ROWS_PER_BLOCK", 100)
    GFNCP("mog-2d", n_samples=2, random_state=0, max_joint=60).fit(mixture[0])
    assert 0 < largest <= 100
