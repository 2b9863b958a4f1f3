import math

import pytest
import torch

from gfncp.decoding import likelihood
from gfncp.evaluation import consistency
from gfncp.objectives import algorithm_1
from gfncp.objectives.batch import Batch
from gfncp.partitions import canonical_labels
from gfncp.seeds import seeded


def test_mc_is_the_objectives_term_per_set(model, mixture):
    x, labels = mixture(6, 9, seeded(0))
    with torch.no_grad():
        expected = algorithm_1.consistency_loss(model, model.encode(x), Batch(x, labels))[0]
    torch.testing.assert_close(consistency.marginal_consistency(model, x, labels), expected.double())


def test_terms_of_mc_sum_to_it_and_the_last_one_is_not_shifted(model, mixture):
    x, labels = mixture(6, 9, seeded(0))
    terms = consistency.mc_terms(model, x, labels)
    assert terms.shape == (6, 8)
    torch.testing.assert_close(terms.sum(1), consistency.marginal_consistency(model, x, labels))
    with torch.no_grad():
        lifted = model.energies(x, labels).double()
    last = torch.logsumexp(-lifted[:, -1], -1)
    parent = lifted[:, -2].gather(1, labels[:, -2:-1])[:, 0] - lifted[:, -2].amin(-1)
    torch.testing.assert_close(terms[:, -1], (parent + last).square())


def test_mc_of_the_public_code_is_a_loop_over_greedy_steps(model, mixture):
    """In and out flows along greedy labels, as its losses and its sampling have them."""
    x, _ = mixture(3, 6, seeded(0))
    greedy = model.greedy(x)[0]
    with torch.no_grad():
        energies = model.energies(x, greedy).double()
    found = consistency.public_code_mc(model, x, greedy)
    for row in range(3):
        total, incoming = 0.0, 1.0
        for n in range(1, 6):
            e = energies[row, n][energies[row, n].isfinite()]
            shift = float(e.min()) if n < 5 else 0.0
            outgoing = sum(math.exp(shift - float(value)) for value in e)
            total += (math.log(1e-5 + incoming) - math.log(1e-5 + outgoing)) ** 2
            incoming = math.exp(shift - float(energies[row, n, greedy[row, n]]))
        assert float(found[row]) == pytest.approx(total / 6, rel=1e-5)


def test_flow_residual_equals_a_loop_over_the_steps(model, mixture):
    x, labels = mixture(3, 6, seeded(0))
    with torch.no_grad():
        energies = model.energies(x, labels).double()
    found = consistency.flow_residual(model, x, labels)
    for row in range(3):
        squares = [
            float(energies[row, n - 1, labels[row, n - 1]] + torch.logsumexp(-energies[row, n], 0)) ** 2
            for n in range(1, 6)
        ]
        assert float(found.total[row]) == pytest.approx(sum(squares), rel=1e-5)
        assert float(found.mean[row]) == pytest.approx(sum(squares) / 5, rel=1e-5)


def test_an_exact_posterior_is_consistent_but_eq_24_does_not_see_it(exact_model, mixture):
    x, labels = mixture(5, 6, seeded(0))
    assert consistency.flow_residual(exact_model, x, labels).total.max() < 1e-12
    assert consistency.sdpp(exact_model, x, labels, orders=30, generator=seeded(0)).max() < 1e-6
    assert consistency.marginal_consistency(exact_model, x, labels).min() > 1e-3


def test_sdpp_equals_that_by_hand():
    """Two values a and b, half each: (a - b) / (a + b), here 1/2; equal ones: 0; no underflow at e^-2000."""
    log_prob = torch.tensor([[3.0, 1.0], [2.0, 2.0], [3.0, 1.0]], dtype=torch.float64).log()
    log_prob[2] -= 2000
    expected = torch.tensor([0.5, 0.0, 0.5], dtype=torch.float64)
    torch.testing.assert_close(consistency.relative_deviation(log_prob), expected)


def test_sdpp_of_one_dominant_order_is_the_largest_possible():
    log_prob = torch.full((1, 500), -1000.0, dtype=torch.float64)
    log_prob[0, 7] = 0.0
    assert float(consistency.relative_deviation(log_prob)) == pytest.approx(math.sqrt(499))


def test_log_prob_of_orders_equals_relabelled_permuted_sets(model, mixture):
    x, labels = mixture(4, 8, seeded(0))
    orders = torch.rand(4, 5, 8, generator=seeded(0)).argsort(-1)
    with torch.no_grad():
        found = likelihood.log_prob_of_orders(model, x, labels, orders)
        for column in range(5):
            order = orders[:, column]
            permuted = x.gather(1, order[..., None].expand(-1, -1, 2))
            expected = model.log_prob(permuted, canonical_labels(labels.gather(1, order)))
            torch.testing.assert_close(found[:, column], expected, atol=1e-4, rtol=1e-4)
    assert found.std(1).min() > 1e-3  # the untrained network does depend on the order


def test_memory_bounds_change_nothing(model, mixture, monkeypatch):
    x, labels = mixture(5, 7, seeded(0))
    clusterings = torch.stack([labels, torch.zeros_like(labels)], 1)

    def everything():
        with torch.no_grad():
            return (
                model.log_prob(x, clusterings),
                consistency.sdpp(model, x, labels, orders=9, generator=seeded(0)),
                consistency.marginal_consistency(model, x, labels),
                consistency.flow_residual(model, x, labels).total,
                consistency.mc_terms(model, x, labels),
            )

    before = everything()
    monkeypatch.setattr(likelihood, "POINTS_PER_PART", 15)
    monkeypatch.setattr(consistency, "POINTS_PER_PART", 15)
    for one, other in zip(everything(), before, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_log_prob_of_many_clusterings_equals_one_at_a_time(model, mixture):
    x, labels = mixture(3, 6, seeded(0))
    other = canonical_labels(torch.randint(3, (3, 6), generator=seeded(0)))
    mask = torch.arange(6) < torch.tensor([[6], [4], [5]])
    labels, other = labels.masked_fill(~mask, -1), other.masked_fill(~mask, -1)
    with torch.no_grad():
        both = model.log_prob(x, torch.stack([labels, other], 1), mask)
        torch.testing.assert_close(both[:, 0], model.log_prob(x, labels, mask), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(both[:, 1], model.log_prob(x, other, mask), atol=1e-5, rtol=1e-5)


def test_log_prob_carries_gradients(model, mixture):
    x, labels = mixture(2, 5, seeded(0))
    orders = torch.rand(2, 3, 5, generator=seeded(0)).argsort(-1)
    likelihood.log_prob_of_orders(model, x, labels, orders).var(1).mean().backward()
    assert all(weight.grad.isfinite().all() for weight in model.g.parameters())
    assert model.g.first.weight.grad.abs().max() > 0


def test_sdpp_needs_two_orders(model, mixture):
    x, labels = mixture(1, 4, seeded(0))
    with pytest.raises(ValueError, match="orders=1"):
        consistency.sdpp(model, x, labels, orders=1, generator=seeded(0))
