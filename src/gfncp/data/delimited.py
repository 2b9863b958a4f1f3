"""Tables in text files: delimiter of the columns, notation of numbers, and texts that mean missing.

Detect what the caller leaves unset.

- Delimiter: among , ; tab | occurring in the first line, the one that splits most lines into as many cells as
  the first; ties go to the one with the larger share of numeric cells below the first line. If the first line
  has none of them, white space, provided that it splits all lines into equally many cells, and at least half
  of those below the first line are numeric; otherwise a comma.
- Decimal mark: a comma if the caller names a point between thousands; also if no thousands separator is
  named, the delimiter is not a comma, some cell is a number only with a decimal comma, and no number has a
  point.
- Thousands separator: never guessed.
- Missing values: pandas' standard texts (empty, NA, N/A, NaN, nan, null, NULL, None, #N/A and some more), and
  those that the caller names.
"""

import csv
import gzip
import io
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from gfncp.data.cells import (
    MINUS,
    SPACES,
    are_meant_as_numbers,
    as_number,
    common_unit,
    looks_like_number,
    split_unit,
)
from gfncp.data.first_line import COUNTED, HEADER, check_header, check_one_column, warn_of_numbers

SAMPLE = 2**16  # characters by which the delimiter is detected
NUMBERS = 0.5  # share of cells that are numbers, in a table with white space between its columns
DELIMITERS = (",", ";", "\t", "|")
WHITE_SPACE = r"\s+"
NAMES = {"tab": "\t", r"\t": "\t", "space": WHITE_SPACE, " ": WHITE_SPACE}
THOUSANDS = {"space": " "}
SEPARATOR = re.compile(r"sep=(.)\r?\n")  # a first line by which spreadsheets say what the delimiter is
MARKUP = re.compile(r"\s*(?:<|\{|\[[\[{])")  # the beginning of HTML, XML and JSON
POINTS = re.compile(r"[+-]?(?:\d{1,3}|[1-9]\d{0,2}(?:\.\d{3})+)")
COMMA_DECIMAL = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+),\d+(?:[eE][+-]?\d+)?")
LONGER = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")
UNCLOSED = re.compile(r"EOF inside string starting at row (\d+)")
NARROW = re.compile(f"[{SPACES}]")
MIDNIGHT = re.compile(r"[T ]00:00(?::00(?:\.0+)?)?(?:Z|\+00:?00)?")
EITHER = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+")


@dataclass(frozen=True)
class Reading:
    """Notation of the cells of users' files, and the array that is read; None for what is detected.

    Attributes:
        delimiter: one character, or "tab" or "space", between the columns of text files.
        decimal: "." or ",".
        thousands: what stands between thousands: , . ' or "space"; None for nothing.
        missing: texts, and numbers, that mean a missing value, beside pandas' standard ones.
        encoding: of text files, as Python names it; None for UTF-8.
        array: name of the array of points in an NPZ or safetensors file; None for ``x``.
        names: columns that name points or sets; in text files, ``007`` stays apart from ``7``.
    """

    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    missing: Sequence[str] = ()
    encoding: str | None = None
    array: str | None = None
    names: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.delimiter is not None and self.delimiter not in NAMES and len(self.delimiter) != 1:
            raise ValueError(f"delimiter={self.delimiter!r}: accepted are one character, 'tab' and 'space'")
        if self.decimal not in (None, ".", ","):
            raise ValueError(f"decimal={self.decimal!r}: accepted are '.' and ','")
        if self.thousands not in (None, ",", ".", "'", "’", " ", "space") or (
            self.thousands is not None and self.thousands == self.decimal
        ):
            raise ValueError(
                f"thousands={self.thousands!r}: accepted are , . ' and 'space', but not the decimal mark"
            )


def read_text(path: Path, reading: Reading) -> tuple[pd.DataFrame, str]:
    """Read a table from a text file, which may be packed by gzip; also what its decimal mark is.

    A warning tells of a delimiter or decimal mark that was detected and is not the usual one.

    Raises:
        UnicodeError, LookupError: its encoding is another one, or there is none of that name.
        ValueError: its rows are longer than the first line, or that does not name the columns.
    """
    encoding = reading.encoding or "utf-8"
    told, sample = reading.delimiter, _sample(path, encoding)
    if "\0" in sample:
        raise ValueError(
            "it holds NUL characters: accepted is text without; its encoding may be utf-16-le or utf-16-be"
        )
    if MARKUP.match(sample):
        raise ValueError("it is HTML, XML or JSON: accepted are tables with a line for each row")
    says = SEPARATOR.match(sample)
    if says:
        sample = sample[says.end() :]
    detected = detect_delimiter(sample) if says is None else says[1]
    delimiter = detected if told is None else NAMES.get(told, told)
    decimal = reading.decimal or ("," if reading.thousands == "." else ".")
    skipped = int(says is not None)
    table = _parse(path, delimiter, decimal, encoding, skipped, reading.names)
    unsaid = reading.decimal is None and reading.thousands is None
    cells = table.drop(columns=[name for name in table.columns if str(name).strip() in reading.names])
    if unsaid and delimiter != "," and _has_decimal_commas(cells):
        decimal = ","
        table = _parse(path, delimiter, decimal, encoding, skipped, reading.names)
    check_one_column(table, set(DELIMITERS) - {delimiter})
    notes = []
    if told is None and delimiter != ",":
        shown = {"\t": "tabs", WHITE_SPACE: "white space"}.get(delimiter, f"{delimiter!r}")
        notes.append(f"its columns are separated by {shown}")
    if unsaid and decimal == ",":
        notes.append("its decimal mark is ','")
    if notes:
        warnings.warn(f"{path}: as detected, {' and '.join(notes)}", UserWarning, stacklevel=2)
    warn_of_numbers(table, path)
    if unsaid and delimiter == ";" and decimal == ".":
        for name, cell in _thousands_by_points(sample, delimiter):
            if name in reading.names:
                continue
            warnings.warn(
                f"{path}: the points in column {name!r} were taken for decimal marks, as in {cell}: "
                "--thousands . if they stand between thousands",
                UserWarning,
                stacklevel=2,
            )
    return table, decimal


def detect_delimiter(sample: str) -> str:
    """Return the delimiter by the rule of this module; ``sample`` has whole lines."""
    scores = {}
    for mark in DELIMITERS:
        rows = _rows(sample, mark)
        if rows and len(rows[0]) > 1:
            as_many = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
            scores[mark] = (as_many, _share_of_numbers(rows[1:]))
    if scores:
        return max(scores, key=lambda mark: scores[mark])
    rows = [line.split() for line in sample.splitlines() if line.strip()]
    table = len(rows) > 1 and len(rows[0]) > 1 and len({len(row) for row in rows}) == 1
    return WHITE_SPACE if table and _share_of_numbers(rows[1:]) >= NUMBERS else ","


def normalise(table: pd.DataFrame, decimal: str, reading: Reading) -> pd.DataFrame:
    """Empty the cells that mean missing, and write numbers with a point, and nothing between thousands.

    Raises:
        ValueError: a number has a point where the decimal mark is a comma.
    """
    thousands = THOUSANDS.get(reading.thousands or "", reading.thousands)
    if not reading.missing and thousands is None and decimal == ".":
        return table
    numbers = [number for number in map(as_number, reading.missing) if number is not None]
    columns = []
    for place, name in enumerate(table.columns):
        column = table.iloc[:, place]
        of_kinds = pd.api.types.is_bool_dtype(column.dtype) or isinstance(column.dtype, pd.CategoricalDtype)
        if of_kinds or name in reading.names:
            pass
        elif pd.api.types.is_numeric_dtype(column.dtype):
            column = column.mask(column.isin(numbers)) if numbers else column
        elif column.dtype.kind == "M":
            column = column.mask([_means(str(moment), reading.missing) for moment in column])
        elif column.dtype == object or pd.api.types.is_string_dtype(column.dtype):
            column = _normalise_texts(column, name, decimal, thousands, reading.missing)
        columns.append(column)
    return pd.concat(columns, axis=1) if columns else table


def _normalise_texts(
    column: pd.Series, name: object, decimal: str, thousands: str | None, missing: Sequence[str]
) -> pd.Series:
    column = column.map(lambda cell: None if isinstance(cell, str) and _means(cell, missing) else cell)
    present = column.dropna().tolist()
    texts = all(isinstance(cell, str) for cell in present)
    if not texts or not (are_meant_as_numbers(present) or common_unit(present) is not None):
        return column
    mark = "" if thousands is None else thousands
    whole = rf"\d+|\d{{1,3}}(?:{re.escape(mark)}\d{{2,3}})*{re.escape(mark)}\d{{3}}" if mark else r"\d+"
    written = re.compile(
        rf"[+-]?(?:(?:{whole})(?:{re.escape(decimal)}\d*)?|{re.escape(decimal)}\d+)(?:[eE][+-]?\d+)?"
    )

    cells = column.tolist()
    for row, cell in enumerate(cells):
        if not isinstance(cell, str):
            continue
        before, text, after = split_unit(cell)
        text = text.strip().translate(MINUS)
        text = NARROW.sub(" ", text) if mark == " " else text
        if written.fullmatch(text):
            number = (text.replace(mark, "") if mark else text).replace(decimal, ".")
            cells[row] = f"{before} {number} {after}".strip()
        elif decimal == "," and as_number(text) is not None and "." in text:
            raise ValueError(
                f"data row {row + 1}, column {name!r} holds {cell!r}: accepted with the decimal mark ',' are "
                "numbers such as 1234,5, and 1.234,5 if '.' is between thousands"
            )
    column = pd.Series(cells, index=column.index, name=name, dtype=object)
    values = [as_number(cell) if isinstance(cell, str) else np.nan for cell in column.tolist()]
    return column if None in values else pd.Series(values, index=column.index, name=name, dtype=np.float64)


def _means(cell: str, missing: Sequence[str]) -> bool:
    """Return True if a cell is a text that means missing, or midnight of a day that does."""
    return cell.strip() in missing or MIDNIGHT.sub("", cell.strip()) in missing


def _sample(path: Path, encoding: str) -> str:
    """Return whole lines from the beginning of a text file."""
    if path.suffix.lower() == ".gz":
        with gzip.open(path, "rt", encoding=encoding, newline="") as file:
            text = file.read(SAMPLE)
    else:
        with path.open("rt", encoding=encoding, newline="") as file:
            text = file.read(SAMPLE)
    text = text.removeprefix("\ufeff")
    cut = text.rfind("\n") + 1
    return text[:cut] if len(text) == SAMPLE and cut else text


def _rows(sample: str, delimiter: str) -> list[list[str]]:
    """Return the cells of each line that is not empty."""
    try:
        return [row for row in csv.reader(io.StringIO(sample), delimiter=delimiter) if row]
    except csv.Error:
        return []


def _share_of_numbers(rows: list[list[str]]) -> float:
    cells = [cell for row in rows for cell in row]
    return sum(map(looks_like_number, cells)) / max(1, len(cells))


def _thousands_by_points(sample: str, delimiter: str) -> Iterator[tuple[str, str]]:
    """Find columns whose numbers may have points between thousands; each with such a number."""
    names, *rows = _rows(sample, delimiter) or [[]]
    for name, *cells in zip(names, *(row for row in rows if len(row) == len(names)), strict=True):
        held = {cell.strip() for cell in cells} - {""}
        points = [cell for cell in held if "." in cell]
        if len(points) >= COUNTED and all(map(POINTS.fullmatch, held)):
            yield name.strip(), min(points)


def _parse(
    path: Path, delimiter: str, decimal: str, encoding: str, skipped: int, names: Sequence[str]
) -> pd.DataFrame:
    read = partial(
        pd.read_csv,
        path,
        sep=delimiter,
        decimal=decimal,
        encoding=encoding,
        compression="gzip" if path.suffix.lower() == ".gz" else None,
        index_col=False,
        skipinitialspace=True,
        low_memory=False,
        skiprows=skipped,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # rows that are longer than the first line
        try:
            of_names = [name for name in read(nrows=0).columns if name.strip() in names] if names else []
            table = read(dtype=dict.fromkeys(of_names, str))
        except pd.errors.ParserWarning:
            raise ValueError(f"rows have more cells than the first line: {HEADER}") from None
        except pd.errors.ParserError as error:
            raise ValueError(_not_parsed(str(error))) from None
    check_header(table)
    return table.assign(**{name: _names(pd.Series(table[name])) for name in of_names})


def _names(texts: pd.Series) -> pd.Series:
    """Return names as integers if they all are written as such, without a zero in front; else as texts."""
    texts = texts.str.strip()
    whole = texts.str.fullmatch(r"0|-?[1-9]\d{0,17}").fillna(False).astype(bool)
    return texts.astype(np.int64) if whole.all() else texts


def _not_parsed(error: str) -> str:
    """Return the message of pandas' parser in plain words."""
    longer, unclosed = LONGER.search(error), UNCLOSED.search(error)
    if longer:
        return f"line {longer[2]} has {longer[3]} cells, and those above it {longer[1]}: {HEADER}"
    if unclosed:
        return (
            f"a quotation mark is opened in row {int(unclosed[1]) + 1} and never closed: accepted are pairs"
        )
    return error


def _has_decimal_commas(table: pd.DataFrame) -> bool:
    """Find numbers that can only be read with a decimal comma, in a table without any point in a number."""
    found = False
    for name in table.columns:
        column = table[name].dropna()
        if column.dtype.kind == "f" and np.any(column % 1 != 0):
            return False
        if column.dtype == object or pd.api.types.is_string_dtype(column.dtype):
            texts = [cell for cell in column.unique().tolist() if isinstance(cell, str)]
            cells = [split_unit(text)[1].strip().translate(MINUS) for text in texts]
            found |= any(COMMA_DECIMAL.fullmatch(cell) and not EITHER.fullmatch(cell) for cell in cells)
            if any("." in cell and as_number(cell) is not None for cell in cells) and not found:
                return False
    return found
