"""Tables as coordinates: medians, distances of categories, and the same after storage."""

import numpy as np
import pandas as pd
import pytest

from gfncp.data.columns import Columns


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "kind": ["a", "b", "a", "c", "b", "a"],
            "size": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            "good": [True, False, True, True, False, False],
            "count": ["1", "2", "3", "4", "5", "60"],
        }
    )


def test_numeric_arrays_stay_as_they_are():
    x = np.random.default_rng(0).normal(size=(9, 4))
    assert np.array_equal(Columns.of(x).apply(x), x)
    assert np.array_equal(Columns.of(x.astype(object)).apply(x.astype(object)), x)
    assert np.array_equal(Columns.of(x.astype(str)).apply(x.astype(str)), x)


def test_categories_follow_numbers_at_the_step_of_their_spread(frame):
    columns = Columns.of(frame)
    found = columns.apply(frame)
    assert found.shape == (6, 2 + 3 + 1)
    np.testing.assert_array_equal(found[:, :2], [[1, 1], [2, 2], [3, 3], [4, 4], [5, 5], [6, 60]])
    spread = frame["size"].std(ddof=0), frame["count"].astype(float).std(ddof=0)
    assert columns.step == pytest.approx(sum(spread))  # twice the median of the two


def test_different_categories_lie_equally_far_apart(frame):
    columns = Columns.of(frame)
    found = columns.apply(frame)
    for name, part, kinds in (("kind", found[:, 2:5], 3), ("good", found[:, 5:], 2)):
        distance = np.linalg.norm(part[:, None] - part[None], axis=-1)
        differ = frame[name].to_numpy()[:, None] != frame[name].to_numpy()[None]
        apart = columns.step * (kinds / (2 * (kinds - 1))) ** 0.5
        np.testing.assert_allclose(distance, apart * differ, atol=1e-12)


@pytest.mark.parametrize("scale", ["none", "columns"])
@pytest.mark.parametrize("weight", [1.0, 0.1])
@pytest.mark.parametrize("beside", [["number"], []])
def test_a_column_counts_once_whatever_the_number_of_its_kinds(scale, weight, beside):
    """Equally frequent kinds, however many, contribute the same to mean squared distances."""
    rng, rows = np.random.default_rng(0), 60
    contributed = []
    for kinds in (2, 3, 5, 12):
        frame = pd.DataFrame({"number": rng.normal(size=rows), "kind": rng.permutation(rows) % kinds})
        frame = frame[[*beside, "kind"]].astype({"kind": str}).assign(kind=lambda x: "k" + x["kind"])
        columns = Columns.of(frame)
        x = columns.apply(frame)[:, len(beside) :]
        importance = columns.importance(weight)
        both = np.ones((2, len(beside) + x.shape[1])) if importance is None else importance
        counted = both[int(scale == "columns"), len(beside) :]
        unit = x.std(0) if scale == "columns" else columns.step / 2
        contributed.append((counted * (x / unit).var(0)).sum())
    assert contributed == pytest.approx([weight if beside else 1.0] * 4)


def test_a_balanced_binary_column_weighs_as_a_numeric_one():
    frame = pd.DataFrame({"a": [3.0, 5.0, 3.0, 5.0], "b": [True, False, False, True]})
    assert Columns.of(frame).apply(frame).std(0).tolist() == pytest.approx([1.0, 1.0])


def test_the_order_and_kind_of_categories_do_not_matter(frame):
    columns = Columns.of(frame)
    other = frame.assign(kind=frame["kind"].astype("category"), good=frame["good"].astype("boolean"))
    assert np.array_equal(Columns.of(other).apply(other), columns.apply(frame))
    shuffled = frame.sample(frac=1, random_state=0)
    np.testing.assert_allclose(
        Columns.of(shuffled).apply(shuffled), columns.apply(frame)[shuffled.index.to_numpy()]
    )


def test_missing_values_are_replaced_and_a_warning_counts_them(frame):
    columns = Columns.of(frame)
    holed = frame.astype(object)
    holed.loc[0, "size"] = None
    holed.loc[1, "kind"] = None
    holed.loc[2, "kind"] = "unknown"
    holed.loc[3, "count"] = np.nan
    lacking = r"\(1 in column 'size', 1 in column 'count', 1 in column 'kind'\)"
    with (
        pytest.warns(UserWarning, match=lacking),
        pytest.warns(UserWarning, match=r"'kind' holds kinds .* \(unknown\), 1 times"),
    ):
        found = columns.apply(holed)
    expected = columns.apply(frame)
    assert found[0, 0] == 3.5
    assert found[3, 1] == 3.5
    np.testing.assert_allclose(found[[1, 2], 2:5], np.tile(expected[:, 2:5].mean(0), (2, 1)))
    found[0, 0], found[3, 1], found[[1, 2], 2:5] = expected[0, 0], expected[3, 1], expected[[1, 2], 2:5]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("missing", [np.nan, None, pd.NA])
def test_an_empty_column_is_zero(missing):
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": pd.Series([missing, missing], dtype=object)})
    with pytest.warns(UserWarning, match="2 in column 'b'"):
        assert Columns.of(frame).apply(frame).tolist() == [[1.0, 0.0], [2.0, 0.0]]


def test_many_columns_with_gaps_are_not_all_named():
    x = np.full((3, 30), np.nan)
    x[1] = 7.0
    with pytest.warns(UserWarning, match="2 in column 10 and 20 more columns"):
        Columns.of(x).apply(x)


def test_stored_columns_give_the_same_coordinates(frame):
    columns = Columns.of(frame)
    again = Columns.from_json(columns.to_json())
    assert np.array_equal(again.apply(frame), columns.apply(frame))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (
            ["x"] * 59 + [f"name {i}" for i in range(51)],
            r"'b' holds 52 different values, such as 'x', in 110 rows",
        ),
        (
            pd.Categorical([*range(51)] * 2 + [0] * 8),
            r"'b' holds 51 different values, such as 0, in 110 rows",
        ),
        (["x"] * 59 + [str(i) for i in range(51)], r"row 1, column 'b' holds 'x', in a column of numbers"),
        ([1.0] * 109 + [pd.Timestamp(0)], "row 110, column 'b' holds Timestamp"),
        ([[1, 2]] * 109 + [[1]], r"row 110, column 'b' holds \[1\]: accepted are lists of 2 numbers"),
        ([1.0] * 109 + [-np.inf], "row 110, column 'b' holds -inf: accepted are finite numbers"),
        ([1.0] * 109 + [10**400], "row 110, column 'b' holds 1000"),
        (pd.Series([1j] * 110), "column 'b' holds"),
    ],
)
def test_bad_columns_are_refused(column, message):
    with pytest.raises(ValueError, match=message):
        Columns.of(pd.DataFrame({"a": range(110), "b": column}))


def test_text_in_a_numeric_column_is_refused_later_on():
    columns = Columns.of(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="X: row 2, column 1 holds 'x': accepted are finite numbers"):
        columns.apply(np.array([[0, 1], ["x", 1]], dtype=object))
