"""Chains on labels have the exact posterior, checked on sets small enough to enumerate."""

import math
from itertools import islice

import pytest
import torch
from scipy.stats import chisquare

from gfncp.bounds import ClusterBounds
from gfncp.evaluation.exact import exact_posterior, partition_index, total_variation
from gfncp.mixtures.collapsed_gibbs import sweep
from gfncp.mixtures.conjugate import KnownCovariance, NormalInverseWishart, log_joint
from gfncp.mixtures.exact_chains import best_state, exact_chains
from gfncp.mixtures.merge_split import merge_split
from gfncp.partitions import all_partitions, canonical_labels, cluster_bounds, n_clusters
from gfncp.seeds import seeded
from gfncp.simulators import GaussianMixtures

ALPHA = 1.3
MODEL = KnownCovariance(2.0)


def states(x, model, count, seed=0, n_clusters=None):
    return torch.stack([*islice(exact_chains(x, model, 1.0, seeded(seed), n_clusters), count)])


def frequencies(labels, outcomes):
    """Log of the share of each partition, per set; ``labels`` is (sets, draws, points)."""
    index = partition_index(labels)
    counts = torch.zeros(len(index), outcomes, dtype=torch.float64)
    counts.scatter_add_(1, index, torch.ones(index.shape, dtype=torch.float64))
    return (counts / index.shape[1]).log()


@pytest.mark.parametrize("kernel", [sweep, merge_split])
@pytest.mark.parametrize("bounds", [None, (2, 3), (3, 3)])
def test_each_kernel_alone_leaves_the_posterior_as_it_is(kernel, bounds):
    """Labels drawn from the exact posterior, moved once, are still from the exact posterior."""
    mixture = GaussianMixtures(2, 1.5, 1.5, bounds)
    x, _ = mixture(1, 5, seeded(2))
    p = exact_posterior(x, mixture)[0].exp()
    drawn = torch.multinomial(p, 40_000, replacement=True, generator=seeded(0))
    start = all_partitions(5)[drawn]
    moved = kernel(x, start, KnownCovariance(1.5), 1.5, seeded(3), ClusterBounds.of(bounds, 5))
    assert (moved != start).any(1).double().mean() > 0.05  # it does move
    counts = torch.bincount(partition_index(moved), minlength=len(p)).double()
    frequent = p > 1e-3
    observed = torch.cat([counts[frequent], counts[~frequent].sum()[None]]) + 1e-9
    expected = torch.cat([p[frequent], p[~frequent].sum()[None]]) * 40_000 + 1e-9
    assert chisquare(observed, expected * observed.sum() / expected.sum()).pvalue > 1e-3


def test_labels_are_in_order_of_appearance(mixture):
    x, _ = mixture(20, 15, seeded(0))
    found = states(x, KnownCovariance(3.0), 4)
    assert found.shape == (4, 20, 15)
    assert torch.equal(found, canonical_labels(found))


def test_merge_split_leaves_a_wrong_start_that_sweeps_alone_do_not():
    """Two tight groups in one cluster of 60 points: hardly a point leaves alone, a whole group does."""
    x = torch.cat([torch.zeros(30, 2), torch.full((30, 2), 3.0)])[None].double().expand(20, -1, -1)
    truth = (torch.arange(60) >= 30).long().expand(20, -1)
    start = torch.zeros(20, 60, dtype=torch.long)
    model = KnownCovariance(50.0)
    assert (log_joint(x, truth, model, 1.0) > log_joint(x, start, model, 1.0) + 50).all()
    alone, both, stream = start, start, seeded(0)
    for _ in range(8):
        alone = sweep(x, alone, model, 1.0, stream)
        both = merge_split(x, sweep(x, both, model, 1.0, stream), model, 1.0, stream)

    def distance(labels):
        return (labels != truth).double().mean(1)

    assert (distance(alone) > 0.4).double().mean() > 0.7
    assert (distance(both) < 0.1).double().mean() > 0.8


def test_best_state_is_the_most_probable_partition(mixture):
    x, _ = mixture(30, 6, seeded(0))
    found = best_state(x, KnownCovariance(3.0), 1.0, seeded(0), chains=3, sweeps=40)
    best = all_partitions(6)[exact_posterior(x, mixture).argmax(1)]
    assert (found == best).all(1).double().mean() >= 29 / 30


def test_best_state_is_one_of_its_own_chains(mixture):
    x, _ = mixture(5, 12, seeded(0))
    model = KnownCovariance(3.0)
    found = best_state(x, model, 1.0, seeded(4), chains=2, sweeps=6)
    visited = states(x.double().repeat_interleave(2, 0), model, 6, 4)
    for row in range(5):
        own = visited[:, 2 * row : 2 * row + 2].flatten(0, 1)
        values = log_joint(x[row], own, model, 1.0)
        assert torch.equal(found[row], own[values.argmax()])


@pytest.mark.parametrize("bounds", [(0, 3), (4, 3), (7, 9)])
def test_impossible_bounds_name_the_values(mixture, bounds):
    x, _ = mixture(1, 6, seeded(0))
    with pytest.raises(ValueError, match=f"n_clusters=.{bounds[0]}, {bounds[1]}"):
        states(x, KnownCovariance(3.0), 1, n_clusters=bounds)


def test_a_single_point_has_a_single_state(mixture):
    x, _ = mixture(3, 1, seeded(0))
    found = states(x, KnownCovariance(3.0), 3)
    assert torch.equal(found, torch.zeros(3, 3, 1, dtype=torch.long))


def test_far_outlier_gets_its_own_cluster_without_overflow():
    x = torch.cat([torch.zeros(1, 8, 2), torch.full((1, 1, 2), 1e4)], 1)
    model = KnownCovariance(10.0)
    found = states(x, model, 3)
    assert (found[-1, 0, :8] != found[-1, 0, 8]).all()
    assert math.isfinite(float(log_joint(x, found[-1], model, 1.0)))


@pytest.mark.parametrize("bounds", [None, (2, 3)])
def test_unknown_covariances_have_their_exact_posterior(bounds):
    x = 2 * torch.randn(5, 2, dtype=torch.float64, generator=seeded(5))
    model = NormalInverseWishart(torch.zeros(2), 0.2, 4.0, torch.eye(2))
    partitions = all_partitions(5)
    joint = log_joint(x, partitions, model, 1.0)
    if bounds is not None:
        clusters = partitions.amax(1) + 1
        joint = joint.masked_fill((clusters < bounds[0]) | (clusters > bounds[1]), -torch.inf)
    kept = states(x.expand(2000, -1, -1), model, 14, n_clusters=bounds)[8:].flatten(0, 1)
    distance = total_variation(joint.log_softmax(0)[None], frequencies(kept[None], len(partitions)))
    assert distance.item() <= 0.03


@pytest.fixture
def x(generator):
    """Five points whose posterior is spread over many partitions."""
    return 2 * torch.randn(5, 2, dtype=torch.float64, generator=generator)


def enumerated(x, bounds):
    """All partitions with so many clusters, and their probabilities."""
    every = all_partitions(len(x))
    least, most = cluster_bounds(bounds, len(x))
    every = every[(n_clusters(every) >= least) & (n_clusters(every) <= most)]
    return every, log_joint(x, every, MODEL, ALPHA).softmax(0)


@pytest.mark.parametrize("bounds", [None, (1, 2), (1, 3), (2, 3), 3])
def test_chains_reproduce_the_exact_posterior(x, generator, bounds):
    chains = 4000
    every, expected = enumerated(x, bounds)
    sampled = exact_chains(x.expand(chains, -1, -1), MODEL, ALPHA, generator, bounds)
    *_, last = islice(sampled, 12)
    counts = (last[:, None] == every).all(-1).sum(0)
    assert counts.sum() == chains  # none outside the bounds, all in order of appearance
    assert 0.5 * (counts / chains - expected).abs().sum() < 0.04  # total variation
    likely = expected * chains >= 5  # else chi-square would be no approximation
    observed = torch.cat([counts[likely], counts[~likely].sum()[None]])
    predicted = torch.cat([expected[likely], expected[~likely].sum()[None]]) * chains
    keep = predicted > 0
    assert chisquare(observed[keep], predicted[keep]).pvalue > 1e-3


def test_the_posterior_that_is_reproduced_is_no_trivial_one(x):
    _, expected = enumerated(x, None)
    assert expected.max() < 0.6
    assert (expected > 0.01).sum() > 8


def test_chains_are_a_function_of_the_generator(x):
    first, again, other = (states(x.expand(20, -1, -1), MODEL, 2, seed) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_far_apart_clusters_are_found(generator):
    labels = torch.tensor([[0, 1, 0, 2, 1, 2, 0, 1]])
    x = 1000.0 * labels[..., None] + torch.randn(1, 8, 2, generator=generator)
    found = best_state(x, KnownCovariance(1000.0), 1.0, generator, chains=2, sweeps=5)
    assert torch.equal(found, labels)
