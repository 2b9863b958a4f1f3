"""What estimators accept as points."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Shaped


def check_points(
    X, point_shape: tuple[int | None, ...], checkpoint: str | Path
) -> Float[torch.Tensor, "1 points *shape"]:
    """One set of points for the network of a checkpoint.

    Vectors are in float64: encoders centre them before they round them, which keeps apart points that lie
    close together far from the origin.

    Args:
        X: array or DataFrame ``(n_samples, *point_shape)``; images in [0, 1], or 0 to 255 as integers.
        point_shape: shape of the points that the network was trained on; None stands for any size but 0.
        checkpoint: its name, for the message.

    Raises:
        ValueError: ``X`` has another shape, no points, entries that are not finite numbers, or images outside
            their range.
    """
    raw = np.asarray(X)
    if raw.ndim == 0 or not _fits(raw.shape[1:], point_shape):
        raise ValueError(
            f"X has shape {raw.shape}, but {str(checkpoint)!r} was trained on {array_shape(point_shape)}"
        )
    if len(raw) == 0:
        raise ValueError(f"X has shape {raw.shape}: accepted is at least one point")
    x = _numbers(raw, getattr(X, "columns", None))
    if len(point_shape) == 2:
        if raw.dtype.kind in "ui":
            x = x / 255
        if x.min() < 0 or x.max() > 1:
            raise ValueError(
                f"X has values from {x.min():g} to {x.max():g}: accepted are images in [0, 1], "
                "or 0 to 255 as integers"
            )
        x = x.astype(np.float32)
    return torch.from_numpy(x)[None]


def array_shape(point_shape: tuple[int | None, ...]) -> str:
    """How messages write the shape of an array of such points."""
    return f"(n_samples, {', '.join('any width' if size is None else str(size) for size in point_shape)})"


def _fits(shape: tuple[int, ...], point_shape: tuple[int | None, ...]) -> bool:
    return len(shape) == len(point_shape) and all(
        size == expected or (expected is None and size > 0)
        for size, expected in zip(shape, point_shape, strict=True)
    )


def _numbers(
    values: Shaped[np.ndarray, "points *shape"], columns: pd.Index | None
) -> Float[np.ndarray, "points *shape"]:
    """Finite numbers in float64; the error says which entry is none, rows and columns counted from 1."""
    if values.dtype.kind not in "biufOUS":
        raise ValueError(f"X has dtype {values.dtype}: accepted are real numbers")
    try:
        numbers = values.astype(np.float64)
        bad = ~np.isfinite(numbers)
    except (TypeError, ValueError, OverflowError):
        bad = np.vectorize(_is_no_number, otypes=[bool])(values)
    if bad.any():
        place = tuple(np.argwhere(bad)[0].tolist())
        held = values[place].item() if isinstance(values[place], np.generic) else values[place]
        raise ValueError(f"X: {_where(place, columns)} holds {held!r}: accepted are finite numbers")
    return numbers


def _where(place: tuple[int, ...], columns: pd.Index | None) -> str:
    row, *rest = (index + 1 for index in place)
    if columns is not None:
        return f"row {row}, column {columns[place[1]]!r}"
    return f"row {row}, column {rest[0]}" if len(rest) == 1 else f"row {row}, entry {tuple(rest)}"


def _is_no_number(value: object) -> bool:
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return True
    return False
