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
from gfncp.partitions import all_partitions, canonical_labels, cluster_bounds
from gfncp.seeds import seeded
from gfncp.simulators import GaussianMixtures


def states(x, model, count, seed=0, n_clusters=None):
    return torch.stack([*islice(exact_chains(x, model, 1.0, seeded(seed), n_clusters), count)])


def frequencies(labels, outcomes):
    """Log of the share of each partition, per set; ``labels`` is (sets, draws, points)."""
    index = partition_index(labels)
    counts = torch.zeros(len(index), outcomes, dtype=torch.float64)
    counts.scatter_add_(1, index, torch.ones(index.shape, dtype=torch.float64))
    return (counts / index.shape[1]).log()


@pytest.mark.parametrize("n_clusters", [None, (1, 2), (2, 3), 3])
def test_sampler_reproduces_the_exact_posterior(n_clusters):
    mixture = GaussianMixtures(2, 1.0, 3.0, n_clusters)
    x, _ = mixture(4, 6, seeded(1))
    least, most = cluster_bounds(n_clusters, 6)
    copies = x.repeat_interleave(200, 0)
    found = states(copies, KnownCovariance(3.0), 120, n_clusters=n_clusters)
    kept = found[30:].view(-1, 4, 200, 6).transpose(0, 1).reshape(4, -1, 6)
    distance = total_variation(exact_posterior(x, mixture), frequencies(kept, 203))
    assert distance.mean() <= 0.03
    k = kept.amax(-1) + 1
    assert k.min() >= least and k.max() <= most


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
