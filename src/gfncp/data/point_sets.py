"""Users' own sets of points, with the names of the points and known labels: files, and folders of images."""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Num, Shaped

from gfncp.data.archives import Arrays
from gfncp.data.cells import OPTIONS, advise
from gfncp.data.column_notes import notes_of_cells
from gfncp.data.column_uses import EXACT, Column
from gfncp.data.columns import Columns
from gfncp.data.delimited import Reading
from gfncp.data.logarithms import take_logarithms
from gfncp.data.pictures import invert, read_pictures
from gfncp.data.second_header import warn_of_second_header
from gfncp.data.tables import array_of_points, check_label_column, columns_that_count, in_file, read_file
from gfncp.data.totals import warn_of_totals


@dataclass(frozen=True, eq=False)
class PointSet:
    """Points to cluster; a table's index, or ``ids`` beside an array, names them.

    Attributes:
        labels: known clusters, or None.
        columns: what each column of the file is used as; none of arrays and images.
        notes: what was done to images when they were read.
    """

    name: str
    points: Num[np.ndarray, "points *shape"] | pd.DataFrame
    ids: pd.Index
    labels: Shaped[np.ndarray, "points"] | None
    columns: Sequence[Column] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Roles:
    """Roles of the columns of a table, or of the arrays of an NPZ file.

    Attributes:
        columns: coordinates and categories, none of which is left out; None for all that have no other role,
            but for those that name or count the rows, see `gfncp.data.column_uses` and `columns_that_count`.
        ids, labels, sets: columns with the name of each point, with its known label, and with the set that
            it is in; None for none.
        categories: columns whose values are names of kinds, whatever they look like.
        others: columns that tell something else; they are no coordinates.
        logarithms: columns of numbers whose logarithms are taken.
    """

    columns: Sequence[str] | None = None
    ids: str | None = None
    labels: str | None = None
    sets: str | None = None
    categories: Sequence[str] = ()
    others: Sequence[str] = ()
    logarithms: Sequence[str] = ()

    @property
    def aside(self) -> list[str]:
        return [name for name in (self.ids, self.labels, self.sets) if name is not None]

    def read_by(self, reading: Reading | None) -> Reading:
        """Return how files are written in which these columns name points and sets."""
        names = [name for name in (self.ids, self.sets) if name is not None]
        return replace(reading or Reading(), names=names)


def read_sets(
    paths: Sequence[Path], roles: Roles, reading: Reading | None = None, skip_bad: bool = False
) -> list[PointSet]:
    """Read the sets in files and folders of images: one for each, or for each value of the column of sets.

    Args:
        reading: how the cells of files are written.
        skip_bad: leave out images that cannot be read, see `gfncp.data.pictures.read_pictures`.

    Raises:
        ValueError: naming the file, and what was expected there.
    """
    found = []
    for path, name_of_file in zip(map(Path, paths), names_apart(paths), strict=True):
        whole, sets = (
            _read_folder(path, roles, skip_bad) if path.is_dir() else _read_file(path, roles, reading)
        )
        whole = replace(whole, name=name_of_file)
        if sets is None:
            found.append(whole)
            continue
        for name in pd.unique(sets):
            chosen = sets == name
            title = str(name) if len(paths) == 1 else f"{whole.name}: {name}"
            found.append(_rows_of(whole, chosen, title))
    return found


def _rows_of(whole: PointSet, chosen: Bool[np.ndarray, "points"], title: str) -> PointSet:
    """Return some points of a set as one of their own."""
    points, labels = whole.points, whole.labels
    return PointSet(
        title,
        points.loc[chosen] if isinstance(points, pd.DataFrame) else points[chosen],
        whole.ids[chosen],
        None if labels is None else labels[chosen],
        whole.columns,
    )


def names_apart(paths: Sequence[Path]) -> list[str]:
    """Name files and folders, each by as much of the end of its path as tells it from the others.

    That is the name without its suffix, or with it, then with one folder above it, and so on:
    ``jan/p.csv`` and ``feb/p.csv`` are called jan/p and feb/p.
    """
    whole = [Path(path).resolve() for path in paths]
    ends: list[list[str]] = [[] for _ in whole]
    for path, names in zip(whole, ends, strict=True):
        for above in range(len(path.parents)):
            place = "/".join(path.parts[-1 - above : -1]) + "/" * (above > 0)
            names += [f"{place}{path.name if path.is_dir() else path.stem}", f"{place}{path.name}"]
    found = [next(iter(names), "") for names in ends]
    for depth in range(1, max(map(len, ends), default=0)):
        shared = {name for name, times in Counter(found).items() if times > 1}
        found = [
            names[min(depth, len(names) - 1)] if name in shared else name
            for name, names in zip(found, ends, strict=True)
        ]
    return found


def set_of_rows(rows: pd.DataFrame, name: str, roles: Roles) -> PointSet:
    """Return the set that some rows of a table are.

    Raises:
        ValueError: a column is missing, or holds what is not accepted.
    """
    return _assign(rows, name, roles, Reading())[0]


def invert_set(images: PointSet) -> PointSet:
    """Return a set of images with light and dark exchanged.

    Raises:
        ValueError: its points are no images.
    """
    if images.points.ndim != 3:
        raise ValueError(f"--invert: accepted for images only, {images.name!r} holds none")
    return replace(images, points=invert(np.asarray(images.points)))


def check_columns(columns: list[str], roles: Roles) -> None:
    """Refuse a table without a column that has a role."""
    named = (roles.aside, roles.columns or [], roles.categories, roles.others, roles.logarithms)
    for name in chain(*named):
        if name not in columns:
            raise ValueError(f"there is no column {name!r}; there are {columns}")


def _read_file(
    path: Path, roles: Roles, reading: Reading | None
) -> tuple[PointSet, Shaped[np.ndarray, "points"] | None]:
    reading = roles.read_by(reading)
    held = read_file(path, reading)
    try:
        check_columns(list(held), roles)
        counting = _counting(held, roles) if isinstance(held, pd.DataFrame) else []
        if isinstance(held, pd.DataFrame):
            warn_of_totals(held.drop(columns=[each.name for each in counting]), str(path))
            warn_of_second_header(held, str(path))
        others = [*roles.others, *(each.name for each in counting)]
        whole, sets = _assign(held, path.stem, replace(roles, others=others), reading)
        return replace(whole, columns=[*counting, *whole.columns]), sets
    except (ValueError, TypeError) as error:
        raise ValueError(in_file(path, error)) from None


def _counting(table: pd.DataFrame, roles: Roles) -> list[Column]:
    """Return the columns of a file that count its rows; none where columns are chosen."""
    if roles.columns is not None:
        return []
    return columns_that_count(table.drop(columns=[*roles.aside, *roles.others, *roles.categories]))


def _assign(
    held: pd.DataFrame | Arrays, title: str, roles: Roles, reading: Reading
) -> tuple[PointSet, Shaped[np.ndarray, "points"] | None]:
    """Return all points as one set, and the name of the set that each is in."""
    check_columns(list(held), roles)
    columns: list[Column] = []
    if isinstance(held, pd.DataFrame):
        points, columns = _table(held, roles)
    else:
        points = _array(held, roles, reading)
    aside = {name: np.asarray(held[name]) for name in roles.aside}
    for name, values in aside.items():
        check_label_column(values, len(points), name)
    ids = pd.Index(aside[roles.ids], name=roles.ids) if roles.ids else _index(held, len(points))
    if isinstance(points, pd.DataFrame):
        points = points.set_axis(ids)
    labels, sets = (None if name is None else aside[name] for name in (roles.labels, roles.sets))
    return PointSet(title, points, ids, labels, columns), sets


def _index(held: pd.DataFrame | Arrays, rows: int) -> pd.Index:
    """Return the names of rows that a Parquet file keeps, if pandas wrote one index of them; else numbers."""
    if isinstance(held, pd.DataFrame) and not isinstance(held.index, pd.RangeIndex | pd.MultiIndex):
        return held.index
    return pd.RangeIndex(rows)


def _table(held: pd.DataFrame, roles: Roles) -> tuple[pd.DataFrame, list[Column]]:
    """Return the columns to cluster by, as numbers and categories, and what each column was used as."""
    chosen = None if roles.columns is None else list(roles.columns)
    twice = [name for name, times in Counter(chosen).items() if times > 1]
    if twice:
        raise ValueError(
            f"columns={roles.columns}: accepted is each column once, {twice[0]!r} is named twice"
        )
    points = held.drop(columns=[*roles.aside, *roles.others]) if chosen is None else held.loc[:, chosen]
    if points.empty:
        raise ValueError(f"expected rows of numbers, found {len(points)} rows and {points.shape[1]} columns")
    for name in roles.categories:
        if name not in points.columns:
            why = "has another role" if chosen is None else f"is not among columns={chosen}"
            raise ValueError(f"categories={list(roles.categories)}: {name!r} {why}")
    points = points.astype(dict.fromkeys(roles.categories, "category")).transform(_whole_again)
    if chosen:  # integers may be identifiers, pandas' floats are not
        numbers = [name for name in points.columns if points[name].dtype.kind in "iuf"]
        points = points.astype(dict.fromkeys(numbers, "Float64"))
    columns = Columns.of(points, OPTIONS)
    for note in notes_of_cells(columns.used):
        warnings.warn(note, UserWarning, stacklevel=2)
    for each in columns.used if chosen else ():
        if each.used == "left out":
            raise ValueError(
                f"column {each.name!r} holds {each.why}: accepted are numbers, and categories that repeat; "
                f"{advise(OPTIONS, 'leave_out', each.name)}"
            )
    return take_logarithms(columns.resolve(points), columns.used, roles.logarithms)


def _whole_again(column: pd.Series) -> pd.Series:
    """Return integers where some are missing, which files hold as floats."""
    whole = column.dtype == np.float64 and column.hasnans and (column.dropna() % 1 == 0).all()
    return column.astype("Int64") if whole and np.abs(column).max() < EXACT else column


def _array(held: Arrays, roles: Roles, reading: Reading) -> Num[np.ndarray, "points *shape"]:
    for name, value in (
        ("columns", roles.columns),
        ("categories", roles.categories or None),
        ("log", roles.logarithms or None),
    ):
        if value is not None:
            raise ValueError(f"{name}={list(value)}: accepted for tables only, not for arrays")
    return array_of_points(held, OPTIONS, reading.array)


def _read_folder(folder: Path, roles: Roles, skip_bad: bool) -> tuple[PointSet, None]:
    named = [*roles.aside, *(roles.columns or []), *roles.categories, *roles.logarithms]
    if named:
        raise ValueError(f"{folder}: a folder of images has no columns {named}")
    found = read_pictures(folder, skip_bad)
    ids = pd.Index(found.names, name="file")
    return PointSet(folder.resolve().name, found.pixels, ids, None, notes=found.notes), None
