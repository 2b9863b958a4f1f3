"""Warnings about points unlike those that a checkpoint was trained on."""

import warnings
from pathlib import Path

import numpy as np
from jaxtyping import Num

from gfncp.configuration import Configuration

TOO_MANY = 2  # times as many points as in the largest training set
TOO_FAR = 10  # times the typical size of a coordinate
TOO_CLOSE = 1 / 30  # of the typical size of a coordinate; for sets of some points
SOME = 10


def warn_outside_training(
    x: Num[np.ndarray, "points *shape"], joint: int, configuration: Configuration, checkpoint: str | Path
) -> None:
    """Warn where points are far more, wider or closer than those that a network was trained on.

    Args:
        joint: how many of them are decoded jointly.
    """
    most = configuration.training.points[1]
    if joint > TOO_MANY * most:
        _warn(
            f"{joint} points of X are decoded jointly, but {str(checkpoint)!r} was trained on sets of at "
            f"most {most}"
        )
    scale = getattr(configuration.encoder, "scale", None)
    if scale is None:
        return
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers near the end of float64
        far = float(np.abs(x - np.median(x, axis=0)).max())
        spread = float(np.sqrt(x.var(axis=0).max()))
    if far > TOO_FAR * scale:
        _warn(
            f"X has coordinates up to {far:g} from their median, but {str(checkpoint)!r} was trained on "
            f"coordinates of about {scale:g}: bring X to that scale"
        )
    elif len(x) >= SOME and 0 < spread < TOO_CLOSE * scale:
        _warn(
            f"X has coordinates of standard deviation {spread:g} and less, but {str(checkpoint)!r} was "
            f"trained on coordinates of about {scale:g}: bring X to that scale"
        )


def _warn(text: str) -> None:
    warnings.warn(f"{text}. Probabilities may be wrong there.", UserWarning, stacklevel=2)
