"""What both samplers build on."""

import numpy as np
import pytest
import torch

from gfncp.mixtures import gibbs
from gfncp.mixtures.chains import categorical, cluster_sums, in_order_of_appearance, log_crp, log_joint
from gfncp.mixtures.conjugate import KnownCovariance, NormalInverseWishart
from gfncp.partitions import all_partitions, canonical_labels, crp_log_prob


def test_renaming_agrees_with_canonical_labels():
    labels = np.random.default_rng(0).integers(0, 9, size=(50, 12))
    expected = canonical_labels(torch.from_numpy(labels)).numpy()
    np.testing.assert_array_equal(in_order_of_appearance(labels), expected)
    np.testing.assert_array_equal(in_order_of_appearance(expected), expected)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 5.0])
def test_crp_probabilities(alpha):
    labels = all_partitions(6)
    counts = cluster_sums(labels.numpy(), 6, np.ones((6, 1)))[..., 0]
    values = log_crp(counts, alpha)
    np.testing.assert_allclose(values, crp_log_prob(labels, alpha).numpy(), atol=1e-10)
    assert np.exp(values).sum() == pytest.approx(1.0)


def test_log_joint_agrees_with_the_exact_yardstick():
    x = np.random.default_rng(1).normal(0, 4, size=(6, 3))
    labels = all_partitions(6)
    sets = torch.from_numpy(x).expand(len(labels), -1, -1)
    expected = gibbs.log_joint(sets, labels, 0.7, 4.0).numpy()
    np.testing.assert_allclose(log_joint(labels.numpy(), x, KnownCovariance(4.0), 0.7), expected, atol=1e-9)


def test_log_joint_is_free_of_order_and_names():
    rng = np.random.default_rng(2)
    x, labels = rng.normal(0, 4, size=(30, 2)), rng.integers(0, 5, size=(4, 30))
    model = NormalInverseWishart.weak(x)
    value = log_joint(labels, x, model, 1.0)
    order = rng.permutation(30)
    np.testing.assert_allclose(log_joint(labels[:, order], x[order], model, 1.0), value, atol=1e-8)
    np.testing.assert_allclose(log_joint(4 - labels, x, model, 1.0), value, atol=1e-8)


def test_negative_labels_belong_to_no_cluster():
    sums = cluster_sums(np.array([[0, -1, 1]]), 2, np.array([[1.0], [10.0], [100.0]]))
    np.testing.assert_array_equal(sums[0, :, 0], [1.0, 100.0])


def test_categorical_frequencies():
    logits = np.log([[0.1, 0.0 + 1e-300, 0.6, 0.3]]) + 800.0  # far from 0, and an option that is never taken
    drawn = categorical(np.repeat(logits, 50_000, axis=0), np.random.default_rng(3))
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / 50_000, [0.1, 0, 0.6, 0.3], atol=0.01)
