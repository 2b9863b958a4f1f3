"""Signals that end a long run: SIGTERM, as schedulers send it before they kill, and Ctrl-C (SIGINT)."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = signal.SIGTERM, signal.SIGINT


def exit_code(number: int) -> int:
    """Return the exit code that shells give a process which a signal ended."""
    return 128 + number


@contextmanager
def on_termination(react: Callable[[int], object]) -> Iterator[None]:
    """Let SIGTERM and SIGINT call ``react`` with their number, and not end the process, within the context.

    A second Ctrl-C ends it at once. Only a process' main thread can receive signals: elsewhere nothing
    changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: object) -> None:
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        react(number)

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def stopping_at_once(say: Callable[[], object]) -> Iterator[None]:
    """Let SIGTERM and SIGINT call ``say`` before they end the process; see `exit_code`."""

    def stop(number: int) -> None:
        say()
        raise SystemExit(exit_code(number))

    with on_termination(stop):
        yield
