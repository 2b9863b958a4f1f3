"""The estimator: streams of batches, new points, and what is kept in a folder or a pickle."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.exceptions import NotFittedError

from gfncp import GFNCP, checkpoints, configuration, load
from gfncp.estimators.persistence import FILE

KINDS = {"online-energy": "scaled-vectors", "energy": "vectors"}


@pytest.fixture
def make_folder(tmp_path):
    """A checkpoint with weights large enough for energies to differ clearly."""

    def make(network: str, seed: int = 3):
        values = {
            "encoder": {"kind": KINDS[network], "dim": 2},
            "network": {"kind": network, "depth": 2, "width": 16},
            "data": {"kind": "gaussian-mixtures"},
            "objective": {"name": "ncp"},
        }
        described = configuration.parse(values, "test")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = described.build()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter *= 2
            model.f.last.weight *= 4
        folder = tmp_path / f"{network}-{seed}"
        checkpoints.save(model, described, folder)
        return folder

    return make


@pytest.fixture
def online(make_folder):
    return make_folder("online-energy")


@pytest.fixture
def usual(make_folder):
    return make_folder("energy")


@pytest.fixture
def X():
    return 3 * np.random.default_rng(0).standard_normal((30, 2)).astype(np.float32)


def check_equal(one: GFNCP, other: GFNCP) -> None:
    """The same fitted numbers."""
    assert np.array_equal(one.labels_, other.labels_)
    assert one.n_clusters_ == other.n_clusters_
    assert one.n_features_in_ == other.n_features_in_
    assert np.array_equal(one.posterior_.labels, other.posterior_.labels)
    assert np.array_equal(one.posterior_.counts, other.posterior_.counts)
    np.testing.assert_allclose(one.posterior_.log_prob, other.posterior_.log_prob, atol=1e-4)
    np.testing.assert_allclose(one.probabilities_, other.probabilities_)


@pytest.mark.parametrize("cuts", [[], [1, 2, 3, 4], [12], range(1, 30)])
def test_partial_fit_of_any_batches_is_one_fit_of_the_whole(online, X, cuts):
    whole = GFNCP(online, n_samples=20, random_state=1).fit(X)
    assert 1 < whole.n_clusters_ < 30
    assert len(whole.posterior_.labels) > 5
    streamed = GFNCP(online, n_samples=20, random_state=1)
    for batch in np.split(X, list(cuts)):
        streamed.partial_fit(batch)
    check_equal(streamed, whole)


def test_partial_fit_goes_on_after_fit_and_fit_starts_anew(online, X):
    whole = GFNCP(online, n_samples=20, random_state=1).fit(X)
    model = GFNCP(online, n_samples=20, random_state=1).fit(X[:17]).partial_fit(X[17:])
    check_equal(model, whole)
    check_equal(model.fit(X), whole)


def test_labels_of_earlier_points_never_change(online, X):
    model = GFNCP(online, n_samples=3, random_state=1)
    seen = np.empty(0, dtype=int)
    for batch in np.split(X, [5, 6, 20]):
        labels = model.partial_fit(batch).labels_
        assert np.array_equal(labels[: len(seen)], seen)
        seen = labels


def test_changing_the_fitted_labels_or_the_data_does_not_change_the_stream(online, X):
    whole = GFNCP(online, n_samples=20, random_state=1).fit(X)
    batch = X[:17].copy()
    model = GFNCP(online, n_samples=20, random_state=1).partial_fit(batch)
    model.labels_[:] = 0
    batch[:] = 0
    check_equal(model.partial_fit(X[17:]), whole)
    np.testing.assert_allclose(model.predict_proba(X), whole.predict_proba(X), atol=1e-5)


def test_partial_fit_accepts_online_checkpoints_and_one_order_alone(online, usual, X):
    assert hasattr(GFNCP(online), "partial_fit")
    assert not hasattr(GFNCP(usual), "partial_fit")
    with pytest.raises(AttributeError) as refusal:
        GFNCP(usual).partial_fit(X)
    assert "partial_fit accepts checkpoints that were trained online" in str(refusal.value.__cause__)
    with pytest.raises(ValueError, match="n_clusters=3: a stream has no end"):
        GFNCP(online, n_clusters=3).partial_fit(X)
    with pytest.raises(ValueError, match="n_orders=2"):
        GFNCP(online, n_orders=2).partial_fit(X)
    with pytest.raises(ValueError, match=r"'n_samples' .* Got 0"):
        GFNCP(online, n_samples=0).partial_fit(X)
    with pytest.raises(ValueError, match=r"X has shape \(30, 1\)"):
        GFNCP(online).partial_fit(X[:, :1])


@pytest.mark.filterwarnings("ignore:X has coordinates")
def test_a_batch_that_is_refused_leaves_the_stream_as_it_was(online, X):
    model = GFNCP(online, n_samples=20, random_state=1).partial_fit(X[:17])
    for bad in (X[:, :1], np.full((2, 2), np.inf), X[:0], [[1e300, -1e300]]):
        with pytest.raises(ValueError):
            model.partial_fit(bad)
    check_equal(model.partial_fit(X[17:]), GFNCP(online, n_samples=20, random_state=1).fit(X))


@pytest.mark.filterwarnings("ignore:X has coordinates")
@pytest.mark.parametrize("kind", KINDS)
def test_points_too_far_for_finite_energies_are_refused_by_every_method(make_folder, X, kind):
    model = GFNCP(make_folder(kind), n_samples=2, random_state=0).fit(X)
    far = np.r_[X, [[1e308, -1e308]]]
    for method in (model.predict_proba, model.score, model.fit):
        with pytest.raises(ValueError, match=r"X has values from -1e\+308 to 1e\+308: too far apart"):
            method(far)


def test_a_stream_computes_with_n_jobs_threads(online, X):
    before = torch.get_num_threads()
    whole = GFNCP(online, n_samples=2, random_state=1).fit(X[:6])
    model = GFNCP(online, n_samples=2, random_state=1, n_jobs=2)
    check_equal(model.partial_fit(X[:4]).partial_fit(X[4:6]), whole)
    with pytest.raises(ValueError, match="n_jobs=0"):
        model.set_params(n_jobs=0).partial_fit(X)
    assert torch.get_num_threads() == before


def test_an_online_prediction_is_where_partial_fit_would_put_the_point(online, X):
    model = GFNCP(online, n_samples=2, random_state=0).fit(X[:20])
    predicted = model.predict(X[20:])
    assert len(np.unique(predicted)) > 1
    for point, label in zip(X[20:], predicted, strict=True):
        following = GFNCP(online, n_samples=2, random_state=0).fit(X[:20]).partial_fit(point[None])
        assert following.labels_[-1] == label


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_are_the_policy_of_one_point_more(make_folder, X, kind):
    folder = make_folder(kind)
    model = GFNCP(folder, n_samples=2, random_state=0).fit(X[:20])
    probabilities = model.predict_proba(X[20:])
    assert probabilities.shape == (10, model.n_clusters_ + 1)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    for point, row in zip(X[20:], probabilities, strict=True):
        more = np.r_[X[:20], point[None]]
        labels = np.stack([np.r_[model.labels_, k] for k in range(len(row))])
        joint = (
            load(folder)
            .log_prob(torch.from_numpy(more)[None], torch.from_numpy(labels)[None])[0]
            .detach()
            .numpy()
        )
        np.testing.assert_allclose(row, np.exp(joint - np.logaddexp.reduce(joint)), atol=1e-4)
    assert np.array_equal(model.predict(X[20:]), probabilities.argmax(1))


@pytest.mark.parametrize("kind", KINDS)
def test_new_points_are_judged_each_on_its_own(make_folder, X, kind):
    model = GFNCP(make_folder(kind), n_samples=2, random_state=0).fit(X[:20])
    together = model.predict_proba(X[20:])
    for row in range(10):
        np.testing.assert_allclose(model.predict_proba(X[20 + row : 21 + row])[0], together[row], atol=1e-5)


def test_prediction_needs_a_fit_and_points_of_the_same_shape(usual, X):
    with pytest.raises(NotFittedError):
        GFNCP(usual).predict(X)
    with pytest.raises(ValueError, match="X has 1 features, but GFNCP is expecting 2 features"):
        GFNCP(usual).fit(X).predict(X[:, :1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_estimator_is_loaded_with_the_same_numbers(make_folder, X, tmp_path, kind):
    model = GFNCP(make_folder(kind), n_samples=20, n_orders=1, random_state=4).fit(X[:20])
    model.save(tmp_path / "saved")
    loaded = GFNCP.load(tmp_path / "saved")
    check_equal(loaded, model)
    assert loaded.get_params() == {**model.get_params(), "checkpoint": str(tmp_path / "saved")}
    assert np.array_equal(loaded.predict_proba(X[20:]), model.predict_proba(X[20:]))
    loaded.save(tmp_path / "saved")  # over itself
    check_equal(GFNCP.load(tmp_path / "saved"), model)
    check_equal(GFNCP(tmp_path / "saved", n_samples=20, random_state=4).fit(X[:20]), model)


@pytest.mark.parametrize("keep", ["save", "pickle"])
def test_a_stream_goes_on_after_it_was_kept(online, X, tmp_path, keep):
    model = GFNCP(online, n_samples=20, random_state=1).partial_fit(X[:17])
    if keep == "save":
        model.save(tmp_path / "saved")
        model = GFNCP.load(tmp_path / "saved")
    else:
        model = pickle.loads(pickle.dumps(model))
    check_equal(model.partial_fit(X[17:]), GFNCP(online, n_samples=20, random_state=1).fit(X))


def test_numpy_integers_and_no_seed_are_saved(usual, X, tmp_path):
    GFNCP(usual, n_samples=np.int64(5), random_state=np.int32(3)).fit(X).save(tmp_path / "a")
    assert GFNCP.load(tmp_path / "a").get_params()["n_samples"] == 5
    GFNCP(usual, n_samples=5).fit(X).save(tmp_path / "b")
    assert GFNCP.load(tmp_path / "b").random_state is None
    with pytest.raises(ValueError, match="random_state=RandomState"):
        GFNCP(usual, random_state=np.random.RandomState(0)).fit(X).save(tmp_path / "c")


def test_what_is_not_fitted_is_not_saved(usual, tmp_path):
    with pytest.raises(NotFittedError):
        GFNCP(usual).save(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


def test_damaged_folders_are_refused(usual, make_folder, X, tmp_path):
    folder = tmp_path / "saved"
    with pytest.raises(ValueError, match="not a saved estimator"):
        GFNCP.load(folder)
    with pytest.raises(ValueError, match="not a saved estimator"):
        GFNCP.load(usual)
    GFNCP(usual, n_samples=5, random_state=0).fit(X).save(folder)
    intact = (folder / FILE).read_bytes()
    for damaged in (b"", intact[:100], intact[:-8], b"\xff" * 64):
        (folder / FILE).write_bytes(damaged)
        with pytest.raises(ValueError, match="not a saved estimator"):
            GFNCP.load(folder)
    (folder / FILE).write_bytes(intact)
    GFNCP.load(folder)
    save_file(load_file(folder / FILE), folder / FILE)  # without what tells the parameters
    with pytest.raises(ValueError, match="not a saved estimator"):
        GFNCP.load(folder)
    (folder / FILE).write_bytes(intact)
    other = make_folder("energy", seed=9)
    (folder / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())
    with pytest.raises(ValueError, match="not the one that the estimator was fitted with"):
        GFNCP.load(folder)


def test_averaging_over_orders_agrees_with_itself(usual, X):
    model = GFNCP(usual, n_samples=20, n_orders=4, random_state=0).fit(X)
    posterior = model.posterior_
    assert (np.diff(posterior.log_prob) <= 0).all()
    assert posterior.counts.sum() == 20
    np.testing.assert_allclose(model.log_prob(X, posterior.labels), posterior.log_prob, atol=1e-4)
    single = GFNCP(usual, n_samples=20, random_state=0).fit(X)
    assert np.abs(single.log_prob(X, posterior.labels) - posterior.log_prob).max() > 0.1
    ours, theirs = model.log_prob(X, np.stack([model.labels_, single.labels_]))
    assert ours >= theirs


def test_several_orders_of_an_online_checkpoint_are_averaged_but_are_no_stream(online, X):
    model = GFNCP(online, n_samples=10, n_orders=3, random_state=0).fit(X)
    np.testing.assert_allclose(
        model.log_prob(X, model.posterior_.labels), model.posterior_.log_prob, atol=1e-4
    )
    with pytest.raises(ValueError, match="n_orders=3"):
        model.partial_fit(X)


@pytest.mark.parametrize("n_orders", [0, 1.5, "all", None])
def test_a_number_of_orders_that_is_none_is_refused(usual, X, n_orders):
    with pytest.raises(ValueError, match="'n_orders' parameter"):
        GFNCP(usual, n_orders=n_orders).fit(X)


def test_tables_are_kept_with_names_and_rules(usual, tmp_path, X):
    frame = pd.DataFrame(
        {"size": X[:, 0], "kind": np.where(X[:, 1] > 0, "a", "b")},
        index=pd.date_range("2020-01-01", periods=30, name="day"),
    )
    model = GFNCP(usual, n_samples=5, n_clusters=(2, 5), random_state=0).fit(frame)
    model.save(tmp_path / "saved")
    loaded = GFNCP.load(tmp_path / "saved")
    check_equal(loaded, model)
    assert loaded.get_params() == {**model.get_params(), "checkpoint": str(tmp_path / "saved")}
    assert loaded.posterior_.index.equals(frame.index)
    assert loaded.posterior_.index.name == "day"
    assert loaded.feature_names_in_.tolist() == ["size", "kind"]
    assert np.array_equal(loaded.predict_proba(frame), model.predict_proba(frame))
    with pytest.raises(ValueError, match="feature names"):
        loaded.predict(frame[["kind", "size"]])


def test_names_of_a_stream_are_joined(online, X):
    frame = pd.DataFrame(X, index=range(100, 130))
    model = GFNCP(online, n_samples=3, random_state=0).partial_fit(frame[:10]).partial_fit(frame[10:])
    assert model.posterior_.index.tolist() == list(range(100, 130))
    assert GFNCP(online, n_samples=3).partial_fit(frame[:10]).partial_fit(X[10:]).posterior_.index is None


def test_the_labels_of_a_stream_are_the_greedy_ones_and_a_candidate(online, X):
    model = GFNCP(online, n_samples=10, random_state=0).fit(X)
    (greedy,) = model.posterior_.found
    assert greedy.labels.tolist() == model.labels_.tolist()
    assert greedy.log_prob == pytest.approx(model.log_prob(X, model.labels_), abs=1e-4)
    np.testing.assert_allclose(
        model.log_prob(X, model.posterior_.labels), model.posterior_.log_prob, atol=1e-4
    )
    with pytest.raises(
        ValueError, match="min_cluster_size=3: labels of a stream stay, partial_fit accepts 1"
    ):
        model.set_params(min_cluster_size=3).partial_fit(X)
    with pytest.raises(ValueError, match="noise='label': labels of a stream stay, partial_fit accepts None"):
        model.set_params(min_cluster_size=1, noise="label").partial_fit(X)
    assert np.bincount(GFNCP(online, min_cluster_size=5, random_state=0).fit(X).labels_).min() >= 5


def test_samples_of_an_online_checkpoint_keep_the_bounds(online, X):
    model = GFNCP(online, n_samples=10, n_clusters=3, random_state=0).fit(X)
    assert set(model.posterior_.n_clusters()) == {3}
