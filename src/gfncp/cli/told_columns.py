"""Columns with known labels and weights of the rows of files.

Files are read twice: once for the points, once for these columns, whose cells may be empty.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Shaped

from gfncp.data.archives import Arrays
from gfncp.data.checks import check_weights
from gfncp.data.delimited import Reading
from gfncp.data.point_sets import PointSet, Roles, check_columns, names_apart, read_sets
from gfncp.data.tables import in_file, read_file

Told = dict[str, list[Shaped[np.ndarray, "points"]]]


def read_told_sets(
    paths: Sequence[Path],
    roles: Roles,
    known: str | None,
    weights: str | None,
    reading: Reading,
    skip_bad: bool = False,
) -> tuple[list[PointSet], Told]:
    """Read sets as `gfncp.data.point_sets.read_sets` does, with known labels and weights of their rows.

    Args:
        known: column of known labels, -1 or empty where nothing is known; None for no such column.
        weights: column that says how often each row counts; None for no such column.
        reading: how the cells of files are written.
        skip_bad: leave out images that cannot be read.

    Returns:
        The sets, and ``known_labels`` and ``sample_weight`` as `gfncp.GFNCP.fit_sets` takes them, each only
        where it has a column.

    Raises:
        ValueError: naming the file, and what was expected there.
    """
    columns = {"known_labels": known, "sample_weight": weights}
    columns = {name: column for name, column in columns.items() if column is not None}
    if not columns:
        return read_sets(paths, roles, reading, skip_bad), {}
    for column in columns.values():
        if column in (roles.columns or []):
            raise ValueError(
                f"columns={roles.columns}: accepted are coordinates, {column!r} has another role"
            )
    sets: list[PointSet] = []
    told: Told = {name: [] for name in columns}
    for path, called in zip(map(Path, paths), names_apart(paths), strict=True):
        held = _read(path, list(columns.values()), roles.read_by(reading))
        others = list(columns.values()) if isinstance(held, pd.DataFrame) else []
        found = read_sets([path], replace(roles, others=others), reading)
        rows = sum(len(each.points) for each in found)
        for name, column in columns.items():
            values = _values(held, column, path)
            if values.shape != (rows,):
                raise ValueError(
                    f"{path}: {column!r} has shape {values.shape}: accepted is one value per point, ({rows},)"
                )
            if name == "sample_weight":
                _check_weights(values, path, column)
            told[name] += _by_set(values, None if roles.sets is None else np.asarray(held[roles.sets]))
        if roles.sets is None:
            found = [replace(each, name=called) for each in found]
        elif len(paths) > 1:
            found = [replace(each, name=f"{called}: {each.name}") for each in found]
        sets += found
    return sets, told


def _read(path: Path, columns: list[str], reading: Reading) -> pd.DataFrame | Arrays:
    """Read a file, and refuse one without these columns."""
    if path.is_dir():
        raise ValueError(f"{path}: a folder of images has no columns {columns}")
    held = read_file(path, reading)
    try:
        check_columns(list(held), Roles(columns))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return held


def _values(held: pd.DataFrame | Arrays, column: str, path: Path) -> Shaped[np.ndarray, "*shape"]:
    """Return a column of a file, or an array that can be read."""
    try:
        return np.asarray(held[column])
    except ValueError as error:
        raise ValueError(in_file(path, error)) from None


def _check_weights(values: Shaped[np.ndarray, "points"], path: Path, column: str) -> None:
    """Refuse weights that are none, naming their file and column."""
    try:
        check_weights(values, len(values))
    except ValueError as error:
        raise ValueError(f"{path}, column {column!r}: {error}") from None


def _by_set(
    values: Shaped[np.ndarray, "points"], sets: Shaped[np.ndarray, "points"] | None
) -> list[Shaped[np.ndarray, "points"]]:
    """Split values by set, in the order in which `gfncp.data.point_sets.read_sets` gives the sets."""
    return [values] if sets is None else [values[sets == name] for name in pd.unique(sets)]
