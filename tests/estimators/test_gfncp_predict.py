"""Predictions of a fitted estimator: what is kept for the next call, and when it is made anew."""

import pickle

import numpy as np
import pytest
import torch

from gfncp import GFNCP, checkpoints


def test_predictions_follow_parameters_refits_and_the_checkpoint(vector_checkpoint, X):
    def fresh(x=X, **parameters):
        return GFNCP(vector_checkpoint, n_samples=3, random_state=0, **parameters).fit(x)

    model = fresh()
    model.predict_proba(X)
    np.testing.assert_array_equal(model.set_params(n_clusters=1).predict_proba(X)[:, -1], 0)
    np.testing.assert_array_equal(
        model.set_params(n_clusters=None).predict_proba(X), fresh().predict_proba(X)
    )
    np.testing.assert_array_equal(model.fit(X[:5]).predict_proba(X), fresh(X[:5]).predict_proba(X))
    before = model.predict_proba(X)
    network = checkpoints.load(vector_checkpoint)
    with torch.no_grad():
        network.f.last.weight.mul_(-5)
    checkpoints.save(network, checkpoints.load_configuration(vector_checkpoint), vector_checkpoint)
    model.save(vector_checkpoint.parent / "fitted")
    expected = GFNCP.load(vector_checkpoint.parent / "fitted").predict_proba(X)
    np.testing.assert_array_equal(model.predict_proba(X), expected)
    assert not np.allclose(expected, before)


def test_an_estimator_that_has_predicted_can_be_pickled_and_loads_nothing_again(
    vector_checkpoint, X, monkeypatch
):
    model = GFNCP(vector_checkpoint, n_samples=3, random_state=0).fit(X)
    expected = model.predict_proba(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), expected)
    monkeypatch.setattr(GFNCP, "_inference", None)
    np.testing.assert_array_equal(model.predict_proba(X), expected)


def test_predictions_by_another_kind_of_checkpoint_are_refused(
    vector_checkpoint, image_checkpoint, coreset_checkpoint, X
):
    kinds = {vector_checkpoint: X, image_checkpoint: np.zeros((5, 28, 28)), coreset_checkpoint: X}
    for checkpoint, points in kinds.items():
        model = GFNCP(checkpoint, n_samples=3, random_state=0).fit(points)
        for other in kinds.keys() - {checkpoint}:
            with pytest.raises(
                ValueError, match=f"checkpoint='{other}': the points were fitted with another kind"
            ):
                model.set_params(checkpoint=other).predict(points)
