"""Shapes: within their outlines, apart from each other by the gap asked for, and meeting some other one."""

import pytest
import torch

from gfncp.partitions import canonical_labels
from gfncp.simulators.draw import Draw
from gfncp.simulators.shapes import (
    BALL,
    BOX,
    GAUSSIAN,
    Outlines,
    Shapes,
    bridged,
    draw_outlines,
    draw_shape_points,
    even_directions,
    nest,
    place,
    swallowed,
)
from gfncp.simulators.shares import cluster_shares, draw_clusters

SETS, CLUSTERS, POINTS = 60, 7, 400


@pytest.fixture(params=[2, 3])
def dim(request):
    return request.param


@pytest.fixture
def used():
    return torch.ones(SETS, CLUSTERS, dtype=torch.bool)


def shapes_of(generator, dim):
    draw = Draw(SETS, generator)
    shares = cluster_shares(draw, CLUSTERS, POINTS, fewest=CLUSTERS)
    return draw, shares, draw_outlines(draw, shares, POINTS, dim)


@pytest.mark.parametrize(
    ("sets", "points", "most"), [(1, 5, 30), (20, 60, 30), (2, 5000, 30), (20, 100, 4), (5, 9, 1)]
)
def test_shapes_and_labels(generator, sets, points, most):
    x, labels = Shapes(most)(sets, points, generator)
    assert x.shape[:2] == labels.shape == (sets, points) and x.shape[2] in (2, 3)
    assert x.dtype == torch.float32 and x.isfinite().all()
    assert torch.equal(canonical_labels(labels), labels)
    assert labels.max() < most


def test_a_batch_is_a_function_of_the_generator_alone():
    state = torch.random.get_rng_state()
    first, again, other = (Shapes()(3, 10, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert first[0].shape != other[0].shape or not torch.equal(first[0], other[0])
    assert torch.equal(torch.random.get_rng_state(), state)


def test_most_sets_lie_in_the_plane_and_some_in_space(generator):
    widths = [Shapes(2)(1, 5, generator)[0].shape[2] for _ in range(150)]
    assert 0.1 < widths.count(3) / 150 < 0.3


def test_points_are_exchangeable(generator):
    """Which of three points share a cluster does not depend on which three."""
    _, labels = Shapes(8)(4000, 20, generator)
    shares = [(labels[:, i] == labels[:, j]).double().mean() for i, j in [(0, 1), (0, 19), (10, 19)]]
    assert max(shares) - min(shares) < 10 * 0.5 / len(labels) ** 0.5


def test_a_points_nearest_one_is_of_its_own_shape(generator):
    x, labels = Shapes()(100, 500, generator)
    apart = torch.cdist(x, x) + torch.diag(torch.full((500,), torch.inf))
    same = labels.gather(1, apart.argmin(2)) == labels
    assert same.double().mean() > 0.95


def test_directions_are_unit_vectors_and_their_opposites(dim):
    directions = even_directions(dim)
    torch.testing.assert_close(directions.norm(dim=1), torch.ones(len(directions)))
    torch.testing.assert_close(directions.roll(len(directions) // 2, 0), -directions)
    torch.testing.assert_close(
        directions.mT @ directions / len(directions), torch.eye(dim) / dim, atol=0.02, rtol=0
    )


def test_points_stay_within_their_hull_and_reach_its_border(generator, dim):
    """No point is beyond the support function, and of many points one is near it, in each direction."""
    draw, _, outlines = shapes_of(generator, dim)
    outlines.kind = outlines.kind.clamp_max(BALL)
    outlines.span = torch.ones_like(outlines.span)
    directions = even_directions(dim)
    support = outlines.support(directions)
    for k in range(CLUSTERS):
        cluster = torch.full((SETS, 2000), k)
        x = outlines.to_space(draw_shape_points(draw, outlines, cluster), cluster)
        reached = (x @ directions.T).amax(1)
        assert torch.all(reached <= support[:, k] + 1e-4 * support[:, k].amax())
        assert (reached / support[:, k]).mean() > 0.9


def test_a_unit_shape_becomes_a_shape_and_back(generator, dim):
    draw, shares, outlines = shapes_of(generator, dim)
    cluster = draw_clusters(draw, shares, POINTS)
    z = draw.normal(POINTS, dim)
    torch.testing.assert_close(
        outlines.to_unit(outlines.to_space(z, cluster), cluster), z, atol=1e-4, rtol=1e-4
    )


def test_holes_are_empty_and_arcs_are_part_of_a_turn(generator, dim):
    draw, _, outlines = shapes_of(generator, dim)
    outlines.kind = torch.full_like(outlines.kind, BALL)
    outlines.hole = torch.full_like(outlines.hole, 0.8)
    outlines.span = torch.full_like(outlines.span, 0.25)
    z = draw_shape_points(draw, outlines, torch.zeros(SETS, POINTS, dtype=torch.long))
    length = z.norm(dim=2)
    assert length.min() > 0.799 and length.max() < 1.001
    assert torch.all(z[..., 0] > 0)
    assert (length**dim).mean().item() == pytest.approx((1 + 0.8**dim) / 2, abs=0.01)


def test_solid_shapes_are_uniform(generator, dim):
    """A box's points are as many in each half of each axis' half; Gaussians have their outline at `reach`."""
    draw, _, outlines = shapes_of(generator, dim)
    outlines.hole, outlines.span = torch.zeros_like(outlines.hole), torch.ones_like(outlines.span)
    cluster = torch.zeros(SETS, 4000, dtype=torch.long)
    outlines.kind = torch.full_like(outlines.kind, BOX)
    box = draw_shape_points(draw, outlines, cluster) * dim**0.5
    assert box.abs().max() <= 1 + 1e-5
    torch.testing.assert_close(
        (box.abs() < 0.5).float().mean((0, 1)), torch.full((dim,), 0.5), atol=0.01, rtol=0
    )
    outlines.kind = torch.full_like(outlines.kind, GAUSSIAN)
    gaussian = draw_shape_points(draw, outlines, cluster)
    torch.testing.assert_close(gaussian.std(1) * outlines.reach, torch.ones(SETS, dim), atol=0.1, rtol=0)


def test_shapes_are_apart_and_nearly_each_meets_an_earlier_one(generator, used, dim):
    """The gap between hulls, in the direction that parts them best, is 0 to the nearest earlier one."""
    draw, _, outlines = shapes_of(generator, dim)
    directions = even_directions(dim)
    hulls = outlines.support(directions)
    centres = place(draw, hulls, directions, used, ~used)
    way = centres[:, None] - centres[:, :, None]
    opposite = hulls.roll(len(directions) // 2, 2)
    gap = (way @ directions.T - hulls[:, :, None] - opposite[:, None]).amax(3)
    earlier = torch.ones(CLUSTERS, CLUSTERS, dtype=torch.bool).triu(1)
    nearest = gap.masked_fill(~earlier, torch.inf).amin(1)[:, 1:]
    assert nearest.min() > -1e-3
    assert (nearest < 1e-3).double().mean() > 0.95  # others stopped where they had passed by


def test_nested_shapes_fit_into_their_host(generator, used, dim):
    draw, shares, outlines = shapes_of(generator, dim)
    inside = nest(draw, outlines, used, shares)
    assert 0.02 < inside.double().mean() < 0.3
    assert not inside[:, 0::2].any()
    directions = even_directions(dim)
    hulls = outlines.support(directions)
    centres = place(draw, hulls, directions, used, inside)
    guest = inside[:, 1:]  # of the shape before it
    assert torch.equal(centres[:, 1:][guest], centres[:, :-1][guest])
    room = torch.where(outlines.hole > 0, outlines.hole, 0.5)
    assert torch.all(hulls[:, 1:][guest] <= (room[..., None] * hulls)[:, :-1][guest] + 1e-5)


def test_a_dense_ellipse_owns_what_falls_into_it():
    outlines = Outlines(
        kind=torch.tensor([[BOX, BALL, BALL]]),
        hole=torch.zeros(1, 3),
        span=torch.ones(1, 3),
        axes=torch.tensor([[[4.0, 4.0], [1.0, 0.5], [1.0, 1.0]]]),
        turn=torch.eye(2).expand(1, 3, 2, 2),
        reach=torch.ones(1, 1),
    )
    centres = torch.zeros(1, 3, 2)
    x = torch.tensor([[[0.9, 0.0], [0.0, 0.9], [3.0, 0.0], [0.0, 0.0]]])
    cluster = torch.tensor([[0, 0, 0, 2]])
    inside = torch.tensor([[False, True, False]])
    assert swallowed(outlines, centres, inside, cluster, x).tolist() == [[1, 0, 0, 2]]
    outlines.hole[0, 0] = 0.9
    assert torch.equal(swallowed(outlines, centres, inside, cluster, x), cluster)


def test_a_bridge_lies_between_two_shapes_and_ends_belong_to_the_nearer(generator):
    """Two discs of radius 1 and 2 whose centres are 10 apart: the bridge reaches from 1 to 8."""
    directions = even_directions(2)
    hulls = torch.tensor([1.0, 2.0])[:, None].expand(200, 2, len(directions)).contiguous()
    centres = torch.tensor([[0.0, 0.0], [10.0, 0.0]]).expand(200, -1, -1)
    x = torch.full((200, 1000, 2), torch.nan)
    unknown = torch.full((200, 1000), 7)
    free = torch.ones(200, 2, dtype=torch.bool)
    moved, labels = bridged(Draw(200, generator), hulls, directions, centres, free, x, unknown)
    on = moved.isfinite().all(2)
    assert torch.equal(on, labels != unknown)
    assert 0.03 < on.any(1).double().mean() < 0.2
    along, across = moved[on].T
    assert across.abs().max() < 0.5
    assert 0.5 < along.min() < 1.5 and 7.5 < along.max() < 8.5
    ends = (along - 4.5).abs() > 0.5  # but for the width of the bridge, 4.5 is halfway
    assert torch.equal(labels[on][ends], (along > 4.5).long()[ends])
    same, _ = bridged(Draw(200, generator), hulls, directions, centres, ~free, x, unknown)
    assert same.isnan().all()
