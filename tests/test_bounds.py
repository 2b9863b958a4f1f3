"""Bounds on the number of clusters: a distribution over the partitions within them, and nothing else."""

import pytest
import torch

from gfncp.bounds import ClusterBounds
from gfncp.decoding import orders
from gfncp.decoding.predictive import predictive
from gfncp.partitions import all_partitions, canonical_labels, n_clusters, prefix_mask

EVERY = all_partitions(5)
BOUNDS = [1, 3, 5, (1, 2), (2, 4), (4, 5), (3, 99)]


def within(labels: torch.Tensor, bounds) -> torch.Tensor:
    low, high = (bounds, bounds) if isinstance(bounds, int) else bounds
    return (low <= n_clusters(labels)) & (n_clusters(labels) <= high)


@pytest.mark.parametrize("bounds", BOUNDS)
def test_partitions_within_the_bounds_have_all_the_probability(network, draw_points, bounds):
    with torch.no_grad():
        log_prob = network.log_prob(draw_points(network, 1, 5), EVERY[None], n_clusters=bounds)[0]
    inside = within(EVERY, bounds)
    assert log_prob[inside].exp().sum().item() == pytest.approx(1.0, abs=1e-9)
    assert torch.isfinite(log_prob[inside]).all()
    assert (log_prob[~inside] == -torch.inf).all()


def test_bounds_that_bind_nothing_change_nothing(network, draw_points, generator):
    x = draw_points(network, 2, 5)
    with torch.no_grad():
        free, bound = (
            network.log_prob(x, EVERY.expand(2, -1, -1), n_clusters=bounds) for bounds in (None, (1, 5))
        )
    assert torch.equal(free, bound)
    assert torch.equal(network.greedy(x)[0], network.greedy(x, n_clusters=(1, 5))[0])
    drawn = [
        network.sample(x, 9, torch.Generator().manual_seed(1), n_clusters=bounds)[0]
        for bounds in (None, (1, 5))
    ]
    assert torch.equal(*drawn)


@pytest.mark.parametrize("bounds", BOUNDS)
def test_decoded_clusterings_are_within_and_carry_their_teacher_forced_probability(
    network, draw_points, generator, bounds
):
    x = draw_points(network, 3, 8)
    mask = prefix_mask(torch.tensor([8, 5, 7]), 8)
    mask[0, 2] = False
    labels, value = network.greedy(x, mask, n_clusters=bounds)
    drawn, values = network.sample(x, 6, generator, mask, n_clusters=bounds)
    assert within(labels, bounds).all()
    assert within(drawn, bounds).all()
    every = torch.cat([labels[:, None], drawn], 1)
    assert torch.equal(canonical_labels(every), every)
    expected = network.log_prob(x, every, mask, n_clusters=bounds).detach()
    torch.testing.assert_close(torch.cat([value[:, None], values], 1), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("bounds", BOUNDS)
def test_a_wide_beam_finds_all_partitions_within(vectors, draw_points, bounds):
    labels, log_prob = vectors.beam(draw_points(vectors, 1, 5), 100, n_clusters=bounds)
    expected = EVERY[within(EVERY, bounds)]
    assert torch.equal(labels[0].unique(dim=0), expected.unique(dim=0))
    assert log_prob.exp().sum().item() == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("bounds", [2, (3, 4)])
def test_averages_over_orders_keep_them(vectors, draw_points, generator, bounds):
    x, kept = draw_points(vectors, 1, 5), ClusterBounds.of(bounds, 5)
    some = orders.random_orders(4, 5, generator)
    log_prob = orders.log_prob(vectors, vectors.encode(x), EVERY[None], some, bounds=kept)[0]
    assert log_prob.exp().sum().item() == pytest.approx(1.0, abs=1e-9)
    assert (log_prob[~within(EVERY, bounds)] == -torch.inf).all()
    labels, value = orders.sample(vectors, vectors.encode(x), 10, some, generator, bounds=kept)
    assert within(labels[0], bounds).all()
    expected = orders.log_prob(vectors, vectors.encode(x), labels, some, bounds=kept)
    torch.testing.assert_close(value, expected, rtol=0, atol=1e-9)
    labels, value = orders.greedy(vectors, vectors.encode(x), some, bounds=kept)
    assert within(labels, bounds).all()
    along = [orders.log_prob(vectors, vectors.encode(x), labels, one[None], bounds=kept) for one in some]
    assert (torch.stack(along) - value).abs().min() < 1e-9


@pytest.mark.parametrize("bounds", [2, (2, 3), (3, 4)])
def test_a_new_point_keeps_them_too(vectors, draw_points, bounds):
    x, labels = draw_points(vectors, 1, 8)[0], torch.tensor([0, 1, 0, 1, 1])
    kept = ClusterBounds.of(bounds, 5)
    row = predictive(vectors, x[:5], labels, x[5:], kept).exp()
    torch.testing.assert_close(row.sum(1), torch.ones(3, dtype=torch.float64))
    assert torch.equal(row[0] > 0, torch.tensor([kept.low <= 2, kept.low <= 2, kept.high >= 3]))


def test_the_step_by_step_restriction_is_what_it_says(vectors, draw_points, naive):
    x, labels = draw_points(vectors, 1, 5), torch.tensor([[0, 0, 1, 0, 2]])
    total = 0.0
    for step, energies in enumerate(naive(vectors, x[0], labels[0])):
        opened, left = len(energies) - 1, 4 - step
        for option in range(len(energies)):
            after = opened + (option == opened)
            if after > 3 or after + left < 3:
                energies[option] = torch.inf
        total += torch.log_softmax(-energies, 0)[labels[0, step]].item()
    assert vectors.log_prob(x, labels, n_clusters=3).item() == pytest.approx(total, abs=1e-9)


@pytest.mark.parametrize(
    "bad", [0, -1, 6, (0, 2), (3, 2), (6, 9), (1, 2, 3), "3", 2.0, (1.0, 2), [2], {1, 2}]
)
def test_bounds_that_no_partition_keeps_are_refused(bad):
    with pytest.raises(ValueError, match=r"n_clusters=.*accepted are None, an integer, or"):
        ClusterBounds.of(bad, 5)


@pytest.mark.parametrize("bad", [(2, None), range(2, 5), "auto", 0, (3, 2), 2.5, (1, 2, 3)])
def test_bounds_that_are_none_are_refused_for_sets_of_any_size(bad):
    with pytest.raises(
        ValueError, match=r"n_clusters=.*accepted are None, an integer, or .* 1 <= low <= high"
    ):
        ClusterBounds.of(bad)
