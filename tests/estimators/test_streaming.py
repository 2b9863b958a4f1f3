"""Streams of batches: they go on where they were, and earlier labels stay."""

import numpy as np
import pandas as pd
import pytest
import torch

from gfncp import GFNCP


@pytest.mark.parametrize("cuts", [[], [1, 2, 3, 4], [12], range(1, 30)])
def test_partial_fit_of_any_batches_is_one_fit_of_the_whole(check_equal, online, rows, cuts):
    whole = GFNCP(online, n_samples=20, random_state=1).fit(rows)
    assert 1 < whole.n_clusters_ < 30
    assert len(whole.posterior_.labels) > 5
    streamed = GFNCP(online, n_samples=20, random_state=1)
    for batch in np.split(rows, list(cuts)):
        streamed.partial_fit(batch)
    check_equal(streamed, whole)


def test_partial_fit_goes_on_after_fit_and_fit_starts_anew(check_equal, online, rows):
    whole = GFNCP(online, n_samples=20, random_state=1).fit(rows)
    model = GFNCP(online, n_samples=20, random_state=1).fit(rows[:17]).partial_fit(rows[17:])
    check_equal(model, whole)
    check_equal(model.fit(rows), whole)


def test_sets_are_streams_of_their_own_in_the_order_of_their_rows(check_equal, online, rows):
    model = GFNCP(online, n_samples=20, random_state=1)
    sets = [rows, rows[::-1].copy()]
    for one, fitted in zip(sets, model.fit_sets(sets), strict=True):
        check_equal(fitted, GFNCP(online, n_samples=20, random_state=1).fit(one))
        fitted.partial_fit(rows[:3])
        assert len(fitted.labels_) == len(rows) + 3


def test_the_score_is_that_of_the_clustering_in_the_order_of_the_rows(online, rows):
    model = GFNCP(online, n_samples=3, random_state=1).fit(rows)
    assert model.score(rows) == pytest.approx(model.log_prob(rows, model.labels_) / len(rows), abs=1e-5)


def test_labels_of_earlier_points_never_change(online, rows):
    model = GFNCP(online, n_samples=3, random_state=1)
    seen = np.empty(0, dtype=int)
    for batch in np.split(rows, [5, 6, 20]):
        labels = model.partial_fit(batch).labels_
        assert np.array_equal(labels[: len(seen)], seen)
        seen = labels


def test_changing_the_fitted_labels_or_the_data_does_not_change_the_stream(check_equal, online, rows):
    whole = GFNCP(online, n_samples=20, random_state=1).fit(rows)
    batch = rows[:17].copy()
    model = GFNCP(online, n_samples=20, random_state=1).partial_fit(batch)
    model.labels_[:] = 0
    batch[:] = 0
    check_equal(model.partial_fit(rows[17:]), whole)
    np.testing.assert_allclose(model.predict_proba(rows), whole.predict_proba(rows), atol=1e-5)


def test_partial_fit_accepts_online_checkpoints_and_one_order_alone(online, usual, rows):
    assert hasattr(GFNCP(online), "partial_fit")
    assert not hasattr(GFNCP(usual), "partial_fit")
    with pytest.raises(AttributeError) as refusal:
        GFNCP(usual).partial_fit(rows)
    assert "partial_fit accepts checkpoints that were trained online" in str(refusal.value.__cause__)
    with pytest.raises(ValueError, match="n_clusters=3: a stream has no end"):
        GFNCP(online, n_clusters=3).partial_fit(rows)
    with pytest.raises(ValueError, match="n_orders=2"):
        GFNCP(online, n_orders=2).partial_fit(rows)
    with pytest.raises(ValueError, match=r"'n_samples' .* Got 0"):
        GFNCP(online, n_samples=0).partial_fit(rows)
    with pytest.raises(ValueError, match=r"X has shape \(30, 1\)"):
        GFNCP(online).partial_fit(rows[:, :1])


@pytest.mark.filterwarnings("ignore:X has coordinates")
def test_a_batch_that_is_refused_leaves_the_stream_as_it_was(check_equal, online, rows):
    model = GFNCP(online, n_samples=20, random_state=1).partial_fit(rows[:17])
    for bad in (rows[:, :1], np.full((2, 2), np.inf), rows[:0], [[1e300, -1e300]]):
        with pytest.raises(ValueError):
            model.partial_fit(bad)
    check_equal(model.partial_fit(rows[17:]), GFNCP(online, n_samples=20, random_state=1).fit(rows))


def test_a_stream_computes_with_n_jobs_threads(check_equal, online, rows):
    before = torch.get_num_threads()
    whole = GFNCP(online, n_samples=2, random_state=1).fit(rows[:6])
    model = GFNCP(online, n_samples=2, random_state=1, n_jobs=2)
    check_equal(model.partial_fit(rows[:4]).partial_fit(rows[4:6]), whole)
    with pytest.raises(ValueError, match="n_jobs=0"):
        model.set_params(n_jobs=0).partial_fit(rows)
    assert torch.get_num_threads() == before


def test_an_online_prediction_is_where_partial_fit_would_put_the_point(online, rows):
    model = GFNCP(online, n_samples=2, random_state=0).fit(rows[:20])
    predicted = model.predict(rows[20:])
    assert len(np.unique(predicted)) > 1
    for point, label in zip(rows[20:], predicted, strict=True):
        following = GFNCP(online, n_samples=2, random_state=0).fit(rows[:20]).partial_fit(point[None])
        assert following.labels_[-1] == label


def test_several_orders_of_an_online_checkpoint_are_averaged_but_are_no_stream(online, rows):
    model = GFNCP(online, n_samples=10, n_orders=3, random_state=0).fit(rows)
    np.testing.assert_allclose(
        model.log_prob(rows, model.posterior_.labels), model.posterior_.log_prob, atol=1e-4
    )
    with pytest.raises(ValueError, match="n_orders=3"):
        model.partial_fit(rows)


def test_names_of_a_stream_are_joined(online, rows):
    frame = pd.DataFrame(rows, index=range(100, 130))
    model = GFNCP(online, n_samples=3, random_state=0).partial_fit(frame[:10]).partial_fit(frame[10:])
    assert model.posterior_.index.tolist() == list(range(100, 130))
    assert GFNCP(online, n_samples=3).partial_fit(frame[:10]).partial_fit(rows[10:]).posterior_.index is None


def test_the_labels_of_a_stream_are_the_greedy_ones_and_a_candidate(online, rows):
    model = GFNCP(online, n_samples=10, random_state=0).fit(rows)
    (greedy,) = model.posterior_.found
    assert greedy.labels.tolist() == model.labels_.tolist()
    assert greedy.log_prob == pytest.approx(model.log_prob(rows, model.labels_), abs=1e-4)
    np.testing.assert_allclose(
        model.log_prob(rows, model.posterior_.labels), model.posterior_.log_prob, atol=1e-4
    )
    with pytest.raises(
        ValueError, match="min_cluster_size=3: labels of a stream stay, partial_fit accepts 1"
    ):
        model.set_params(min_cluster_size=3).partial_fit(rows)
    with pytest.raises(ValueError, match="noise='label': labels of a stream stay, partial_fit accepts None"):
        model.set_params(min_cluster_size=1, noise="label").partial_fit(rows)
    assert np.bincount(GFNCP(online, min_cluster_size=5, random_state=0).fit(rows).labels_).min() >= 5
