import numpy as np
import pytest
import torch
from scipy.stats import chi2

from gfncp.evaluation import calibration
from gfncp.seeds import seeded


def test_calibrated_predictions_have_no_error():
    p = torch.rand(200_000, generator=seeded(0))
    curve = calibration.reliability(p, torch.rand(200_000, generator=seeded(1)) < p)
    assert curve.expected_calibration_error < 0.005
    np.testing.assert_allclose(curve.predicted, np.arange(0.05, 1, 0.1), atol=0.005)


def test_constant_wrong_prediction_has_its_distance_as_error():
    outcomes = torch.arange(100) < 30
    curve = calibration.reliability(torch.full((100,), 0.85), outcomes)
    assert curve.expected_calibration_error == pytest.approx(0.55)
    assert curve.counts.tolist() == [0, 0, 0, 0, 0, 0, 0, 0, 100, 0]
    assert np.isnan(curve.observed[0])


def test_certain_predictions_fall_into_the_outer_bins():
    curve = calibration.reliability(torch.tensor([0.0, 1.0, 1.0]), torch.tensor([False, True, False]), 4)
    assert curve.counts.tolist() == [1, 0, 0, 2]
    assert curve.expected_calibration_error == pytest.approx(1 / 3)


@pytest.mark.parametrize("p", [[], [1.2], [-0.1], [float("nan")]])
def test_what_is_no_probability_is_refused(p):
    with pytest.raises(ValueError, match="probabilities"):
        calibration.reliability(torch.tensor(p), torch.zeros(len(p), dtype=torch.bool))


def test_statistics_by_hand():
    labels = torch.tensor([[[0, 1, 1, 2, 1], [0, 0, 0, 0, 0]]])
    found = {name: statistic(labels).tolist() for name, statistic in calibration.STATISTICS.items()}
    assert found == {"clusters": [[3, 1]], "largest cluster": [[3, 5]], "first point's cluster": [[1, 5]]}


def test_ranks_lie_among_the_ties():
    drawn = torch.tensor([[1, 2, 2, 3]]).expand(4000, -1)
    rank = calibration.ranks(drawn, torch.full((4000,), 2), seeded(0))
    assert rank.unique().tolist() == [1, 2, 3]
    assert torch.bincount(rank)[1:].min() > 1200
    assert calibration.ranks(drawn, torch.full((4000,), 0), seeded(0)).unique().tolist() == [0]
    assert calibration.ranks(drawn, torch.full((4000,), 9), seeded(0)).unique().tolist() == [4]


def test_ranks_of_the_exact_posterior_are_uniform_and_of_a_wrong_one_are_not(
    mixture, exact_model, wrong_model
):
    x, labels = mixture(1000, 5, seeded(0))
    right, _ = exact_model.sample(x, 49, seeded(1))
    wrong, _ = wrong_model.sample(x, 49, seeded(1))
    for statistic in calibration.STATISTICS.values():
        true = statistic(labels)
        accepted = calibration.ranks(statistic(right), true, seeded(2))
        rejected = calibration.ranks(statistic(wrong), true, seeded(2))
        assert calibration.uniformity(accepted, 49).p_value > 0.01
        assert calibration.uniformity(rejected, 49).p_value < 1e-6


def test_uniformity_of_even_and_of_constant_ranks():
    even = torch.arange(100).repeat(20)
    test = calibration.uniformity(even, 99)
    assert test.counts.tolist() == [100] * 20 and test.p_value == 1.0
    assert calibration.uniformity(torch.zeros(1000, dtype=torch.long), 99).p_value < 1e-10


@pytest.mark.parametrize(("sets", "draws"), [(1000, 99), (57, 99), (10, 3), (1000, 4), (333, 50)])
def test_bins_hold_all_ranks_and_enough_of_them(sets, draws):
    rank = torch.randint(draws + 1, (sets,), generator=seeded(0))
    test = calibration.uniformity(rank, draws)
    assert test.counts.sum() == sets and test.expected.sum() == pytest.approx(sets)
    assert len(test.counts) == len(test.expected) <= 20
    assert test.expected.min() >= 0.75 * 5 or len(test.counts) == 2
    squares = (test.counts - test.expected) ** 2 / test.expected
    assert test.p_value == pytest.approx(chi2.sf(squares.sum(), len(squares) - 1))


def test_too_few_ranks_are_refused():
    with pytest.raises(ValueError, match="9 values"):
        calibration.uniformity(torch.zeros(9, dtype=torch.long), 99)


def test_absent_points_are_in_no_cluster():
    labels = torch.tensor([[0, 1, 1, -1, -1], [0, 0, 0, 1, 2]])
    found = {name: statistic(labels).tolist() for name, statistic in calibration.STATISTICS.items()}
    assert found == {"clusters": [2, 3], "largest cluster": [2, 3], "first point's cluster": [1, 3]}


def test_ranks_count_the_samples_below():
    drawn = torch.tensor([[-1.5, -3.0, -2.0]])
    for true, rank in ((-9.0, 0), (-2.5, 1), (-1.9, 2), (0.0, 3)):
        assert calibration.ranks(drawn, torch.tensor([true]), seeded(0)).item() == rank


@pytest.mark.parametrize("coarse", [False, True])
def test_ranks_of_exchangeable_values_are_uniform_and_of_others_are_not(coarse):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(400, 1)) + rng.normal(size=(400, 21))
    values = torch.from_numpy(values.round() if coarse else values)
    true, drawn = values[:, 0], values[:, 1:]
    assert calibration.rank_p_value(drawn, true, seeded(0)) > 0.01
    assert calibration.rank_p_value(drawn, true - 1, seeded(0)) < 1e-6
    assert calibration.rank_p_value(drawn, 3 * true, seeded(0)) < 1e-6


def test_too_few_sets_have_no_p_value():
    assert np.isnan(calibration.rank_p_value(torch.zeros(9, 20), torch.zeros(9), seeded(0)))
