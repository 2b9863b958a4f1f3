"""Early steps: the Gibbs estimate is the exact conditional, and errors are means over steps and sets."""

import numpy as np
import pytest
import torch

from gfncp.evaluation import early_steps
from gfncp.evaluation.early_steps import errors_by_range, exact_new, network_new, opens
from gfncp.evaluation.exact import exact_posterior
from gfncp.mixtures.collapsed_gibbs import sweep
from gfncp.mixtures.conjugate import KnownCovariance
from gfncp.mixtures.merge_split import merge_split
from gfncp.partitions import all_partitions, canonical_labels
from gfncp.seeds import seeded
from gfncp.simulators import GaussianMixtures


def enumerated(x, labels, mixture):
    """p(c_n is new | c_{1:n-1}, x) of all steps n = 2..N, from the table of all partitions."""
    partitions, p = all_partitions(x.shape[1]), exact_posterior(x, mixture).exp()
    steps = []
    for n in range(1, x.shape[1]):
        fits = (partitions[:, :n] == labels[:, None, :n]).all(2)
        new = partitions[:, n] == partitions[:, :n].amax(1) + 1
        steps.append((p * fits * new).sum(1) / (p * fits).sum(1))
    return torch.stack(steps, 1)


@pytest.mark.parametrize("n_clusters", [None, (2, 3)])
def test_the_estimate_is_the_exact_conditional_on_a_tiny_set(n_clusters):
    mixture = GaussianMixtures(2, 1.0, 2.0, n_clusters)
    x, labels = mixture(5, 6, seeded(1))
    expected = enumerated(x, labels, mixture)
    copies = 40
    found = exact_new(x.repeat(copies, 1, 1), labels.repeat(copies, 1), 5, mixture, 60, seeded(0)).view(
        copies, 5, 5
    )
    assert expected.std() > 0.1
    torch.testing.assert_close(found.mean(0), expected, atol=0.02, rtol=0)


@pytest.mark.parametrize("kernel", [sweep, merge_split])
def test_kernels_do_not_change_given_labels(kernel):
    mixture = GaussianMixtures(2, 1.0, 1.0)
    x, labels = mixture(60, 7, seeded(2))
    given = torch.arange(60) % 8
    state = labels
    for _ in range(5):
        state = kernel(x, state, KnownCovariance(1.0), 1.0, seeded(3), given=given)
    kept = torch.arange(7) < given[:, None]
    assert torch.equal(state[kept], labels[kept])
    assert (state != labels).any()
    assert torch.equal(state, canonical_labels(state))


def test_parts_of_bounded_memory_are_independent_of_each_other(monkeypatch):
    mixture = GaussianMixtures(2, 1.0, 30.0)
    x, labels = mixture(3, 12, seeded(4))
    monkeypatch.setattr(early_steps, "ROWS_PER_PART", 4)
    found = exact_new(x, labels, 11, mixture, 6, seeded(0))
    assert ((found - opens(labels, 11).double()).abs() < 0.5).double().mean() > 0.9


def test_the_network_is_asked_for_its_policy(model, mixture):
    x, labels = mixture(4, 7, seeded(0))
    found = network_new(model, x, labels, 6)
    with torch.no_grad():
        p = model.log_policy(model.energies(x, labels), torch.ones(labels.shape)).exp()
    for row in range(4):
        for n in range(1, 7):
            expected = float(p[row, n, labels[row, :n].max() + 1])
            assert float(found[row, n - 1]) == pytest.approx(expected, rel=1e-4)


def test_an_exact_network_has_the_exact_errors(exact_model, mixture):
    x, labels = mixture(4, 6, seeded(0))
    torch.testing.assert_close(
        network_new(exact_model, x, labels, 5), enumerated(x, labels, mixture), atol=1e-6, rtol=0
    )


def test_errors_of_new_clusters_equal_those_by_hand():
    labels = torch.tensor([[0, 0, 1, *[1] * 10], [0, 1, 0, *[0] * 10]])
    new = torch.full((2, 12), 0.25, dtype=torch.float64)
    new[0, 1], new[1, 0] = 0.5, 1.0
    found = errors_by_range(new, opens(labels, 12))
    assert list(found) == ["2-9", "10-13"]
    assert found["2-9"].missed.value == pytest.approx((0.5 + 0.0) / 2)
    assert found["2-9"].spurious.value == pytest.approx(0.25)
    assert found["10-13"].spurious == pytest.approx((0.25, 0.0))
    assert np.isnan(found["10-13"].missed.value)
