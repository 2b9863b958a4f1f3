"""Beam search: exact where the beam is wide, greedy where it is narrow, always right about probabilities."""

import pytest
import torch

from gfncp.partitions import all_partitions, canonical_labels, prefix_mask


def points(sets, count, seed=0):
    return 3 * torch.randn(sets, count, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(("count", "partitions"), [(1, 1), (2, 2), (5, 52), (7, 877)])
def test_a_wide_beam_finds_every_partition_sorted_and_their_probabilities_sum_to_one(
    model, count, partitions
):
    x = points(2, count)
    labels, log_prob = model.beam(x, 1000)
    assert labels.shape == (2, partitions, count)
    for found in labels:
        assert torch.equal(found.unique(dim=0), all_partitions(count).unique(dim=0))
    torch.testing.assert_close(log_prob.exp().sum(1), torch.ones(2, dtype=torch.float64))
    assert (log_prob.diff() <= 0).all()


@pytest.mark.parametrize("count", [1, 6, 23])
def test_a_beam_of_width_one_is_greedy(model, count):
    x = points(5, count)
    labels, log_prob = model.beam(x, 1)
    greedy, value = model.greedy(x)
    assert torch.equal(labels[:, 0], greedy)
    torch.testing.assert_close(log_prob[:, 0], value)


def test_log_probabilities_equal_teacher_forced_ones(model):
    x = points(3, 15)
    labels, log_prob = model.beam(x, 12)
    assert labels.shape == (3, 12, 15)
    assert torch.equal(labels, canonical_labels(labels))
    assert all(len(found.unique(dim=0)) == 12 for found in labels)
    torch.testing.assert_close(log_prob, model.log_prob(x, labels).detach())
    assert (log_prob.diff() <= 0).all()


def test_wider_beams_find_more_probability(model):
    x = points(20, 12)
    best, total = [], []
    for width in (1, 4, 16, 64):
        _, log_prob = model.beam(x, width)
        best.append(log_prob[:, 0].mean())
        total.append(log_prob.logsumexp(1).mean())
    assert (torch.stack(best).diff() >= 0).all()
    assert best[0] < best[-1]
    assert (torch.stack(total).diff() > 0).all()


def test_the_beam_of_a_set_does_not_depend_on_the_others(model):
    x = points(4, 9)
    labels, log_prob = model.beam(x, 7)
    for row in range(4):
        alone, value = model.beam(x[row : row + 1], 7)
        assert torch.equal(labels[row], alone[0])
        torch.testing.assert_close(log_prob[row], value[0])


def test_absent_points_change_nothing_and_missing_clusterings_have_probability_zero(model):
    x = points(3, 6)
    mask = prefix_mask(torch.tensor([6, 3, 1]), 6)
    labels, log_prob = model.beam(x, 40, mask)
    assert labels.shape == (3, 40, 6)
    for row, length in enumerate([6, 3, 1]):
        alone, value = model.beam(x[row : row + 1, :length], 40)
        found = alone.shape[1]
        assert torch.equal(labels[row, :found, :length], alone[0])
        torch.testing.assert_close(log_prob[row, :found], value[0])
        assert (labels[row, :, length:] == -1).all()
        assert (labels[row, found:] == -1).all()
        assert (log_prob[row, found:] == -torch.inf).all()


def test_sets_that_do_not_fit_into_memory_together_give_the_same(model, monkeypatch):
    x = points(5, 6)
    whole = model.beam(x, 10)
    monkeypatch.setattr("gfncp.decoding.state.STATE_BYTES", 1)
    parts = model.beam(x, 10)
    assert torch.equal(whole[0], parts[0])
    torch.testing.assert_close(whole[1], parts[1])


def test_a_width_below_one_is_refused(model):
    with pytest.raises(ValueError, match="width=0"):
        model.beam(points(1, 3), 0)
