"""Packed clusters: neighbours touch, none overlap more than that, and laws have the variance they promise."""

import pytest
import torch

from gfncp.partitions import canonical_labels
from gfncp.simulators.draw import Draw
from gfncp.simulators.packed import BALL, BOX, DIMENSIONS, NORMAL, WEDGE, Packed, members, packed_places


@pytest.mark.parametrize(("sets", "points"), [(1, 5), (3, 60), (2, 700)])
def test_shapes_and_labels(generator, sets, points):
    dims = set()
    for _ in range(10):
        x, labels = Packed()(sets, points, generator)
        assert x.shape[:2] == (sets, points)
        assert x.dtype == torch.float32 and x.isfinite().all()
        assert torch.equal(canonical_labels(labels), labels)
        assert labels.max() < 50
        dims.add(x.shape[2])
    assert 2 in dims and max(dims) <= DIMENSIONS


@pytest.mark.parametrize("dim", [2, 3, 8])
def test_every_cluster_has_a_neighbour_and_room(generator, dim):
    """Of equal clusters, the nearest is as far as asked, or up to twice that where there are gaps."""
    sets, apart = 20, 4.0
    means = packed_places(Draw(sets, generator), torch.full((sets, 10), apart), dim)
    nearest = torch.cdist(means, means).masked_fill(torch.eye(10, dtype=torch.bool), torch.inf).amin(2)
    assert nearest.max() <= 2 * apart * (1 + 1e-5)
    crowded = nearest < apart * (1 - 1e-3)  # no place was free among those that were tried
    assert crowded.float().mean() < 0.02


def test_two_clusters_of_unlike_size_touch(generator):
    apart = torch.tensor([[2.0, 6.0]])
    for _ in range(20):
        means = packed_places(Draw(1, generator), apart, 3)
        assert 4 * (1 - 1e-5) <= (means[0, 1] - means[0, 0]).norm() <= 8 * (1 + 1e-5)


@pytest.mark.parametrize("law", [NORMAL, BALL, BOX])
@pytest.mark.parametrize("dim", [2, 5])
def test_points_of_a_law_have_unit_variance(generator, law, dim):
    x = members(Draw(1, generator), torch.tensor([[law]]), 20_000, dim)[0]
    torch.testing.assert_close(x.mean(0), torch.zeros(dim), rtol=0, atol=0.05)
    torch.testing.assert_close(x.T.cov(), torch.eye(dim), rtol=0, atol=0.05)


def test_laws_keep_within_their_bounds(generator):
    draw = Draw(1, generator)
    ball, box, wedge = (members(draw, torch.tensor([[law]]), 5000, 3)[0] for law in (BALL, BOX, WEDGE))
    assert ball.norm(dim=1).max() <= 5**0.5 + 1e-4
    assert box.abs().max() <= 3**0.5 + 1e-4 and wedge.abs().max() <= 3**0.5 + 1e-4
    assert (wedge[:, 0] < 0).float().mean() > 0.65 > (box[:, 0] < 0).float().mean()
