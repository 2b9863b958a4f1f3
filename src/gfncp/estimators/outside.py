"""Warnings about points unlike those that a checkpoint was trained on."""

import warnings
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, Num

from gfncp.configuration import Configuration
from gfncp.estimators.image_range import describe_unlike
from gfncp.estimators.inference import Given, Inference
from gfncp.estimators.set_range import UNLIKE, describe_unlike_set, evenly, set_ranges, set_statistics

TOO_MANY = 2  # times as many points as in the largest training set
TOO_FAR = 10  # times the typical size of a coordinate
TOO_CLOSE = 1 / 30  # of the typical size of a coordinate; for sets of some points
SOME = 10

Labels = Int[np.ndarray, "points"]


def warn_outside_training(
    x: Num[np.ndarray, "points *shape"], joint: int, configuration: Configuration, checkpoint: str | Path
) -> list[str]:
    """Warn where points are unlike those of training: more, wider, closer, or of another kind.

    Args:
        joint: how many of them are decoded jointly.

    Returns:
        The texts of the warnings.
    """
    return _warn(
        _describe_number(joint, configuration.training.points[1], checkpoint),
        describe_unlike(x, checkpoint) if x.ndim == 3 else _describe_scale(x, configuration, checkpoint),
    )


def warn_unlike_set(inference: Inference, given: Given, labels: Labels, log_prob: float) -> list[str]:
    """Warn where a clustered set of vectors is unlike those of training, see `gfncp.estimators.set_range`.

    Returns:
        The texts of the warnings.
    """
    return _warn(*_describe_set(inference, given, labels, log_prob))


def of_stream(
    outside: list[str], inference: Inference, given: Given, labels: Labels, log_prob: float
) -> list[str]:
    """Return the warnings that hold for a stream as it is now, and warn where it has left what is known.

    Args:
        outside: those that held before its last points.
    """
    others = [text for text in outside if not text.startswith(UNLIKE)]
    now = _describe_set(inference, given, labels, log_prob)
    if len(others) == len(outside):
        return others + _warn(*now)
    return others + [_said(text) for text in now]


def _describe_set(inference: Inference, given: Given, labels: Labels, log_prob: float) -> list[str]:
    ranges = set_ranges(inference.name) if given.x.ndim == 2 else None
    if ranges is None:
        return []
    found = statistics_of(inference, given, labels, log_prob)
    text = None if found is None else describe_unlike_set(found, len(labels), ranges, inference.name)
    return [] if text is None else [text]


def statistics_of(
    inference: Inference, given: Given, labels: Labels, log_prob: float
) -> Float[np.ndarray, "statistics"] | None:
    """Return `gfncp.estimators.set_range.set_statistics` of a clustered set, as the network sees its points.

    Args:
        log_prob: log p(labels | x), in nats.
    """
    rows = evenly(len(labels))
    return set_statistics(inference.seen(given, rows), labels[rows], log_prob / len(labels))


def _said(text: str) -> str:
    return f"{text}. Probabilities may be wrong there."


def _warn(*texts: str | None) -> list[str]:
    said = [_said(text) for text in texts if text is not None]
    for text in said:
        warnings.warn(text, UserWarning, stacklevel=3)
    return said


def _describe_number(joint: int, most: int, checkpoint: str | Path) -> str | None:
    if joint <= TOO_MANY * most:
        return None
    return (
        f"{joint} points of X are decoded jointly, but {str(checkpoint)!r} was trained on sets of at most "
        f"{most}"
    )


def _describe_scale(
    x: Num[np.ndarray, "points *shape"], configuration: Configuration, checkpoint: str | Path
) -> str | None:
    scale = getattr(configuration.encoder, "scale", None)
    if scale is None:
        return None
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers near the end of float64
        far = float(np.abs(x - np.median(x, axis=0)).max())
        spread = float(np.sqrt(x.var(axis=0).max()))
    if far > TOO_FAR * scale:
        return (
            f"X has coordinates up to {far:g} from their median, but {str(checkpoint)!r} was trained on "
            f"coordinates of about {scale:g}: bring X to that scale"
        )
    if len(x) >= SOME and 0 < spread < TOO_CLOSE * scale:
        return (
            f"X has coordinates of standard deviation {spread:g} and less, but {str(checkpoint)!r} was "
            f"trained on coordinates of about {scale:g}: bring X to that scale"
        )
    return None
