"""Tables as numbers: missing values filled in, categories turned into coordinates.

- Columns of numbers are taken as they are, dates as days, and vectors as a coordinate for each of their
  numbers; a missing value is replaced by the median of its column, or by 0 where an array has none.
- Columns of booleans, of categories and of text are categorical. Two values become one coordinate, in which
  they lie ``step`` apart: two standard deviations of a typical numeric column (their median; 1 if there is
  none), as a balanced binary column has half its step as its standard deviation (Gelman. Scaling Regression
  Inputs by Dividing by Two Standard Deviations. Statistics in Medicine 27, 2008). More values become a
  coordinate each, all of them equally far apart. A missing or unknown value gets the mean of the coordinates.
- A column of K kinds counts like one column, whatever K is: kinds that are equally frequent have the mean
  squared distance ``step^2 / 2`` of a balanced flag, so two of them lie ``step sqrt(K / (2 (K - 1)))`` apart.
  Where coordinates are standardised, which gives each the same variance, each counts ``1 / K``.
- Numeric columns of two values are flags: they are read as numbers, and count like categories. Flags and
  truth values that are the one-hot code of a category (`gfncp.data.one_hot`) count together like that one.
- Where there are other columns, too, each of these columns counts a tenth of a number in squared distances
  (`categorical_weight`): otherwise the two values of a flag that says nothing, as far apart as clusters are,
  cut every cluster in two.
- Columns that name the rows are left out. See `gfncp.data.column_uses` for what is taken as what.

Numeric columns come first, in their order.
"""

import json
import shlex
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Shaped

from gfncp.data.cells import PANDAS, Advice, as_number
from gfncp.data.codes import few_values
from gfncp.data.column_uses import TRUTH, Column, use_of
from gfncp.data.dates import in_days
from gfncp.data.magnitudes import orders_of_magnitude
from gfncp.data.one_hot import block_sizes
from gfncp.data.outliers import NONE, Outliers, outliers
from gfncp.data.sentinels import Sentinel, sentinels
from gfncp.data.vectors import as_vector

Table = Shaped[np.ndarray, "points columns"] | pd.DataFrame


@dataclass(frozen=True, eq=False)
class Columns:
    """Map from the columns of a table to coordinates: learned from one table, applied to others.

    Attributes:
        used: what each column of the table is used as.
        fill: what replaces missing values, a number for each coordinate of numbers.
        shares: share of each value, by the place of the categorical column.
        step: distance of the two values of a categorical column that has no more.
    """

    used: Sequence[Column]
    fill: Sequence[float]
    shares: Mapping[int, Mapping[str, float]]
    step: float

    @classmethod
    def of(cls, table: Table, advice: Advice = PANDAS) -> "Columns":
        """Learn from a table.

        Args:
            advice: what messages say can be done.

        Raises:
            ValueError: a value is not what its column holds otherwise, is infinite, or a column has too many
                categories; or no column is left, or no value is there.
            TypeError: a value is neither a number nor text.
        """
        frame, titles = _frame(table)
        if isinstance(table, np.ndarray) and table.dtype.kind in "iuf":
            used = [Column(title, "number") for title in titles]
        else:
            named = isinstance(table, pd.DataFrame)
            names = table.columns if named else frame.columns
            used = [
                use_of(frame[place], name, title, named, advice)
                for place, (name, title) in enumerate(zip(names, titles, strict=True))
            ]
        _check_some_left(used)
        shares = {place: _shares(frame[place]) for place, each in enumerate(used) if each.used == "category"}
        values = _numbers(frame, titles, used)
        missing = np.isnan(values)
        if missing.all() and not shares:
            raise ValueError("X: all values are missing: accepted is at least one number")
        counts = _gaps(used, missing)
        counts |= {place: int(frame[place].isna().sum()) for place in shares}
        apart, flags = _sentinels(used, values), _flags(used, values)
        far = _outliers(used, values, apart)
        spans = dict(zip(_places(used), orders_of_magnitude(values), strict=True))
        codes = dict(zip(_places(used), few_values(values), strict=True))
        blocks = _blocks(frame, used, values, flags)
        used = [
            replace(
                each,
                block=blocks[place],
                values=codes[place] if each.used == "number" and place not in flags else 0,
                orders=spans[place] if each.used == "number" else 0,
                used="flag" if place in flags else each.used,
                missing=counts.get(place, 0),
                sentinels=apart.get(place, ()),
                outliers=far.get(place, each.outliers),
            )
            for place, each in enumerate(used)
        ]
        values = np.where(missing.all(0), 0.0, values)
        with np.errstate(over="ignore", invalid="ignore"):  # of numbers near the end of float64
            spread = np.nanstd(values, axis=0)
            medians = np.nanmedian(values, axis=0)
        varied = spread[(spread > 0) & np.isfinite(spread)]
        typical = float(np.median(varied)) if len(varied) else 1.0
        return cls(used, medians.tolist(), shares, 2 * typical)

    def apply(self, table: Table) -> Float[np.ndarray, "points coordinates"]:
        """Return the coordinates of a table; warn of values that are missing or unknown.

        Raises:
            ValueError: a value is not a finite number where the table learned from has numbers.
        """
        frame, titles = _frame(table)
        numbers = _numbers(frame, titles, self.used)
        missing = np.isnan(numbers)
        parts = [np.where(missing, np.array(self.fill), numbers)]
        gaps = {titles[place]: count for place, count in _gaps(self.used, missing).items() if count}
        empty = missing.all(1)
        for place, shares in self.shares.items():
            texts = _texts(frame[place])
            parts.append(self.step * _coordinates(texts, shares) / _nearer(self.used[place].block))
            unknown = sum(text not in shares for text in texts)
            gaps |= {titles[place]: unknown} if unknown else {}
            empty &= [text not in shares for text in texts]
        if gaps:
            where = ", ".join(f"{count} in {title}" for title, count in list(gaps.items())[:10])
            more = f" and {len(gaps) - 10} more columns" if len(gaps) > 10 else ""
            warnings.warn(
                f"X lacks values ({where}{more}): replaced by the median of the column, for categories by "
                f"the mean of their coordinates{_nothing_known(empty)}",
                UserWarning,
                stacklevel=2,
            )
        return np.concatenate(parts, axis=1)

    def resolve(self, table: Table) -> pd.DataFrame:
        """Return the table as it is used: float64 and categorical columns, without what is left out.

        The number ``i`` of a vector ``v`` is the column ``v[i]``. Missing values are missing still.
        """
        frame, titles = _frame(table)
        names = [
            f"{each.name}[{part}]" if each.used == "vector" else each.name
            for each in self.used
            if each.used in NUMERIC
            for part in range(each.width)
        ]
        parts = [pd.DataFrame(_numbers(frame, titles, self.used), columns=names)]
        for place in self.shares:
            parts.append(pd.DataFrame({self.used[place].name: pd.Categorical(_texts(frame[place]))}))
        return pd.concat(parts, axis=1)

    def without_categories(self) -> "Columns":
        """Leave categories and flags out, too.

        Raises:
            ValueError: no column is left.
        """
        used = [
            Column(each.name, "left out", f"a {each.used} of weight 0") if each.used in KINDS else each
            for each in self.used
        ]
        _check_some_left(used)
        kept = zip(_places(self.used), self.fill, strict=True)
        fill = [value for place, value in kept if self.used[place].used != "flag"]
        return replace(self, used=used, fill=fill, shares={})

    def importance(self, categorical_weight: float) -> Float[np.ndarray, "2 coordinates"] | None:
        """Return how much each coordinate counts in squared distances if those of numbers count 1.

        Returns:
            A row for coordinates that are kept in their unit, and one for standardised ones; None if all
            are 1.
        """
        kinds = [self.used[place].used in KINDS for place in _places(self.used)]
        parts = [self.used[place].block for place in _places(self.used)]
        units = parts.copy()  # kinds of texts lie near each other already
        for place, shares in self.shares.items():
            width = _coordinates([], shares).shape[1]
            parts += [width * self.used[place].block] * width
            units += [1] * width
        kinds += [True] * (len(parts) - len(kinds))
        weights = np.where(kinds, 1.0 if all(kinds) else categorical_weight, 1.0)
        both = np.stack([weights / np.array(units), weights / np.array(parts)])
        return None if (both == 1).all() else both

    @property
    def mixed_units(self) -> bool:
        """Return whether there are dates, which count days, beside other columns."""
        kinds = {each.used for each in self.used} - {"left out"}
        return "date" in kinds and len(kinds) > 1

    def warn(self) -> None:
        """Warn of columns left out, dates that became numbers, unusual numbers, and likely labels."""
        left_out = [f"{each.name} ({each.why})" for each in self.used if each.used == "left out"]
        dates = [each.name for each in self.used if each.used == "date"]
        if left_out:
            warnings.warn(f"left out of X: {_listed(left_out)}", UserWarning, stacklevel=2)
        if dates:
            warnings.warn(f"dates in X became numbers, of days: {_listed(dates)}", UserWarning, stacklevel=2)
        for value, places in _by_value(self.used).items():
            warnings.warn(
                f"X: {value} stands in {_listed(places)}, unlike all other numbers: if it means missing, "
                f"put NaN there (--missing {value} on the command line)",
                UserWarning,
                stacklevel=2,
            )
        far = [each for each in self.used if each.outliers.rows]
        if far:
            said = [
                f"{each.outliers.rows} {'row' if each.outliers.rows == 1 else 'rows'} of {each.name} (up to "
                f"{each.shown(each.outliers.farthest)})"
                for each in far
            ]
            warnings.warn(
                f"X: numbers far beyond all others stand in {_listed(said)}: they count as if they were a "
                "little beyond the others; if they are errors, correct them or put NaN there",
                UserWarning,
                stacklevel=2,
            )

        wide = [f"{each.name} ({each.orders})" for each in self.used if each.orders]
        if wide:
            warnings.warn(
                f"X: numbers span orders of magnitude in {_listed(wide)}: beside the large ones, the small "
                "ones hardly differ; take logarithms where ratios matter, not differences",
                UserWarning,
                stacklevel=2,
            )
        codes = [each for each in self.used if each.values]
        if codes:
            listed = _listed([f"{each.name} ({each.values} values)" for each in codes])
            warnings.warn(
                f"X: numbers of few values cut clusters if they are codes of kinds: {listed}; if they are, "
                "say so by pandas' type 'category' (--categories "
                f"{shlex.quote(codes[0].name)} on the command line)",
                UserWarning,
                stacklevel=2,
            )
        labels = [each.name for each in self.used if each.may_be_labels]
        if labels:
            warnings.warn(
                f"X: {_listed(labels)}: clustered by, like the other columns; leave out what holds known "
                f"clusters (--label-column {shlex.quote(labels[0])} on the command line compares with them)",
                UserWarning,
                stacklevel=2,
            )

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Columns":
        held = json.loads(text)
        shares = {int(place): value for place, value in held["shares"].items()}
        used = [
            Column(
                **each
                | {"sentinels": tuple(Sentinel(*pair) for pair in each.get("sentinels", ()))}
                | {"outliers": Outliers(*each["outliers"]) if "outliers" in each else NONE}
            )
            for each in held["used"]
        ]
        return cls(used, held["fill"], shares, held["step"])


NUMERIC = ("number", "flag", "date", "vector")
KINDS = ("category", "flag")  # of columns that name kinds
FEW_ROWS = 10  # of which two values of a number mean nothing


def _listed(names: list[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _places(used: Sequence[Column]) -> list[int]:
    """Return the place of the column from which each coordinate of numbers comes."""
    return [place for place, each in enumerate(used) if each.used in NUMERIC for _ in range(each.width)]


def _check_some_left(used: Sequence[Column]) -> None:
    if all(each.used == "left out" for each in used):
        listed = "; ".join(f"{each.name}: {each.why}" for each in used[:3])
        raise ValueError(f"X: no column is left to cluster by ({listed}): accepted is at least one")


def _sentinels(
    used: Sequence[Column], values: Float[np.ndarray, "points coordinates"]
) -> dict[int, tuple[Sentinel, ...]]:
    """Find the numbers that may mean "missing", by the place of their column; in vectors, none."""
    found = zip(_places(used), sentinels(values), strict=True)
    return {place: each for place, each in found if used[place].used != "vector"}


def _outliers(
    used: Sequence[Column],
    values: Float[np.ndarray, "points coordinates"],
    apart: dict[int, tuple[Sentinel, ...]],
) -> dict[int, Outliers]:
    """Find the gross outliers that are no sentinels, by the place of their column; in vectors, none."""
    places, others = _places(used), values.copy()
    for coordinate, place in enumerate(places):
        codes = [code.value for code in apart.get(place, ())]
        others[np.isin(values[:, coordinate], codes), coordinate] = np.nan
    found = zip(places, outliers(others), strict=True)
    return {place: each for place, each in found if used[place].used != "vector"}


def _flags(used: Sequence[Column], values: Float[np.ndarray, "points coordinates"]) -> set[int]:
    """Find the columns of numbers that take exactly two values, by their place."""
    if len(values) <= FEW_ROWS:
        return set()
    low, high = np.fmin.reduce(values), np.fmax.reduce(values)
    two = ((values == low) | (values == high) | np.isnan(values)).all(0) & (low < high)
    found = zip(_places(used), two.tolist(), strict=True)
    return {place for place, each in found if each and used[place].used == "number"}


def _blocks(
    frame: pd.DataFrame,
    used: Sequence[Column],
    values: Float[np.ndarray, "points coordinates"],
    flags: set[int],
) -> list[int]:
    """Return of how many one-hot columns each column is one."""
    coordinate = {place: number for number, place in enumerate(_places(used))}
    found: list[np.ndarray | None] = []
    for place, each in enumerate(used):
        if place in flags:
            column = values[:, coordinate[place]]
            found.append(column == np.fmax.reduce(column))
        elif each.used == "category" and each.why == TRUTH:
            found.append(frame[place].fillna(False).to_numpy(dtype=bool))
        else:
            found.append(None)
    return block_sizes(found)


def _by_value(used: Sequence[Column]) -> dict[str, list[str]]:
    """Group the columns by the value that may mean "missing", each with its number of rows."""
    found: dict[str, list[str]] = {}
    for column in used:
        for value, rows in column.sentinels:
            found.setdefault(column.shown(value), []).append(f"{rows} rows of {column.name}")
    return found


def _gaps(used: Sequence[Column], missing: Bool[np.ndarray, "points coordinates"]) -> dict[int, int]:
    """Count the missing values of each column of numbers, by its place; in vectors, the most of a number."""
    counts: dict[int, int] = {}
    for place, count in zip(_places(used), missing.sum(0).tolist(), strict=True):
        counts[place] = max(count, counts.get(place, 0))
    return counts


def _frame(table: Table) -> tuple[pd.DataFrame, list[str]]:
    """Return the table with rows and columns counted from 0, and what messages call its columns."""
    if isinstance(table, pd.DataFrame):
        titles = [f"column {name!r}" for name in table.columns]
        return table.reset_index(drop=True).set_axis(range(table.shape[1]), axis=1), titles
    return pd.DataFrame(table), [f"column {place + 1}" for place in range(table.shape[1])]


def _numbers(
    frame: pd.DataFrame, titles: list[str], used: Sequence[Column]
) -> Float[np.ndarray, "points coordinates"]:
    """Return finite numbers in float64, NaN where missing; the error names the entry that is none."""
    plain = all(pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes)
    if plain and all(each.used in ("number", "flag") for each in used):
        numbers = frame.to_numpy(np.float64, na_value=np.nan)
    else:
        parts = [np.empty((len(frame), 0))]
        for place, each in enumerate(used):
            if each.used in NUMERIC:
                parts.append(_part(frame[place], titles[place], each))
        numbers = np.concatenate(parts, axis=1)
    if np.isinf(numbers).any():
        row, coordinate = np.argwhere(np.isinf(numbers))[0].tolist()
        title = titles[_places(used)[coordinate]]
        raise ValueError(_refused(row, title, numbers[row, coordinate].item()))
    return numbers


def _part(column: pd.Series, title: str, use: Column) -> Float[np.ndarray, "points width"]:
    """Return coordinates of a column of numbers, dates or vectors."""
    if use.used == "vector":
        return _vectors(column, title, use.width)
    days = in_days(column) if use.used == "date" else None
    if days is not None:
        return days[:, None]
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(np.float64, na_value=np.nan)[:, None]
    different: dict[str, float | None] = {}
    values = []
    for cell, missing in zip(column.tolist(), column.isna().tolist(), strict=True):
        if isinstance(cell, str):
            if cell not in different:
                different[cell] = as_number(cell)
            values.append(different[cell])
        else:
            values.append(np.nan if missing else as_number(cell))
    if None in values:
        row = values.index(None)
        raise ValueError(_refused(row, title, column.iloc[row]))
    return np.array(values, dtype=np.float64)[:, None]


def _vectors(column: pd.Series, title: str, length: int) -> Float[np.ndarray, "points length"]:
    rows = np.full((len(column), length), np.nan)
    for row in np.flatnonzero(column.notna()).tolist():
        value = column.iloc[row]
        vector = as_vector(value)
        if vector.shape != (length,):
            raise ValueError(
                f"X: row {row + 1}, {title} holds {value!r}: accepted are lists of {length} numbers"
            )
        rows[row] = vector
    return rows


def _refused(row: int, title: str, value: object) -> str:
    return f"X: row {row + 1}, {title} holds {value!r}: accepted are finite numbers"


def _texts(column: pd.Series) -> list[str | None]:
    pairs = zip(column.tolist(), column.isna().tolist(), strict=True)
    return [None if missing else str(value).strip() for value, missing in pairs]


def _shares(column: pd.Series) -> dict[str, float]:
    return pd.Series(_texts(column), dtype=object).value_counts(normalize=True).sort_index().to_dict()


def _nothing_known(empty: Bool[np.ndarray, "points"]) -> str:
    """Say which rows hold nothing, counted from 1."""
    rows = [str(row + 1) for row in np.flatnonzero(empty)]
    if not rows:
        return ""
    which = f"{'row' if len(rows) == 1 else 'rows'} {_listed(rows)}"
    return f"; nothing is known of {which}, whose clusters mean nothing"


def _nearer(block: int) -> float:
    """Return how much nearer the values of a one-hot column lie: its kinds are as far apart as texts."""
    return 2 * (1 - 1 / block) ** 0.5 if block > 1 else 1.0


def _coordinates(texts: list[str | None], shares: Mapping[str, float]) -> Float[np.ndarray, "points values"]:
    """Place values equally far apart: two of them at a distance of 1, K of them of sqrt(K / (2 (K - 1)))."""
    count = len(shares)
    if count <= 2:
        places = np.arange(count, dtype=np.float64)[:, None]
    else:
        places = np.eye(count) * (count / (count - 1)) ** 0.5 / 2
    mean = np.array(list(shares.values())) @ places
    known = {text: place for place, text in enumerate(shares)}
    return np.vstack([places, mean])[[known.get(text, -1) for text in texts]]
