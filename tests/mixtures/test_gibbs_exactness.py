"""The yardstick of quality is itself checked, against brute force on sets small enough to enumerate."""

from itertools import islice

import pytest
import torch
from scipy.stats import chisquare, multivariate_normal

from gfncp.mixtures.conjugate import KnownCovariance, log_joint, log_predictive
from gfncp.mixtures.exact_chains import best_state, exact_chains
from gfncp.partitions import all_partitions, crp_log_prob, n_clusters

ALPHA, SPREAD = 1.3, 2.0
MODEL = KnownCovariance(SPREAD)


def evidence(members):
    """log p(members of one cluster), the mean integrated out: each coordinate is jointly Gaussian."""
    size = len(members)
    covariance = torch.eye(size) + SPREAD**2 * torch.ones(size, size)
    return sum(multivariate_normal.logpdf(column, cov=covariance.numpy()) for column in members.T.numpy())


@pytest.fixture
def x(generator):
    """Five points whose posterior is spread over many partitions."""
    return 2 * torch.randn(5, 2, dtype=torch.float64, generator=generator)


def exact_posterior(x, most):
    every = all_partitions(len(x))
    every = every[n_clusters(every) <= most]
    log_posterior = log_joint(x, every, MODEL, ALPHA)
    return every, log_posterior.softmax(0)


def test_log_joint_is_the_prior_times_gaussian_evidence(x):
    every = all_partitions(5)
    found = log_joint(x, every, MODEL, ALPHA)
    expected = [
        crp_log_prob(labels, ALPHA).item() + sum(evidence(x[labels == k]) for k in labels.unique())
        for labels in every
    ]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("size", [0, 1, 4])
def test_log_predictive_is_a_ratio_of_evidences(x, size):
    members, new = x[:size], x[size : size + 1]
    expected = evidence(torch.cat([members, new])) - (evidence(members) if size else 0.0)
    found = log_predictive(MODEL, new[0], MODEL.statistics(members).sum(0))
    assert found.item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("most", [5, 3, 2])
def test_gibbs_reproduces_the_exact_posterior(x, generator, most):
    chains = 4000
    every, expected = exact_posterior(x, most)
    sampled = exact_chains(x.expand(chains, -1, -1), MODEL, ALPHA, generator, (1, most))
    *_, last = islice(sampled, 12)
    counts = (last[:, None] == every).all(-1).sum(0)
    assert counts.sum() == chains  # none outside the bound, all in order of appearance
    total_variation = 0.5 * (counts / chains - expected).abs().sum()
    assert total_variation < 0.04
    likely = expected * chains >= 5  # else chi-square would be no approximation
    observed = torch.cat([counts[likely], counts[~likely].sum()[None]])
    predicted = torch.cat([expected[likely], expected[~likely].sum()[None]]) * chains
    keep = predicted > 0
    assert chisquare(observed[keep], predicted[keep]).pvalue > 1e-3


def test_the_posterior_that_is_reproduced_is_no_trivial_one(x):
    _, expected = exact_posterior(x, 5)
    assert expected.max() < 0.6
    assert (expected > 0.01).sum() > 8


def test_gibbs_is_a_function_of_the_generator(x):
    first, again, other = (
        torch.stack(
            [
                *islice(
                    exact_chains(x.expand(20, -1, -1), MODEL, ALPHA, torch.Generator().manual_seed(seed)), 2
                )
            ]
        )
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_best_state_is_the_most_probable_partition(generator):
    x = 2 * torch.randn(6, 5, 2, dtype=torch.float64, generator=generator)
    found = best_state(x, MODEL, ALPHA, generator, chains=5, sweeps=20)
    for row, labels in zip(x, found, strict=True):
        every, probability = exact_posterior(row, 5)
        assert torch.equal(labels, every[probability.argmax()])


def test_far_apart_clusters_are_found(generator):
    labels = torch.tensor([[0, 1, 0, 2, 1, 2, 0, 1]])
    x = 1000.0 * labels[..., None] + torch.randn(1, 8, 2, generator=generator)
    found = best_state(x, KnownCovariance(1000.0), 1.0, generator, chains=2, sweeps=5)
    assert torch.equal(found, labels)
