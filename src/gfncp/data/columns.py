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
- Numeric columns of two values are flags: they are read as numbers, and count like categories, as do columns
  in which most rows hold the same number (`gfncp.data.commonest`). Flags and truth values that are the
  one-hot code of a category (`gfncp.data.one_hot`) count together like that one.
- Where there are other columns, too, each of these columns counts a tenth of a number in squared distances
  (`categorical_weight`): otherwise the two values of a flag that says nothing, as far apart as clusters are,
  cut every cluster in two.
- Columns that name the rows are left out. See `gfncp.data.column_uses` for what is taken as what.

Numeric columns come first, in their order.
"""

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Shaped

from gfncp.data.cells import PANDAS, Advice
from gfncp.data.column_notes import listed, notes_of
from gfncp.data.column_uses import CONSTANT, SPAN, Column, use_of
from gfncp.data.dates import from_days
from gfncp.data.findings import look_at
from gfncp.data.kinds import Kind, nearer, place_kinds, recognised, shares_of, texts_of
from gfncp.data.numeric import gaps, numbers_of, places
from gfncp.data.outliers import NONE, Outliers
from gfncp.data.sentinels import Sentinel

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
                use_of(frame.iloc[:, place], name, title, named, advice)
                for place, (name, title) in enumerate(zip(names, titles, strict=True))
            ]
        _check_some_left(used)
        shares = {
            place: shares_of(frame.iloc[:, place])
            for place, each in enumerate(used)
            if each.used == "category"
        }
        values = numbers_of(frame, titles, used)
        missing = np.isnan(values)
        if missing.all() and not shares:
            raise ValueError("X: all values are missing: accepted is at least one number")
        counts = gaps(used, missing)
        counts |= {
            place: recognised(frame.iloc[:, place], kinds).count(None) for place, kinds in shares.items()
        }
        used = [replace(each, missing=counts.get(place, 0)) for place, each in enumerate(used)]
        used = look_at(frame, used, values)
        values = np.where(missing.all(0), 0.0, values)
        with np.errstate(over="ignore", invalid="ignore"):  # of numbers near the end of float64
            spread = np.nanstd(values, axis=0)
            medians = np.nanmedian(values, axis=0)
        varied = spread[(spread > 0) & np.isfinite(spread)]
        typical = float(np.median(varied)) if len(varied) else 1.0
        return cls(used, medians.tolist(), shares, 2 * typical)

    def apply(self, table: Table) -> Float[np.ndarray, "points coordinates"]:
        """Return the coordinates of a table; warn of values that are missing, and of unknown kinds.

        Raises:
            ValueError: a value is not a finite number where the table learned from has numbers.
        """
        frame, titles = _frame(table)
        numbers = numbers_of(frame, titles, self.used)
        missing = np.isnan(numbers)
        parts = [np.where(missing, np.array(self.fill), numbers)]
        lacking = {titles[place]: count for place, count in gaps(self.used, missing).items() if count}
        empty = np.all(missing, axis=1)
        for place, shares in self.shares.items():
            column = frame.iloc[:, place]
            kinds = recognised(column, shares)
            parts.append(self.step * place_kinds(kinds, shares) / nearer(self.used[place].block))
            unknown = np.array([kind is None for kind in kinds])
            new = texts_of(column[unknown & column.notna().to_numpy()])
            _warn_of_new_kinds(titles[place], new)
            gone = int(unknown.sum()) - len(new)
            lacking |= {titles[place]: gone} if gone else {}
            empty &= unknown
        if lacking:
            where = ", ".join(f"{count} in {title}" for title, count in list(lacking.items())[:10])
            more = f" and {len(lacking) - 10} more columns" if len(lacking) > 10 else ""
            warnings.warn(
                f"X lacks values ({where}{more}): replaced by the median of the column, for categories by "
                f"the mean of their coordinates{_nothing_known(empty)}",
                UserWarning,
                stacklevel=2,
            )
        return np.concatenate(parts, axis=1)

    def resolve(self, table: Table) -> pd.DataFrame:
        """Return the table as it is used: numbers, dates, spans and categories, without what is left out.

        The number ``i`` of a vector ``v`` is the column ``v[i]``. Missing values are missing still.
        """
        frame, titles = _frame(table)
        numbers = numbers_of(frame, titles, self.used)
        resolved = []
        for coordinate, place in enumerate(places(self.used)):
            each, values = self.used[place], pd.Series(numbers[:, coordinate])
            part = coordinate - places(self.used).index(place)
            name = f"{each.name}[{part}]" if each.used == "vector" else each.name
            resolved.append(
                (from_days(values, each.why == SPAN) if each.used == "date" else values).rename(name)
            )
        for place, shares in self.shares.items():
            kinds = pd.Categorical(recognised(frame.iloc[:, place], shares))
            resolved.append(pd.Series(kinds, name=self.used[place].name))
        return pd.concat(resolved, axis=1)

    def complete(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a table with those columns that it lacks and that say nothing: left out, or of one value."""
        lacking = [
            (place, each)
            for place, each in enumerate(self.used)
            if (each.used == "left out" or each.why in CONSTANT) and each.name not in table.columns
        ]
        table = table.copy(deep=False) if lacking else table
        at = {place: coordinate for coordinate, place in enumerate(places(self.used))}
        for place, each in lacking:
            known = [*self.shares.get(place, ()), *([self.fill[at[place]]] if place in at else ()), None]
            table.insert(min(place, table.shape[1]), each.name, known[0])
        return table

    def without_categories(self) -> "Columns":
        """Leave out all columns that count like categories.

        Raises:
            ValueError: no column is left.
        """
        used = [
            Column(each.name, "left out", f"a {each.used} of weight 0") if each.is_weighed else each
            for each in self.used
        ]
        _check_some_left(used)
        kept = zip(places(self.used), self.fill, strict=True)
        fill = [value for place, value in kept if not self.used[place].is_weighed]
        return replace(self, used=used, fill=fill, shares={})

    def importance(self, categorical_weight: float) -> Float[np.ndarray, "2 coordinates"] | None:
        """Return how much each coordinate counts in squared distances if those of numbers count 1.

        Returns:
            A row for coordinates that are kept in their unit, and one for standardised ones; None if all
            are 1.
        """
        kinds = [self.used[place].is_weighed for place in places(self.used)]
        parts = [self.used[place].block for place in places(self.used)]
        units = parts.copy()  # kinds of texts lie near each other already
        for place, shares in self.shares.items():
            width = place_kinds([], shares).shape[1]
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
        """Warn of all that `gfncp.data.column_notes` points out."""
        for note in notes_of(self.used):
            warnings.warn(note, UserWarning, stacklevel=2)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Columns":
        held = json.loads(text)
        shares = {int(place): value for place, value in held["shares"].items()}
        used = [
            Column(
                **each
                | {name: tuple(each[name]) for name in ("spellings", "unit") if name in each}
                | {"sentinels": tuple(Sentinel(*pair) for pair in each.get("sentinels", ()))}
                | {"outliers": Outliers(*each["outliers"]) if "outliers" in each else NONE}
            )
            for each in held["used"]
        ]
        return cls(used, held["fill"], shares, held["step"])


def _check_some_left(used: Sequence[Column]) -> None:
    if all(each.used == "left out" for each in used):
        reasons = "; ".join(f"{each.name}: {each.why}" for each in used[:3])
        raise ValueError(f"X: no column is left to cluster by ({reasons}): accepted is at least one")


def _frame(table: Table) -> tuple[pd.DataFrame, list[str]]:
    """Return the table with rows and columns counted from 0, and what messages call its columns."""
    if isinstance(table, pd.DataFrame):
        titles = [f"column {name!r}" for name in table.columns]
        frame = table.reset_index(drop=True).set_axis(range(table.shape[1]), axis=1)
    else:
        titles = [f"column {place + 1}" for place in range(table.shape[1])]
        frame = pd.DataFrame(table)
    for place, column in frame.items():  # text of nothing but spaces says nothing
        if column.dtype == object or pd.api.types.is_string_dtype(column.dtype):
            blank = [isinstance(cell, str) and not cell.strip() for cell in column.tolist()]
            if any(blank):
                frame[place] = column.mask(np.array(blank))
    return frame, titles


def _warn_of_new_kinds(title: str, cells: Sequence[Kind]) -> None:
    """Warn of the cells of a column that name kinds which are not known from `fit`, if there are any."""
    if cells:
        named = listed(sorted(set(map(str, cells))))
        warnings.warn(
            f"X: {title} holds kinds that were not there in fit ({named}), {len(cells)} times in all: "
            "they count like missing values",
            UserWarning,
            stacklevel=3,
        )


def _nothing_known(empty: Bool[np.ndarray, "points"]) -> str:
    """Return a note on the rows without any value, counted from 1; empty if there are none."""
    rows = [str(row + 1) for row in np.flatnonzero(empty)]
    if not rows:
        return ""
    which = f"{'row' if len(rows) == 1 else 'rows'} {listed(rows)}"
    return f"; nothing is known of {which}, whose clusters mean nothing"
