"""The posterior pooled over orders: the normalised geometric mean of its probabilities along them."""

import pytest
import torch

from gfncp.bounds import ClusterBounds
from gfncp.decoding import orders
from gfncp.decoding.decode import sample
from gfncp.decoding.pool import Pool
from gfncp.partitions import all_partitions, canonical_labels


@pytest.fixture
def some(generator):
    return orders.random_orders(4, 5, generator)


def each_of(network, encoding, labels, some):
    return torch.stack([orders.log_prob(network, encoding, labels, order[None]) for order in some])


def test_it_is_the_geometric_mean_and_sums_to_one(network, draw_points, some):
    encoding, every = network.encode(draw_points(network, 2, 5)), all_partitions(5).expand(2, -1, -1)
    log_prob = Pool(network, encoding, some).log_prob(every)
    torch.testing.assert_close(log_prob.exp().sum(1), torch.ones(2, dtype=torch.float64))
    each = each_of(network, encoding, every, some)
    torch.testing.assert_close(log_prob, each.mean(0).log_softmax(1))
    assert each.std(0).max() > 0.01  # else the orders agree and nothing was tested


def test_probabilities_under_bounds_sum_to_one(network, draw_points, some):
    encoding, every = network.encode(draw_points(network, 1, 5)), all_partitions(5)
    probability = Pool(network, encoding, some, ClusterBounds(2, 3)).log_prob(every[None])[0].exp()
    torch.testing.assert_close(probability.sum(), torch.ones((), dtype=torch.float64))
    outside = (every.amax(1) < 1) | (every.amax(1) > 2)
    assert not probability[outside].any()


def test_samples_come_as_often_as_their_probabilities_say(vectors, draw_points, generator):
    encoding, every, draws = vectors.encode(draw_points(vectors, 1, 4)), all_partitions(4), 20_000
    pool = Pool(vectors, encoding, orders.random_orders(3, 4, generator))
    labels, log_prob = pool.sample(draws, generator)
    torch.testing.assert_close(log_prob, pool.log_prob(labels))
    shares = (labels[0][:, None] == every).all(-1).double().mean(0)
    expected = pool.log_prob(every[None])[0].exp()
    assert ((shares - expected).abs() < 5 * (expected / draws).sqrt()).all()


def test_the_sum_of_a_larger_set_is_estimated(network, draw_points, generator):
    encoding = network.encode(draw_points(network, 1, 8))
    some = orders.random_orders(4, 8, generator)
    each = each_of(network, encoding, all_partitions(8)[None], some)[:, 0]
    geometric, arithmetic = each.mean(0), orders.log_mean(each, 0)
    weight = (geometric - arithmetic).exp()
    spread = (arithmetic.exp() @ weight**2 - (arithmetic.exp() @ weight) ** 2).sqrt()
    error = Pool(network, encoding, some).log_normaliser.exp()[0] - geometric.exp().sum()
    assert abs(error) < 4 * spread / 64**0.5


@pytest.mark.parametrize("points", [6, 9])
def test_other_sets_and_absent_points_change_nothing(network, draw_points, generator, points):
    x = draw_points(network, 3, points)
    mask = torch.ones(3, points, dtype=torch.bool)
    mask[1, [0, 3]] = False
    some = orders.random_orders(3, points, generator)
    labels = canonical_labels(torch.where(mask, torch.arange(points) % 3, -1))[:, None].repeat(1, 2, 1)
    labels[:, 1] = labels[:, 1].clamp_max(0)
    together = Pool(network, network.encode(x, mask), some).log_prob(labels)
    for number in range(3):
        there = mask[number]
        place = there.cumsum(0) - 1
        own = place[some[there[some]]].view(3, -1)
        alone = Pool(network, network.encode(x[number : number + 1, there]), own)
        found = alone.log_prob(labels[number : number + 1, :, there])
        torch.testing.assert_close(found[0], together[number], rtol=1e-4, atol=1e-4)


def test_over_all_orders_it_does_not_depend_on_the_order_of_the_points(network, draw_points):
    x, labels = draw_points(network, 1, 3), torch.tensor([[[0, 1, 0]]])
    every = torch.tensor([[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
    shuffled = torch.tensor([2, 0, 1])
    torch.testing.assert_close(
        Pool(network, network.encode(x), every).log_prob(labels),
        Pool(network, network.encode(x[:, shuffled]), every).log_prob(
            canonical_labels(labels[..., shuffled])
        ),
    )


def test_one_order_is_its_own_pool(network, draw_points):
    x = draw_points(network, 2, 9)
    pool = Pool(network, network.encode(x), torch.arange(9)[None])
    labels, log_prob = pool.sample(10, torch.Generator().manual_seed(2))
    expected, value = sample(network, x, 10, torch.Generator().manual_seed(2))
    assert torch.equal(labels, expected)
    assert torch.equal(log_prob, value)
    torch.testing.assert_close(pool.log_prob(labels), log_prob)


def test_fewer_samples_than_orders_are_of_the_pool_too(vectors, draw_points, generator):
    encoding = vectors.encode(draw_points(vectors, 2, 6))
    pool = Pool(vectors, encoding, orders.random_orders(5, 6, generator))
    labels, log_prob = pool.sample(1, generator)
    assert labels.shape == (2, 1, 6)
    torch.testing.assert_close(log_prob, pool.log_prob(labels))
