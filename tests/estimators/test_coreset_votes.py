"""Votes of clusterings: which of them count."""

import torch

from gfncp.estimators.coreset_votes import numbers_of_clusters, replaced, with_greedy


def test_others_in_turn_stand_in_the_places_of_those_that_do_not_stay():
    labels = torch.tensor([[[0, 0, 1], [0, 0, 0], [0, 1, 2], [0, 0, 0]]])
    others = torch.tensor([[[0, 1, 0], [0, 1, 1]]])
    stay = numbers_of_clusters(labels) >= 2
    assert replaced(labels, stay, others).tolist() == [[[0, 0, 1], [0, 1, 1], [0, 1, 2], [0, 1, 1]]]
    stay = numbers_of_clusters(labels) >= 3
    assert replaced(labels, stay, others).tolist() == [[[0, 1, 0], [0, 1, 1], [0, 1, 2], [0, 1, 1]]]


def test_what_stays_stays():
    labels = torch.randint(4, (3, 5, 7), generator=torch.Generator().manual_seed(0))
    others = torch.zeros(3, 1, 7, dtype=torch.long)
    every = torch.ones(3, 5, dtype=torch.bool)
    assert torch.equal(replaced(labels, every, others), labels)
    assert torch.equal(replaced(labels, ~every, others), others.expand_as(labels))


def test_absent_tokens_are_no_cluster():
    labels = torch.tensor([[[0, 0, -1], [0, 1, 2]], [[0, 1, -1], [0, 0, 0]]])
    assert numbers_of_clusters(labels).tolist() == [[1, 3], [2, 1]]


def test_samples_and_greedy_clusterings_have_half_of_the_say_each():
    """A greedy clustering with more clusters than the median sample gives way to a sample."""
    drawn = torch.tensor([[[0, 1, 1], [0, 0, 1], [0, 1, 0], [0, 0, 0]]])
    greedy = torch.tensor([[[0, 1, 2], [0, 0, 1]]])
    votes = with_greedy(drawn, greedy)[0].tolist()
    assert votes[4:] == drawn[0].tolist()
    assert votes[:4] == [[0, 1, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1]]
