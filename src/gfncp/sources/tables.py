"""Users' own points: CSV, Parquet, NPY, NPZ and safetensors files."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float64, Num, Shaped
from safetensors import safe_open


def read_points(
    path: Path, label_column: str | None = None
) -> tuple[Num[np.ndarray, "points *shape"], Shaped[np.ndarray, "points"] | None]:
    """Points, and the known labels in ``label_column`` if asked.

    A table has a column per coordinate; an NPZ or safetensors file holds the points as ``x`` and labels as
    another array. Labels in a safetensors file may be numbers of names, listed as JSON in its metadata.

    Raises:
        ValueError: naming the file, the data row (from 1) and the column, and what was expected.
    """
    path = Path(path)
    held = read_file(path)
    names = list(held)
    if label_column is not None and label_column not in names:
        raise ValueError(f"{path}: there is no column {label_column!r}; there are {names}")
    labels = None if label_column is None else np.asarray(held[label_column])
    try:
        if isinstance(held, pd.DataFrame):
            points = _coordinates(held.drop(columns=[] if label_column is None else [label_column]))
        else:
            points = array_of_points(held)
            _check_finite(points)
        if labels is not None:
            check_labels(labels, len(points), label_column)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return points, labels


def read_file(path: Path) -> pd.DataFrame | dict[str, np.ndarray]:
    """What a file holds: a table, or arrays by name.

    Raises:
        ValueError: there is no such file, it is of no kind that is accepted, or it is damaged.
    """
    if path.suffix.lower() not in READERS:
        raise ValueError(f"{path}: accepted are files that end in {', '.join(READERS)}")
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file")
    try:
        return READERS[path.suffix.lower()](path)
    except Exception as error:  # parsers raise nearly anything on damaged files
        raise ValueError(f"{path}: cannot be read ({error or type(error).__name__})") from None


def _read_csv(path: Path) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # rows that are longer than the first line
        table = pd.read_csv(path, index_col=False, low_memory=False)
    names = list(table.columns)
    numbers = pd.to_numeric(pd.Series(names, dtype=str), errors="coerce").notna().all()
    if numbers and names != [str(i) for i in range(len(names))]:
        raise ValueError(f"the first line has to name the columns, but holds the number {names[0]}")
    return table


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    held = np.load(path, allow_pickle=False)
    if isinstance(held, np.ndarray):
        return {"x": held}
    with held:
        return {name: held[name] for name in held.files}


def _read_safetensors(path: Path) -> dict[str, np.ndarray]:
    with safe_open(path, "numpy") as file:
        held = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        lists = {name: json.loads(text) for name, text in (file.metadata() or {}).items() if name in held}
    for names in lists.values():
        if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
            raise ValueError("the names of labels in its metadata are no list of texts")
    return held | {name: np.array(names, dtype=object)[held[name]] for name, names in lists.items()}


READERS = {
    ".csv": _read_csv,
    ".parquet": pd.read_parquet,
    ".npy": _read_arrays,
    ".npz": _read_arrays,
    ".safetensors": _read_safetensors,
}


def _coordinates(table: pd.DataFrame) -> Float64[np.ndarray, "points columns"]:
    if table.empty:
        raise ValueError(f"expected rows of numbers, found {len(table)} rows and {table.shape[1]} columns")
    for name in table.columns:
        if not pd.api.types.is_numeric_dtype(table[name]):
            bad = pd.to_numeric(table[name], errors="coerce").isna() & table[name].notna()
            row = int(np.argmax(bad.to_numpy()))
            raise ValueError(
                f"column {name!r} is not numeric: data row {row + 1} holds {table[name].iloc[row]!r}; "
                "a column of known labels has to be named as the label column"
            )
    points = table.to_numpy(np.float64, na_value=np.nan)
    finite = _finite(points)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise ValueError(
            f"data row {row + 1}, column {table.columns[column]!r} holds {table.iloc[row, column]}: "
            "accepted are finite numbers"
        )
    return points


def array_of_points(held: dict[str, np.ndarray]) -> Num[np.ndarray, "points *shape"]:
    """The array named ``x``, of numbers, with at least one point.

    Raises:
        ValueError: there is no such array.
    """
    if "x" not in held:
        raise ValueError(f"expected an array named 'x', found {list(held)}")
    x = held["x"]
    if x.ndim < 2 or x.size == 0 or x.dtype.kind not in "buif":
        raise ValueError(
            f"expected an array of numbers (points, ...), found shape {x.shape} of type {x.dtype}"
        )
    return x


def _check_finite(x: np.ndarray) -> None:
    finite = _finite(x)
    if not finite.all():
        where = tuple(np.argwhere(~finite)[0].tolist())
        raise ValueError(f"x{list(where)} is {x[where]}: accepted are finite numbers")


def _finite(x: Num[np.ndarray, "*shape"]) -> Bool[np.ndarray, "*shape"]:
    """Which numbers are finite in float32, as networks take them."""
    with np.errstate(over="ignore"):
        return np.isfinite(x.astype(np.float32))


def check_labels(labels: np.ndarray, points: int, name: str) -> None:
    """Refuse labels that are not one for each point.

    Raises:
        ValueError: there are more or fewer, or one is missing.
    """
    if labels.shape != (points,):
        raise ValueError(f"{name!r} has shape {labels.shape}: accepted is one label per point, ({points},)")
    if pd.isna(labels).any():
        raise ValueError(f"data row {int(np.argmax(pd.isna(labels))) + 1} has no label in {name!r}")
