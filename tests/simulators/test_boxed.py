"""Boxed mixtures: clusters are about round and alike in size, and nothing keeps two of them apart."""

import pytest
import torch

from gfncp.partitions import canonical_labels
from gfncp.simulators.boxed import CROWDED, DIMENSIONS, EXACT, Boxed

SETS, POINTS = 200, 1000
ENOUGH = 150  # points of a cluster whose deviations are estimated


@pytest.mark.parametrize(("sets", "points"), [(1, 5), (3, 60), (2, 700)])
def test_shapes_and_labels(generator, sets, points):
    dims = set()
    for _ in range(20):
        x, labels = Boxed()(sets, points, generator)
        assert x.shape[:2] == (sets, points)
        assert x.dtype == torch.float32 and x.isfinite().all()
        assert torch.equal(canonical_labels(labels), labels)
        assert labels.max() < 25
        dims.add(x.shape[2])
    assert 2 in dims and max(dims) <= DIMENSIONS


@pytest.fixture(scope="module")
def clusters():
    """Return mean and standard deviation of each column, for each large cluster of each set."""
    x, labels = Boxed()(SETS, POINTS, torch.Generator().manual_seed(0))
    return [
        [
            torch.stack([points.mean(0), points.std(0)])
            for points in (of_set[label == k] for k in range(int(label.max()) + 1))
            if len(points) >= ENOUGH
        ]
        for of_set, label in zip(x, labels, strict=True)
    ]


def test_most_clusters_are_round(clusters):
    ratios = torch.stack([std.max() / std.min() for of_set in clusters for _, std in of_set])
    assert (ratios < 1.2).float().mean() > EXACT and ratios.max() < 3


def test_most_sets_have_clusters_of_one_size(clusters):
    sizes = [torch.stack([std.mean() for _, std in of_set]) for of_set in clusters if len(of_set) > 1]
    alike = torch.stack([each.max() / each.min() < 1.15 for each in sizes]).float().mean()
    assert EXACT - 0.1 < alike < EXACT + 0.25


def test_nothing_keeps_clusters_apart(clusters):
    """In some sets two means are nearer than a standard deviation, in others all are far apart."""
    nearest = torch.stack(
        [
            torch.pdist(torch.stack([mean for mean, _ in of_set])).min() / of_set[0][1].mean()
            for of_set in clusters
            if len(of_set) > 1
        ]
    )
    assert nearest.min() < CROWDED and nearest.max() > 10
