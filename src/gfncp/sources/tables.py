"""Users' own points: CSV, Parquet, NPY and NPZ files."""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from jaxtyping import Shaped

SUFFIXES = (".csv", ".parquet", ".npy", ".npz")


def read_points(
    path: Path, label_column: str | None = None
) -> tuple[Shaped[np.ndarray, "points *shape"], Shaped[np.ndarray, "points"] | None]:
    """Points, and the labels of ``label_column`` (for NPZ: an array of that name) if asked.

    An NPZ file holds the points as ``x``.

    Raises:
        ValueError: naming the file, the row or column, and what was expected.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise ValueError(f"{path}: accepted are files that end in {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file")
    try:
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False), None
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                held = {name: arrays[name] for name in arrays.files}
        else:
            held = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise ValueError(f"{path}: cannot be read ({error})") from None
    names = list(held)
    if label_column is not None and label_column not in names:
        raise ValueError(f"{path}: there is no column {label_column!r}; there are {names}")
    labels = None if label_column is None else np.asarray(held[label_column])
    if isinstance(held, dict):
        if "x" not in held:
            raise ValueError(f"{path}: expected an array named 'x', found {names}")
        return held["x"], labels
    table = held.drop(columns=[] if label_column is None else [label_column])
    for name in table.columns:
        if not pd.api.types.is_numeric_dtype(table[name]):
            bad = pd.to_numeric(table[name], errors="coerce").isna() & table[name].notna()
            row = int(np.argmax(bad.to_numpy()))
            raise ValueError(
                f"{path}: column {name!r} is not numeric: row {row + 1} holds {table[name].iloc[row]!r}"
            )
    return table.to_numpy(np.float32), labels
