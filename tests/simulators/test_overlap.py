"""Overlap: clusters are confused as often as was chosen, in any number of dimensions and of any shape."""

import pytest
import torch

from gfncp.simulators.draw import Draw
from gfncp.simulators.overlap import Ellipsoids, draw_ellipsoids, scale_for, tail_factors, to_nearest

SETS = 60


def everything(sets, clusters, dim):
    return torch.ones(sets, clusters, dtype=torch.bool), torch.ones(sets, dim, dtype=torch.bool)


@pytest.mark.parametrize("error", [1e-6, 1e-3, 0.15])
def test_the_scale_solves_its_equation(generator, error):
    nearest = torch.rand(20, 5, generator=generator) + 0.1
    nearest[:, 3:] = torch.inf
    scale = scale_for(torch.full((20, 1), error), nearest)
    found = torch.special.ndtr(-scale * nearest)[:, :3].mean(1)
    torch.testing.assert_close(found, torch.full((20,), error), rtol=0.02, atol=0)


def test_one_cluster_has_no_rival_and_scale_one():
    used = torch.ones(2, 1, dtype=torch.bool)
    nearest = to_nearest(torch.zeros(2, 1, 1), used)
    assert torch.all(nearest == torch.inf)
    assert torch.equal(scale_for(torch.full((2, 1), 0.01), nearest), torch.ones(2, 1))


@pytest.mark.parametrize(("clusters", "dim"), [(2, 1), (4, 3), (30, 15)])
def test_separations_are_those_of_the_chosen_error(generator, clusters, dim):
    draw = Draw(SETS, generator)
    used, inside = everything(SETS, clusters, dim)
    error = draw.log_uniform(1e-6, 0.15)
    separations = draw_ellipsoids(draw, used, inside, error).separations()
    torch.testing.assert_close(separations, separations.mT, rtol=1e-3, atol=1e-3)
    found = torch.special.ndtr(-to_nearest(separations, used)).mean(1, keepdim=True)
    torch.testing.assert_close(found, error, rtol=0.02, atol=0)


@pytest.mark.parametrize("dim", [1, 5])
def test_points_of_two_clusters_are_confused_as_often_as_was_chosen(generator, dim):
    """Measured on points, with the discriminant that the separation belongs to."""
    draw = Draw(SETS, generator)
    error = draw.log_uniform(0.01, 0.15)
    found = draw_ellipsoids(draw, *everything(SETS, 2, dim), error)
    precision = (found.axes / found.deviations[..., None, :].square()) @ found.axes.mT
    direction = precision.sum(1) @ (found.means[:, 1] - found.means[:, 0])[..., None]
    wrong = []
    for k in (0, 1):
        x = found.draw_points(draw, torch.full((SETS, 4000), k))
        centre = (found.means @ direction)[..., 0]
        spread = ((found.axes * found.deviations[..., None, :]).mT @ direction[:, None]).norm(dim=2)[..., 0]
        threshold = (centre[:, 0] * spread[:, 1] + centre[:, 1] * spread[:, 0]) / spread.sum(1)
        beyond = (x @ direction)[..., 0] > threshold[:, None]
        wrong.append((beyond == (k == 0)).float().mean(1, keepdim=True))
        torch.testing.assert_close(wrong[k], error, rtol=0, atol=5 * (0.15 / 4000) ** 0.5)


def test_separation_of_equal_round_clusters_is_half_their_distance():
    means = torch.tensor([[[0.0, 0.0], [6.0, 8.0]]])
    axes, deviations = torch.eye(2).expand(1, 2, 2, 2), torch.full((1, 2, 2), 2.0)
    assert Ellipsoids(means, axes, deviations).separations()[0, 0, 1].item() == pytest.approx(10 / 2 / 2)


def test_clusters_fill_their_dimensions_only(generator):
    draw = Draw(SETS, generator)
    used, _ = everything(SETS, 3, 1)
    inside = torch.arange(6) < draw.integers(1, 6)
    found = draw_ellipsoids(draw, used, inside, draw.log_uniform(1e-3, 0.1))
    assert torch.all((found.means != 0) == inside[:, None])
    across = inside[:, None, :, None] != inside[:, None, None, :]
    assert torch.all(found.axes[across.expand_as(found.axes)] == 0)
    torch.testing.assert_close(
        found.axes.mT @ found.axes, torch.eye(6).expand_as(found.axes), atol=1e-5, rtol=0
    )


def test_tails_are_those_of_student(generator):
    """Variance df / (df - 2) and the 0.975 quantile 2.306 of 8 degrees of freedom."""

    class EightDegrees(Draw):
        def integers(self, low, high, *shape):
            return torch.full((self.sets, *(shape or (1,))), high)

    draw = EightDegrees(1, generator)
    t = tail_factors(draw, 200_000) * draw.normal(200_000, 1)
    assert t.square().mean().item() == pytest.approx(8 / 6, rel=0.03)
    assert (t < 2.306).double().mean().item() == pytest.approx(0.975, abs=0.002)
