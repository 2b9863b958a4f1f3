"""Signals that ask the processes of a run to end, which all of them then do after the same step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from signal import SIGTERM

from accelerate import Accelerator

from gfncp.training.interruption import on_termination


@contextmanager
def ended_from_outside(accelerator: Accelerator) -> Iterator[Callable[[], int | None]]:
    """Yield a function that returns the signal which asks any of the processes to end; None for no signal.

    All processes have to call it equally often.
    """
    received: list[int] = []

    def react(number: int) -> None:
        received.append(number)
        accelerator.set_trigger()

    def asked() -> int | None:
        if not accelerator.check_trigger():
            return None
        return received[0] if received else SIGTERM  # another process got it

    with on_termination(react):
        yield asked
