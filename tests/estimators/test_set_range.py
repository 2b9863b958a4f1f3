"""Sets unlike those of training are said to be so; those of training, units and other fits are not."""

import json
import warnings

import numpy as np
import pytest

from gfncp import GFNCP
from gfncp.checkpoints import RANGES
from gfncp.estimators.ranges import load_ranges
from gfncp.estimators.set_range import (
    FEWEST_POINTS,
    INSIDE,
    STATISTICS,
    describe_unlike_set,
    distances,
    fit_ranges,
    set_statistics,
)
from gfncp.seeds import seeded
from gfncp.simulators import GaussianMixtures

POINTS = (60, 300)


def mixtures(count):
    simulate = GaussianMixtures()
    for number in range(count):
        yield simulate(1, POINTS[number % 2], seeded(1, number))[0][0].double().numpy()


def moons(points):
    angle = np.linspace(0, np.pi, points // 2)
    upper = np.c_[np.cos(angle), np.sin(angle)]
    x = np.r_[upper, [1, 0.5] - upper]
    return 12 * x + 0.6 * np.random.default_rng(0).normal(size=x.shape)


def grid(points):
    side = range(round(points**0.5))
    return 2.0 * np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)


def line(points):
    return np.c_[np.linspace(-20, 20, points), np.random.default_rng(0).normal(size=points) / 10]


def said_of(x):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = GFNCP("mog-2d", n_samples=10, random_state=0).fit(x)
    said = [str(each.message) for each in caught if "outside of what 'mog-2d' knows" in str(each.message)]
    assert said == [text for text in model.outside_ if "knows" in text]
    return said


@pytest.mark.parametrize("make", [moons, grid, line])
def test_other_forms_are_outside_of_what_mixtures_teach(make):
    assert all(len(said_of(make(points))) == 1 for points in (100, 300))


@pytest.mark.parametrize("spread", [0.3, 1e9])
def test_random_directions_are_no_sentences(spread):
    """Neither five round topics nor none: sentences vary along few directions."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5, 384))[rng.integers(0, 5, 100)] + spread * rng.normal(size=(100, 384))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    with pytest.warns(UserWarning, match="outside of what 'clinc150' knows"):
        GFNCP("clinc150", n_samples=10, random_state=0).fit(x)


@pytest.mark.slow
def test_sets_as_in_training_are_inside():
    assert sum(len(said_of(x)) for x in mixtures(10)) <= 1


@pytest.fixture
def statistics():
    """Statistics of simulated sets around a mean that depends on the number of points."""
    draw = np.random.default_rng(0)
    points = draw.integers(20, 1000, 300)
    mixed = draw.normal(size=(300, len(STATISTICS))) @ draw.normal(size=(len(STATISTICS),) * 2)
    return mixed + np.log(points)[:, None], points


def test_one_in_a_hundred_of_the_sets_is_beyond_the_limit(statistics):
    ranges = fit_ranges(*statistics, "command")
    beyond = distances(*statistics, ranges) > ranges.limit
    assert beyond.mean() == pytest.approx(1 - INSIDE)
    for place in (beyond.argmax(), (~beyond).argmax()):
        said = describe_unlike_set(statistics[0][place], int(statistics[1][place]), ranges, "here")
        assert (said is not None) == beyond[place]


def test_the_most_unlike_statistics_are_named(statistics):
    ranges = fit_ranges(*statistics, "command")
    strange = statistics[0].mean(0)
    strange[list(STATISTICS).index("tails")] += 100
    assert "kurtosis within clusters larger" in describe_unlike_set(strange, 140, ranges, "here")
    assert "than in sets of as many points" in describe_unlike_set(strange, 140, ranges, "here")


def test_statistics_do_not_depend_on_units_places_and_names():
    draw = np.random.default_rng(0)
    x, labels = draw.normal(size=(40, 3)), draw.integers(0, 4, 40)
    turn = np.linalg.qr(draw.normal(size=(3, 3)))[0]
    expected = set_statistics(x, labels, -0.1)
    np.testing.assert_allclose(set_statistics(7e5 * x @ turn + 3, 3 - labels, -0.1), expected, rtol=1e-6)


def test_statistics_of_a_known_set():
    """Two pairs of squares, 10 apart: one long cluster of two squares, and one of four points in a line."""
    square = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    x = np.r_[square, square + [10, 0]]
    whole = dict(zip(STATISTICS, np.exp(set_statistics(x, np.zeros(8, int), -2.0)), strict=True))
    variances = np.array([25.25, 0.25])
    assert whole["dimensions"] == pytest.approx(variances.sum() ** 2 / np.square(variances).sum(), rel=2e-3)
    assert whole["gap"] == pytest.approx(1 / variances.sum() ** 0.5, rel=1e-2)
    assert whole["width"] == pytest.approx(1, rel=2e-3)
    assert whole["elongation"] == pytest.approx(25.25 / variances.mean(), rel=2e-3)
    assert whole["doubt"] == pytest.approx(2, rel=2e-3)
    halves = np.exp(set_statistics(x, np.repeat([0, 1], 4), -2.0))
    assert halves[list(STATISTICS).index("width")] == pytest.approx((0.5 / 25.5) ** 0.5, rel=1e-2)


@pytest.mark.parametrize("x", [np.zeros((30, 2)), np.repeat(np.eye(FEWEST_POINTS - 1), 5, 0)])
def test_few_distinct_points_say_nothing(x):
    assert set_statistics(x, np.zeros(len(x), int), -0.1) is None


def test_ranges_survive_a_file_and_damaged_ones_are_refused(vector_checkpoint, statistics, tmp_path):
    ranges = fit_ranges(*statistics, "command")
    (vector_checkpoint / RANGES).write_text(json.dumps(ranges.model_dump()))
    assert load_ranges(vector_checkpoint) == ranges
    (vector_checkpoint / RANGES).write_text(json.dumps(ranges.model_dump() | {"precision": [[1.0]]}))
    with pytest.raises(ValueError, match="not the ranges of a checkpoint"):
        load_ranges(vector_checkpoint)


def test_a_stream_is_warned_of_once_and_says_what_holds_now():
    x = moons(300)[np.random.default_rng(0).permutation(300)]
    model = GFNCP("mog-2d-online", n_samples=10, random_state=0)
    with pytest.warns(UserWarning, match="outside of what 'mog-2d-online' knows"):
        model.partial_fit(x[:200])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.partial_fit(x[200:])
    assert not [each for each in caught if "outside of what" in str(each.message)]
    with pytest.warns(UserWarning, match="outside of what"):
        whole = GFNCP("mog-2d-online", n_samples=10, random_state=0).fit(x)
    assert model.outside_ == whole.outside_ and len(model.outside_) == 1


@pytest.mark.slow
def test_most_streams_of_mixtures_are_known():
    said = 0
    for x in mixtures(20):
        model = GFNCP("mog-2d-online", n_samples=5, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            said += bool(model.partial_fit(x[:40]).partial_fit(x[40:]).outside_)
    assert said <= 2
