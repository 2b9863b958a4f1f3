"""Caches for what takes long to make and is asked for again and again."""

import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """Cache of the last value that was made, with its key; copies and pickles start empty."""

    def __init__(self) -> None:
        self._held: tuple[object, Value] | None = None

    def get(self, key: object, make: Callable[[], Value]) -> Value:
        """Return the value for a key, made anew if the last one was for another."""
        held = self._held
        if held is None or held[0] != key:
            held = self._held = (key, make())
        return held[1]

    def __reduce__(self):
        return Kept, ()


class KeptByArray(Generic[Value]):
    """Cache of a value for each array, for as long as the array exists; copies and pickles start empty."""

    def __init__(self) -> None:
        self._held: dict[int, tuple[weakref.ref, Value]] = {}

    def get(self, array: np.ndarray, make: Callable[[], Value]) -> Value:
        """Return the value for an array, made if there is none; the array must not change."""
        held, key = self._held, id(array)  # which is the array's own while it exists
        if key not in held:
            held[key] = weakref.ref(array, lambda _: held.pop(key)), make()
        return held[key][1]

    def __reduce__(self):
        return KeptByArray, ()
