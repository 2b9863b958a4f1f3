"""Conversion of results to types that JSON has."""

import math
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np
from torch import Tensor


def plain(value: Any) -> Any:
    """Return a result as dicts, lists, strings and numbers; numbers that are not finite become None.

    Dataclasses and named tuples, such as `gfncp.evaluation.means.Mean`, become dicts.
    """
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, tuple) and (names := getattr(value, "_fields", None)):
        return plain(dict(zip(names, value, strict=True)))
    if isinstance(value, Tensor | np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
