"""Scores of calibration: functions of samples of a posterior and of the truth.

If a set and its true labels come from the prior, the truth and samples of an exact posterior are
exchangeable: they are as improbable on average, the truth's rank among the samples is uniform, and it puts
pairs of points together as often as another sample would in its place.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from gfncp.evaluation import calibration
from gfncp.point_estimates import agreement

BINS = 10


class Mean(NamedTuple):
    """A mean, or a ratio of means, with its standard error (NaN for a single value)."""

    value: float
    error: float


class Forecasts(NamedTuple):
    """Probabilities that pairs of points share a cluster, and whether they do."""

    probability: Float[np.ndarray, "pairs"]
    true: Bool[np.ndarray, "pairs"]  # in the truth
    sampled: Bool[np.ndarray, "pairs"]  # in a sample that took no part in the probabilities


def mean(values: Float[np.ndarray, "sets"]) -> Mean:
    """Return the mean over the sets that have a value; NaN if none has."""
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return Mean(float("nan"), float("nan"))
    error = values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else np.nan
    return Mean(float(values.mean()), float(error))


def ratio(above: Float[np.ndarray, "sets"], below: Float[np.ndarray, "sets"]) -> Mean:
    """Return mean(above) / mean(below) of values of the same sets, its error by the delta method."""
    given = ~np.isnan(above + below)
    above, below = above[given], below[given]
    if len(below) == 0 or below.mean() == 0:
        return Mean(float("nan"), float("nan"))
    value = above.mean() / below.mean()
    return Mean(float(value), mean(above - value * below).error / abs(float(below.mean())))


def value_ranks(
    drawn: Float[np.ndarray, "sets draws"], true: Float[np.ndarray, "sets"], generator: torch.Generator
) -> Int[torch.Tensor, "sets"]:
    """Return the rank of each true value among those of the samples; ties are broken at random."""
    every = np.concatenate([true[:, None], drawn], 1)
    _, place = np.unique(every, return_inverse=True)
    place = torch.from_numpy(place.reshape(every.shape))
    return calibration.ranks(place[:, 1:], place[:, 0], generator)


def rank_p_value(
    drawn: Float[np.ndarray, "sets draws"], true: Float[np.ndarray, "sets"], generator: torch.Generator
) -> float:
    """Return the p-value of a test that true values rank uniformly; NaN for fewer sets than it needs."""
    if len(true) < 2 * calibration.FEWEST_EXPECTED:
        return float("nan")
    return calibration.uniformity(value_ranks(drawn, true, generator), drawn.shape[1]).p_value


def forecasts(
    samples: Int[np.ndarray, "samples points"],
    truth: Int[np.ndarray, "points"],
    pairs: int,
    generator: torch.Generator,
) -> Forecasts:
    """Ask all samples but a random one about random pairs of two points."""
    points = len(truth)
    a = torch.randint(points, (pairs,), generator=generator).numpy()
    b = (a + torch.randint(1, points, (pairs,), generator=generator).numpy()) % points
    together = samples[:, a] == samples[:, b]
    spared = int(torch.randint(len(samples), (), generator=generator))
    others = np.delete(together, spared, axis=0)
    return Forecasts(others.mean(0), truth[a] == truth[b], together[spared])


def reliability(given: list[Forecasts]) -> tuple[calibration.Reliability, calibration.Reliability]:
    """Return the curves of the truth, and of samples in its place.

    The second is what an exact posterior has: that few samples say little of a probability near 0 or 1, and
    few sets of a frequency, makes an error that is nobody's fault.
    """
    probability, true, sampled = (torch.from_numpy(np.concatenate(part)) for part in zip(*given, strict=True))
    return tuple(calibration.reliability(probability, outcome, BINS) for outcome in (true, sampled))


def agreements(
    truth: Int[np.ndarray, "points"], clusterings: Int[np.ndarray, "clusterings points"]
) -> Float[np.ndarray, "clusterings"]:
    """Return the adjusted Rand index of each clustering with the truth."""
    return agreement(np.concatenate([truth[None], clusterings]))[0, 1:]
