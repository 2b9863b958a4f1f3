"""Vectors in cells, as lists or as text that means what the list means that it was written from."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from gfncp.data import read_points
from gfncp.data.column_uses import Column
from gfncp.data.columns import Columns
from gfncp.data.point_sets import Roles, read_sets
from gfncp.data.vectors import as_vector, holds_vector
from gfncp.training.own_points import store

X = np.random.default_rng(0).normal(size=(12, 3))
PAIRS = X[:, :2]


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


@pytest.mark.parametrize("kind", [list, tuple, np.asarray, lambda row: np.float32(row).tolist()])
def test_lists_of_numbers_are_vectors(kind):
    table = pd.DataFrame({"kind": list("uv") * 6, "e": [kind(row) for row in PAIRS], "a": PAIRS[:, 0]})
    found = Columns.of(table).apply(table)
    np.testing.assert_allclose(found[:, :3], np.c_[PAIRS, PAIRS[:, 0]], rtol=1e-6)
    table.loc[3, "e"] = None
    columns = Columns.of(table)
    with pytest.warns(UserWarning, match=r"\(1 in column 'e'\)"):
        filled = columns.apply(table)
    np.testing.assert_allclose(filled[3, :2], np.median(np.delete(PAIRS, 3, 0), 0), rtol=1e-6)
    assert columns.used[1] == Column("e", "vector", width=2, missing=1)
    again = Columns.from_json(columns.to_json())
    assert again.used == columns.used


def test_embeddings_in_parquet_are_read_wherever_files_are(tmp_path):
    path = tmp_path / "embeddings.parquet"
    pd.DataFrame({"text": [f"t{i}" for i in range(12)], "embedding": list(PAIRS)}).to_parquet(path)
    with pytest.warns(UserWarning, match=r"left out of X: text \(a different text in each row\)"):
        np.testing.assert_array_equal(read_points(path)[0], PAIRS)
    (found,) = read_sets([path], Roles(ids="text"))
    np.testing.assert_array_equal(found.points.to_numpy(), PAIRS)
    assert found.points.index.tolist() == [f"t{i}" for i in range(12)]
    pa.parquet.write_table(pa.table({"e": pa.array(PAIRS.tolist(), pa.list_(pa.float32(), 2))}), path)
    np.testing.assert_array_equal(read_points(path)[0], PAIRS.astype(np.float32))
    kept = store(pd.DataFrame({"e": list(PAIRS)}), tmp_path / "run")
    np.testing.assert_array_equal(read_points(kept)[0], PAIRS.astype(np.float32))


def test_a_vector_of_another_length_is_refused_later_on():
    columns = Columns.of(pd.DataFrame({"e": [[1, 2], [3, 4]]}))
    for other in ([1], 3.0, "x", ["a", "b"], [[1], [2]]):
        with pytest.raises(
            ValueError, match=r"X: row 2, column 'e' holds .*: accepted are lists of 2 numbers"
        ):
            columns.apply(pd.DataFrame({"e": pd.Series([[1, 2], other], dtype=object)}))
