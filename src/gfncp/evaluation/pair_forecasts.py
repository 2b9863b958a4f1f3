"""Calibration of a posterior's probabilities that two points share a cluster."""

from dataclasses import asdict
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gfncp.evaluation.calibration import reliability

BINS = 10
REPETITIONS = 200  # repetitions of the bootstrap


class Forecasts(NamedTuple):
    """Probabilities that pairs of points share a cluster, and whether they do."""

    probability: Float[Tensor, "sets pairs"]
    true: Bool[Tensor, "sets pairs"]  # in the truth
    sampled: Bool[Tensor, "sets pairs"]  # in a sample that was left out of the probabilities


def forecasts(
    samples: Int[Tensor, "sets samples points"],
    truth: Int[Tensor, "sets points"],
    pairs: int,
    generator: torch.Generator,
) -> Forecasts:
    """Return forecasts of random pairs of points by all samples of each set but a random one."""
    sets, draws, points = samples.shape
    a, b = random_pairs(sets, points, pairs, generator)
    together = _alike(samples, *(each[:, None].expand(-1, draws, -1) for each in (a, b)))
    spared = torch.randint(draws, (sets, 1, 1), generator=generator).expand(-1, -1, pairs)
    sampled = together.gather(1, spared)[:, 0]
    probability = (together.double().sum(1) - sampled.double()) / (draws - 1)
    return Forecasts(probability, _alike(truth, a, b), sampled)


def random_pairs(
    sets: int, points: int, pairs: int, generator: torch.Generator
) -> tuple[Int[Tensor, "sets pairs"], Int[Tensor, "sets pairs"]]:
    """Draw pairs of different points."""
    a = torch.randint(points, (sets, pairs), generator=generator)
    return a, (a + torch.randint(1, points, (sets, pairs), generator=generator)) % points


def _alike(labels: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return labels.gather(-1, a) == labels.gather(-1, b)


def curve_figures(given: list[Forecasts], generator: torch.Generator) -> dict[str, dict]:
    """Return the reliability of the truth, and of samples in its place, as records have them.

    The second is the error of an exact posterior, which is above 0 because probabilities are estimated from
    few samples, and frequencies from few sets. ``error`` is the mean of
    |observed - predicted|, ``standard_error`` its own, from sets drawn again with replacement.
    """
    probability, true, sampled = (torch.cat(part) for part in zip(*given, strict=True))
    return {
        name: outcome_figures(probability, outcome, generator)
        for name, outcome in (("truth", true), ("sample", sampled))
    }


def outcome_figures(
    probability: Float[Tensor, "sets pairs"], outcome: Bool[Tensor, "sets pairs"], generator: torch.Generator
) -> dict:
    """Return the reliability of forecasts, with its error and the standard error of that."""
    curve = reliability(probability.flatten(), outcome.flatten(), BINS)
    spread = bootstrap_error(probability, outcome, generator)
    return {"error": curve.expected_calibration_error, "standard_error": spread} | asdict(curve)


def bootstrap_error(
    probability: Float[Tensor, "sets pairs"], outcome: Bool[Tensor, "sets pairs"], generator: torch.Generator
) -> float:
    """Return the standard deviation of the calibration error over sets drawn again; NaN for a single set."""
    sets = len(probability)
    if sets < 2:
        return float("nan")
    where = (probability * BINS).long().clamp_max(BINS - 1)
    gap = probability.new_zeros(sets, BINS).scatter_add_(1, where, outcome.double() - probability)
    drawn = torch.randint(sets, (REPETITIONS, sets), generator=generator)
    errors = gap[drawn].sum(1).abs().sum(1) / outcome.numel()
    return float(errors.std())
