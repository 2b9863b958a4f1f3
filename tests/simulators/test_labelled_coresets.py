"""Labelled coresets: tokens with the labels of points that are there."""

import pytest
import torch

from gfncp.coresets.units import in_units
from gfncp.networks.tokens import COLUMNS, COMPONENTS
from gfncp.partitions import canonical_labels
from gfncp.simulators import LabelledCoresets
from gfncp.simulators.labelled_coresets import ALIKE, PLACED, columns_alike, in_one_unit, told
from gfncp.simulators.prior import FAMILIES


@pytest.mark.parametrize(("points", "tokens"), [(5, 16), (16, 16), (60, 16)])
def test_shapes_and_labels(generator, points, tokens):
    drawn = LabelledCoresets(tokens)(ALIKE + 3, points, generator)
    most = min(points, tokens)
    assert drawn.x.shape == (ALIKE + 3, most, COLUMNS)
    assert drawn.placed.shape == (ALIKE + 3, PLACED, COMPONENTS)
    assert drawn.x.isfinite().all()
    assert torch.equal(canonical_labels(drawn.labels), drawn.labels)
    assert torch.equal(drawn.labels >= 0, drawn.mask)
    assert (drawn.placed_labels < drawn.labels.amax(1, keepdim=True) + 1).all()


def test_numbers_of_micro_clusters_fill_their_bounds():
    simulate = LabelledCoresets(12, fewest=5)
    found = {simulate(1, 60, torch.Generator().manual_seed(seed)).x.shape[1] for seed in range(80)}
    assert found == set(range(5, 13))


def test_a_batch_is_a_function_of_the_generator_alone():
    first, again, other = (
        LabelledCoresets(8)(9, 30, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.x[:, :5], other.x[:, :5])


def test_points_that_are_tokens_have_their_labels(generator):
    drawn = LabelledCoresets(32)(24, 20, generator)
    for s in range(24):
        apart = torch.cdist(drawn.placed[s], drawn.x[s, :, :COMPONENTS])
        apart[:, ~drawn.mask[s]] = torch.inf
        distance, token = apart.min(1)
        alone = (apart < distance[:, None] + 1e-4).sum(1) == 1
        same = drawn.labels[s, token] == drawn.placed_labels[s]
        assert (same | ~alone | (distance > 1e-4)).all()


def test_sets_come_from_the_families_that_are_given(generator):
    """A coreset shows which points belong together, for a family of pairs of points far apart."""
    asked = []

    def pairs(sets, points, generator):
        asked.append((sets, points))
        labels = (torch.arange(points) >= points // 2).long().expand(sets, -1)
        return 50.0 * labels[..., None] + torch.rand(sets, points, 2, generator=generator), labels

    drawn = LabelledCoresets(8, families=((1.0, pairs),))(ALIKE + 1, 20, generator)
    assert asked == [(ALIKE, 20), (1, 20)]
    for x, labels, mask in zip(drawn.x, drawn.labels, drawn.mask, strict=True):
        assert set(labels[mask].tolist()) == {0, 1}
        near = torch.cdist(x[mask, :COMPONENTS], x[mask, :COMPONENTS]).fill_diagonal_(torch.inf).argmin(1)
        assert torch.equal(labels[mask][near], labels[mask])


def test_a_family_without_a_share_is_never_drawn(generator):
    def never(sets, points, generator):
        raise AssertionError

    families = ((0.0, never), (1.0, FAMILIES[0][1]))
    assert LabelledCoresets(8, families=families)(ALIKE + 3, 20, generator).x.isfinite().all()


def test_what_is_told_is_true(generator):
    clusters = torch.randint(1, 20, (2000,), generator=generator)
    low, high = told(clusters, generator).T
    assert ((low <= clusters) & (clusters <= high)).all()
    nothing, exact = (low == 1) & high.isinf(), low == high
    assert 0.6 < nothing.float().mean() < 0.8
    assert 0.1 < exact.float().mean() < 0.25
    assert ((low < high) & ~high.isinf()).float().mean() > 0.1


def test_shares_of_the_families_add_up_to_one():
    assert sum(share for share, _ in FAMILIES) == pytest.approx(1)


@pytest.mark.parametrize(("quick", "scale"), [(columns_alike, "columns"), (in_one_unit, "none")])
def test_sets_are_scaled_nearly_as_a_users_are(generator, quick, scale):
    """Up to one factor, and the cut of long tails."""
    x = torch.randn(3, 400, 4, generator=generator, dtype=torch.float64) * torch.tensor([1.0, 5.0, 0.2, 3.0])
    x[:, :100] += 4
    for few, one in zip(quick(x), x, strict=True):
        slow = in_units(one, torch.ones(400), scale)
        a, b = (part - part.mean(0) for part in (few, slow))
        assert (a * b).sum() / (a.norm() * b.norm()) > 0.98
