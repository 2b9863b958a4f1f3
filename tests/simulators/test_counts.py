"""Counts: whole numbers of the stated mean and variance, shown in three ways; types change genes."""

import pytest
import torch

from gfncp.partitions import canonical_labels
from gfncp.simulators.counts import (
    MOST,
    Counts,
    draw_counts,
    draw_means,
    log_normalised,
    randomised_pca,
)
from gfncp.simulators.draw import Draw
from gfncp.simulators.shares import points_of_one


@pytest.mark.parametrize(("sets", "points"), [(1, 5), (3, 60), (2, 700)])
def test_shapes_and_labels(generator, sets, points):
    for _ in range(6):
        x, labels = Counts()(sets, points, generator)
        assert x.shape[:2] == (sets, points) and 5 <= x.shape[2] <= MOST
        assert x.dtype == torch.float32 and x.isfinite().all()
        assert torch.equal(canonical_labels(labels), labels)
        assert labels.max() < min(20, points // points_of_one(points))


def test_cells_are_shown_by_genes_by_standardised_genes_or_by_components(generator):
    views = set()
    for _ in range(30):
        x, _ = Counts()(2, 80, generator)
        centred = x.mean(1).abs().max() < 1e-3
        alike = torch.all((x.std(1, correction=0) - 1).abs() < 1e-3)
        views.add("genes" if x.min() >= 0 else "standard" if centred and alike else "components")
        assert centred or x.min() >= 0
    assert views == {"genes", "standard", "components"}


@pytest.mark.parametrize(
    ("rate", "dispersion"), [(0.05, 0.02), (0.3, 0.02), (3.0, 0.02), (3.0, 0.5), (30.0, 1.0)]
)
def test_counts_are_whole_and_have_the_mean_and_variance_of_the_negative_binomial(
    generator, rate, dispersion
):
    rates = torch.full((1, 100_000, 1), rate)
    counts = draw_counts(Draw(1, generator), rates, torch.full((1, 1, 1), dispersion))
    assert torch.equal(counts, counts.round()) and counts.min() >= 0
    assert counts.mean().item() == pytest.approx(rate, rel=0.06)
    assert counts.var().item() == pytest.approx(rate + dispersion * rate**2, rel=0.12)


def test_genes_without_molecules_have_none(generator):
    counts = draw_counts(Draw(1, generator), torch.zeros(1, 50, 20), torch.ones(1, 1, 1))
    assert torch.all(counts == 0)


def test_library_sizes_do_not_matter():
    counts = torch.tensor([[[1.0, 2, 3], [1, 2, 3], [3, 2, 1]]])
    deeper = counts * torch.tensor([1.0, 7.0, 1.0])[:, None]
    torch.testing.assert_close(log_normalised(counts), log_normalised(deeper))


def test_types_express_equally_much_and_change_a_share_of_the_genes(generator):
    shares = torch.full((100, 6), 1 / 6)
    means = draw_means(Draw(100, generator), shares, 300, torch.full((100, 1, 1), 0.3))
    total = means.sum(2)
    torch.testing.assert_close(total, total[:, :1].expand_as(total))
    ratio = means[:, 0] / means[:, 1]
    usual = ratio.median(1, keepdim=True).values
    changed = ((ratio / usual).log().abs() > 1e-3).double().mean(1)
    assert changed.min() < 0.1 < 0.3 < changed.max()
    assert torch.all(changed > 0)


def test_components_are_principal(generator):
    """They have the variances of an exact decomposition, and are uncorrelated."""
    draw = Draw(3, generator)
    x = draw.normal(90, 40) * torch.arange(40, 0, -1) ** 1.5
    found = randomised_pca(x, 6, generator)
    exact = torch.linalg.svdvals(x - x.mean(1, keepdim=True))[:, :6]
    torch.testing.assert_close(found.norm(dim=1), exact, rtol=0.02, atol=0)
    products = found.mT @ found
    assert torch.all(products - products.diagonal(dim1=1, dim2=2).diag_embed() < 1e-3 * products.amax())
