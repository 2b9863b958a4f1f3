"""scikit-learn's methods behind the common interface."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from gfncp.estimators.references import HDBSCAN, GaussianMixtureBIC
from gfncp.estimators.registry import METHODS
from gfncp.mixtures.variational import VariationalMixture

RNG = np.random.default_rng(0)
TRUTH = np.repeat([0, 1, 2], [30, 20, 10])
X = RNG.normal(size=(60, 2)) + 15 * np.array([[0, 0], [1, 0], [0, 1]])[TRUTH]

CHEAP = {
    "Collapsed Gibbs": {"n_sweeps": 20, "n_warmup": 10, "random_state": 0},
    "Split-merge": {"n_sweeps": 40, "n_warmup": 10, "random_state": 0},
    "Variational": {"random_state": 0},
    "GMM + BIC": {"max_clusters": 5, "random_state": 0},
    "k-means": {"n_clusters": 3, "random_state": 0},
    "HDBSCAN": {"copy": True},
}


@pytest.mark.parametrize("name", CHEAP)
def test_every_method_has_the_common_interface(name):
    estimator = METHODS[name](**CHEAP[name])
    labels = estimator.fit_predict(X)
    np.testing.assert_array_equal(labels, estimator.labels_)
    assert labels.shape == (60,) and labels.dtype.kind == "i"
    assert estimator.n_clusters_ == len(set(labels.tolist()) - {-1})
    assert adjusted_rand_score(TRUTH, labels) > 0.85


def test_noise_is_in_no_cluster():
    estimator = HDBSCAN(copy=True).fit(np.r_[X, [[500.0, 500.0]]])
    assert estimator.labels_[-1] == -1
    assert estimator.n_clusters_ == 3


def test_labels_of_mixtures_are_in_order_of_appearance():
    for estimator in (GaussianMixtureBIC(max_clusters=4, random_state=0), VariationalMixture(random_state=0)):
        labels = estimator.fit_predict(X[::-1])
        assert labels[0] == 0
        assert (np.diff(np.maximum.accumulate(labels)) <= 1).all()


def test_bic_keeps_to_its_range():
    assert (
        GaussianMixtureBIC(min_clusters=4, max_clusters=4, random_state=0).fit(X).mixture_.n_components == 4
    )
    assert GaussianMixtureBIC(max_clusters=50, n_init=1, random_state=0).fit(X[:3]).n_clusters_ <= 3


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (GaussianMixtureBIC(min_clusters=5, max_clusters=4), "min_clusters=5, max_clusters=4"),
        (GaussianMixtureBIC(min_clusters=0), "min_clusters=0"),
        (GaussianMixtureBIC(min_clusters=61, max_clusters=70), "n_samples=60"),
        (VariationalMixture(max_clusters=0), "max_clusters=0"),
    ],
)
def test_bad_parameters_are_named(estimator, message):
    with pytest.raises(ValueError, match=message):
        estimator.fit(X)


@parametrize_with_checks([GaussianMixtureBIC(max_clusters=3, n_init=1), VariationalMixture(n_init=1)])
def test_scikit_learn_conventions(estimator, check):
    check(estimator)
