"""Decoding: one probability of a clustering, however it was come by."""

import pytest
import torch
from scipy.stats import chisquare

from gfncp.decoding import decode as decoding
from gfncp.decoding import state as states
from gfncp.partitions import all_partitions, canonical_labels, prefix_mask

TOLERANCE = {"rtol": 0, "atol": 1e-9}
LENGTHS = torch.tensor([7, 1, 4, 6])


@pytest.fixture
def padded(network, draw_points):
    """Sets of different sizes in one batch, with an absent point amid the first."""
    mask = prefix_mask(LENGTHS, 7)
    mask[0, 2] = False
    return draw_points(network, 4, 7), mask


def test_probabilities_of_all_877_partitions_of_7_points_sum_to_one(network, draw_points):
    with torch.no_grad():
        total = network.log_prob(draw_points(network, 1, 7), all_partitions(7)[None]).exp().sum()
    assert total.item() == pytest.approx(1.0, abs=1e-9)


def test_probabilities_of_all_partitions_of_the_present_points_sum_to_one(vectors, draw_points):
    mask = torch.tensor([[True, False, True, True, False, True]])
    labels = torch.full((1, 15, 6), -1)
    labels[0, :, mask[0]] = all_partitions(4)
    with torch.no_grad():
        total = vectors.log_prob(draw_points(vectors, 1, 6), labels, mask).exp().sum()
    assert total.item() == pytest.approx(1.0, abs=1e-9)


def test_log_prob_is_the_product_of_the_naive_policy(network, draw_points, naive):
    x, labels = draw_points(network, 1, 6), torch.tensor([[0, 1, 0, 2, 1, 2]])
    policy = [torch.log_softmax(-options, 0) for options in naive(network, x[0], labels[0])]
    expected = sum(row[label] for row, label in zip(policy, labels[0], strict=True))
    torch.testing.assert_close(network.log_prob(x, labels)[0], expected, **TOLERANCE)


def test_samples_carry_their_teacher_forced_log_probability(network, padded, generator):
    x, mask = padded
    labels, log_prob = network.sample(x, 6, generator, mask)
    assert labels.shape == (4, 6, 7)
    assert torch.equal(canonical_labels(labels), labels)
    assert torch.equal(labels >= 0, mask[:, None].expand(-1, 6, -1))
    torch.testing.assert_close(log_prob, network.log_prob(x, labels, mask).detach(), **TOLERANCE)


def test_greedy_carries_its_teacher_forced_log_probability(network, padded):
    x, mask = padded
    labels, log_prob = network.greedy(x, mask)
    assert torch.equal(labels >= 0, mask)
    torch.testing.assert_close(log_prob, network.log_prob(x, labels, mask).detach(), **TOLERANCE)
    assert torch.equal(network.predict(x, mask), labels)


def test_greedy_takes_the_lowest_energy_at_each_step(network, draw_points, naive):
    x = draw_points(network, 3, 9)
    for row, labels in enumerate(network.greedy(x)[0]):
        assert [int(options.argmin()) for options in naive(network, x[row], labels)] == labels.tolist()


def test_a_padded_set_is_clustered_as_if_alone(network, padded):
    x, mask = padded
    labels, log_prob = network.greedy(x, mask)
    for row, present in enumerate(mask):
        alone, value = network.greedy(x[row : row + 1, present])
        assert torch.equal(labels[row][present], alone[0])
        torch.testing.assert_close(log_prob[row], value[0], **TOLERANCE)


def test_samples_follow_the_policy(vectors, draw_points, generator):
    x, every = draw_points(vectors, 1, 4), all_partitions(4)
    with torch.no_grad():
        expected = vectors.log_prob(x, every[None])[0].exp()
    labels, _ = vectors.sample(x, 20_000, generator)
    counts = (labels[0][:, None] == every).all(-1).sum(0)
    assert expected.max() > 3 * expected.min()
    assert chisquare(counts, 20_000 * expected).pvalue > 1e-3


def test_samples_of_a_set_do_not_repeat_each_other_in_another(vectors, draw_points, generator):
    x = draw_points(vectors, 1, 12).expand(2, -1, -1)
    first, second = vectors.sample(x, 30, generator)[0]
    assert not torch.equal(first, second)
    assert len(first.unique(dim=0)) > 20


def test_sampling_is_a_function_of_the_generator(vectors, draw_points):
    x = draw_points(vectors, 3, 12)
    first, again, other = (vectors.sample(x, 5, torch.Generator().manual_seed(seed))[0] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("bound", [1, 2 * 8 * 9 * 16 * 4])
def test_bounded_memory_changes_no_probability(vectors, draw_points, generator, monkeypatch, bound):
    x = draw_points(vectors, 3, 9)
    greedy = vectors.greedy(x)
    seen = []
    start = states.State.start
    monkeypatch.setattr(
        states.State,
        "start",
        lambda encoding, width: seen.append(len(encoding.mask)) or start(encoding, width),
    )
    monkeypatch.setattr(states, "STATE_BYTES", bound)
    labels, log_prob = vectors.sample(x, 10, generator)
    assert labels.shape == (3, 10, 9)
    assert len(seen) > 3  # one set at a time, and its samples in parts
    assert max(seen) == 1
    torch.testing.assert_close(log_prob, vectors.log_prob(x, labels).detach(), **TOLERANCE)
    assert torch.equal(vectors.greedy(x)[0], greedy[0])


def test_every_point_may_be_a_cluster(vectors, draw_points):
    """The state grows with the clusters that there are."""
    points = 40
    encoding = vectors.encode(draw_points(vectors, 2, points))
    with torch.no_grad():
        state = decoding.decode(
            vectors, encoding, lambda log_policy, state, point: (torch.arange(2), state.opened)
        )
    assert torch.equal(state.labels, torch.arange(points).expand(2, -1))
    expected = vectors.log_prob(draw_points(vectors, 2, points), state.labels).detach()
    torch.testing.assert_close(state.log_prob, expected, **TOLERANCE)


def test_particles_may_be_dropped_and_repeated(vectors, draw_points):
    """A strategy that keeps the number of particles, but of two sets follows the first, twice."""
    x = draw_points(vectors, 2, 6)

    def choose(log_policy, state, point):
        if point == 1:
            return torch.tensor([0, 0]), torch.tensor([0, 1])
        return torch.arange(2), log_policy.argmax(-1)

    with torch.no_grad():
        state = decoding.decode(vectors, vectors.encode(x), choose)
    assert state.owner.tolist() == [0, 0]
    assert state.labels[:, 1].tolist() == [0, 1]
    expected = vectors.log_prob(x[:1], state.labels[None])[0].detach()
    torch.testing.assert_close(state.log_prob, expected, **TOLERANCE)


def test_names_of_clusters_and_labels_of_absent_points_do_not_matter(network, padded, generator):
    x, mask = padded
    labels, log_prob = network.sample(x, 4, generator, mask)
    renamed = torch.randperm(7, generator=generator)[labels.clamp_min(0)]
    renamed = torch.where(mask[:, None], renamed, 5)
    torch.testing.assert_close(network.log_prob(x, renamed, mask).detach(), log_prob, **TOLERANCE)


def test_one_clustering_and_many_give_the_same_numbers(network, padded, generator):
    x, mask = padded
    labels, _ = network.sample(x, 3, generator, mask)
    many = network.log_prob(x, labels, mask)
    each = torch.stack([network.log_prob(x, labels[:, row], mask) for row in range(3)], 1)
    torch.testing.assert_close(each, many, **TOLERANCE)


def test_a_single_point_is_one_cluster_for_sure(network, draw_points, generator):
    x = draw_points(network, 2, 1)
    assert network.greedy(x)[0].tolist() == [[0], [0]]
    labels, log_prob = network.sample(x, 3, generator)
    assert torch.all(labels == 0)
    assert torch.all(log_prob == 0)


def test_float32_agrees_with_float64(network, draw_points, generator):
    x = draw_points(network, 2, 60)
    labels, exact = network.sample(x, 2, generator)
    network.float()
    torch.testing.assert_close(network.log_prob(x.float(), labels).detach(), exact, rtol=1e-4, atol=1e-3)
