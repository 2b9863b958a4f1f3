"""Imports of large packages in less time."""

import gc
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def without_collection(loaded: Mapping[str, object] = sys.modules) -> Iterator[None]:
    """Keep Python from searching for garbage while PyTorch and what goes with it are imported.

    Modules make hundreds of thousands of objects that stay: searching these again and again is a tenth of a
    short command's time. They are left out of later searches, too. Nothing is done if PyTorch is there.

    Args:
        loaded: modules by name.
    """
    if "torch" in loaded or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
