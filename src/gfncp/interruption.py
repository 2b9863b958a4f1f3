"""What ends a long run from outside: SIGTERM, as schedulers send it before they kill."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TERMINATED = 128 + signal.SIGTERM  # exit code of a process that SIGTERM ended, as shells have it


@contextmanager
def on_termination(react: Callable[[], object]) -> Iterator[None]:
    """While it lasts, SIGTERM calls ``react`` instead of ending the process.

    Only a process' main thread can receive signals: elsewhere nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, frame: react())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
