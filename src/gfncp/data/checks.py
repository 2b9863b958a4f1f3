"""Checks of points, weights and known labels that estimators are given."""

import warnings
from collections.abc import Callable, Mapping, Sequence, Sized
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Float32, Int, Shaped
from scipy.sparse import issparse

from gfncp.data.levels import bits_of, white_of
from gfncp.data.tables import DENSE
from gfncp.networks.interfaces import PointShape
from gfncp.partitions import canonical_labels

REAL = "biufOSU"  # kinds of arrays that may hold real numbers, or text
UNKNOWN = "", "-1", "nan", "NaN", "None", "<NA>", "NaT"  # texts of known labels that stand for none
SELDOM, OFTEN = 0.5, 20.0  # times that rows of positive weight count on average, if weights are counts
LARGEST_WEIGHT = 1e-30, 1e30  # bounds, within those of float32: weights are summed up
RESHAPE = "Reshape your data: X.reshape(-1, 1) makes points of one column, X.reshape(1, -1) makes one point"


def check_points(
    X, point_shape: PointShape, checkpoint: str | Path
) -> Float[torch.Tensor, "1 points *shape"]:
    """Return one set of points as a tensor for the network of a checkpoint; see `as_array`."""
    held = as_array(X, point_shape, checkpoint)
    raw = np.asarray(held)
    x = check_images(raw) if len(point_shape) == 2 else _numbers(raw, getattr(held, "columns", None))
    check_shape(x, point_shape, checkpoint)
    return torch.from_numpy(x)[None]


def as_array(
    X, point_shape: PointShape, checkpoint: str | Path
) -> Shaped[np.ndarray, "points *shape"] | pd.DataFrame:
    """Return points in an array, or as the DataFrame that they are, with as many axes as a network takes.

    Tables of other libraries (polars, pyarrow) become DataFrames; what an array masks is missing.

    Args:
        point_shape: shape of the points that the network was trained on; None for a length that is free.
        checkpoint: its name, for the message.

    Raises:
        ValueError: ``X`` is sparse or complex, has another number of dimensions, or is empty.
    """
    if issparse(X):
        raise ValueError(f"X is sparse: {DENSE}")
    held = _table_or_array(X)
    if len(held.shape) != 1 + len(point_shape):
        hint = f". {RESHAPE}" if len(held.shape) == 1 else ""
        raise ValueError(f"{_mismatch(held.shape, point_shape, checkpoint)}{hint}")
    if isinstance(held, pd.DataFrame) and not held.columns.is_unique:
        twice = held.columns[held.columns.duplicated()][0]
        raise ValueError(f"X has several columns {twice!r}: accepted are columns of different names")
    if isinstance(held, np.ndarray) and held.dtype.kind not in REAL:
        complex_ = ". Complex data not supported" if held.dtype.kind == "c" else ""
        table = "; pandas.DataFrame(X) makes a table of dates" if held.dtype.kind in "mM" else ""
        raise ValueError(f"X has dtype {held.dtype}: accepted are real numbers{table}{complex_}")
    if held.shape[0] == 0:
        raise ValueError(f"X has shape {held.shape}: accepted is at least one point")
    if held.shape[1] == 0:
        raise ValueError(f"0 feature(s) (shape={held.shape}) while a minimum of 1 is required.")
    return held


def _table_or_array(X) -> np.ndarray | pd.DataFrame:
    """Return points as NumPy or pandas hold them; masked entries are NaN, or None among objects."""
    if isinstance(X, torch.Tensor):
        if X.layout != torch.strided:
            raise ValueError("X is a sparse tensor: accepted are dense ones; X.to_dense() makes one")
        X = X.detach().cpu()
        return _as_array(X.float() if X.dtype == torch.bfloat16 else X)  # which NumPy does not know
    if hasattr(X, "to_pandas"):
        X = X.to_pandas()
    if isinstance(X, np.ndarray) and X.dtype.names is not None and X.ndim == 1:
        X = pd.DataFrame({name: list(_unmasked(X[name])) for name in X.dtype.names})
    if isinstance(X, pd.DataFrame):
        return X
    return _unmasked(X) if isinstance(X, np.ma.MaskedArray) else _as_array(X)


def _unmasked(X: np.ndarray) -> np.ndarray:
    """Return an array in which what is masked is NaN, or None among objects."""
    if not np.ma.is_masked(X):
        return np.asarray(X)
    numbers = X.dtype.kind in "biuf"
    held = np.ma.getdata(X).astype(np.float64 if numbers else object)
    held[np.ma.getmaskarray(X)] = np.nan if numbers else None
    return held


def _as_array(X: object) -> np.ndarray:
    """Return rows of numbers as an array; refuse what holds none, and rows of different lengths."""
    try:
        held = np.asarray(X)
    except (ValueError, RuntimeError) as error:  # RuntimeError: of tensors that are trained
        lengths = [len(row) if isinstance(row, Sized) else 1 for row in X] if isinstance(X, Sequence) else []
        row = next((row for row, length in enumerate(lengths) if length != lengths[0]), None)
        if row is None:
            raise ValueError(f"X is no array: {error}") from None
        raise ValueError(
            f"X: row {row + 1} holds {lengths[row]} values, row 1 {lengths[0]}: accepted are rows of equal "
            "length"
        ) from None
    records = held.ndim == 1 and len(held) > 0 and isinstance(held[0], Mapping)
    if held.ndim == 0 or records:
        kind = f"a {type(X).__name__}" + (f" of {type(held[0]).__name__}s" if records else "")
        table = "; pandas.DataFrame(X) makes a table of it" if isinstance(X, Mapping) or records else ""
        raise ValueError(f"X is {kind}: accepted are arrays, DataFrames and lists of rows{table}")
    return held


def check_shape(x: np.ndarray, point_shape: PointShape, checkpoint: str | Path) -> None:
    """Refuse points of another shape than those that a network was trained on.

    Raises:
        ValueError: see `as_array`.
    """
    if not is_shaped(x, point_shape):
        raise ValueError(_mismatch(x.shape, point_shape, checkpoint))


def is_shaped(x: np.ndarray, point_shape: PointShape) -> bool:
    """Return True for points of the shape that a network takes."""
    fits = [expected in (None, found) for expected, found in zip(point_shape, x.shape[1:], strict=False)]
    return len(point_shape) == x.ndim - 1 and all(fits)


def check_images(
    images: Shaped[np.ndarray, "points height width"],
) -> Float32[np.ndarray, "points height width"]:
    """Return images in [0, 1], from such images, or from integers of 0 to 255 or of 1 bit.

    Raises:
        ValueError: an entry is not a finite number or outside of its range.
    """
    x = _numbers(images, None)
    low, high, white = x.min(), x.max(), white_of(images)
    if low < 0 or high > white:
        bits = bits_of(high)
        advice = f"; X / {2**bits - 1} makes such of images of {bits} bits" if low >= 0 else ""
        raise ValueError(
            f"X has values from {low:g} to {high:g}: accepted are images in [0, 1], or 0 to 255 as "
            f"integers{advice}"
        )
    return (x / white).astype(np.float32)


def check_weights(sample_weight: object, rows: int) -> Float[np.ndarray, "rows"]:
    """Return weights of rows in float64.

    Raises:
        ValueError: they are not finite numbers of at least 0, one for each row, or the largest is 0, or too
            small or too large for float32, the format of networks.
    """
    try:
        weights = np.array(sample_weight, dtype=np.float64)  # a copy: what pandas lends may be read-only
    except (TypeError, ValueError) as error:
        raise ValueError(f"sample_weight: accepted are numbers ({error})") from None
    if weights.shape != (rows,):
        raise ValueError(f"sample_weight has shape {weights.shape}: accepted is ({rows},)")
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        place = int(wrong.argmax())
        raise ValueError(f"sample_weight[{place}] is {weights[place]}: accepted are finite numbers from 0")
    if not weights.any():
        raise ValueError("sample_weight: all weights are zero; accepted is at least one that is not")
    largest, (low, high) = weights.max(), LARGEST_WEIGHT
    if not low <= largest <= high:
        raise ValueError(
            f"sample_weight: the largest weight is {largest:g}: accepted is one from {low:g} to {high:g}"
        )
    return weights


def warn_of_weights(weights: Float[np.ndarray, "rows"]) -> None:
    """Warn of weights of rows that are no counts, because the rows count far less or far more than once."""
    usual = float(weights[weights > 0].mean())
    if not SELDOM <= usual <= OFTEN:
        warnings.warn(
            f"sample_weight: a row counts {usual:.3g} times on average, as if there were {weights.sum():.4g} "
            "rows in all; relative weights should be divided by their mean",
            UserWarning,
            stacklevel=2,
        )


def check_known(known_labels: Any, rows: int) -> Int[np.ndarray, "rows"]:
    """Return known labels as integers from 0; -1 where none is known: where -1, None, NaN or "" stands.

    So does a text that NumPy or pandas makes of one of these, such as "nan".

    Raises:
        ValueError: there is not one for each row, or one is neither text nor a finite number.
    """
    if isinstance(known_labels, torch.Tensor):  # whose entries are tensors, each unlike all others
        known_labels = known_labels.detach().cpu().numpy()
    entries = _entries(known_labels)
    for place, label in enumerate(entries):
        if not pd.api.types.is_scalar(label) or (isinstance(label, Real) and abs(label) == np.inf):
            raise ValueError(
                f"known_labels[{place}] is {label!r}: accepted are finite numbers and text, and -1 or a "
                "missing value where nothing is known"
            )
    if np.shape(known_labels) != (rows,):
        raise ValueError(
            f"known_labels has shape {np.shape(known_labels)}: accepted is ({rows},), with -1 or a missing "
            "value where nothing is known"
        )
    labels = pd.Series(entries, dtype=object)
    unknown = labels.isna() | labels.map(lambda label: isinstance(label, str) and label.strip() in UNKNOWN)
    unknown |= labels.map(lambda label: not isinstance(label, str) and label == -1)
    return np.asarray(pd.factorize(labels.where(~unknown, None))[0], dtype=np.int64)


def _entries(values: object) -> list:
    """Return the entries of a list, an array or a table; none of a single value."""
    return list(values) if np.iterable(values) else []


def check_each_set(
    name: str, values: Sequence | None, check: Callable[[object, int], np.ndarray], points: list[np.ndarray]
) -> list[np.ndarray | None]:
    """Check what is told of the rows of each set, None where nothing is.

    Args:
        name: of the argument, for the message.
        values: what is told of each set; None if nothing is of any.
        check: takes what is told of a set, and its number of rows.

    Raises:
        ValueError: there is not one entry for each set, or ``check`` refuses one.
    """
    if values is None:
        return [None] * len(points)
    if len(values) != len(points):
        raise ValueError(f"{name} has {len(values)} entries: accepted is one for each set, {len(points)}")
    return [None if each is None else check(each, len(x)) for each, x in zip(values, points, strict=True)]


def check_labels(labels: object, points: int) -> Int[torch.Tensor, "clusterings points"]:
    """Return one or many clusterings by labels of any kind, as clusters in order of appearance.

    Raises:
        ValueError: a clustering does not have a label for every point.
    """
    labels = np.asarray(labels)
    if labels.ndim not in (1, 2) or labels.shape[-1] != points or len(labels) == 0:
        raise ValueError(f"labels has shape {labels.shape}: accepted is ({points},) or (m, {points})")
    names = pd.factorize(labels.ravel())[0].reshape(labels.shape)
    if names.min() < 0:
        place = tuple(np.argwhere(names < 0)[0].tolist())
        raise ValueError(f"labels{list(place)} is {labels[place]}: accepted is a label for every point")
    return canonical_labels(torch.from_numpy(np.atleast_2d(names)))


def array_shape(point_shape: PointShape) -> str:
    """Write the shape of an array of such points, for messages."""
    return f"(n_samples, {', '.join('any width' if size is None else str(size) for size in point_shape)})"


def _mismatch(shape: tuple[int, ...], point_shape: PointShape, checkpoint: str | Path) -> str:
    return f"X has shape {tuple(shape)}, but {str(checkpoint)!r} was trained on {array_shape(point_shape)}"


def _numbers(
    values: Shaped[np.ndarray, "points *shape"], columns: pd.Index | None
) -> Float[np.ndarray, "points *shape"]:
    """Return finite numbers in float64; the error names the entry that is none, counting from 1."""
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        bad = np.vectorize(_is_no_number, otypes=[bool])(values)
        raise ValueError(_not_finite(values, bad, columns)) from None
    bad = ~np.isfinite(numbers)
    if bad.any():
        raise ValueError(_not_finite(values, bad, columns))
    return numbers


def _not_finite(values: np.ndarray, bad: np.ndarray, columns: pd.Index | None) -> str:
    """Return the error message for the first bad entry: its place and its value."""
    place = tuple(np.argwhere(bad)[0].tolist())
    held = values[place].item() if isinstance(values[place], np.generic) else values[place]
    return f"X: {_where(place, columns)} holds {held!r}: accepted are finite numbers"


def _where(place: tuple[int, ...], columns: pd.Index | None) -> str:
    row, *rest = (index + 1 for index in place)
    if columns is not None:
        return f"row {row}, column {columns[place[1]]!r}"
    return f"row {row}, column {rest[0]}" if len(rest) == 1 else f"row {row}, entry {tuple(rest)}"


def _is_no_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return True
    return False
