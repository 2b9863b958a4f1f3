"""Schedules: functions of the share of training that is done, from 0 to 1."""

import math


def cosine(first: float, last: float, done: float) -> float:
    """Return the value at ``done`` on half a cosine from ``first`` to ``last``."""
    return last + (first - last) * (1 + math.cos(math.pi * done)) / 2


def ramp(done: float, start: float, end: float) -> float:
    """Return 0 before ``start``, 1 after ``end``, linear between."""
    return min(max((done - start) / (end - start), 0.0), 1.0)
