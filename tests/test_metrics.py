"""Scores are averages over sets, blind to names."""

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from gfncp import metrics
from gfncp.metrics import agreements, scores


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


def test_agreements_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    truth, found = rng.integers(0, 4, (6, 30)), rng.integers(0, 5, (6, 7, 30))
    truth[0], found[0, 0] = 0, 0  # one cluster in both
    truth[1], found[1, 0], found[1, 1] = np.arange(30), np.arange(30), 0  # all alone, and against one cluster
    nmi, ari = agreements(torch.from_numpy(truth), torch.from_numpy(found))
    for i, known in enumerate(truth):
        for j, labels in enumerate(found[i]):
            assert float(ari[i, j]) == pytest.approx(adjusted_rand_score(known, labels), abs=1e-12)
            assert float(nmi[i, j]) == pytest.approx(normalized_mutual_info_score(known, labels), abs=1e-12)


def test_absent_points_and_parts_change_nothing(monkeypatch):
    rng = np.random.default_rng(1)
    truth, found = (torch.from_numpy(rng.integers(0, 3, shape)) for shape in ((4, 20), (4, 3, 20)))
    whole = agreements(truth[:, :15], found[..., :15])
    truth[:, 15:] = -1
    for bound in (metrics.CELLS_PER_PART, 1):
        monkeypatch.setattr(metrics, "CELLS_PER_PART", bound)
        for one, other in zip(agreements(truth, found), whole, strict=True):
            torch.testing.assert_close(one, other)
