import numpy as np
import pytest

from gfncp.evaluation.means import mean, ratio


def test_a_ratio_of_means_has_the_error_that_repetitions_show():
    rng = np.random.default_rng(0)
    below = 5 + rng.normal(size=(2000, 50))
    above = 2 * below + rng.normal(size=below.shape)
    found = [ratio(a, b) for a, b in zip(above, below, strict=True)]
    values, errors = np.array(found).T
    assert values.mean() == pytest.approx(2, abs=0.01)
    assert values.std() == pytest.approx(errors.mean(), rel=0.1)
    assert ratio(below[0], below[0]) == pytest.approx((1, 0))


def test_sets_without_a_value_have_no_part_in_means():
    values = np.array([1.0, np.nan, 3.0, 8.0])
    assert mean(values) == mean(values[[0, 2, 3]])
    assert mean(np.array([1.0, 3.0])) == pytest.approx((2, 1))
    assert ratio(values, 2 * np.ones(4)).value == pytest.approx(2)


def test_a_single_value_has_no_error():
    value, error = mean(np.array([3.0]))
    assert value == 3 and np.isnan(error)
    assert np.isnan(mean(np.array([]))).all()
