"""Users' own points: text tables (CSV and such), Parquet, NPY, NPZ and safetensors files."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float64, Num, Shaped
from safetensors import safe_open

from gfncp.data.archives import Archive, Arrays
from gfncp.data.cells import OF_TRAINING, OPTIONS, PANDAS, Advice, advise
from gfncp.data.column_uses import Column
from gfncp.data.columns import Columns
from gfncp.data.delimited import Reading, normalise, read_text
from gfncp.inputs import TEXTS, check_file, suffix_of

COUNTED = 5  # rows, from which on a column that counts them is taken for their numbers
NUMBERED = 20  # rows, from which on integers without gaps are taken for numbers of rows, in any order
START = 4096  # bytes that tell text from other files
UTF_16 = b"\xff\xfe", b"\xfe\xff"
CONTROLS = {*range(9), *range(14, 27), *range(28, 32)}  # characters that no text holds
SPARSE = {"shape", "format", "data"}  # arrays in a file of SciPy's sparse matrices
DENSE = (
    "sparse input is not supported, accepted are arrays and DataFrames; "
    "sklearn.decomposition.TruncatedSVD(50).fit_transform(X) makes an array of it"
)


def read_points(
    path: Path, label_column: str | None = None, reading: Reading | None = None
) -> tuple[Num[np.ndarray, "points *shape"], Shaped[np.ndarray, "points"] | None]:
    """Read points, and the known labels in ``label_column`` if asked.

    A table has a column per coordinate, or columns of vectors; what names or counts its rows is left out,
    and a warning says so. An NPZ or safetensors file holds the points as ``x`` and labels as another array.
    Labels in a safetensors file may be numbers of names, listed as JSON in its metadata.

    Args:
        reading: how its cells are written, as options of `gfncp train` say; None where there are none.

    Raises:
        ValueError: naming the file, the data row (from 1) and the column, and what was expected.
    """
    path, advice = Path(path), PANDAS if reading is None else OF_TRAINING
    held = read_file(path, reading)
    names = list(held)
    if label_column is not None and label_column not in names:
        raise ValueError(f"{path}: there is no column {label_column!r}; there are {names}")
    labels = None
    try:
        if isinstance(held, pd.DataFrame):
            table = held.drop(columns=[] if label_column is None else [label_column])
            counting = [each.name for each in columns_that_count(table)]
            if counting:
                warnings.warn(f"{path}: left out {counting}, which count the rows", UserWarning, stacklevel=2)
            points = points_of_table(table.drop(columns=counting), advice)
        else:
            points = array_of_points(held, advice, None if reading is None else reading.array)
            _check_finite(points)
        if label_column is not None:
            labels = np.asarray(held[label_column])
            check_label_column(labels, len(points), label_column)
    except (ValueError, TypeError) as error:
        raise ValueError(in_file(path, error)) from None
    return points, labels


def read_file(path: Path, reading: Reading | None = None) -> pd.DataFrame | Arrays:
    """Read a file: a table, or arrays by name, those of NPZ files when they are asked for.

    Args:
        reading: how its cells are written, as options of the command line say; None where there are none.

    Raises:
        ValueError: there is no such file, it is of no kind that is accepted, or it is damaged.
    """
    advice, reading = PANDAS if reading is None else OPTIONS, reading or Reading()
    check_file(path)
    suffix = suffix_of(path)
    _check_said(path, suffix, reading)
    try:
        held, decimal = read_text(path, reading) if suffix in TEXTS else (READERS[suffix](path), ".")
        return _table(held, reading.decimal or decimal, reading) if isinstance(held, pd.DataFrame) else held
    except UnicodeError as error:
        raise ValueError(_other_encoding(path, reading, error, advice)) from None
    except Exception as error:  # parsers raise nearly anything on damaged files
        raise ValueError(f"{path}: cannot be read ({error or type(error).__name__})") from None


def in_file(path: Path, error: Exception) -> str:
    """Return the message of an error about points ``X`` as one about a file."""
    text = str(error)
    return f"{path}: data {text[3:]}" if text.startswith("X: row") else f"{path}: {text.removeprefix('X: ')}"


def columns_that_count(table: pd.DataFrame) -> list[Column]:
    """Return the columns that number a file's rows, from any number on and in any order; never all of them.

    They hold integers without gaps, each once: up or down in five rows or more, in any order in twenty.
    """
    counting = {name: why for name, column in table.items() if (why := _why_numbers(column))}
    return [
        Column(str(name), "left out", why)
        for name, why in (counting.items() if len(counting) < table.shape[1] else ())
    ]


def _why_numbers(column: pd.Series) -> str:
    """Return why a column is taken to number the rows; empty if it is not."""
    if len(column) < COUNTED or not pd.api.types.is_integer_dtype(column.dtype) or column.isna().any():
        return ""
    numbers = column.to_numpy(np.float64)
    if (np.diff(numbers) == np.sign(numbers[1] - numbers[0])).all() and numbers[0] != numbers[1]:
        return "it counts the rows"
    gapless = np.array_equal(np.sort(numbers), numbers.min() + np.arange(len(numbers)))
    return "it numbers the rows, in another order" if gapless and len(numbers) >= NUMBERED else ""


def _table(held: pd.DataFrame, decimal: str, reading: Reading) -> pd.DataFrame:
    """Return a table with texts as names of columns, and its cells read as they were said to be written.

    Blanks around names are removed, but for those that keep names apart.
    """
    names = held.columns.map(str)
    stripped = names.map(str.strip)
    names = stripped.where(~stripped.duplicated(keep=False), names)
    return normalise(held.set_axis(names, axis=1), decimal, reading)


def _check_said(path: Path, suffix: str, reading: Reading) -> None:
    """Refuse what is said of other kinds of files."""
    of_text = {"delimiter": reading.delimiter, "encoding": reading.encoding}
    of_tables = {
        "decimal": reading.decimal,
        "thousands": reading.thousands,
        "missing": reading.missing or None,
    }
    refused = {} if suffix in TEXTS else of_text
    if suffix not in (*TEXTS, ".parquet"):
        refused = refused | of_tables
    if suffix not in (".npz", ".safetensors"):
        refused = refused | {"array": reading.array}
    for name, value in refused.items():
        if value is not None:
            kinds = {**dict.fromkeys(of_text, "text files"), **dict.fromkeys(of_tables, "tables")}
            kind = kinds.get(name, "NPZ and safetensors files")
            raise ValueError(f"{path}: {name}={value!r} is accepted for {kind} only")


def _other_encoding(path: Path, reading: Reading, error: UnicodeError, advice: Advice) -> str:
    with path.open("rb") as file:
        start = file.read(START)
    if not start.startswith(UTF_16) and CONTROLS & set(start):
        return (
            f"{path}: cannot be read (it is no text): accepted are text files, packed ones with names that "
            "end in .gz, and workbooks saved as CSV"
        )
    likely = "utf-16" if start.startswith(UTF_16) else "latin-1"
    name = "UTF-8" if reading.encoding is None else reading.encoding
    remedy = advise(advice, "encoding", likely)
    return f"{path}: cannot be read (it is not {name}: {error}); {remedy} reads another encoding"


def _read_arrays(path: Path) -> Arrays:
    held = np.load(path, allow_pickle=False)
    if isinstance(held, np.ndarray):
        return {"x": held}
    with held:
        return Archive(path, tuple(held.files))


def _read_safetensors(path: Path) -> dict[str, np.ndarray]:
    with safe_open(path, "numpy") as file:
        held = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        lists = {name: json.loads(text) for name, text in (file.metadata() or {}).items() if name in held}
    for names in lists.values():
        if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
            raise ValueError("the names of labels in its metadata are no list of texts")
    return held | {name: np.array(names, dtype=object)[held[name]] for name, names in lists.items()}


READERS = {
    ".parquet": pd.read_parquet,
    ".npy": _read_arrays,
    ".npz": _read_arrays,
    ".safetensors": _read_safetensors,
}


def points_of_table(
    table: pd.DataFrame, advice: Advice = PANDAS
) -> Float64[np.ndarray, "points coordinates"]:
    """Return numbers, truth values and vectors; warn of names of rows, which are left out; refuse all else.

    Raises:
        ValueError: a column holds something else, or a number is missing, or infinite in float32.
        TypeError: a value is neither a number nor text.
    """
    if table.empty:
        raise ValueError(f"expected rows of numbers, found {len(table)} rows and {table.shape[1]} columns")
    truth = [name for name in table.columns if pd.api.types.is_bool_dtype(table[name].dtype)]
    table = table.astype(dict.fromkeys(truth, np.float64))
    columns = Columns.of(table, advice)
    for name, each in zip(table.columns, columns.used, strict=True):
        if each.used in ("category", "date"):
            row = int(np.argmax(table[name].notna()))
            raise ValueError(
                f"column {name!r} is not numeric: data row {row + 1} holds {table[name].iloc[row]!r}; "
                "a column of known labels has to be named as the label column"
            )
    columns.warn()
    numbers = columns.resolve(table)
    points = numbers.to_numpy()
    finite = _finite(points)
    if not finite.all():
        row, place = np.argwhere(~finite)[0].tolist()
        raise ValueError(
            f"data row {row + 1}, column {numbers.columns[place]!r} holds {points[row, place]}: "
            "accepted are finite numbers"
        )
    return points


def array_of_points(
    held: Arrays, advice: Advice = PANDAS, name: str | None = None
) -> Num[np.ndarray, "points *shape"]:
    """Return the array called ``name``, by default ``x``, of numbers, with at least one point.

    Raises:
        ValueError: there is no such array, or it holds something else.
    """
    if set(held) >= SPARSE:
        raise ValueError(f"holds a sparse matrix: {DENSE}")
    if (name or "x") not in held:
        others = f"; {advise(advice, 'array', next(iter(held)))}" if held else ""
        raise ValueError(f"expected an array named {name or 'x'!r}, found {list(held)}{others}")
    x = held[name or "x"]
    if x.ndim < 2 or x.size == 0 or x.dtype.kind not in "buif":
        one = x.ndim == 1 and x.dtype.kind in "buif"
        column = "; x.reshape(-1, 1) makes points of one column" if one else ""
        raise ValueError(
            f"expected an array of numbers (points, ...), found shape {x.shape} of type {x.dtype}{column}"
        )
    return x


def _check_finite(x: np.ndarray) -> None:
    finite = _finite(x)
    if not finite.all():
        where = tuple(np.argwhere(~finite)[0].tolist())
        raise ValueError(f"x{list(where)} is {x[where]}: accepted are finite numbers")


def _finite(x: Num[np.ndarray, "*shape"]) -> Bool[np.ndarray, "*shape"]:
    """Return True for each number that is finite in float32, the format of networks."""
    with np.errstate(over="ignore"):
        return np.isfinite(x.astype(np.float32))


def check_label_column(labels: np.ndarray, points: int, name: str) -> None:
    """Refuse labels that are not one for each point.

    Raises:
        ValueError: there are more or fewer, or one is missing.
    """
    if labels.shape != (points,):
        raise ValueError(f"{name!r} has shape {labels.shape}: accepted is one label per point, ({points},)")
    if pd.isna(labels).any():
        raise ValueError(f"data row {int(np.argmax(pd.isna(labels))) + 1} has no label in {name!r}")
