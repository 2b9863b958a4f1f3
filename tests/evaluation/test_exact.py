import itertools
import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from gfncp.evaluation import exact
from gfncp.mixtures.conjugate import KnownCovariance, log_joint, log_predictive
from gfncp.partitions import all_partitions, canonical_labels
from gfncp.seeds import seeded
from gfncp.simulators import GaussianMixtures


def brute_force(x, labels, alpha, spread):
    """log p(c, x): the CRP in turn, and a dense normal density per cluster and coordinate."""
    total, sizes = 0.0, []
    for n, label in enumerate(labels):
        weight = alpha if label == len(sizes) else sizes[label]
        total += math.log(weight / (alpha + n))
        sizes = [*sizes, 1] if label == len(sizes) else [s + (k == label) for k, s in enumerate(sizes)]
    for k, size in enumerate(sizes):
        covariance = np.eye(size) + spread**2 * np.ones((size, size))
        for coordinate in x[np.array(labels) == k].T:
            total += multivariate_normal.logpdf(coordinate, np.zeros(size), covariance)
    return total


@pytest.mark.parametrize(("points", "dim"), [(2, 1), (4, 2), (5, 3)])
def test_exact_posterior_equals_brute_force(points, dim):
    mixture = GaussianMixtures(dim, alpha=0.7, spread=2.5)
    x, _ = mixture(2, points, seeded(0))
    found = exact.exact_posterior(x, mixture)
    for row in range(2):
        joint = [brute_force(x[row].double().numpy(), c, 0.7, 2.5) for c in all_partitions(points).tolist()]
        torch.testing.assert_close(found[row], torch.tensor(joint, dtype=torch.float64).log_softmax(0))


def test_log_joint_is_the_product_of_the_prior_and_the_predictives(mixture):
    x, _ = mixture(1, 6, seeded(0))
    labels = torch.tensor([[0, 1, 0, 2, 1, 0]])
    model, expected = KnownCovariance(mixture.spread), 0.0
    for n in range(6):
        before = x[0, :n][labels[0, :n] == labels[0, n]].double()
        weight = len(before) or mixture.alpha
        expected += math.log(weight / (mixture.alpha + n))
        expected += float(log_predictive(model, x[0, n].double(), model.statistics(before).sum(0)))
    assert float(log_joint(x, labels, model, mixture.alpha)) == pytest.approx(expected)


@pytest.mark.parametrize("n_clusters", [None, 2, (2, 3)])
def test_exact_posterior_sums_to_one_within_the_bounds(n_clusters):
    mixture = GaussianMixtures(2, 1.0, 3.0, n_clusters)
    x, _ = mixture(5, 7, seeded(0))
    p = exact.exact_posterior(x, mixture).exp()
    torch.testing.assert_close(p.sum(1), torch.ones(5, dtype=torch.float64))
    low, high = {None: (1, 7), 2: (2, 2)}.get(n_clusters, n_clusters)
    k = all_partitions(7).amax(1) + 1
    assert torch.equal(p[0] > 0, (low <= k) & (k <= high))


def test_exact_posterior_does_not_depend_on_the_order_of_the_points(mixture):
    x, _ = mixture(4, 6, seeded(0))
    labels = all_partitions(6)
    order = torch.tensor([3, 5, 0, 1, 4, 2])
    column = exact.partition_index(canonical_labels(labels[:, order]))
    shuffled = exact.exact_posterior(x[:, order], mixture)[:, column]
    torch.testing.assert_close(shuffled, exact.exact_posterior(x, mixture))


@pytest.mark.parametrize("points", [1, 2, 5, 8])
def test_partition_index_inverts_the_listing(points):
    labels = all_partitions(points)
    assert torch.equal(exact.partition_index(labels), torch.arange(len(labels)))


def test_memory_bound_does_not_change_the_tables(mixture, model, monkeypatch):
    x, _ = mixture(7, 4, seeded(0))
    exact_before, model_before = exact.exact_posterior(x, mixture), exact.model_posteriors(model, x)
    monkeypatch.setattr(exact, "ROWS_PER_PART", 20)
    torch.testing.assert_close(exact.exact_posterior(x, mixture), exact_before)
    for after, before in zip(exact.model_posteriors(model, x), model_before, strict=True):
        torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("points", [2, 5])
def test_model_posteriors_equal_one_pass_per_partition(model, mixture, points):
    x, _ = mixture(3, points, seeded(0))
    labels = all_partitions(points)
    found = exact.model_posteriors(model, x)
    with torch.no_grad():
        policy = model.log_prob(x, labels.expand(3, -1, -1))
        terminal = torch.stack([model.terminal_energy(one.expand(len(labels), -1, -1), labels) for one in x])
    torch.testing.assert_close(found.policy, policy, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found.terminal, torch.log_softmax(-terminal.double(), 1), atol=1e-4, rtol=1e-4)
    for table in found:
        torch.testing.assert_close(table.exp().sum(1), torch.ones(3, dtype=torch.float64))
    assert policy.exp().std() > 0.005  # the network tells partitions apart


def test_terminal_posterior_does_not_depend_on_the_order_but_the_policy_does(model, mixture):
    x, _ = mixture(3, 5, seeded(0))
    order = torch.tensor([4, 2, 0, 3, 1])
    column = exact.partition_index(canonical_labels(all_partitions(5)[:, order]))
    here, there = exact.model_posteriors(model, x), exact.model_posteriors(model, x[:, order])
    torch.testing.assert_close(there.terminal[:, column], here.terminal, atol=1e-4, rtol=1e-4)
    assert exact.total_variation(there.policy[:, column], here.policy).max() > 0.01


def test_order_averages_of_one_order_are_that_order(model, mixture):
    x, _ = mixture(3, 5, seeded(0))
    policy = exact.model_posteriors(model, x).policy
    for table in exact.order_averages(model, x, torch.arange(5)[None]):
        torch.testing.assert_close(table, policy)


def test_order_averages_of_all_orders_do_not_depend_on_the_order(model, mixture):
    x, _ = mixture(2, 3, seeded(0))
    orders = torch.tensor(list(itertools.permutations(range(3))))
    order = torch.tensor([2, 0, 1])
    column = exact.partition_index(canonical_labels(all_partitions(3)[:, order]))
    here = exact.order_averages(model, x, orders)
    there = exact.order_averages(model, x[:, order], orders)
    for one, other in zip(here, there, strict=True):
        torch.testing.assert_close(other[:, column], one, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(one.exp().sum(1), torch.ones(2, dtype=torch.float64))


def test_an_exact_model_is_at_distance_zero(exact_model, mixture):
    x, _ = mixture(10, 5, seeded(0))
    truth = exact.exact_posterior(x, mixture)
    orders = torch.tensor([[0, 1, 2, 3, 4], [4, 2, 0, 1, 3]])
    tables = (*exact.model_posteriors(exact_model, x), *exact.order_averages(exact_model, x, orders))
    for table in tables:
        assert exact.total_variation(truth, table).max() < 1e-10
        assert exact.kl_divergence(truth, table).abs().max() < 1e-10


def test_distances_by_hand():
    p = torch.tensor([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]], dtype=torch.float64).log()
    q = torch.tensor([[0.25, 0.25, 0.5], [0.0, 0.0, 1.0]], dtype=torch.float64).log()
    assert exact.total_variation(p, q).tolist() == [0.5, 1.0]
    assert exact.kl_divergence(p, q).tolist() == pytest.approx([math.log(2), math.inf])


@pytest.mark.parametrize("points", [1, 10])
def test_sets_of_too_many_or_too_few_points_are_refused(points, mixture, model):
    x = torch.zeros(1, points, 2)
    with pytest.raises(ValueError, match=f"{points} points"):
        exact.exact_posterior(x, mixture)
    with pytest.raises(ValueError, match=f"{points} points"):
        exact.model_posteriors(model, x)
