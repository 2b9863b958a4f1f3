"""Curves: apart from each other, in as many dimensions as they say, none a blob around its centre."""

import torch

from gfncp.simulators.curves import ARCS, circle, concentric, curved_clusters
from gfncp.simulators.draw import Draw

SETS, POINTS = 300, 300


def curves(generator):
    return curved_clusters(Draw(SETS, generator), POINTS)


def test_shapes_labels_and_dimensions(generator):
    x, labels, dims = curves(generator)
    assert x.shape == (SETS, POINTS, 3) and labels.shape == (SETS, POINTS) and dims.shape == (SETS, 1)
    assert x.isfinite().all()
    assert labels.min() >= 0 and labels.max() <= ARCS
    assert set(dims.flatten().tolist()) == {2.0, 3.0}
    flat = (x[..., 2] == 0).all(1)
    assert torch.equal(flat, dims[:, 0] == 2)


def test_a_points_nearest_one_is_of_its_own_curve(generator):
    x, labels, _ = curves(generator)
    apart = torch.cdist(x, x) + torch.diag(torch.full((POINTS,), torch.inf))
    same = labels.gather(1, apart.argmin(2)) == labels
    assert same.double().mean() > 0.95


def test_curves_are_not_what_lies_around_a_centre(generator):
    """The nearest centre tells the curve of a point much less often than its nearest point does."""
    x, labels, _ = curves(generator)
    member = torch.nn.functional.one_hot(labels, ARCS + 1).float()
    centres = member.mT @ x / member.sum(1).clamp_min(1)[..., None]
    distance = torch.cdist(x, centres).masked_fill(member.sum(1)[:, None] == 0, torch.inf)
    assert (distance.argmin(2) == labels).double().mean() < 0.8


def test_rings_have_the_radius_of_their_number(generator):
    draw = Draw(SETS, generator)
    curve = draw.integers(0, ARCS - 1, POINTS)
    x, labels = concentric(draw, curve, draw.uniform(POINTS), draw.some(0.5))
    radius = x.norm(dim=2)
    for k in range(1, ARCS):
        mean = radius[curve == k].mean()
        assert k + 0.4 < mean < k + 1.1
    assert torch.equal(labels[curve > 0], curve[curve > 0])
    assert set(labels[curve == 0].tolist()) == {0, ARCS}  # one ball, or two


def test_a_circle_has_radius_one():
    x = circle(torch.linspace(0, 1, 9)[None])
    torch.testing.assert_close(x.norm(dim=2), torch.ones(1, 9))
    torch.testing.assert_close(x[0, 2], torch.tensor([0.0, 1.0, 0.0]), atol=1e-6, rtol=0)
