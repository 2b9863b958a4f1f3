"""New points, and averages over orders, by the networks that take every point of a set as it is."""

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError

from gfncp import GFNCP, load
from gfncp.estimators.inference import Inference

KINDS = ("online-energy", "energy")


@pytest.mark.filterwarnings("ignore:X has coordinates")
@pytest.mark.parametrize("kind", KINDS)
def test_points_too_far_for_finite_energies_are_refused_by_every_method(make_folder, rows, kind):
    model = GFNCP(make_folder(kind), n_samples=2, random_state=0).fit(rows)
    far = np.r_[rows, [[1e308, -1e308]]]
    for method in (model.predict_proba, model.score, model.fit):
        with pytest.raises(ValueError, match=r"X has values from -1e\+308 to 1e\+308: too far apart"):
            method(far)


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_are_the_policy_of_one_point_more(make_folder, rows, kind):
    folder = make_folder(kind)
    model = GFNCP(folder, n_samples=2, random_state=0).fit(rows[:20])
    probabilities = model.predict_proba(rows[20:])
    assert probabilities.shape == (10, model.n_clusters_ + 1)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    for point, row in zip(rows[20:], probabilities, strict=True):
        more = np.r_[rows[:20], point[None]]
        labels = np.stack([np.r_[model.labels_, k] for k in range(len(row))])
        joint = (
            load(folder)
            .log_prob(torch.from_numpy(more)[None], torch.from_numpy(labels)[None])[0]
            .detach()
            .numpy()
        )
        np.testing.assert_allclose(row, np.exp(joint - np.logaddexp.reduce(joint)), atol=1e-4)
    assert np.array_equal(model.predict(rows[20:]), probabilities.argmax(1))


@pytest.mark.parametrize("kind", KINDS)
def test_new_points_are_judged_each_on_its_own(make_folder, rows, kind):
    model = GFNCP(make_folder(kind), n_samples=2, random_state=0).fit(rows[:20])
    together = model.predict_proba(rows[20:])
    for row in range(10):
        np.testing.assert_allclose(
            model.predict_proba(rows[20 + row : 21 + row])[0], together[row], atol=1e-5
        )


def test_clusters_without_a_jointly_decoded_point_get_no_new_ones(usual, rows):
    inference = Inference.of(usual, "cpu", 1, None, 10)
    given = inference.given(rows[:20].astype(np.float32))
    labels = np.arange(20) % 2
    expected = inference.judge(given, labels)(rows[20:])
    apart = np.setdiff1d(np.arange(20), given.core)[0]
    for name, named in ((2, labels), (0, labels + 1)):
        found = inference.judge(given, np.where(np.arange(20) == apart, name, named))(rows[20:])
        assert (found[:, name] == 0).all()
        np.testing.assert_allclose(np.delete(found, name, 1), expected)


def test_prediction_needs_a_fit_and_points_of_the_same_shape(usual, rows):
    with pytest.raises(NotFittedError):
        GFNCP(usual).predict(rows)
    with pytest.raises(ValueError, match="X has 1 features, but GFNCP is expecting 2 features"):
        GFNCP(usual).fit(rows).predict(rows[:, :1])


def test_points_are_pooled_over_eight_orders_unless_told_and_streams_have_one(usual, online, rows):
    for checkpoint, count, other in ((usual, 8, 1), (online, 1, 8)):
        of_default, same, different = (
            GFNCP(checkpoint, n_samples=20, random_state=0, **named).fit(rows).posterior_.log_prob
            for named in ({}, {"n_orders": count}, {"n_orders": other})
        )
        assert np.array_equal(of_default, same)
        assert not np.array_equal(of_default, different)


def test_a_pool_of_orders_agrees_with_itself(usual, rows):
    model = GFNCP(usual, n_samples=20, n_orders=4, random_state=0).fit(rows)
    posterior = model.posterior_
    assert (np.diff(posterior.log_prob) <= 0).all()
    assert posterior.counts.sum() == 20
    np.testing.assert_allclose(model.log_prob(rows, posterior.labels), posterior.log_prob, atol=1e-4)
    single = GFNCP(usual, n_samples=20, random_state=0).fit(rows)
    assert np.abs(single.log_prob(rows, posterior.labels) - posterior.log_prob).max() > 0.1
    ours, theirs = model.log_prob(rows, np.stack([model.labels_, single.labels_]))
    assert ours >= theirs


@pytest.mark.parametrize("n_orders", [0, 1.5, "all"])
def test_a_number_of_orders_that_is_none_is_refused(usual, rows, n_orders):
    with pytest.raises(ValueError, match="'n_orders' parameter"):
        GFNCP(usual, n_orders=n_orders).fit(rows)


def test_samples_of_an_online_checkpoint_keep_the_bounds(online, rows):
    model = GFNCP(online, n_samples=10, n_clusters=3, random_state=0).fit(rows)
    assert set(model.posterior_.n_clusters()) == {3}
