"""Cache of one value, for what takes long to make and is asked for again and again."""

from collections.abc import Callable
from typing import Generic, TypeVar

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
