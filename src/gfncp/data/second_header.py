"""A first row that names the columns again, as survey tools write their questions below short names."""

import warnings

import pandas as pd

LEAST = 2  # columns of texts that repeat: in one, a first text that does not is no accident


def warn_of_second_header(table: pd.DataFrame, name: str) -> None:
    """Warn of a first row whose texts stand nowhere else, where all other texts repeat.

    Args:
        name: of the file.
    """
    texts = [
        table.iloc[:, place].dropna()
        for place, dtype in enumerate(table.dtypes)
        if pd.api.types.is_object_dtype(dtype) or pd.api.types.is_string_dtype(dtype)
    ]
    repeated = [column for column in texts if len(column) and column.duplicated(keep=False).any()]
    if len(repeated) >= LEAST and all(_is_alone(column, table.index[0]) for column in repeated):
        shown = ", ".join(repr(str(column.iloc[0])[:40]) for column in repeated[:LEAST])
        warnings.warn(
            f"{name}: the first row seems to name the columns again ({shown}): remove it if it is no point",
            UserWarning,
            stacklevel=2,
        )


def _is_alone(column: pd.Series, first: object) -> bool:
    """Return True if a column has a text in the first row, the only one that does not repeat."""
    alone = ~column.duplicated(keep=False)
    return bool(column.index[0] == first and alone.iloc[0] and alone.sum() == 1)
