"""What the default checkpoint finds in plain sets of the kinds that people bring."""

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score

from gfncp import GFNCP
from gfncp.checkpoints import DEFAULT, PRETRAINED

pytestmark = pytest.mark.skipif(not (PRETRAINED / DEFAULT).is_dir(), reason="needs the default checkpoint")


def clusters(centres, points, seed=0, sd=1.0):
    """So many points around each centre; their labels."""
    rng = np.random.default_rng(seed)
    centres = np.asarray(centres, dtype=float)
    labels = np.repeat(np.arange(len(centres)), points)
    return centres[labels] + sd * rng.normal(size=(len(labels), centres.shape[1])), labels


def three():
    """Three round clusters."""
    return clusters([(0, 0), (8, 0), (0, 8)], 50)


def far_apart(count, dim, points, spread, unit=False):
    x, labels = clusters(spread * np.random.default_rng(1).normal(size=(count, dim)), points)
    return (x / np.linalg.norm(x, axis=1, keepdims=True) if unit else x), labels


def unequal():
    x, labels = clusters([(0, 0), (12, 12)], 1000)
    return x[:1005], labels[:1005]


def changed(change):
    def make():
        x, labels = three()
        return change(x), labels

    return make


def stacked():
    x, labels = three()
    return np.tile(x, (3, 1)), np.tile(labels, 3)


def few():
    x, labels = three()
    kept = [0, 1, 2, 50, 51, 100, 101]
    return x[kept], labels[kept]


CASES = {
    "three round clusters": three,
    "copies of them": stacked,
    "rounded": changed(np.rint),
    "far from zero": changed(lambda x: np.rint(1000 * x) + 1e13),
    "tiny": changed(lambda x: 1e-200 * x),
    "huge": changed(lambda x: 1e150 * x),
    "a constant column": changed(lambda x: np.c_[x, np.ones(len(x))]),
    "columns of other units": changed(lambda x: x * [1000.0, 0.01]),
    "seven points": few,
    "more columns than rows": lambda: far_apart(3, 384, 8, 2.0),
    "unit length": lambda: far_apart(6, 768, 50, 1.0, unit=True),
    "a thousand beside five": unequal,
    "thirty clusters in 512 dimensions": lambda: far_apart(30, 512, 20, 3.0),
}


@pytest.mark.parametrize("name", CASES)
def test_plain_clusters_are_found(name):
    x, labels = CASES[name]()
    found = GFNCP(random_state=0, n_samples=20).fit(x).labels_
    assert adjusted_rand_score(labels, found) > 0.9


@pytest.mark.slow
def test_rows_in_any_order_and_threads_of_any_number_give_the_same():
    x = three()[0][::2]
    order = np.random.default_rng(3).permutation(len(x))
    model = GFNCP(random_state=0, n_samples=5).fit(x)
    other = GFNCP(random_state=0, n_samples=5).fit(x[order])
    assert adjusted_rand_score(model.labels_[order], other.labels_) == 1
    assert np.array_equal(model.posterior_.log_prob, other.posterior_.log_prob)
    again = GFNCP(random_state=0, n_samples=5, n_jobs=2).fit(x)
    assert np.array_equal(again.labels_, model.labels_)
    assert np.array_equal(again.posterior_.labels, model.posterior_.labels)


def test_equal_points_are_one_cluster():
    assert GFNCP(random_state=0).fit(np.ones((10, 3))).n_clusters_ == 1


def test_the_number_of_clusters_may_be_told():
    x, _ = three()
    posterior = GFNCP(n_clusters=4, random_state=0, n_samples=20).fit(x).posterior_
    assert posterior.n_clusters() == {4: pytest.approx(1)}


@pytest.mark.slow
def test_known_labels_pull_their_clusters_apart():
    """Two overlapping clusters, of which a tenth of the labels is known."""
    x, labels = clusters([(0, 0), (2.5, 0)], 100)
    known = np.where(np.arange(200) % 10 == 0, labels, -1)
    model = GFNCP(random_state=0, n_samples=20).fit(x, known_labels=known)
    assert (model.labels_[known == 0] == model.labels_[0]).all()
    assert (model.labels_[known == 1] == model.labels_[-10]).all()
    assert adjusted_rand_score(labels, model.labels_) > 0.5


def test_a_model_of_torch_takes_tokens():
    from gfncp.checkpoints import load
    from gfncp.simulators import LabelledCoresets

    drawn = LabelledCoresets()(2, 30, torch.Generator().manual_seed(0))
    labels, log_prob = load(DEFAULT).greedy(drawn.x, drawn.mask)
    assert labels.shape == drawn.labels.shape
    assert log_prob.isfinite().all()
