"""Mixtures of factor analysers: shapes, confusion as chosen, and waves of unit variance along a curve."""

import pytest
import torch

from gfncp.partitions import canonical_labels
from gfncp.simulators.draw import Draw
from gfncp.simulators.factors import MANY, FactorMixtures, grouped_normals, waves


@pytest.mark.parametrize(("sets", "points"), [(1, 5), (3, 60), (2, 700)])
def test_shapes_and_labels(generator, sets, points):
    dims, most = set(), 0
    for _ in range(10):
        x, labels = FactorMixtures()(sets, points, generator)
        assert x.shape[:2] == (sets, points)
        assert x.dtype == torch.float32 and x.isfinite().all()
        assert torch.equal(canonical_labels(labels), labels)
        most = max(most, int(labels.max()) + 1)
        dims.add(x.shape[2])
    assert min(dims) >= 6 and max(dims) <= 200
    assert most <= 50
    if points == 700:
        assert most >= MANY


def test_clusters_vary_along_the_same_lines(generator):
    """Within clusters as over all sets, a few principal components have most of the variance."""
    shares = []
    for _ in range(20):
        x, labels = FactorMixtures(max_clusters=3)(1, 2000, generator)
        within = x[0] - torch.stack([x[0][labels[0] == k].mean(0) for k in range(3)])[labels[0]].nan_to_num()
        variances = torch.linalg.svdvals(within - within.mean(0)).square()
        shares.append(float(variances[:6].sum() / variances.sum()))
    assert sum(share > 0.5 for share in shares) > 10


def test_means_are_standard_normal_and_groups_lie_together(generator):
    means = grouped_normals(Draw(4000, generator), 9, 5)
    torch.testing.assert_close(means.mean((0, 1)), torch.zeros(5), rtol=0, atol=0.03)
    torch.testing.assert_close(means.square().mean((0, 1)), torch.ones(5), rtol=0, atol=0.05)
    alone = torch.pdist(torch.randn(9, 5, generator=generator)).min()
    apart = torch.cdist(means, means) + 1e9 * torch.eye(9)
    assert alone > 0 and (apart.amin((1, 2)) < 0.3).any()


def test_waves_have_unit_variance_and_are_smooth(generator):
    values = waves(Draw(300, generator), 200, 10)
    assert values.abs().max() <= 2**0.5 + 1e-5
    assert 0.85 < values.square().mean() < 1.15
