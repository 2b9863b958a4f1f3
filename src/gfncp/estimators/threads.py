"""Number of threads that compute, by scikit-learn's convention for ``n_jobs``."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TypeVar, cast

import numpy as np
import torch

Method = TypeVar("Method", bound=Callable)


@contextmanager
def threads(n_jobs: object) -> Iterator[None]:
    """Let PyTorch compute with ``n_jobs`` threads, and afterwards with as many as before.

    The number is one for the whole process: other Python threads compute with it too.

    Args:
        n_jobs: None changes nothing; negative numbers count from the cores, of which -1 takes all.

    Raises:
        ValueError: ``n_jobs`` is 0, or neither None nor an integer.
    """
    if n_jobs is None:
        yield
        return
    if not isinstance(n_jobs, int | np.integer) or n_jobs == 0:
        raise ValueError(f"n_jobs={n_jobs!r}: accepted are None and integers but 0, such as -1 for all cores")
    before = torch.get_num_threads()
    torch.set_num_threads(int(n_jobs) if n_jobs > 0 else max(1, _cores() + 1 + int(n_jobs)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def with_n_jobs(method: Method) -> Method:
    """Let a method compute with as many threads as its object's ``n_jobs`` says."""

    @wraps(method)
    def limited(self, *arguments, **named):
        with threads(self.n_jobs):
            return method(self, *arguments, **named)

    return cast(Method, limited)
