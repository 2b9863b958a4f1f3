"""How the benchmark on real sets reads, thins out and scores what it measures."""

import numpy as np
import pytest


@pytest.fixture
def real_sets(import_benchmark):
    return import_benchmark("real_sets")


def test_noise_is_clustered_but_not_scored(real_sets):
    real = real_sets.RealSet("any", np.zeros((6, 2)), (np.array([1, 1, 2, 2, 0, 0]),))
    assert real.numbers == (2,)
    asked = []
    (ari, nmi), found = real_sets.scores(real, lambda k: asked.append(k) or np.array([0, 0, 1, 1, 2, 3]))
    assert asked == [2]
    assert (ari, nmi, found) == (1.0, 1.0, [4])


def test_a_clustering_counts_as_its_best_score(real_sets):
    coarse, fine = np.array([1, 1, 1, 2, 2, 2]), np.array([1, 1, 2, 3, 3, 3])
    real = real_sets.RealSet("any", np.zeros((6, 2)), (coarse, fine))
    assert real_sets.scores(real, lambda k: fine)[0].tolist() == [1.0, 1.0]
    told = {2: coarse[::-1], 3: np.arange(6)}
    (ari, _), found = real_sets.scores(real, told.__getitem__)
    assert ari == 1.0 and found == [2, 6]


def test_subsamples_are_a_part_of_the_set_and_repeatable(real_sets):
    x = np.arange(100.0)[:, None]
    real = real_sets.RealSet("any", x, (np.arange(100),))
    part, again, other = (real.subsample(30, seed) for seed in (0, 0, 1))
    assert len(np.unique(part.x)) == 30
    np.testing.assert_array_equal(part.x[:, 0], part.references[0])
    np.testing.assert_array_equal(part.x, again.x)
    assert not np.array_equal(part.x, other.x)
    assert real.subsample(100, 0) is real


def test_the_declared_sets_exist(real_sets, data_folder):
    every = [
        *real_sets.read_collections(data_folder("clustering-data-v1")),
        *real_sets.bundled_sets(),
    ]
    names = [real.name for real in every]
    assert len(names) == len(set(names)) > 30
    assert set(real_sets.GAUSSIAN_LIKE) | real_sets.MIXED_UNITS <= set(names)
    for real in every:
        assert np.isfinite(real.x).all()
        assert all(reference.shape == (len(real.x),) for reference in real.references)
        assert all(reference.min() >= 0 for reference in real.references)


def test_a_folder_without_the_collections_is_refused(real_sets, tmp_path):
    with pytest.raises(ValueError, match="holds none of the collections"):
        list(real_sets.read_collections(tmp_path))
