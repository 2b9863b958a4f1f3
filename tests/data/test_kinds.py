"""Kinds that texts name: which spellings are one, what a tick is, and lists of kinds."""

import numpy as np
import pandas as pd
import pytest

from gfncp.data.columns import Columns
from gfncp.data.kinds import folded, is_tick, several

X = np.random.default_rng(0).normal(size=(24, 2))


def table(cells) -> pd.DataFrame:
    cells = [*cells] * (len(X) // len(cells))
    return pd.DataFrame(X, columns=["a", "b"]).assign(kind=pd.Series(cells))


@pytest.mark.parametrize(
    "cells",
    [
        ["Male", "male", " MALE ", "female"],
        ["New York", "New\u00a0York", "new  york", "Boston"],
        ["Zoe\u0308", "Zo\u00eb", "zoë", "Ann"],
        ["Rome", "Rome\u200b", "\ufeffRome", "Oslo"],
        ["oui", "OUI", "Oui", "non"],
    ],
)
def test_spellings_of_one_kind_count_as_it_and_a_note_says_so(cells):
    one = table([cells[0], cells[0], cells[0], cells[3]])
    columns, expected = Columns.of(table(cells)), Columns.of(one)
    assert columns.used[2].why == "2 values"
    with pytest.warns(UserWarning, match="spellings were taken for one kind in kind"):
        columns.warn()
    numbers = np.abs(columns.apply(table(cells)) - expected.apply(one)).max(0)
    flipped = np.abs(columns.apply(table(cells))[:, 2] + expected.apply(one)[:, 2] - columns.step).max()
    assert numbers[:2].max() == 0 and min(numbers[2], flipped) < 1e-12  # which of two is first is no matter
    assert np.array_equal(
        columns.apply(table(cells)), Columns.from_json(columns.to_json()).apply(table(cells))
    )


def test_later_spellings_are_recognised():
    columns = Columns.of(table(["Male", "female"]))
    assert np.array_equal(columns.apply(table([" MALE", "Female"])), columns.apply(table(["Male", "female"])))


@pytest.mark.parametrize("fitted", [[True, False], ["yes", "No"], ["1", "0"]])
@pytest.mark.parametrize("later", [[True, False], ["Yes", "no"], [1, 0], [1.0, 0.0], ["TRUE", "false"]])
def test_yes_and_no_are_recognised_in_other_words(fitted, later):
    known = table(fitted).astype({"kind": "category"})
    columns = Columns.of(known)
    np.testing.assert_array_equal(columns.apply(table(later)), columns.apply(known))


def test_new_kinds_count_like_missing_ones_and_are_named():
    columns = Columns.of(table(["a", "b", "a"]))
    with pytest.warns(UserWarning, match=r"'kind' holds kinds that were not there in fit \(palm\), 16 times"):
        found = columns.apply(table(["a", "palm", "palm"]))
    with pytest.warns(UserWarning, match=r"X lacks values \(16 in column 'kind'\)"):
        np.testing.assert_array_equal(found, columns.apply(table(["a", None, None])))


@pytest.mark.parametrize("cells", [["AA", "Aa", "aa"], ["a", "A"]])
def test_kinds_that_would_all_be_one_stay_apart(cells):
    assert Columns.of(table(cells)).used[2].why == f"{len(cells)} values"


def test_categories_that_are_declared_stay_apart():
    found = Columns.of(table(["A", "a", "B"]).astype({"kind": "category"}))
    assert found.used[2].why == "3 values" and not found.used[2].spellings
    assert Columns.of(table(["A", "a", "B"])).used[2].spellings == ("'A' = 'a'",)


def test_folding_twice_changes_nothing():
    for text in ("  ß ", "İ", "ﬁn", "\u200b", "Ω"):
        assert folded(folded(text)) == folded(text)


@pytest.mark.parametrize("tick", ["x", 1, 1.0, True, "Yes"])
@pytest.mark.parametrize("missing", [None, np.nan])
def test_a_value_or_nothing_says_yes_or_no(tick, missing):
    held, said = table([tick, missing, missing]), table([True, False, False])
    columns = Columns.of(held)
    assert columns.used[2].used == "category" and columns.used[2].why.endswith(" or nothing")
    assert columns.used[2].missing == 0
    gap, expected = (
        np.abs(np.diff(np.sort(each[:, 2]))).max()
        for each in (columns.apply(held), Columns.of(said).apply(said))
    )
    assert gap == expected > 0


def test_what_is_mostly_there_or_once_is_no_tick():
    assert not is_tick(pd.Series([7.0] * 23 + [None]))
    assert not is_tick(pd.Series(["once"] + [None] * 23))
    assert not is_tick(pd.Series(["x", None] * 4))
    assert not is_tick(pd.Series(["x", "y", None] * 8))


def test_lists_of_kinds_are_pointed_out():
    assert several(["red", "blue", "red;blue"]) == "red;blue"
    assert several(["Red, blue", "blue, green", "green, red"]) == "Red, blue"
    assert several(["red", "blue"]) == several(["Smith, John", "Doe, John"]) == several([]) == ""
    with pytest.warns(
        UserWarning, match=r"combination was taken for a kind of its own in kind .*get_dummies"
    ):
        Columns.of(table(["red", "blue", "red|blue"])).warn()


@pytest.mark.parametrize("blank", ["", "  ", "\t"])
def test_blank_texts_are_missing(blank):
    columns = Columns.of(table(["u", "v", blank]))
    with pytest.warns(UserWarning, match="8 in column 'kind'"):
        found = columns.apply(table(["u", "v", blank]))
    with pytest.warns(UserWarning, match="8 in column 'kind'"):
        assert np.array_equal(found, columns.apply(table(["u", "v", None])))
