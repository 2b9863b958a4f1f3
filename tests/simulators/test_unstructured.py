"""Sets of one cluster: each law as its name says."""

import pytest
import torch

from gfncp.simulators import unstructured
from gfncp.simulators.draw import Draw
from gfncp.simulators.unstructured import LAWS, Unstructured


@pytest.mark.parametrize(("sets", "points"), [(1, 5), (30, 40), (2, 5000)])
def test_there_is_one_cluster(generator, sets, points):
    for _ in range(5):
        x, labels = Unstructured()(sets, points, generator)
        assert x.shape[:2] == labels.shape == (sets, points)
        assert x.dtype == torch.float32 and x.isfinite().all()
        assert torch.equal(labels, torch.zeros(sets, points, dtype=torch.long))


def test_widths_reach_from_one_to_the_most(generator):
    widths = [Unstructured(9)(1, 5, generator)[0].shape[2] for _ in range(200)]
    assert set(widths) == set(range(1, 10))
    assert widths.count(1) > widths.count(9)


def test_a_batch_is_a_function_of_the_generator_alone():
    state = torch.random.get_rng_state()
    first, again, other = (
        Unstructured()(9, 10, torch.Generator().manual_seed(seed))[0] for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert first.shape != other.shape or not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("dim", [1, 2, 64])
def test_each_law_has_any_width_and_tells_no_two_places_in_the_order_apart(generator, law, dim):
    """The first half of the points has the mean of the second."""
    x = law(Draw(20, generator), 1000, dim)
    assert x.shape == (20, 1000, dim) and x.isfinite().all()
    first, second = x[:, :500].mean(1), x[:, 500:].mean(1)
    error = x.std(1) * (2 / 500) ** 0.5
    assert torch.all((first - second).abs() < 6 * error + 1e-6)


def test_each_call_mixes_laws(generator, monkeypatch):
    laws = tuple(
        lambda draw, points, dim, i=i: torch.full((draw.sets, points, dim), float(i)) for i in range(4)
    )
    monkeypatch.setattr(unstructured, "LAWS", laws)
    x, _ = Unstructured()(400, 3, generator)
    assert torch.all(x == x[:, :1, :1])
    assert x[:, 0, 0].long().bincount(minlength=4).min() > 60


@pytest.fixture
def unstretched(monkeypatch):
    monkeypatch.setattr(unstructured, "stretched", lambda draw, z: z)


def test_tails_are_those_of_the_names(generator, unstretched):
    """Kurtosis: 3 of Gaussian, 6 of Laplace, 1.8 of uniform variables."""
    for law, kurtosis in ((unstructured.gaussian, 3), (unstructured.laplace, 6), (unstructured.box, 1.8)):
        x = law(Draw(200, generator), 1000, 2)
        assert (x**4).mean() / x.square().mean() ** 2 == pytest.approx(kurtosis, rel=0.05)
    x = unstructured.student(Draw(200, generator), 1000, 2)
    assert (x**4).mean() / x.square().mean() ** 2 > 4


def test_balls_are_uniform(generator, unstretched):
    x = unstructured.ball(Draw(100, generator), 500, 5)
    volume = x.norm(dim=2) ** 5
    quantiles = torch.quantile(volume.flatten(), torch.tensor([0.25, 0.5, 0.75]))
    torch.testing.assert_close(quantiles, torch.tensor([0.25, 0.5, 0.75]), rtol=0, atol=0.01)


def test_stretching_is_linear_and_some_is_none(generator):
    basis = torch.eye(6).expand(300, -1, -1)
    scales = torch.linalg.svdvals(unstructured.stretched(Draw(300, generator), basis))
    condition = scales[:, 0] / scales[:, -1]
    assert 0.2 < (condition < 1.001).double().mean() < 0.5
    assert condition.max() > 5


def test_planes_sheets_and_filaments_have_few_dimensions(generator):
    x = unstructured.plane(Draw(50, generator), 400, 20)
    scales = torch.linalg.svdvals(x - x.mean(1, keepdim=True))
    assert torch.all(scales[:, 2] < 0.5 * scales[:, 0])
    for law, waves in ((unstructured.sheet, 2), (unstructured.filament, 1)):
        x = law(Draw(50, generator), 400, 20)
        scales = torch.linalg.svdvals(x - x.mean(1, keepdim=True))
        few = waves + unstructured.WAVES
        assert torch.all(scales[:, few] < 0.2 * scales[:, 0])


def test_rounded_columns_are_whole_numbers_and_others_skewed(generator):
    x = unstructured.rounded(Draw(30, generator), 100, 3)
    assert torch.equal(x, x.round())
    x = unstructured.skewed(Draw(200, generator), 1000, 3)
    centred = x - x.mean(1, keepdim=True)
    skewness = (centred**3).mean(1) / centred.square().mean(1) ** 1.5
    assert skewness.abs().mean() > 1
    assert (skewness > 0.1).double().mean() > 2 * (skewness < -0.1).double().mean() > 0.1
