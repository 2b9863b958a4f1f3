"""Logarithms of columns: as NumPy takes them, in any unit, of numbers from 0 only."""

import numpy as np
import pandas as pd
import pytest

from gfncp.data.point_sets import Roles, read_sets

RNG = np.random.default_rng(0)
AMOUNTS = RNG.lognormal(4, 2, 40)


def read(path, amounts, **roles):
    table = pd.DataFrame({"a": RNG.normal(size=40), "paid": amounts, "kind": ["u", "v"] * 20})
    table.to_csv(path, index=False)
    (found,) = read_sets([path], Roles(logarithms=["paid"], **roles))
    return found


@pytest.mark.parametrize("written", ["{}", "${}", "{} EUR"])
def test_logarithms_are_taken_of_numbers_in_any_notation(tmp_path, written):
    found = read(tmp_path / "x.csv", [written.format(amount) for amount in AMOUNTS])
    np.testing.assert_allclose(found.points["paid"], np.log10(AMOUNTS))
    used = {each.name: each for each in found.columns}["paid"]
    assert (used.why, used.orders, used.sentinels) == ("logarithms", 0, ())


def test_zeros_count_as_half_of_the_smallest_in_any_unit(tmp_path):
    amounts = np.where(np.arange(40) % 8 == 0, 0, AMOUNTS)
    found = read(tmp_path / "x.csv", amounts).points["paid"]
    half = amounts[amounts > 0].min() / 2
    np.testing.assert_allclose(found, np.log10(np.where(amounts == 0, half, amounts)))
    np.testing.assert_allclose(read(tmp_path / "x.csv", 1000 * amounts).points["paid"], found + 3)


def test_missing_values_stay_missing(tmp_path):
    amounts = np.where(np.arange(40) == 7, np.nan, AMOUNTS)
    found = read(tmp_path / "x.csv", amounts).points["paid"]
    assert np.array_equal(np.flatnonzero(found.isna()), [7])


def test_what_has_no_logarithm_is_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"x.csv: data row 1, column 'paid' holds -1: accepted for logarithms"
    ):
        read(tmp_path / "x.csv", np.r_[-1, AMOUNTS[1:]])
    with pytest.raises(
        ValueError, match=r"log=\['paid'\]: accepted are columns of numbers, 'paid' is used as cat"
    ):
        read(tmp_path / "x.csv", ["p", "q"] * 20)
    with pytest.raises(ValueError, match="'paid' is used as another role"):
        read(tmp_path / "x.csv", AMOUNTS, ids="paid")
    with pytest.raises(ValueError, match="there is no column 'paid'"):
        pd.DataFrame({"a": AMOUNTS}).to_csv(tmp_path / "y.csv", index=False)
        read_sets([tmp_path / "y.csv"], Roles(logarithms=["paid"]))
    np.savez(tmp_path / "x.npz", x=AMOUNTS[:, None])
    with pytest.raises(ValueError, match=r"log=\['paid'\]: accepted for tables only|no column 'paid'"):
        read_sets([tmp_path / "x.npz"], Roles(logarithms=["paid"]))
