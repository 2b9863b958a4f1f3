"""Explain the clusters of a table by the columns in which each differs most from all other points.

The effect of a column is Cohen's d: the difference between the means inside and outside of a cluster, over
the standard deviation pooled from both sides. Values of each side are first clipped to its lower quartile
minus, and its upper quartile plus, three interquartile ranges (Tukey's far fences), so that a few extreme
values decide nothing. A category is a column of zeros and ones, whose means are shares.

References:
    Cohen. Statistical Power Analysis for the Behavioral Sciences. 1988.
    Tukey. Exploratory Data Analysis. 1977.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

FENCE = 3.0  # interquartile ranges
COLUMNS = ["cluster", "size", "feature", "category", "inside", "outside", "effect"]


def describe_clusters(
    X: object, labels: Int[np.ndarray, "points"], feature_names: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return how each column sets each cluster apart from all other points, the largest effect first.

    Args:
        X: an array of numbers, or a DataFrame in which columns of booleans, categories and text are
            categorical. Missing values are left out, and so are columns of dates and lists, and of text that
            differs in every row.
        labels: the clusters; points labelled -1 are in none, but count among the others.
        feature_names: names of the columns; default: those of the DataFrame, or x0, x1, ...

    Returns:
        A row for each cluster and column, ordered by cluster and then by the size of the effect:
        ``cluster``, its ``size``, ``feature``; ``category``, the one of the largest effect, None in a column
        of numbers; ``inside`` and ``outside``, the means of both sides, of a category the shares; and
        ``effect``, Cohen's d, which is positive where ``inside`` is larger and infinite where neither side
        varies. There is no row where a side has no values, and none at all for a single cluster.

    Raises:
        ValueError: ``X`` is no table, or labels or names are not one for each row or column.
    """
    frame = _frame(X, feature_names)
    labels = np.asarray(labels)
    if labels.shape != (len(frame),):
        raise ValueError(
            f"labels has shape {labels.shape}: accepted is ({len(frame)},), one for each row of X"
        )
    rows = []
    columns = [(name, _values(frame.iloc[:, place])) for place, name in enumerate(frame.columns)]
    usable = [(name, *held) for name, held in columns if held is not None]
    for cluster in np.unique(labels[labels >= 0]).tolist():
        member = labels == cluster
        for name, values, categories in usable:
            inside, outside, effect = _effects(values[member], values[~member])
            present = np.flatnonzero(~np.isnan(effect))
            if not len(present):
                continue
            most = max(present, key=lambda place: (abs(effect[place]), effect[place]))
            category = None if categories is None else categories[most]
            numbers = (float(inside[most]), float(outside[most]), float(effect[most]))
            rows.append((cluster, int(member.sum()), name, category, *numbers))
    rows.sort(key=lambda row: (row[0], -abs(row[-1])))
    table = pd.DataFrame(rows, columns=pd.Index(COLUMNS))
    categories = pd.Series([row[3] for row in rows], dtype=object)
    return table.assign(category=categories)


def _frame(X, feature_names: Sequence[str] | None) -> pd.DataFrame:
    if np.ndim(X) != 2:
        raise ValueError(f"X has shape {np.shape(X)}: accepted are tables, (n_samples, n_features)")
    frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X)).add_prefix("x")
    if feature_names is None:
        return frame
    if len(feature_names) != frame.shape[1]:
        raise ValueError(
            f"feature_names has {len(feature_names)} entries: accepted is one for each of the "
            f"{frame.shape[1]} columns of X"
        )
    return frame.set_axis(list(feature_names), axis=1)


def _values(column: pd.Series) -> tuple[Float[np.ndarray, "points values"], list[str] | None] | None:
    """Return a column of numbers, or one of zeros and ones for each of its categories; NaN if missing.

    Text that is numbers throughout is numbers. Returns None for a column that is neither.
    """
    missing, dtype = column.isna().to_numpy(), column.dtype
    booleans = pd.api.types.is_bool_dtype(dtype)
    if pd.api.types.is_numeric_dtype(dtype) and not booleans:
        return column.to_numpy(np.float64, na_value=np.nan)[:, None], None
    if not (booleans or isinstance(dtype, pd.CategoricalDtype)):
        present = column[~missing].tolist()
        if not all(isinstance(value, str | bool | np.bool_ | int | float) for value in present):
            return None
        numbers = pd.Series(pd.to_numeric(pd.Series(present, dtype=object), errors="coerce"), dtype=float)
        if numbers.notna().all() and not all(isinstance(value, bool | np.bool_) for value in present):
            values = np.full(len(column), np.nan)
            values[~missing] = numbers
            return values[:, None], None
        if len(set(present)) == len(present):
            return None
    texts = np.array(["" if absent else str(value) for value, absent in zip(column, missing, strict=True)])
    categories = np.unique(texts[~missing])
    member = (texts[:, None] == categories).astype(np.float64)
    member[missing] = np.nan
    return member, categories.tolist()


def _effects(
    inside: Float[np.ndarray, "members values"], outside: Float[np.ndarray, "others values"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return means of both sides and Cohen's d of each column; NaN where a side has no values."""
    sides = [_moments(side) for side in (inside, outside)]
    (first, _, n), (second, _, m) = sides
    squares = sum(squares for _, squares, _ in sides)
    spread = np.sqrt(squares / np.maximum(1, n + m - 2))
    difference = first - second
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = np.where(difference == 0, 0.0, difference / spread)
    return first, second, np.where((n > 0) & (m > 0), effect, np.nan)


def _moments(side: Float[np.ndarray, "some values"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, sum of squared deviations and number of the values within the fences, by column."""
    means, squares, counts = np.full((3, side.shape[1]), np.nan)
    for place, column in enumerate(side.T):
        present = column[~np.isnan(column)]
        counts[place] = len(present)
        if len(present):
            low, high = np.quantile(present, [0.25, 0.75])
            if high > low:
                reach = FENCE * (high - low)
                present = present.clip(low - reach, high + reach)
            means[place] = present.mean()
            squares[place] = np.square(present - means[place]).sum()
    return means, squares, counts
