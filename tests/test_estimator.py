"""The scikit-learn interface: names, shapes, probabilities, and what it says to bad input."""

import re

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone, is_clusterer

from gfncp import GFNCP, Posterior
from gfncp.checkpoints import load
from gfncp.partitions import all_partitions


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(scale=10, size=(25, 2))


@pytest.fixture
def make(vector_checkpoint):
    def estimator(**values):
        return GFNCP(**{"checkpoint": vector_checkpoint, "n_samples": 20, "random_state": 0} | values)

    return estimator


def test_it_is_a_clusterer_with_the_documented_parameters(make):
    model = make(n_samples=7)
    assert is_clusterer(model)
    assert set(model.get_params()) == {"checkpoint", "n_samples", "n_orders", "random_state"}
    assert GFNCP().get_params() == {
        "checkpoint": "mog-2d",
        "n_samples": 100,
        "n_orders": 1,
        "random_state": None,
    }
    assert clone(model).get_params() == model.get_params()
    assert "n_samples=7" in repr(model)


def test_fitted_attributes(make, X):
    model = make()
    assert model.fit(X) is model
    posterior = model.posterior_
    distinct = len(posterior.labels)
    assert isinstance(posterior, Posterior)
    assert model.labels_.shape == (25,)
    assert model.n_clusters_ == len(np.unique(model.labels_))
    assert model.probabilities_.shape == (25,)
    assert model.probabilities_.min() >= 0
    assert model.probabilities_.max() <= 1
    assert posterior.labels.shape == (distinct, 25)
    assert posterior.log_prob.shape == (distinct,)
    assert np.all(np.diff(posterior.log_prob) <= 0)
    assert len(np.unique(posterior.labels, axis=0)) == distinct
    assert posterior.coclustering().shape == (25, 25)
    assert sum(posterior.n_clusters().values()) == pytest.approx(1.0)
    assert model.n_features_in_ == 2
    assert model.fit_predict(X).tolist() == model.labels_.tolist()


def test_the_clustering_is_the_greedy_one_of_the_network(make, vector_checkpoint, X):
    expected = load(vector_checkpoint).predict(torch.from_numpy(X)[None])[0]
    assert make().fit(X).labels_.tolist() == expected.tolist()


def test_probabilities_are_those_of_the_posterior(make, X):
    model = make().fit(X)
    together = model.posterior_.coclustering()
    for point, label in enumerate(model.labels_):
        others = [other for other in np.flatnonzero(model.labels_ == label) if other != point]
        rows = model.posterior_.labels
        alone = model.posterior_.weights[(rows == rows[:, [point]]).sum(1) == 1].sum()
        expected = together[point, others].mean() if others else alone
        assert model.probabilities_[point] == pytest.approx(expected)


def test_random_state_decides_the_samples(make, X):
    first, again, other = (make(random_state=seed).fit(X).posterior_ for seed in (0, 0, 1))
    assert np.array_equal(first.labels, again.labels)
    assert np.array_equal(first.log_prob, again.log_prob)
    assert np.array_equal(first.counts, again.counts)
    assert not np.array_equal(first.labels, other.labels)
    by_object = make(random_state=np.random.RandomState(0)).fit(X).posterior_
    assert np.array_equal(first.labels, by_object.labels)


def test_fitting_leaves_global_random_states_alone(make, X):
    before, numpy_before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    model = make(checkpoint=make().checkpoint)
    model.fit(X)
    model.log_prob(X, model.labels_)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002


def test_samples_have_the_log_probability_that_log_prob_gives_them(make, X):
    model = make().fit(X)
    np.testing.assert_allclose(
        model.log_prob(X, model.posterior_.labels), model.posterior_.log_prob, rtol=1e-4, atol=1e-4
    )


def test_log_prob_of_one_and_of_many_labellings(make, X):
    model = make()
    many = np.random.default_rng(1).integers(0, 4, (6, 25))
    values = model.log_prob(X, many)
    one = model.log_prob(X, many[2])
    assert values.shape == (6,)
    assert isinstance(one, float)
    assert one == pytest.approx(values[2])
    assert model.log_prob(X, many[2].tolist()) == one


def test_log_prob_of_all_partitions_is_a_distribution(make, X):
    values = make().log_prob(X[:5], all_partitions(5).numpy())
    assert np.exp(values).sum() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    "names", [["b", "a", "c"], [7, -3, 0], [0.5, 2.5, -1.0], [True, "x", 3], [10**15, 0, -(10**15)]]
)
def test_names_of_clusters_do_not_matter(make, X, names):
    labels = np.arange(25) % 3
    renamed = np.array([names[k] for k in labels], dtype=object)
    assert make().log_prob(X, renamed) == make().log_prob(X, labels)


@pytest.mark.parametrize(
    "kind", [list, pd.DataFrame, np.float32, np.asfortranarray, torch.from_numpy, lambda x: x[::-1][::-1]]
)
def test_points_may_come_in_any_container(make, X, kind):
    X = X.astype(np.float32).astype(np.float64)
    given = X.astype(kind) if isinstance(kind, type) and issubclass(kind, np.generic) else kind(X)
    assert make().fit(given).labels_.tolist() == make().fit(X).labels_.tolist()


def test_data_frames_of_mixed_and_nullable_columns(make, X):
    frame = pd.DataFrame({"a": (10 * X[:, 0]).astype(int), "b": pd.array(X[:, 1], dtype="Float64")})
    expected = make().fit(np.c_[(10 * X[:, 0]).astype(int), X[:, 1]])
    assert make().fit(frame).labels_.tolist() == expected.labels_.tolist()


def test_a_common_offset_changes_nothing(make, X):
    """Coordinates far from the origin, as of maps, lose nothing but their common part."""
    X = np.round(X * 64) / 64  # exact with the offset
    near, far = make().fit(X), make().fit(X + 2.0**32)
    assert far.labels_.tolist() == near.labels_.tolist()
    assert np.array_equal(far.posterior_.log_prob, near.posterior_.log_prob)


def test_one_point_is_one_cluster_for_sure(make):
    model = make().fit([[3.0, 4.0]])
    assert model.labels_.tolist() == [0]
    assert model.n_clusters_ == 1
    assert model.probabilities_.tolist() == [1.0]
    assert model.posterior_.labels.tolist() == [[0]]
    assert model.posterior_.n_clusters() == {1: 1.0}
    assert model.log_prob([[3.0, 4.0]], [0]) == 0.0


@pytest.mark.parametrize("value", [0.0, -5.5, 1e30])
def test_equal_points_get_an_answer(make, value):
    X = np.full((30, 2), value)
    model = make().fit(X)
    assert model.labels_.shape == (30,)
    assert np.isfinite(model.posterior_.log_prob).all()


def test_images_as_bytes_and_as_shares_are_the_same(image_checkpoint):
    X = np.random.default_rng(0).integers(0, 256, (6, 28, 28), dtype=np.uint8)
    as_bytes, as_shares = (
        GFNCP(image_checkpoint, n_samples=5, random_state=0).fit(given) for given in (X, X / 255)
    )
    assert as_bytes.labels_.tolist() == as_shares.labels_.tolist()
    assert np.array_equal(as_bytes.posterior_.log_prob, as_shares.posterior_.log_prob)


GOOD = [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
BAD = {
    "empty list": ([], r"X has shape \(0,\)"),
    "no rows": (np.zeros((0, 2)), r"X has shape \(0, 2\): accepted is at least one point"),
    "scalar": (3.0, r"X has shape \(\)"),
    "one dimension": ([1.0, 2.0], r"X has shape \(2,\), but .*checkpoint.* was trained on \(n_samples, 2\)"),
    "narrow": (np.zeros((4, 1)), r"X has shape \(4, 1\), but .* was trained on \(n_samples, 2\)"),
    "wide": (np.zeros((3, 100_000)), r"X has shape \(3, 100000\), but .* was trained on \(n_samples, 2\)"),
    "images": (np.zeros((3, 28, 28)), r"X has shape \(3, 28, 28\)"),
    "none": (None, r"X has shape \(\)"),
    "ragged": ([[1.0, 2.0], [3.0]], "inhomogeneous|shape"),
    "nan": ([[0.0, 1.0], [np.nan, 3.0]], "X: row 2, column 1 holds .*nan.*: accepted are finite numbers"),
    "inf": ([[0.0, 1.0], [2.0, -np.inf]], "X: row 2, column 2 holds .*-inf.*: accepted are finite numbers"),
    "text": ([["0", "1"], ["2", "three"]], "X: row 2, column 2 holds .*three.*: accepted are finite numbers"),
    "objects": (np.array([[0, 1], [2, {}]], dtype=object), r"X: row 2, column 2 holds \{\}"),
    "missing": (np.array([[0, None], [2, 3]], dtype=object), "X: row 1, column 2 holds None"),
    "integers beyond floats": (np.array([[0, 10**400]], dtype=object), "X: row 1, column 2 holds 1000"),
    "complex": (np.zeros((3, 2), complex), "X has dtype complex128: accepted are real numbers"),
    "dates": (np.zeros((3, 2), "datetime64[s]"), r"X has dtype datetime64\[s\]: accepted are real numbers"),
    "records": (np.zeros((3, 2), "f4,f4"), "X has dtype .*: accepted are real numbers"),
    "too far apart": (
        [[-1e300, 0.0], [1e300, 0.0], [0.0, 0.0]],
        r"X has values from -1e\+300 to 1e\+300: too far",
    ),
    "text column": (pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}), "X: row 1, column 'b' holds 'x'"),
    "missing cell": (pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, np.nan]}), "X: row 2, column 'b' holds .*nan"),
    "missing integer": (
        pd.DataFrame({"a": [1.0, 2.0], "b": pd.array([1, None], dtype="Int64")}),
        "X: row 2, column 'b' holds <NA>",
    ),
    "date column": (
        pd.DataFrame({"a": [1.0], "when": pd.to_datetime(["2020-01-01"])}),
        "X: row 1, column 'when' holds Timestamp",
    ),
}


@pytest.mark.parametrize(("X", "message"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("method", ["fit", "log_prob"])
def test_bad_points_are_refused_with_what_and_where(make, method, X, message):
    labels = np.zeros(len(X) if hasattr(X, "__len__") else 1)
    with pytest.raises(ValueError, match=message):
        make().fit(X) if method == "fit" else make().log_prob(X, labels)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.full((3, 28, 28), 7.0), r"values from 7 to 7: accepted are images in \[0, 1\]"),
        (np.full((3, 28, 28), -0.1), r"values from -0.1 to -0.1"),
        (np.full((3, 28, 28), 256), r"values from 1.00\d+ to 1.00\d+"),
        (np.zeros((3, 784)), r"X has shape \(3, 784\), but .* \(n_samples, 28, 28\)"),
        (
            np.where(np.arange(28) == 5, np.nan, np.zeros((3, 28, 28))),
            r"X: row 1, entry \(1, 6\) holds .*nan",
        ),
    ],
)
def test_bad_images_are_refused(image_checkpoint, X, message):
    with pytest.raises(ValueError, match=message):
        GFNCP(image_checkpoint).fit(X)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1], r"labels has shape \(2,\): accepted is \(3,\) or \(m, 3\)"),
        (0, r"labels has shape \(\)"),
        ([], r"labels has shape \(0,\)"),
        (np.zeros((0, 3)), r"labels has shape \(0, 3\)"),
        (np.zeros((1, 1, 3)), r"labels has shape \(1, 1, 3\)"),
        ([0, None, 1], re.escape("labels[1] is None: accepted is a label for every point")),
        ([[0, 0, 1], [0.0, 1.0, np.nan]], re.escape("labels[1, 2] is nan")),
    ],
)
def test_bad_labels_are_refused(make, labels, message):
    with pytest.raises(ValueError, match=message):
        make().log_prob(GOOD, labels)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n_samples": 0}, "n_samples=0: accepted is an integer of at least 1"),
        ({"n_samples": 2.5}, "n_samples=2.5"),
        ({"n_samples": "many"}, "n_samples='many'"),
        ({"random_state": "zero"}, "zero"),
        ({"checkpoint": "no-such"}, "checkpoint='no-such': accepted are"),
    ],
)
def test_bad_parameters_are_refused(make, values, message):
    with pytest.raises(ValueError, match=message):
        make(**values).fit(GOOD)
