"""Subspace mixtures: clusters overlap as chosen, noise is as wide as they are, and says nothing of them."""

import pytest
import torch

from gfncp.partitions import canonical_labels
from gfncp.simulators import subspace
from gfncp.simulators.shares import points_of_one
from gfncp.simulators.subspace import SIGNAL, SubspaceMixtures


@pytest.mark.parametrize(("sets", "points"), [(1, 5), (3, 60), (2, 700)])
def test_shapes_and_labels(generator, sets, points):
    for _ in range(5):
        x, labels = SubspaceMixtures()(sets, points, generator)
        assert x.shape[:2] == (sets, points) and x.shape[2] >= 2
        assert x.dtype == torch.float32 and x.isfinite().all()
        assert torch.equal(canonical_labels(labels), labels)
        assert labels.max() < points // points_of_one(points)


def test_widths_reach_from_two_to_far_more_than_clusters_fill(generator):
    widths = [SubspaceMixtures()(1, 5, generator)[0].shape[2] for _ in range(150)]
    assert min(widths) == 2
    assert 64 < max(widths) <= 200
    assert any(SIGNAL < width <= 64 for width in widths)


def test_two_clusters_are_told_apart_as_often_as_chosen(generator, monkeypatch):
    """By the best discriminant of Gaussian sets, with parameters known from many points."""
    monkeypatch.setattr(subspace, "EASY", 0.05)
    monkeypatch.setattr(subspace, "HARD", 0.050001)
    monkeypatch.setattr(subspace, "HEAVY", 0.0)
    errors = []
    for _ in range(12):
        x, labels = SubspaceMixtures(2)(4, 3000, generator)
        for row, label in zip(x.double(), labels.bool(), strict=True):
            if min(label.sum(), (~label).sum()) < 600:
                continue
            one, two = row[~label], row[label]
            first, second = torch.cov(one.T), torch.cov(two.T)
            direction = (torch.linalg.inv(first) + torch.linalg.inv(second)) @ (two.mean(0) - one.mean(0))
            spread = [(direction @ part @ direction).sqrt() for part in (first, second)]
            apart = (two.mean(0) - one.mean(0)) @ direction / sum(spread)
            errors.append(torch.special.ndtr(-apart))
    assert len(errors) > 10
    torch.testing.assert_close(
        torch.stack(errors), torch.full((len(errors),), 0.05).double(), rtol=0, atol=0.025
    )


def test_dimensions_of_noise_vary_about_as_much_as_those_of_clusters(generator):
    """No column of an unrotated set stands out by more than its clusters' extent explains."""
    ratios = []
    for _ in range(40):
        x, _ = SubspaceMixtures(5)(4, 300, generator)
        if x.shape[2] < 20:
            continue
        spread = x.std(1)
        ratios.append(spread[:, SIGNAL:].mean(1) / spread[:, :1].mean(1))
    ratio = torch.cat(ratios)
    assert len(ratio) > 20
    assert 0.3 < ratio.median() < 2
