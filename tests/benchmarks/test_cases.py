"""Test how the benchmark of users' cases judges what it observes."""

import importlib
import warnings

import numpy as np
import pytest

from gfncp.checkpoints import DEFAULT


@pytest.fixture
def checks(import_benchmark):
    return import_benchmark("cases_checks")


@pytest.fixture
def cases(import_benchmark):
    return import_benchmark("cases")


def refuse(text):
    raise ValueError(text)


def test_messages_have_to_say_all_that_is_expected(checks):
    assert checks.refuses(lambda: refuse("row 1\n holds x"), "row 1 holds", "x$").met
    missed = checks.refuses(lambda: refuse("row 1"), "row 1", "column")
    assert missed.met is False and missed.observed == "row 1; lacks says column"
    assert checks.refuses(lambda: None, "row").observed == "accepted"
    assert checks.warns(lambda: warnings.warn("one", stacklevel=1), "one").met
    assert not checks.warns(lambda: None, "one").met


def test_clusterings_are_judged_by_agreement(checks):
    labels = np.array([0, 0, 1, 1])
    assert checks.recovers(1 - labels, labels, 0.95).met and checks.same(1 - labels, labels).met
    assert not checks.recovers(np.zeros(4, int), labels, 0.5).met
    good, bad = checks.holds("a", 1, True), checks.holds("b", 2, False)
    assert checks.all_of(good, good) == checks.Outcome("a", "1", True)
    assert checks.all_of(bad, good) == checks.Outcome("b; a", "2", False)


def test_every_case_has_an_outcome(cases, checks):
    def broken(place):
        raise RuntimeError("oh")

    def lacking(place):
        importlib.import_module("no_such_module")

    assert cases.run(broken, DEFAULT, 0) == checks.Outcome("no error", "RuntimeError: oh", False)
    assert cases.run(lacking, DEFAULT, 0).met is None
    assert len({name for group in cases.GROUPS.values() for name in group}) == sum(
        map(len, cases.GROUPS.values())
    )


@pytest.mark.parametrize("how", ["semicolon", "tab", "white space", "gz", "Parquet of lists", "NPZ"])
def test_cases_that_only_read_are_met(cases, how):
    assert cases.run(cases.GROUPS["A1"][how], DEFAULT, 0).met
