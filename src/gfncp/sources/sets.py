"""Users' own sets of points, with the names of the points and known labels: files, and folders of images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Num, Shaped, UInt8
from PIL import Image

from gfncp.columns import Columns
from gfncp.sources.folders import SUFFIXES, images_below
from gfncp.sources.tables import array_of_points, check_labels, read_file

PIXELS = 28  # height and width of the images that networks take


@dataclass(frozen=True, eq=False)
class PointSet:
    """Points to cluster; a table's index, or ``ids`` beside an array, names them.

    Attributes:
        labels: known clusters, or None.
    """

    name: str
    points: Num[np.ndarray, "points *shape"] | pd.DataFrame
    ids: pd.Index
    labels: Shaped[np.ndarray, "points"] | None


@dataclass(frozen=True)
class Roles:
    """What the columns of a table, or the arrays of an NPZ file, are for.

    Attributes:
        columns: coordinates and categories; None for all that have no other role.
        ids, labels, sets: columns with the name of each point, with its known label, and with the set that
            it is in; None for none.
    """

    columns: Sequence[str] | None = None
    ids: str | None = None
    labels: str | None = None
    sets: str | None = None

    @property
    def aside(self) -> list[str]:
        return [name for name in (self.ids, self.labels, self.sets) if name is not None]


def read_sets(paths: Sequence[Path], roles: Roles) -> list[PointSet]:
    """The sets in files and folders of images: one for each, or for each value of the column of sets.

    Raises:
        ValueError: naming the file, and what was expected there.
    """
    found = []
    for path in map(Path, paths):
        whole, sets = _read_folder(path, roles) if path.is_dir() else _read_file(path, roles)
        if sets is None:
            found.append(whole)
            continue
        for name in pd.unique(sets):
            chosen = sets == name
            labels = None if whole.labels is None else whole.labels[chosen]
            title = str(name) if len(paths) == 1 else f"{whole.name}: {name}"
            found.append(PointSet(title, whole.points[chosen], whole.ids[chosen], labels))
    return found


def set_of_rows(rows: pd.DataFrame, name: str, roles: Roles) -> PointSet:
    """The set that some rows of a table are.

    Raises:
        ValueError: a column is missing, or holds what is not accepted.
    """
    return _assign(rows, name, roles)[0]


def check_columns(columns: list[str], roles: Roles) -> None:
    """Refuse a table without a column that has a role."""
    for name in (*roles.aside, *(roles.columns or [])):
        if name not in columns:
            raise ValueError(f"there is no column {name!r}; there are {columns}")


def _read_file(path: Path, roles: Roles) -> tuple[PointSet, Shaped[np.ndarray, "points"] | None]:
    held = read_file(path)
    try:
        return _assign(held, path.stem, roles)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from None


def _assign(
    held: pd.DataFrame | dict[str, np.ndarray], title: str, roles: Roles
) -> tuple[PointSet, Shaped[np.ndarray, "points"] | None]:
    """All points as one set, and the names of the sets that they are in."""
    check_columns(list(held), roles)
    points = _table(held, roles) if isinstance(held, pd.DataFrame) else _array(held, roles)
    aside = {name: np.asarray(held[name]) for name in roles.aside}
    for name, values in aside.items():
        check_labels(values, len(points), name)
    ids = pd.Index(aside[roles.ids], name=roles.ids) if roles.ids else pd.RangeIndex(len(points))
    if isinstance(points, pd.DataFrame):
        points = points.set_axis(ids)
    return PointSet(title, points, ids, aside.get(roles.labels)), aside.get(roles.sets)


def _table(held: pd.DataFrame, roles: Roles) -> pd.DataFrame:
    points = held.drop(columns=roles.aside) if roles.columns is None else held[list(roles.columns)]
    if points.empty:
        raise ValueError(f"expected rows of numbers, found {len(points)} rows and {points.shape[1]} columns")
    points = points.set_axis(points.columns.map(str), axis=1)
    Columns.of(points)  # which refuses what is neither numbers nor categories
    return points


def _array(held: dict[str, np.ndarray], roles: Roles) -> Num[np.ndarray, "points *shape"]:
    if roles.columns is not None:
        raise ValueError(f"columns={list(roles.columns)}: accepted for tables only, not for arrays")
    return array_of_points(held)


def _read_folder(folder: Path, roles: Roles) -> tuple[PointSet, None]:
    if roles.aside or roles.columns:
        raise ValueError(
            f"{folder}: a folder of images has no columns {[*roles.aside, *(roles.columns or [])]}"
        )
    files = sorted(images_below(folder))
    if not files:
        raise ValueError(f"{folder}: holds no images; accepted are files that end in {', '.join(SUFFIXES)}")
    ids = pd.Index([path.relative_to(folder).as_posix() for path in files], name="file")
    return PointSet(folder.resolve().name, np.stack([_picture(path) for path in files]), ids, None), None


def _picture(path: Path) -> UInt8[np.ndarray, "28 28"]:
    """An image in grey, its whole brought to 28 x 28 pixels."""
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("L").resize((PIXELS, PIXELS), Image.Resampling.LANCZOS))
    except Exception as error:  # decoders raise nearly anything on damaged files
        raise ValueError(f"{path}: not a readable image ({error or type(error).__name__})") from None
