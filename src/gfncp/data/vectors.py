"""Vectors in cells: lists and arrays of numbers, and the text that CSV files hold instead of them."""

import re

import numpy as np
from jaxtyping import Float

WRITTEN = re.compile(r"\[([^\[\]]*)\]|\(([^()]*)\)")


def holds_vector(value: object) -> bool:
    """Recognise a list, a tuple, an array, or the text of one: "[0.1, 2]", "(0.1, 2)", "[0.1 2.]"."""
    if isinstance(value, str):
        return len(as_vector(value)) > 1
    return isinstance(value, list | tuple | np.ndarray)


def as_vector(value: object) -> Float[np.ndarray, "numbers"]:
    """Return the numbers of a cell; an empty array where it does not hold numbers alone."""
    if isinstance(value, str):
        written = WRITTEN.fullmatch(value.strip())
        value = (written[1] or written[2] or "").replace(",", " ").split() if written else []
    try:
        found = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        return np.empty(0)
    return found if found.ndim == 1 else np.empty(0)
