"""Sets of points for coresets: how they are drawn, and what a posterior says of them."""

import numpy as np
import pytest

from gfncp.evaluation import coreset_sets as sets


@pytest.fixture
def inference(coreset_inference):
    return coreset_inference()


def points(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 2)) * [3.0, 1.0]


def test_a_set_is_a_function_of_its_address():
    first, again, other = sets.draw_set(20, 0, 3), sets.draw_set(20, 0, 3), sets.draw_set(20, 0, 4)
    np.testing.assert_array_equal(first.x, again.x)
    np.testing.assert_array_equal(first.labels, again.labels)
    np.testing.assert_array_equal(first.known, again.known)
    assert not np.array_equal(first.x, other.x)


def test_a_fifth_of_the_labels_are_known_but_one_of_equal_rows(generator):
    x, labels = points(40), np.arange(40)
    known = sets.some_known(x, labels, generator)
    assert (known >= 0).sum() == 8
    np.testing.assert_array_equal(known[known >= 0], labels[known >= 0])
    coarse = np.repeat(x[:4], 10, axis=0)
    known = sets.some_known(coarse, labels, generator)
    assert len(np.unique(coarse[known >= 0], axis=0)) == (known >= 0).sum() == 4


def test_a_cluster_without_a_medoid_is_impossible(inference):
    """Two clusterings of a set: all rows together, and a row alone that is the medoid of no coreset."""
    given = inference.given(points(12))
    medoids = np.concatenate([sets.medoid_rows(each) for each in inference.coresets(given)])
    labels = np.zeros((2, 12), dtype=np.int64)
    labels[1, np.setdiff1d(np.arange(12), medoids)[:1]] = 1
    together, alone = sets.log_probs(inference, [given], [labels])[0]
    assert np.isfinite(together) and alone == -np.inf


def test_sets_get_answers_of_their_own_with_the_number_of_clusters_told(inference, generator):
    sizes, clusters = [8, 6, 9, 7, 5, 8], [2, 3, 2, 1, 5, 3]
    given = [inference.given(points(size, seed=size)) for size in sizes]
    found = sets.answer_sets_told(inference, given, clusters, 2, generator)
    for size, number, answer in zip(sizes, clusters, found, strict=True):
        assert answer.samples.shape == (2, size)
        assert {len(np.unique(row)) for row in (answer.labels, *answer.samples)} == {number}
