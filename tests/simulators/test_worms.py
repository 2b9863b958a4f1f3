"""Curves: evenly filled, apart from each other; rows of blobs with gaps between them."""

import pytest
import torch

from gfncp.partitions import canonical_labels
from gfncp.simulators.draw import Draw
from gfncp.simulators.worms import (
    NODES,
    Worms,
    at_length,
    blobs_in_row,
    curves_apart,
    points_along,
    random_paths,
    spread,
)

SETS, CURVES = 60, 5


@pytest.mark.parametrize(("sets", "points", "most"), [(1, 5, 10), (20, 60, 10), (2, 5000, 10), (20, 100, 2)])
def test_shapes_and_labels(generator, sets, points, most):
    x, labels = Worms(most)(sets, points, generator)
    assert x.shape[:2] == labels.shape == (sets, points) and x.shape[2] in (2, 3)
    assert x.dtype == torch.float32 and x.isfinite().all()
    assert torch.equal(canonical_labels(labels), labels)


def test_a_batch_is_a_function_of_the_generator_alone():
    state = torch.random.get_rng_state()
    first, again, other = (Worms()(3, 30, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert first[0].shape != other[0].shape or not torch.equal(first[0], other[0])
    assert torch.equal(torch.random.get_rng_state(), state)


def test_points_are_exchangeable(generator):
    """Which of three points share a cluster does not depend on which three."""
    _, labels = Worms(4)(3000, 20, generator)
    shares = [(labels[:, i] == labels[:, j]).double().mean() for i, j in [(0, 1), (0, 19), (10, 19)]]
    assert max(shares) - min(shares) < 10 * 0.5 / len(labels) ** 0.5


def test_a_points_nearest_one_is_of_its_own_curve(generator):
    x, labels = curves_apart(Draw(200, generator), 10, 500, 2)
    apart = torch.cdist(x, x) + torch.diag(torch.full((500,), torch.inf))
    same = labels.gather(1, apart.argmin(2)) == labels
    assert same.double().mean() > 0.97


@pytest.mark.parametrize("dim", [2, 3])
def test_paths_have_length_one_and_some_are_closed(generator, dim):
    paths = random_paths(Draw(300, generator), CURVES, dim)
    steps = (paths[:, :, 1:] - paths[:, :, :-1]).norm(dim=3)
    torch.testing.assert_close(steps.sum(2), torch.ones(300, CURVES))
    ends = (paths[:, :, -1] - paths[:, :, 0]).norm(dim=2)
    assert 0.1 < (ends < 1e-4).double().mean() < 0.3
    assert (ends > 0.99).double().mean() > 0.05  # nearly straight


def test_points_fill_a_curve_evenly_however_its_nodes_are_spaced(generator):
    """Of a straight curve with uneven nodes, points are uniform; each is on its own curve."""
    along = torch.linspace(0, 1, NODES) ** 3
    lines = torch.stack([along, torch.zeros(NODES)], 1)
    paths = torch.stack([lines, 2 * lines + torch.tensor([0.0, 5.0])])[None]
    x, curve = points_along(Draw(1, generator), paths, torch.tensor([[0.4, 0.6]]), 40_000)
    assert torch.equal(x[..., 1] > 2.5, curve == 1)
    assert curve.double().mean().item() == pytest.approx(0.6, abs=0.02)
    share = x[..., 0] / (1 + curve)
    quantiles = torch.quantile(share, torch.tensor([0.1, 0.5, 0.9]))
    torch.testing.assert_close(quantiles, torch.tensor([0.1, 0.5, 0.9]), atol=0.02, rtol=0)


def test_points_at_a_share_of_the_length(generator):
    paths = random_paths(Draw(4, generator), 2, 2)
    share = torch.tensor([0.0, 1.0]).expand(4, 2, 2)
    torch.testing.assert_close(at_length(paths, share), paths[:, :, [0, -1]])
    line = (torch.linspace(0, 1, NODES) ** 2)[None, None, :, None]
    assert at_length(line, torch.tensor([[[0.5]]])).item() == pytest.approx(0.5, abs=0.02)


def test_curves_keep_apart_unless_they_may_cross(generator):
    """Curves are moved as they are; the distances returned are those to the nearest other one."""
    draw = Draw(SETS, generator)
    paths = random_paths(draw, CURVES, 2)
    used = torch.arange(CURVES).expand(SETS, -1) < 4
    gaps = {}
    for crossing in (False, True):
        moved, gap = spread(draw, paths, used, torch.full((SETS, 1), crossing))
        shift = moved - paths
        torch.testing.assert_close(shift, shift[:, :, :1].expand_as(shift), atol=1e-5, rtol=0)
        for k in range(4):
            others = [j for j in range(4) if j != k]
            away = torch.cdist(moved[:, k, ::6], moved[:, others, ::6].flatten(1, 2)).amin((1, 2))
            torch.testing.assert_close(gap[:, k], away, atol=2e-3, rtol=1e-3)
        gaps[crossing] = gap[:, :4].mean()
    assert gaps[False] > 2 * gaps[True]


@pytest.mark.parametrize("dim", [2, 3])
def test_blobs_of_a_row_are_2_5_to_8_deviations_apart(generator, dim):
    x, blob = blobs_in_row(Draw(SETS, generator), 3000, dim)
    found = []
    for points, labels in zip(x, blob, strict=True):
        groups = [points[labels == k] for k in labels.unique()]
        centres = torch.stack([group.mean(0) for group in groups])
        deviation = torch.cat([group - group.mean(0) for group in groups]).std()
        found.append(torch.pdist(centres).min() / deviation)
        assert 3 <= len(groups) <= 15
    found = torch.stack(found)
    assert found.min() > 2 and found.max() < 8.5
    assert found.max() / found.min() > 2
