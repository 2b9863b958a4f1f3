"""Votes of clusterings: which of them count, and what is left where a consensus breaks its bounds."""

import math

import torch

from gfncp.estimators.coreset_votes import with_enough


def test_clusterings_with_too_few_clusters_are_replaced_by_others_in_turn():
    labels = torch.tensor([[[0, 0, 1], [0, 0, 0], [0, 1, 2], [0, 0, 0]]])
    others = torch.tensor([[[0, 1, 0], [0, 1, 1]]])
    assert with_enough(labels, 2, others).tolist() == [[[0, 0, 1], [0, 1, 1], [0, 1, 2], [0, 1, 1]]]
    assert with_enough(labels, 3, others).tolist() == [[[0, 1, 0], [0, 1, 1], [0, 1, 2], [0, 1, 1]]]


def test_clusterings_with_enough_clusters_stay():
    labels = torch.randint(4, (3, 5, 7), generator=torch.Generator().manual_seed(0))
    others = torch.zeros(3, 1, 7, dtype=torch.long)
    assert torch.equal(with_enough(labels, 1, others), labels)
    replaced = with_enough(labels, math.inf, others)
    assert torch.equal(replaced, others.expand_as(labels))


def test_absent_tokens_are_no_cluster():
    labels = torch.tensor([[[0, 0, -1]], [[0, 1, -1]]])
    others = torch.tensor([[[0, 1, -1]], [[0, 0, -1]]])
    assert with_enough(labels, 2, others).tolist() == [[[0, 1, -1]], [[0, 1, -1]]]
