"""One-hot columns: kinds lie as far apart as those of one column of texts, in any coding."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist

from gfncp.data.columns import Columns
from gfncp.data.one_hot import block_sizes

RNG = np.random.default_rng(0)
ROWS = 120


def distances(table: pd.DataFrame, standardised: bool) -> np.ndarray:
    """Return distances between rows as they count beside numbers."""
    columns = Columns.of(table)
    x, importance = columns.apply(table), columns.importance(0.1)
    x = (x - x.mean(0)) / x.std(0) if standardised else x
    return pdist(x * np.sqrt(importance[int(standardised)]))


@pytest.mark.parametrize("standardised", [False, True])
@pytest.mark.parametrize("kinds", [2, 3, 8])
def test_truth_values_count_like_the_texts_that_they_code(kinds, standardised):
    numbers = pd.DataFrame(RNG.normal(size=(ROWS, 3)), columns=["a", "b", "c"])
    texts = pd.Series(RNG.choice(list("klmnopqr")[:kinds], ROWS), name="kind")
    flags = pd.get_dummies(texts, prefix="kind")
    expected = distances(numbers.assign(kind=texts), standardised)
    step = Columns.of(numbers.assign(kind=texts)).step / Columns.of(numbers.join(flags)).step
    assert step == 1
    np.testing.assert_allclose(distances(numbers.join(flags), standardised), expected)


def test_standardised_numbers_count_like_the_texts_that_they_code():
    numbers = pd.DataFrame(RNG.normal(size=(ROWS, 3)), columns=["a", "b", "c"])
    texts = pd.Series(RNG.choice(list("klmn"), ROWS), name="kind")
    for value in (1, 7.5):
        flags = pd.get_dummies(texts, dtype=float) * value
        np.testing.assert_allclose(
            distances(numbers.join(flags), True), distances(numbers.assign(kind=texts), True)
        )


def test_flags_that_were_standardised_before_are_no_more_than_others():
    texts = pd.Series(RNG.choice(list("klmn"), ROWS), name="kind")
    numbers = pd.DataFrame(RNG.normal(size=(ROWS, 3)), columns=["a", "b", "c"])
    table = numbers.join(pd.get_dummies(texts, dtype=float))
    table = (table - table.mean()) / table.std(ddof=0)
    np.testing.assert_allclose(distances(table, False), distances(table, True))


def test_blocks_end_where_two_flags_are_set_together():
    first, second = RNG.integers(0, 3, ROWS), RNG.integers(0, 4, ROWS)
    flags = [first == kind for kind in range(3)] + [second == kind for kind in range(4)]
    assert block_sizes(flags) == [3, 3, 3, 4, 4, 4, 4]
    assert block_sizes([*flags[:3], None, *flags[4:]]) == [3, 3, 3, 1, 3, 3, 3]  # the first kind was dropped


def test_flags_that_happen_never_to_be_set_together_are_no_block():
    rare = np.arange(ROWS) == 3
    assert block_sizes([rare, np.roll(rare, 1), np.roll(rare, 2)]) == [1, 1, 1]
    assert block_sizes([RNG.random(ROWS) < 0.5 for _ in range(4)]) == [1, 1, 1, 1]


def test_blocks_are_kept_when_stored():
    flags = pd.get_dummies(pd.Series(RNG.choice(list("klm"), ROWS)))
    columns = Columns.of(flags)
    assert [each.block for each in Columns.from_json(columns.to_json()).used] == [3, 3, 3]
