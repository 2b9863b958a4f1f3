"""The scikit-learn interface: names, shapes, probabilities, and what it says to bad input."""

import re

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_array, issparse
from sklearn.base import clone, is_clusterer

from gfncp import GFNCP, Posterior
from gfncp.checkpoints import load
from gfncp.decoding.orders import greedy, random_orders
from gfncp.estimators.inference import GREEDY_ORDERS
from gfncp.partitions import all_partitions
from gfncp.posterior.decision import place_points, settle
from gfncp.seeds import ORDERS_SEED, seeded


@pytest.fixture
def make(vector_checkpoint):
    def estimator(**values):
        return GFNCP(**{"checkpoint": vector_checkpoint, "n_samples": 20, "random_state": 0} | values)

    return estimator


def test_it_is_a_clusterer_with_the_documented_parameters(make):
    model = make(n_samples=7)
    assert is_clusterer(model)
    assert GFNCP().get_params() == {
        "checkpoint": "general",
        "n_samples": 100,
        "n_orders": None,
        "n_clusters": None,
        "random_state": None,
        "device": None,
        "max_joint": None,
        "n_jobs": None,
        "scale": "auto",
        "min_cluster_size": 1,
        "noise": None,
        "noise_threshold": 0.5,
        "categorical_weight": None,
    }
    assert clone(model).get_params() == model.get_params()
    assert "n_samples=7" in repr(model)


def test_fitted_attributes_agree_with_each_other(make, X):
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


def greedy_of(model: GFNCP) -> list[int]:
    """The greedy clustering of what was fitted; `labels_` are it unless the samples contradict it."""
    return model.posterior_.found[0].labels.tolist()


def test_the_clustering_is_the_greedy_one_of_the_network(make, vector_checkpoint, X):
    """Along random orders: the rows of a file are often sorted. Samples of random weights contradict it."""
    network, along = load(vector_checkpoint), random_orders(GREEDY_ORDERS, len(X), seeded(ORDERS_SEED))
    expected, _ = greedy(network, network.encode(torch.from_numpy(X)[None]), along)
    model = make().fit(X)
    assert greedy_of(model) == expected[0].tolist()
    settled = settle(expected[0].numpy(), model.posterior_)
    assert model.labels_.tolist() == place_points(settled, model.posterior_).tolist()


def test_a_prepared_model_fits_as_often_as_asked(make, X):
    estimator = make()
    fit = estimator.prepare()
    for points in (X, X[:7]):
        found, expected = fit(points), make().fit(points)
        assert np.array_equal(found.labels_, expected.labels_)
        assert np.array_equal(found.posterior_.log_prob, expected.posterior_.log_prob)
    assert not hasattr(estimator, "labels_")


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


def test_data_frames_of_mixed_and_nullable_columns_equal_arrays(make, X):
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
    "scalar": (3.0, "X is a float: accepted are arrays"),
    "one dimension": ([1.0, 2.0], r"X has shape \(2,\), but .*checkpoint.* was trained on \(n_samples, 2\)"),
    "narrow": (np.zeros((4, 1)), r"X has shape \(4, 1\), but .* was trained on \(n_samples, 2\)"),
    "wide": (np.zeros((3, 1000)), r"X has shape \(3, 1000\), but .* was trained on \(n_samples, 2\)"),
    "images": (np.zeros((3, 28, 28)), r"X has shape \(3, 28, 28\)"),
    "none": (None, "X is a NoneType: accepted are arrays"),
    "ragged": ([[1.0, 2.0], [3.0]], "X: row 2 holds 1 values, row 1 2: accepted are rows of equal length"),
    "inf": ([[0.0, 1.0], [2.0, -np.inf]], "X: row 2, column 2 holds .*-inf.*: accepted are finite numbers"),
    "no features": (np.zeros((4, 0)), r"0 feature\(s\) \(shape=\(4, 0\)\) while a minimum of 1 is required"),
    "sparse": (csr_array(np.eye(2)), "X is sparse: sparse input is not supported"),
    "integers beyond floats": (np.array([[0, 10**400]], dtype=object), "X: row 1, column 2 holds 1000"),
    "complex": (np.zeros((3, 2), complex), "X has dtype complex128: accepted are real numbers"),
    "dates": (np.zeros((3, 2), "datetime64[s]"), r"X has dtype datetime64\[s\]: accepted are real numbers"),
    "records": (np.zeros((3, 2), "f4,f4"), "X has dtype .*: accepted are real numbers"),
    "too far apart": (
        [[-1e300, 0.0], [1e300, 0.0], [0.0, 0.0]],
        r"X has values from -1e\+300 to 1e\+300: too far",
    ),
    "infinite cell": (
        pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, np.inf]}),
        "X: row 2, column 'b' holds .*inf",
    ),
    "names": (
        pd.DataFrame({"a": range(3), "b": range(3), "name": ["u"] * 2 + ["7"]}).map(str),
        "X: row 1, column 'name' holds 'u', in a column of numbers",
    ),
    "dates of many ways to read them": (
        pd.DataFrame({"a": [1.0], "when": ["01/02/2020"]}),
        "X: row 1, column 'when' holds '01/02/2020': accepted are dates such as 2020-01-31",
    ),
}


@pytest.mark.parametrize(("X", "message"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("method", ["fit", "log_prob"])
def test_bad_points_are_refused_with_what_and_where(make, method, X, message):
    labels = np.zeros(1 if X is None or np.isscalar(X) or issparse(X) else len(X))
    with pytest.raises(ValueError, match=message):
        make().fit(X) if method == "fit" else make().log_prob(X, labels)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.full((3, 28, 28), 7.0), r"values from 7 to 7: accepted are images in \[0, 1\]"),
        (np.full((3, 28, 28), -0.1), r"values from -0.1 to -0.1"),
        (np.full((3, 28, 28), 256), "values from 256 to 256"),
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
        ({"n_samples": 0}, r"'n_samples' parameter of GFNCP must be an int in the range \[1, inf\). Got 0"),
        ({"n_samples": 2.5}, "'n_samples' .* Got 2.5"),
        ({"n_samples": "many"}, "'n_samples' .* Got 'many'"),
        ({"random_state": "zero"}, "zero"),
        ({"random_state": -1}, r"'random_state' parameter of GFNCP must be an int .* or None. Got -1"),
        ({"random_state": np.random.default_rng(0)}, "'random_state' .* Got Generator"),
        ({"n_clusters": 4}, "n_clusters=4: accepted are None, an integer, or"),
        ({"n_clusters": "few"}, "n_clusters='few'"),
        ({"device": "no-such"}, "device='no-such': accepted is a device of this machine"),
        ({"device": "cuda:99"}, "device='cuda:99'"),
        ({"n_jobs": 0}, "n_jobs=0: accepted are None and integers but 0"),
        ({"checkpoint": "no-such"}, "checkpoint='no-such': accepted are"),
    ],
)
def test_bad_parameters_are_refused(make, values, message):
    with pytest.raises(ValueError, match=message):
        make(**values).fit(GOOD)


def test_objects_that_are_neither_numbers_nor_text_are_refused(make):
    with pytest.raises(TypeError, match=r"X: row 2, column 2 holds \{\}.*must be a string or a number"):
        make().fit(np.array([[0, 1], [2, {}]], dtype=object))


# Tables.


def test_missing_values_are_replaced_by_medians_with_a_warning(make, X):
    holed = X.copy()
    holed[[3, 7], 1] = np.nan
    filled = holed.copy()
    filled[[3, 7], 1] = np.nanmedian(holed[:, 1])
    with pytest.warns(UserWarning, match=r"X lacks values \(2 in column 2\): replaced by the median"):
        model = make().fit(holed)
    expected = make().fit(filled)
    assert model.labels_.tolist() == expected.labels_.tolist()
    assert np.array_equal(model.posterior_.log_prob, expected.posterior_.log_prob)
    with pytest.warns(UserWarning, match="1 in column 1"):
        found = model.predict_proba([[np.nan, 1.0]])
    np.testing.assert_allclose(found, expected.predict_proba([[np.median(X[:, 0]), 1.0]]))


def test_categories_become_coordinates(make, X):
    frame = pd.DataFrame({"a": X[:, 0], "kind": np.where(X[:, 1] > 0, "up", "down")})
    model = make().fit(frame)
    step = 2 * X[:, 0].std()
    expected = make().fit(np.c_[X[:, 0], step * (X[:, 1] > 0)])
    assert model.labels_.tolist() == expected.labels_.tolist()
    assert model.n_features_in_ == 2
    np.testing.assert_allclose(
        model.predict_proba(frame[:3]),
        expected.predict_proba(np.c_[X[:3, 0], step * (X[:3, 1] > 0)]),
        atol=1e-12,
    )


def test_names_of_rows_and_columns_are_kept(make, X):
    frame = pd.DataFrame(X, columns=["a", "b"], index=[f"row {i}" for i in range(25)])
    model = make().fit(frame)
    assert model.feature_names_in_.tolist() == ["a", "b"]
    found = model.posterior_.to_frame(model.labels_)
    assert found.index.equals(frame.index)
    assert found["label"].tolist() == model.labels_.tolist()
    np.testing.assert_array_equal(found["probability"], model.probabilities_)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[["b", "a"]])
    model.fit(X)
    assert model.posterior_.index is None
    assert not hasattr(model, "feature_names_in_")


# Bounds on the number of clusters.


@pytest.mark.parametrize("bounds", [1, 3, (2, 4), (9, 99)])
@pytest.mark.parametrize("n_orders", [1, 3])
def test_n_clusters_bounds_all_that_is_found(make, X, bounds, n_orders):
    low, high = bounds if isinstance(bounds, tuple) else (bounds, bounds)
    model = make(n_clusters=bounds, n_orders=n_orders).fit(X)
    assert low <= model.n_clusters_ <= high
    assert all(low <= k <= high for k in model.posterior_.n_clusters())
    np.testing.assert_allclose(
        model.log_prob(X, model.posterior_.labels), model.posterior_.log_prob, rtol=1e-4, atol=1e-4
    )
    assert model.log_prob(X, np.zeros(25)) == -np.inf or low == 1
    probabilities = model.predict_proba(X[:4] + 1)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    assert (probabilities[:, -1] == 0).all() or model.n_clusters_ < high


def test_reweighted_samples_under_bounds_estimate_the_exact_conditional(make, X):
    X = X[:5]
    every = all_partitions(5).numpy()
    every = every[every.max(1) + 1 == 3]
    free = make(n_samples=20_000)
    bound = make(n_samples=20_000, n_clusters=3).fit(X).posterior_
    exact = np.exp(free.log_prob(X, every))
    exact = pd.Series(exact / exact.sum(), index=map(tuple, every.tolist()))
    found = bound.reweighted(free.log_prob(X, bound.labels))
    found = pd.Series(found.weights, index=map(tuple, found.labels.tolist()))
    assert (found - exact).abs().sum() / 2 < 0.03


# Scores.


def test_the_score_is_a_mean_log_probability(make, X):
    model = make().fit(X)
    assert model.score(X) == pytest.approx(model.log_prob(X, greedy_of(model)) / 25, abs=1e-5)
    known = np.arange(25) % 3
    assert model.score(X, known) == pytest.approx(model.log_prob(X, known) / 25)
    assert model.score(X, known.astype(str)) == model.score(X, known)
    with pytest.raises(ValueError, match="expecting 2 features"):
        model.score(X[:, :1])
    with pytest.raises(ValueError, match="labels has shape"):
        model.score(X, known[:3])


# Many sets.


@pytest.mark.slow
def test_many_sets_in_one_batch_are_clustered_as_each_alone(make, X):
    sets = [X, X[:7], pd.DataFrame(X[3:20] + 5, index=range(3, 20)), X[:1]]
    reported = []
    fitted = make().fit_sets(sets, reported.append)
    assert sum(reported) == 4
    for one, points in zip(fitted, sets, strict=True):
        alone = make().fit(points)
        assert greedy_of(one) == greedy_of(alone)
        assert one.posterior_.counts.sum() == 20
        np.testing.assert_allclose(
            one.log_prob(points, one.posterior_.labels), one.posterior_.log_prob, rtol=1e-4, atol=1e-4
        )
    assert fitted[2].posterior_.index.tolist() == list(range(3, 20))
    (single,) = make().fit_sets([X])
    assert np.array_equal(single.posterior_.labels, make().fit(X).posterior_.labels)
    assert make().fit_sets([]) == []


def test_sets_of_several_orders_or_too_many_points_are_split(make, X, monkeypatch):
    fitted = make(n_orders=3).fit_sets([X[:6], X, X[:6]])
    for one, points in zip(fitted, [X[:6], X, X[:6]], strict=True):
        np.testing.assert_allclose(
            one.log_prob(points, one.posterior_.labels), one.posterior_.log_prob, rtol=1e-4, atol=1e-4
        )
    monkeypatch.setattr("gfncp.estimators.inference.POINTS_AT_ONCE", 12)
    reported = []
    make().fit_sets([X[:6], X, X[:6], X[:5]], reported.append)
    assert reported == [1, 2, 1]


# Known labels.


@pytest.fixture
def coreset_checkpoint(make_checkpoint):
    return make_checkpoint(
        encoder={"kind": "tokens", "context": {"width": 8, "heads": 2, "blocks": 1, "local_heads": 1}},
        network={"kind": "coreset-energy", "depth": 2, "width": 8, "cluster_width": 8, "body": "gated"},
        data={"kind": "coresets", "tokens": 8},
        objective={"name": "coreset-likelihood"},
    )


@pytest.mark.parametrize(
    "known",
    [
        pd.Series([1.0, np.nan, 1.0, 0.0, -1.0, np.nan]),
        pd.Series([1, pd.NA, 1, 0, -1, pd.NA], dtype="Int64", index=list("abcdef")),
        pd.Series(["u", np.nan, "u", "v", "", None]),
        pd.Series(["u", None, "u", "v", None, None], dtype="category"),
        np.array(["u", "-1", "u", "v", " -1", ""]),
        np.array(["u", np.nan, "u", "v", np.nan, "None"]),
        torch.tensor([7, -1, 7, 0, -1, -1]),
        torch.tensor([7.0, -1.0, 7.0, 0.0, float("nan"), -1.0], requires_grad=True),
    ],
    ids=["floats", "nullable", "names", "categories", "text", "texts of NumPy", "tensor", "tensor of floats"],
)
def test_known_labels_come_as_pandas_has_them(make, coreset_checkpoint, X, known):
    model = make(checkpoint=coreset_checkpoint).fit(pd.DataFrame(X[:6]), known_labels=known)
    plain = make(checkpoint=coreset_checkpoint).fit(X[:6], known_labels=[1, -1, 1, 0, -1, -1])
    assert model.labels_.tolist() == plain.labels_.tolist()
    assert np.array_equal(model.posterior_.labels, plain.posterior_.labels)
    assert np.array_equal(model.posterior_.log_prob, plain.posterior_.log_prob)
    for row in (model.labels_, *model.posterior_.labels):
        assert row[0] == row[2] != row[3]


@pytest.mark.parametrize("n_clusters", [1, (1, 1)])
def test_more_known_clusters_than_there_may_be_are_refused(make, coreset_checkpoint, X, n_clusters):
    model = make(checkpoint=coreset_checkpoint, n_clusters=n_clusters)
    with pytest.raises(ValueError, match=r"n_clusters=.*: known_labels name 2 clusters; accepted are bounds"):
        model.fit(X[:6], known_labels=[0, 1, *[-1] * 4])
    assert model.fit(X[:6], known_labels=[0, 0, *[-1] * 4]).n_clusters_ == 1


@pytest.mark.parametrize("n_clusters", [(2, None), range(2, 5), "auto", True, (True, 3)])
def test_numbers_of_clusters_that_are_none_are_refused(make, coreset_checkpoint, X, n_clusters):
    with pytest.raises(ValueError, match=r"n_clusters=.*accepted are None, an integer, or"):
        make(checkpoint=coreset_checkpoint, n_clusters=n_clusters).fit(X)


@pytest.mark.parametrize("n_orders", [1, 3])
def test_what_is_told_of_each_of_many_sets_is_told_of_it_alone(make, coreset_checkpoint, X, n_orders):
    """All go side by side that have equally many coresets, whatever is known of them."""
    sets = [X[:6], X, X[:9] + 1, X[:24]]
    known = [np.array([0, 0, 1, -1, -1, -1]), None, pd.Series(["b", "a"] * 4 + [np.nan]), np.full(24, -1)]
    weights = [None, np.arange(1, 26), None, np.ones(24)]
    model = make(checkpoint=coreset_checkpoint, n_orders=n_orders)
    reported = []
    fitted = model.fit_sets(sets, reported.append, known_labels=known, sample_weight=weights)
    assert sorted(reported) == [1, 3]
    for one, points, labels, weight in zip(fitted, sets, known, weights, strict=True):
        alone = clone(model).fit(points, known_labels=labels, sample_weight=weight)
        assert greedy_of(one) == greedy_of(alone)
        assert one.posterior_.counts.sum() == 20
    first, third = fitted[0], fitted[2]
    for row in (first.labels_, *first.posterior_.labels):
        assert row[0] == row[1] != row[2]
    for row in (third.labels_, *third.posterior_.labels):
        assert len(set(row[:8:2])) == len(set(row[1:8:2])) == 1 and row[0] != row[1]


def test_what_is_told_of_sets_is_checked(make, coreset_checkpoint, X):
    model = make(checkpoint=coreset_checkpoint)
    with pytest.raises(ValueError, match="known_labels has 1 entries: accepted is one for each set, 2"):
        model.fit_sets([X, X], known_labels=[None])
    with pytest.raises(ValueError, match=r"sample_weight has shape \(3,\): accepted is \(25,\)"):
        model.fit_sets([X, X], sample_weight=[None, np.ones(3)])
    with pytest.raises(ValueError, match="takes points as they are; accepted is None"):
        make().fit_sets([X], known_labels=[np.zeros(25, dtype=int)])


# What is read from the posterior: candidates, small clusters, noise, explanations.


@pytest.mark.parametrize("kind", ["points", "coresets", "large"])
def test_no_clustering_that_is_known_is_more_probable_than_the_most_likely(make, coreset_checkpoint, X, kind):
    given = {"points": {}, "coresets": {"checkpoint": coreset_checkpoint}, "large": {"max_joint": 10}}[kind]
    model = make(**given, min_cluster_size=3).fit(X)
    posterior = model.posterior_
    log_prob = model.log_prob(X, np.stack([posterior.most_likely(), model.labels_, greedy_of(model)]))
    assert log_prob[0] >= log_prob.max() - 1e-3
    assert posterior.top()["log_prob"][0] == pytest.approx(log_prob[0], abs=1e-3)
    assert posterior.log_prob_of(model.labels_) == pytest.approx(log_prob[1], abs=1e-3)
    for each in posterior.found:
        assert each.log_prob == pytest.approx(model.log_prob(X, each.labels), abs=1e-3)


def test_what_is_asked_of_labels_leaves_the_posterior_alone(make, X):
    plain, asked = make().fit(X), make(min_cluster_size=4, noise="label", noise_threshold=0.2).fit(X)
    for name in ("labels", "log_prob", "counts"):
        assert np.array_equal(getattr(asked.posterior_, name), getattr(plain.posterior_, name))
    assert greedy_of(asked) == greedy_of(plain)
    assert make(min_cluster_size=1, noise_threshold=0.2).fit(X).labels_.tolist() == plain.labels_.tolist()


@pytest.mark.parametrize("smallest", [2, 4, 12, 99])
def test_clusters_have_the_size_that_is_asked_for(make, X, smallest):
    plain, model = make().fit(X), make(min_cluster_size=smallest).fit(X)
    assert np.bincount(model.labels_).min() >= smallest or model.n_clusters_ == 1
    assert len(set(zip(plain.labels_, model.labels_, strict=True))) == plain.n_clusters_
    assert make(min_cluster_size=smallest, n_clusters=3).fit(X).n_clusters_ == 3


def test_known_clusters_are_not_joined(make, coreset_checkpoint, X):
    known = np.r_[0, 1, 2, np.full(22, -1)]
    model = make(checkpoint=coreset_checkpoint, min_cluster_size=25).fit(X, known_labels=known)
    assert len(set(model.labels_[:3])) == 3 == model.n_clusters_


def test_noise_is_labelled_from_the_threshold_on(make, X):
    X[0] = 80
    marked = {}
    for threshold in (0.05, 0.5, 1):
        model = make(noise="label", noise_threshold=threshold).fit(X)
        noise = model.posterior_.noise_probability()
        marked[threshold] = model.labels_ < 0
        np.testing.assert_array_equal(marked[threshold], noise >= threshold - 1e-9)
        assert model.n_clusters_ == len(np.unique(model.labels_[~marked[threshold]]))
        np.testing.assert_allclose(model.probabilities_[marked[threshold]], noise[marked[threshold]])
        np.testing.assert_allclose(
            model.posterior_.to_frame(model.labels_)["probability"], model.probabilities_
        )
    assert marked[0.05].any()
    assert (make().fit(X).labels_ >= 0).all()


def test_new_points_join_clusters_but_no_noise(make, X):
    plain, model = make().fit(X), make(noise="label", noise_threshold=0.05).fit(X)
    expected, found = plain.predict_proba(X), model.predict_proba(X)
    assert found.shape == (25, model.n_clusters_ + 1)
    np.testing.assert_allclose(found.sum(1), 1)
    for label in range(model.n_clusters_):
        (cluster,) = set(plain.labels_[model.labels_ == label])
        np.testing.assert_allclose(found[:, label], expected[:, cluster])


def test_all_that_is_asked_is_kept(make, X, tmp_path):
    model = make(min_cluster_size=3, noise="label", noise_threshold=0.3).fit(X)
    model.save(tmp_path / "saved")
    loaded = GFNCP.load(tmp_path / "saved")
    assert loaded.get_params() == model.get_params() | {"checkpoint": str(tmp_path / "saved")}
    assert loaded.labels_.tolist() == model.labels_.tolist()
    assert loaded.n_clusters_ == model.n_clusters_
    assert loaded.posterior_.top().equals(model.posterior_.top())
    assert len(loaded.posterior_.found) == len(model.posterior_.found)
    assert np.array_equal(loaded.probabilities_, model.probabilities_)
    assert np.array_equal(loaded.predict_proba(X), model.predict_proba(X))
    loaded.set_params(noise=None).save(tmp_path / "again")
    assert GFNCP.load(tmp_path / "again").labels_.tolist() == model.labels_.tolist()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"min_cluster_size": 0}, r"'min_cluster_size' .* must be an int in the range \[1, inf\). Got 0"),
        ({"min_cluster_size": 2.5}, "'min_cluster_size' .* Got 2.5"),
        ({"min_cluster_size": None}, "'min_cluster_size' .* Got None"),
        ({"noise": True}, "'noise' .* must be a str among {'label'} or None. Got True"),
        ({"noise": "drop"}, "'noise' .* Got 'drop'"),
        ({"noise_threshold": 0}, r"'noise_threshold' .* must be a float in the range \(0.0, 1.0\]. Got 0"),
        ({"noise_threshold": 1.5}, "'noise_threshold' .* Got 1.5"),
        (
            {"categorical_weight": -1},
            r"'categorical_weight' .* float in the range \[0.0, inf\) or None. Got -1",
        ),
        ({"categorical_weight": "2"}, "'categorical_weight' .* Got '2'"),
        ({"noise_threshold": "half"}, "'noise_threshold' .* Got 'half'"),
        ({"noise_threshold": np.nan}, "'noise_threshold' .* Got nan"),
    ],
)
def test_what_is_asked_of_labels_is_checked(make, values, message):
    with pytest.raises(ValueError, match=message):
        make(**values).fit(GOOD)


def test_clusters_are_described_by_the_columns_of_the_table(make, X):
    frame = pd.DataFrame(X, columns=["height", "width"])
    model = make(min_cluster_size=5, n_clusters=2).fit(frame)
    found = model.describe_clusters(frame)
    assert set(found["feature"]) == {"height", "width"}
    for row in found.itertuples():
        values, member = frame[row.feature], model.labels_ == row.cluster
        assert (row.effect > 0) == (values[member].mean() > values[~member].mean())
    renamed = model.describe_clusters(X, ["a", "b"])
    assert set(renamed["feature"]) == {"a", "b"}
    np.testing.assert_array_equal(renamed["effect"], found["effect"])
    with pytest.raises(ValueError, match=r"labels has shape \(25,\): accepted is \(3,\)"):
        model.describe_clusters(frame[:3])


# Outside of the training range: a warning, and an answer.


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X * 100, "X has coordinates up to .* from their median, but .* of about 10"),
        (lambda X: X / 1000, "X has coordinates of standard deviation .* and less"),
        (lambda X: np.resize(X, (41, 2)), "41 points of X are decoded jointly, but .* of at most 20"),
    ],
)
def test_far_outside_of_the_training_range_there_is_a_warning(make, make_checkpoint, X, change, message):
    checkpoint = make_checkpoint(training={"points": (5, 20)})
    with pytest.warns(UserWarning, match=message):
        model = make(checkpoint=checkpoint, n_samples=1, max_joint=100).fit(change(X))
    assert len(model.labels_) == len(change(X))


def test_as_many_points_as_the_checkpoint_was_trained_on_are_decoded_jointly(make_checkpoint, X, recwarn):
    checkpoint = make_checkpoint(training={"points": (5, 10)})
    fitted, stated = (
        GFNCP(checkpoint, n_samples=2, random_state=0, max_joint=most).fit(X) for most in (None, 10)
    )
    assert not recwarn.list
    assert len(fitted._given.core) == 8  # no point opens a cluster of its own beside these
    assert np.array_equal(fitted.posterior_.log_prob, stated.posterior_.log_prob)


def test_within_the_training_range_there_is_none(make, X, recwarn):
    make().fit(X).predict(X)
    assert not recwarn.list


def test_a_named_device_gives_the_same_numbers(make, X):
    assert np.array_equal(make(device="cpu").fit(X).posterior_.log_prob, make().fit(X).posterior_.log_prob)


# Threads.


class Watched(GFNCP):
    """The estimator, which notes the number of threads whenever it takes up its network."""

    def _inference(self):
        self.seen_ = [*getattr(self, "seen_", []), torch.get_num_threads()]
        return super()._inference()


@pytest.mark.parametrize("n_jobs", [1, 3, None])
def test_all_that_computes_does_so_with_n_jobs_threads_and_leaves_them_as_they_were(
    vector_checkpoint, X, n_jobs
):
    before = torch.get_num_threads()
    model = Watched(vector_checkpoint, n_samples=2, random_state=0, n_jobs=n_jobs)
    model.fit(X).predict(X)
    model.score(X)
    model.log_prob(X, model.labels_)
    in_sets = []
    model.fit_sets([X], lambda count: in_sets.append(torch.get_num_threads()))
    assert model.seen_ + in_sets == [n_jobs or before] * 6
    with pytest.raises(ValueError, match="X has shape"):
        model.fit(X[0])
    assert torch.get_num_threads() == before


def test_a_prepared_model_computes_with_n_jobs_threads(make, X, monkeypatch):
    before, seen = torch.get_num_threads(), []
    fit, conclude = make(n_jobs=3).prepare(), GFNCP._conclude

    def watched(*given, **named):
        seen.append(torch.get_num_threads())
        return conclude(*given, **named)

    monkeypatch.setattr(GFNCP, "_conclude", watched)
    fit(X)
    assert seen == [3]
    assert torch.get_num_threads() == before


def test_results_do_not_depend_on_the_number_of_threads(image_checkpoint, make):
    """Of images, and of vectors in numbers that PyTorch shares out."""
    draw = np.random.default_rng(0)
    for estimator, X in [
        (GFNCP(image_checkpoint, n_samples=3, random_state=0), draw.uniform(size=(20, 28, 28))),
        (make(n_samples=3), draw.normal(scale=10, size=(100, 2))),
    ]:
        one, many = (clone(estimator).set_params(n_jobs=n_jobs).fit(X) for n_jobs in (1, 2))
        assert one.labels_.tolist() == many.labels_.tolist()
        np.testing.assert_allclose(one.score(X), many.score(X), rtol=1e-4)
        np.testing.assert_allclose(one.predict_proba(X[:5]), many.predict_proba(X[:5]), atol=1e-9)
        labels = one.posterior_.labels
        np.testing.assert_allclose(one.log_prob(X, labels), many.log_prob(X, labels), rtol=1e-4, atol=1e-4)


def test_n_jobs_is_kept(make, X, tmp_path):
    make(n_jobs=-2).fit(X).save(tmp_path / "saved")
    assert GFNCP.load(tmp_path / "saved").n_jobs == -2
