"""Arrays of NPZ files, each of which is read when it is asked for: others may be damaged, or hold objects."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Shaped


@dataclass(frozen=True)
class Archive(Mapping):  # Mapping[str, ...] has its first array read by checkers of types
    """Map from the names of the arrays in an NPZ file to the arrays.

    Attributes:
        path: the file.
        names: of all arrays in it.
    """

    path: Path
    names: tuple[str, ...]

    def __getitem__(self, name: str) -> Shaped[np.ndarray, "*shape"]:
        """Read an array.

        Raises:
            KeyError: there is none of that name.
            ValueError: it is damaged, or holds objects.
        """
        if name not in self.names:
            raise KeyError(name)
        try:
            with np.load(self.path, allow_pickle=False) as held:
                return held[name]
        except Exception as error:  # NumPy raises nearly anything on damaged files
            raise ValueError(f"cannot be read (array {name!r}: {error or type(error).__name__})") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


Arrays = dict[str, np.ndarray] | Archive
