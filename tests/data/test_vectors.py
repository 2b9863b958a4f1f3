"""Vectors in cells: text means what the list means that it was written from."""

import numpy as np
import pandas as pd
import pytest

from gfncp.data.columns import Columns
from gfncp.data.vectors import as_vector, holds_vector

X = np.random.default_rng(0).normal(size=(12, 3))


@pytest.mark.parametrize("write", [str, lambda row: str(tuple(row)), lambda row: str(np.array(row))])
def test_text_is_read_as_the_list_that_it_was_written_from(write):
    lists = pd.DataFrame({"e": [row.round(4).tolist() for row in X]})
    texts = lists.map(write)
    assert [each.used for each in Columns.of(texts).used] == ["vector"]
    np.testing.assert_allclose(Columns.of(texts).apply(texts), Columns.of(lists).apply(lists))


@pytest.mark.parametrize(
    "text", ["(0.5, 3.1]", "[a, b]", "[1, 2", "[0.1 ... 0.3]", "[[1, 2]]", "[7]", "1, 2", ""]
)
def test_other_texts_are_no_vectors(text):
    assert not holds_vector(text)


def test_a_text_of_another_length_is_named():
    table = pd.DataFrame({"e": ["[1, 2]", "[3, 4]", "[5, 6, 7]"]})
    with pytest.raises(
        ValueError, match=r"X: row 3, column 'e' holds '\[5, 6, 7\]': accepted are lists of 2"
    ):
        Columns.of(table)
    assert as_vector([[1, 2]]).size == 0
