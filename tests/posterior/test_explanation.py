"""What sets clusters apart: effects by their definition, and tables of every kind."""

import numpy as np
import pandas as pd
import pytest

from gfncp.posterior.explanation import describe_clusters


def cohen(inside, outside):
    n, m = len(inside), len(outside)
    pooled = ((n - 1) * np.var(inside, ddof=1) + (m - 1) * np.var(outside, ddof=1)) / (n + m - 2)
    return (np.mean(inside) - np.mean(outside)) / np.sqrt(pooled)


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(60, 4)) + [0, 5, -3, 100]


def test_the_effect_of_numbers_is_cohens_d_largest_first(X):
    labels = np.arange(60) % 3
    X[labels == 1, 2] += 7
    found = describe_clusters(X, labels, ["a", "b", "c", "d"])
    assert len(found) == 12
    assert found["category"].isna().all()
    for row in found.itertuples():
        values, member = X[:, "abcd".index(row.feature)], labels == row.cluster
        assert row.effect == pytest.approx(cohen(values[member], values[~member]))
        assert (row.inside, row.outside) == pytest.approx((values[member].mean(), values[~member].mean()))
        assert row.size == 20
    assert found["cluster"].is_monotonic_increasing
    for _, rows in found.groupby("cluster"):
        assert rows["effect"].abs().is_monotonic_decreasing
    first = found[found["cluster"] == 1].iloc[0]
    assert first["feature"] == "c" and first["effect"] > 3


def test_the_unit_of_a_column_does_not_matter_and_its_sign_turns_the_effect(X):
    labels = np.arange(60) % 2
    found = describe_clusters(X, labels).set_index(["cluster", "feature"])["effect"]
    scaled = describe_clusters(X * [1, 1000, -0.1, 2] + 7, labels).set_index(["cluster", "feature"])["effect"]
    turned = found * np.where(found.index.get_level_values("feature") == "x2", -1, 1)
    np.testing.assert_allclose(scaled[found.index], turned)


def test_extreme_values_decide_nothing(X):
    labels = np.arange(60) % 2
    X[:, 0] = labels + X[:, 0] / 10
    effects = [describe_clusters(X[:, :1], labels)["effect"].tolist()]
    X[0, 0] = 1e9
    effects.append(describe_clusters(X[:, :1], labels)["effect"].tolist())
    assert effects[0][0] < -5 and effects[1][0] < -3


def test_a_category_has_its_shares():
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    table = pd.DataFrame({"plan": ["a", "a", "a", "b", "b", "b", "c", "c"], "new": labels == 1})
    found = describe_clusters(table, labels)
    assert found["feature"].tolist() == ["new", "plan", "new", "plan"]
    assert found["category"].tolist() == ["False", "a", "True", "a"]
    assert found["inside"].tolist() == [1, 0.75, 1, 0]
    assert found["outside"].tolist() == [0, 0, 0, 0.75]
    assert found["effect"].tolist()[::2] == [np.inf, np.inf]
    indicator = np.array([1, 1, 1, 0.0])
    assert found["effect"][1] == pytest.approx(cohen(indicator, np.zeros(4)))


def test_names_of_clusters_and_order_of_rows_do_not_matter(X):
    labels = np.arange(60) % 3
    order = np.random.default_rng(1).permutation(60)
    one, other = describe_clusters(X, labels), describe_clusters(X[order], 2 - labels[order])
    other["cluster"] = 2 - other["cluster"]
    by = ["cluster", "feature"]
    pd.testing.assert_frame_equal(
        one.sort_values(by, ignore_index=True), other.sort_values(by, ignore_index=True)
    )


def test_tables_of_every_kind_are_described():
    labels = np.array([0, 0, 0, 1, 1, 1, -1])
    table = pd.DataFrame(
        {
            "text numbers": ["1", "2", "3", "7", "8", "9", "5"],
            "holed": [1.0, np.nan, 3.0, 7.0, 8.0, np.nan, 5.0],
            "nullable": pd.array([1, None, 3, 7, 8, 9, 5], dtype="Int64"),
            "holed kinds": ["u", None, "u", "v", "v", "v", None],
            "kinds": pd.Categorical(["u", "u", "u", "v", "v", "v", "w"]),
            "one side": [np.nan, np.nan, np.nan, 1.0, 2.0, 3.0, np.nan],
            "empty": [np.nan] * 7,
            "nothing": [None] * 7,
            "constant": [4] * 7,
            "names": list("abcdefg"),
            "dates": pd.date_range("2020-01-01", periods=7),
            "lists": [[1, 2]] * 7,
        }
    )
    found = describe_clusters(table, labels)
    described = {"text numbers", "holed", "nullable", "holed kinds", "kinds", "constant"}
    assert set(found["feature"]) == described
    assert set(found["cluster"]) == {0, 1}
    effects = found.set_index(["cluster", "feature"])["effect"]
    assert (effects[0].drop(["constant", "holed kinds", "kinds"]) < 0).all()
    assert effects[0, "constant"] == 0
    assert effects[0, "holed kinds"] == np.inf
    same = found.set_index(["cluster", "feature"]).loc[(0, "text numbers")]
    assert (same["inside"], same["outside"]) == (2.0, 7.25)


def test_a_single_cluster_has_no_effects_and_singletons_infinite_ones():
    X = np.array([[1.0], [2.0]])
    one = describe_clusters(X, np.array([0, 0]))
    assert len(one) == 0 and list(one.columns)[:3] == ["cluster", "size", "feature"]
    assert describe_clusters(X, np.array([0, 1]))["effect"].tolist() == [-np.inf, np.inf]
    assert len(describe_clusters(X, np.array([-1, -1]))) == 0


@pytest.mark.parametrize(
    ("X", "labels", "names", "message"),
    [
        (np.zeros((3, 2, 2)), [0, 0, 0], None, r"X has shape \(3, 2, 2\): accepted are tables"),
        (np.zeros(3), [0, 0, 0], None, r"X has shape \(3,\)"),
        (np.zeros((3, 2)), [0, 0], None, r"labels has shape \(2,\): accepted is \(3,\)"),
        (
            np.zeros((3, 2)),
            [0, 0, 1],
            ["a"],
            "feature_names has 1 entries: accepted is one for each of the 2",
        ),
    ],
)
def test_bad_input_is_refused(X, labels, names, message):
    with pytest.raises(ValueError, match=message):
        describe_clusters(X, np.array(labels), names)
