"""Hostile input is refused with a message; `benchmarks/fuzz.py` runs the same properties for longer."""

import importlib
import sys
from pathlib import Path

import pytest

BENCHMARKS = str(Path(__file__).parents[2] / "benchmarks")
CASES = 15
sys.path.insert(0, BENCHMARKS)
fuzz = importlib.import_module("fuzz")
sys.path.remove(BENCHMARKS)


@pytest.mark.parametrize("name", fuzz.PROPERTIES)
def test_hostile_cases_are_accepted_or_refused(name):
    outcomes = fuzz.check(name, CASES)
    assert outcomes.total() >= CASES
    assert outcomes["accepted"] < outcomes.total()


def test_anything_else_fails():
    def crash():
        raise KeyError("name")

    def say_nothing():
        raise ValueError

    with pytest.raises(KeyError):
        fuzz.outcome(crash)
    with pytest.raises(AssertionError, match="ValueError has no message"):
        fuzz.outcome(say_nothing)


def test_what_never_ends_fails(monkeypatch):
    monkeypatch.setattr(fuzz, "LIMIT", 0.05)

    def spin():
        while True:
            pass

    with pytest.raises(TimeoutError):
        fuzz.outcome(spin)
