"""Logarithms of columns whose ratios matter, not their differences, as those of amounts of money do."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from gfncp.data.column_uses import Column
from gfncp.data.outliers import NONE

TAKEN = "logarithms"  # said of such a column


def take_logarithms(
    table: pd.DataFrame, used: Sequence[Column], names: Sequence[str]
) -> tuple[pd.DataFrame, list[Column]]:
    """Return a table with the decimal logarithms of some columns, and what each is used as then.

    A zero, which has none, counts as half of the smallest number above it.

    Raises:
        ValueError: one of the columns is not one of numbers, or holds a number below zero.
    """
    of_name = {each.name: each for each in used}
    table = table.copy(deep=False)
    for name in names:
        if name not in of_name or of_name[name].used not in ("number", "flag"):
            held = of_name[name].used if name in of_name else "another role"
            raise ValueError(
                f"log={list(names)}: accepted are columns of numbers, {name!r} is used as {held}"
            )
        column = table[name]
        negative = np.flatnonzero((column < 0).to_numpy())
        if len(negative):
            row = int(negative[0])
            raise ValueError(
                f"X: row {row + 1}, column {name!r} holds {column.iloc[row]:g}: accepted for logarithms are "
                "numbers from 0"
            )
        table[name] = np.log10(column.mask(column == 0, column[column > 0].min() / 2))
    plain = {"why": TAKEN, "orders": 0, "outliers": NONE, "sentinels": (), "same": 0.0}
    return table, [replace(each, **plain) if each.name in names else each for each in used]
