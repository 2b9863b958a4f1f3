"""Averages over data orders: a distribution, equal to the mean of what each order says."""

import math

import pytest
import torch
from sklearn.metrics import adjusted_rand_score

from gfncp.decoding import decode as decoding
from gfncp.decoding import orders
from gfncp.decoding import state as states
from gfncp.partitions import all_partitions, canonical_labels, prefix_mask


def points(sets, count, seed=0):
    return 3 * torch.randn(sets, count, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def one_by_one(model, x, labels, some_orders):
    """log mean p of one set without padding, each order on its own, teacher-forced."""
    values = [model.log_prob(x[None, order], canonical_labels(labels[None, order])) for order in some_orders]
    return torch.cat(values).logsumexp(0) - math.log(len(some_orders))


def test_random_orders_are_permutations_and_differ(generator):
    some = orders.random_orders(6, 9, generator)
    assert torch.equal(some.sort(1).values, torch.arange(9).expand(6, -1))
    assert len(some.unique(dim=0)) == 6


@pytest.mark.parametrize("fewer", [1, 15, 16, 17, 399])
def test_without_the_last_points_the_others_keep_their_order(fewer):
    some, part = (
        orders.random_orders(3, points, torch.Generator().manual_seed(2)) for points in (400, fewer)
    )
    for order, expected in zip(some, part, strict=True):
        assert torch.equal(order[order < fewer], expected)


def test_fewer_than_one_order_is_refused(generator):
    with pytest.raises(ValueError, match="n_orders=0"):
        orders.random_orders(0, 4, generator)


def test_log_prob_is_the_log_mean_over_orders_of_teacher_forced_probabilities(model, generator):
    x = points(3, 8)
    labels = model.sample(x, 5, generator)[0]
    some = orders.random_orders(4, 8, generator)
    together = orders.log_prob(model, model.encode(x), labels, some)
    for row in range(3):
        for column in range(5):
            expected = one_by_one(model, x[row], labels[row, column], some)
            torch.testing.assert_close(together[row, column], expected)
    torch.testing.assert_close(orders.log_prob(model, model.encode(x), labels[:, 0], some), together[:, 0])


def test_orders_of_each_set_are_as_for_it_alone(model, generator):
    x = points(3, 8)
    own = torch.stack([orders.random_orders(2, 8, generator) for _ in x])
    labels = model.sample(x, 5, generator)[0]
    encoding = model.encode(x)
    together = orders.log_prob(model, encoding, labels, own)
    greedy = orders.greedy_each(model, encoding, own)
    drawn, values = orders.sample(model, encoding, 7, own, generator)
    torch.testing.assert_close(values, orders.log_prob(model, encoding, drawn, own))
    for row, along in enumerate(own):
        alone = model.encode(x[[row]])
        torch.testing.assert_close(orders.log_prob(model, alone, labels[[row]], along)[0], together[row])
        for expected, found in zip(orders.greedy_each(model, alone, along), greedy, strict=True):
            torch.testing.assert_close(expected[0], found[row])


def test_averaged_probabilities_of_all_partitions_sum_to_one(model, generator):
    x = points(2, 6)
    everything = all_partitions(6).expand(2, -1, -1)
    some = orders.random_orders(3, 6, generator)
    log_prob = orders.log_prob(model, model.encode(x), everything, some)
    torch.testing.assert_close(log_prob.exp().sum(1), torch.ones(2, dtype=torch.float64))
    apart = torch.stack([orders.log_prob(model, model.encode(x), everything, order[None]) for order in some])
    assert apart.std(0).max() > 0.1  # else the orders agree and nothing was tested


def test_the_average_over_all_orders_does_not_depend_on_the_order_of_the_points(model, generator):
    x, labels = points(1, 4), torch.tensor([[0, 1, 0, 2]])
    everything = torch.tensor(
        [[a, b, c, 6 - a - b - c] for a in range(4) for b in range(4) for c in range(4)]
    )
    every_order = everything[(everything.sort(1).values == torch.arange(4)).all(1)]
    assert len(every_order) == 24
    shuffled = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(
        orders.log_prob(model, model.encode(x), labels, every_order),
        orders.log_prob(
            model, model.encode(x[:, shuffled]), canonical_labels(labels[:, shuffled]), every_order
        ),
    )


def test_one_order_samples_exactly_as_without_orders(model):
    x = points(3, 10)
    some = torch.arange(10)[None]
    labels, log_prob = orders.sample(model, model.encode(x), 20, some, torch.Generator().manual_seed(4))
    expected, value = decoding.sample(model, x, 20, torch.Generator().manual_seed(4))
    assert torch.equal(labels, expected)
    assert torch.equal(log_prob, value)
    assert torch.equal(orders.greedy(model, model.encode(x), some)[0], decoding.greedy(model, x)[0])


@pytest.mark.parametrize(("n_orders", "n_samples"), [(4, 10), (7, 3), (3, 1)])
def test_samples_are_clusterings_in_the_order_of_the_points_with_averaged_probabilities(
    model, generator, n_orders, n_samples
):
    x = points(2, 9)
    some = orders.random_orders(n_orders, 9, generator)
    labels, log_prob = orders.sample(model, model.encode(x), n_samples, some, generator)
    assert labels.shape == (2, n_samples, 9)
    assert torch.equal(labels, canonical_labels(labels))
    torch.testing.assert_close(log_prob, orders.log_prob(model, model.encode(x), labels, some))


def test_samples_follow_the_averaged_distribution(model, generator):
    x, draws = points(1, 4), 30_000
    some = orders.random_orders(3, 4, generator)
    labels, _ = orders.sample(model, model.encode(x), draws, some, generator)
    everything = all_partitions(4)
    expected = orders.log_prob(model, model.encode(x), everything[None], some)[0].exp() * draws
    counts = (labels[0][:, None] == everything).all(-1).sum(0).double()
    assert counts.sum() == draws
    chi2 = ((counts - expected) ** 2 / expected).sum()
    assert chi2 < 36.1  # 99.9% of a chi-square with 14 degrees of freedom
    first = orders.log_prob(model, model.encode(x), everything[None], some[:1])[0].exp() * draws
    assert ((counts - first) ** 2 / first).sum() > 36.1  # the first order alone is another distribution


def test_greedy_is_that_of_the_orders_greedy_clusterings_that_agrees_best_with_the_others(model, generator):
    x = points(4, 12)
    some = orders.random_orders(5, 12, generator)
    labels, log_prob = orders.greedy(model, model.encode(x), some)
    along = [decoding.greedy(model, x[:, order]) for order in some]
    for row in range(4):
        found = [
            canonical_labels(each[row][order.argsort()]) for (each, _), order in zip(along, some, strict=True)
        ]
        typical = [sum(adjusted_rand_score(one, other) for other in found) for one in found]
        best = typical.index(max(typical))
        assert torch.equal(labels[row], found[best])
        torch.testing.assert_close(log_prob[row], along[best][1][row])


def test_absent_points_change_nothing(model, generator):
    x = points(3, 7)
    mask = prefix_mask(torch.tensor([7, 4, 2]), 7)
    mask[1] = mask[1].flip(0)  # absent points may lie anywhere
    some = orders.random_orders(3, 7, generator)
    labels, log_prob = orders.sample(model, model.encode(x, mask), 6, some, generator)
    best, _ = orders.greedy(model, model.encode(x, mask), some)
    assert torch.equal(labels >= 0, mask[:, None].expand_as(labels))
    assert torch.equal(best >= 0, mask)
    for row in range(3):
        ranks = mask[row].cumsum(0) - 1
        present = torch.stack([ranks[order][mask[row][order]] for order in some])
        for column in range(6):
            alone = labels[row, column][mask[row]]
            expected = one_by_one(model, x[row][mask[row]], alone, present)
            torch.testing.assert_close(log_prob[row, column], expected)


def test_sets_that_do_not_fit_into_memory_together_give_the_same(model, monkeypatch):
    x = points(3, 8)
    some = orders.random_orders(4, 8, torch.Generator().manual_seed(1))
    labels = decoding.sample(model, x, 5, torch.Generator().manual_seed(2))[0]
    whole = orders.log_prob(model, model.encode(x), labels, some)
    best = orders.greedy(model, model.encode(x), some)
    monkeypatch.setattr(states, "STATE_BYTES", 1)
    torch.testing.assert_close(orders.log_prob(model, model.encode(x), labels, some), whole)
    assert torch.equal(orders.greedy(model, model.encode(x), some)[0], best[0])
    drawn, value = orders.sample(model, model.encode(x), 6, some, torch.Generator().manual_seed(3))
    torch.testing.assert_close(value, orders.log_prob(model, model.encode(x), drawn, some))
