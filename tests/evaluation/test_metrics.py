"""Scores are averages over sets, blind to names."""

import pytest
import torch

from gfncp.evaluation.metrics import scores


def test_the_same_partition_scores_one_under_any_names():
    labels = torch.tensor([[0, 0, 1, 2], [0, 1, 1, 1]])
    found = scores(labels, torch.tensor([[0, 0, 2, 1], [1, 0, 0, 0]]))
    assert found["nmi"] == pytest.approx(1.0)
    assert found["ari"] == pytest.approx(1.0)


def test_scores_are_means_over_sets():
    labels = torch.tensor([[0, 0, 1, 1], [0, 0, 1, 1]])
    predicted = torch.tensor([[0, 0, 1, 1], [0, 1, 0, 1]])
    each = [scores(labels[row : row + 1], predicted[row : row + 1]) for row in range(2)]
    both = scores(labels, predicted)
    for name in ("nmi", "ari", "clusters"):
        assert both[name] == pytest.approx((each[0][name] + each[1][name]) / 2)
    assert each[1]["nmi"] == pytest.approx(0.0)
    assert each[1]["ari"] < 0


def test_clusters_are_counted():
    labels = torch.zeros(2, 3, dtype=torch.long)
    assert scores(labels, torch.tensor([[0, 1, 2], [0, 0, 0]]))["clusters"] == 2.0
