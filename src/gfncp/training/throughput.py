"""Speed of a training run: sets a second, and its share of the peak of the device's matrix products."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch
from torch.utils.flop_counter import FlopCounterMode

COUNTED = 50  # iterations of which one has its operations counted, which slows it down
SIDE = 2048  # of the square matrices whose product measures the peak
PRODUCTS = 3


class Throughput:
    """Iterations, their sets and their operations, since the last report.

    Args:
        device: device of the computation.
        dtype: type of matrix products.
    """

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self.peak = peak(device, dtype)
        self.operations = 0.0  # of one iteration, the last that was counted
        self.restart()

    @contextmanager
    def iteration(self, number: int) -> Iterator[None]:
        """Time an iteration, and count the operations of some."""
        start = time.perf_counter()
        if number % COUNTED:
            yield
        else:
            with FlopCounterMode(display=False) as counter:
                yield
            self.counted.append(counter.get_total_flops())
        self.seconds += time.perf_counter() - start
        self.iterations += 1

    def report(self) -> dict[str, float]:
        """Return sets a second and the share of the peak; then start anew."""
        if self.counted:
            self.operations = sum(self.counted) / len(self.counted)
        seconds = max(self.seconds, 1e-9)
        found = {
            "sets_per_second": self.sets / seconds,
            "share_of_peak": self.operations * self.iterations / seconds / self.peak,
        }
        self.restart()
        return found

    def restart(self) -> None:
        self.seconds, self.iterations, self.sets = 0.0, 0, 0
        self.counted: list[int] = []


@cache
def peak(device: torch.device, dtype: torch.dtype) -> float:
    """Return operations a second of a large matrix product on a device, measured once by a process."""
    a = torch.ones(SIDE, SIDE, device=device, dtype=dtype)
    best = float("inf")
    for _ in range(PRODUCTS + 1):  # the first one warms up
        start = time.perf_counter()
        (a @ a)[0, 0].item()  # waits for the device
        best = min(best, time.perf_counter() - start)
    return 2 * SIDE**3 / best
