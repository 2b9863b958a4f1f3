"""Gaussian mixtures have the moments of their definition (Eq. 33-34)."""

import math

import pytest
import torch
from scipy.stats import kstest

from gfncp.partitions import canonical_labels, crp_log_prob
from gfncp.simulators import GaussianMixtures


def test_shapes_and_labels(generator):
    x, labels = GaussianMixtures(dim=3, n_clusters=(2, 4))(6, 20, generator)
    assert x.shape == (6, 20, 3)
    assert x.dtype == torch.float32
    assert torch.equal(canonical_labels(labels), labels)
    assert torch.all((labels.amax(1) + 1 >= 2) & (labels.amax(1) + 1 <= 4))


def test_clusters_have_unit_variance_and_means_the_given_spread(generator):
    spread, sets = 5.0, 4000
    x, labels = GaussianMixtures(dim=2, spread=spread, n_clusters=2)(sets, 8, generator)
    first = labels == 0
    size = first.sum(1, keepdim=True)
    means = torch.where(first[..., None], x, 0).sum(1) / size
    within = torch.where(first[..., None], x - means[:, None], 0).square().sum((1, 2))
    degrees = 2 * (size - 1).sum()
    assert within.sum() / degrees == pytest.approx(1.0, abs=5 * math.sqrt(2 / degrees))
    standard = means / (spread**2 + 1 / size).sqrt()
    assert kstest(standard.flatten(), "norm").pvalue > 1e-3
    coordinates = torch.corrcoef(means.T)[0, 1]
    assert abs(coordinates) < 5 / math.sqrt(sets)


def test_clusters_are_independent(generator):
    x, labels = GaussianMixtures(dim=1, spread=3.0, n_clusters=2)(4000, 2, generator)
    assert torch.all(labels == torch.tensor([0, 1]))
    pairs = x[..., 0].T
    assert abs(torch.corrcoef(pairs)[0, 1]) < 5 / math.sqrt(4000)
    assert kstest(pairs.flatten() / math.sqrt(3.0**2 + 1), "norm").pvalue > 1e-3


@pytest.mark.parametrize("alpha", [0.5, 3.0])
def test_partitions_follow_the_crp(generator, alpha):
    _, labels = GaussianMixtures(alpha=alpha)(20_000, 2, generator)
    together = crp_log_prob(torch.tensor([0, 0]), alpha).exp().item()
    share = (labels[:, 1] == 0).double().mean()
    assert share == pytest.approx(together, abs=5 * math.sqrt(together * (1 - together) / 20_000))


def test_a_batch_is_a_function_of_the_generator_alone():
    state = torch.random.get_rng_state()
    first, again, other = (
        GaussianMixtures()(3, 10, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])
    assert torch.equal(torch.random.get_rng_state(), state)
