"""Pairs of points of a calibrated posterior have no error but that of finite samples."""

import numpy as np
import pytest
import torch

from gfncp.evaluation.pair_forecasts import Forecasts, bootstrap_error, curve_figures, forecasts


def two_clusters(rng, probability, draws):
    """Return labels of points that are in cluster 1 with these probabilities, independently."""
    return torch.from_numpy((rng.random((draws, len(probability))) < probability).astype(np.int64))


def synthetic_forecasts(generator, believed, sets=200, samples=200):
    """Forecasts of samples of a posterior that believes in a function of the probabilities of the truth."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(sets):
        probability = rng.beta(0.5, 0.5, 30)
        truth = two_clusters(rng, probability, 1)
        drawn = two_clusters(rng, believed(probability), samples)
        found.append(forecasts(drawn[None], truth, 200, generator))
    return found


def errors(found, generator):
    return [curve["error"] for curve in curve_figures(found, generator).values()]


def test_pairs_of_an_exact_posterior_have_no_error(generator):
    assert max(errors(synthetic_forecasts(generator, lambda p: p), generator)) < 0.02


@pytest.mark.parametrize(
    ("power", "sure"), [pytest.param(4, True, id="over-confident"), pytest.param(1 / 4, False, id="timid")]
)
def test_pairs_of_another_posterior_have_an_error_that_its_own_samples_have_not(generator, power, sure):
    found = synthetic_forecasts(generator, lambda p: p**power / (p**power + (1 - p) ** power))
    truth, sample = errors(found, generator)
    assert truth > 0.05
    assert sample < 0.02
    probability, true, _ = (torch.cat(part) for part in zip(*found, strict=True))
    high = probability > 0.55
    assert bool(true[high].double().mean() < probability[high].mean()) == sure


def test_few_samples_make_an_error_of_pairs_that_a_sample_has_as_well(generator):
    truth, sample = errors(synthetic_forecasts(generator, lambda p: p, sets=400, samples=4), generator)
    assert truth > 0.1
    assert truth == pytest.approx(sample, abs=0.02)


def test_forecasts_are_of_pairs_of_two_points(generator):
    alone = torch.arange(7)
    found = forecasts(alone.expand(1, 2, -1), alone[None], 500, generator)
    assert not (found.true.any() or found.sampled.any() or found.probability.any())


def test_forecasts_by_hand(generator):
    """Two of three samples put all points together; one of the three is spared."""
    samples = torch.tensor([[[0, 0, 0], [0, 0, 0], [0, 1, 2]]]).expand(300, -1, -1)
    found = forecasts(samples, torch.tensor([[0, 0, 0]]).expand(300, -1), 4, generator)
    assert found.true.all()
    spared_apart = ~found.sampled
    assert (found.probability[spared_apart] == 1).all() and (found.probability[found.sampled] == 0.5).all()
    assert float(spared_apart.double().mean()) == pytest.approx(1 / 3, abs=0.1)


def test_the_standard_error_is_that_of_repetitions(generator):
    """Sets whose pairs go together: the error of the calibration error comes from sets, not from pairs."""

    def draw():
        together = torch.rand(60, 1, generator=generator) < 0.7
        p = torch.full((60, 50), 0.5, dtype=torch.float64)
        return p, together.expand(-1, 50)

    values = [float((p - true.double()).mean().abs()) for p, true in (draw() for _ in range(400))]
    found = [bootstrap_error(*draw(), generator) for _ in range(20)]
    assert np.mean(found) == pytest.approx(np.std(values), rel=0.15)


def test_a_record_holds_the_curve(generator):
    p = torch.tensor([[0.05, 0.95, 0.95, 0.95]], dtype=torch.float64)
    true = torch.tensor([[False, True, True, False]])
    curve = curve_figures([Forecasts(p, true, true)], generator)["truth"]
    assert curve["counts"].tolist() == [1, *[0] * 8, 3]
    assert curve["error"] == pytest.approx(0.05 / 4 + 3 / 4 * (0.95 - 2 / 3))
