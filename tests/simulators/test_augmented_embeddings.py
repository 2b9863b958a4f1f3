"""Sets of noisy copies: one vector for each cluster, and noise of the size that was asked for."""

import pytest
import torch

from gfncp.partitions import canonical_labels
from gfncp.simulators import AugmentedEmbeddings


@pytest.fixture
def corners():
    """Vectors far apart, so that copies tell which one they are of."""
    return 100 * torch.eye(12)


def test_a_cluster_is_one_vector_and_clusters_are_different_ones(corners, generator):
    x, labels = AugmentedEmbeddings(corners, n_clusters=(2, 6), noise=1.0, dropout=0.0)(60, 20, generator)
    assert x.shape == (60, 20, 12) and torch.equal(labels, canonical_labels(labels))
    which = x.argmax(-1)
    for anchors, row in zip(which, labels, strict=True):
        assert torch.equal(canonical_labels(anchors), row)
    found = labels.amax(1) + 1
    assert torch.all((found >= 2) & (found <= 6))


def test_noise_has_the_deviation_that_was_asked_for(corners, generator):
    x, _ = AugmentedEmbeddings(corners, n_clusters=1, noise=0.5, dropout=0.0)(200, 50, generator)
    noise = x - 100 * torch.nn.functional.one_hot(x.argmax(-1), 12)
    assert noise.std() == pytest.approx(0.5, rel=0.02)
    assert noise.mean() == pytest.approx(0.0, abs=0.02)


def test_dropout_leaves_the_mean_and_takes_each_coordinate_alike(generator):
    ones = torch.ones(1, 8)
    x, _ = AugmentedEmbeddings(ones, n_clusters=1, noise=0.0, dropout=0.2)(100, 100, generator)
    assert set(x.unique().tolist()) == {0.0, 1.25}
    torch.testing.assert_close((x == 0).float().mean((0, 1)), torch.full((8,), 0.2), rtol=0, atol=0.02)


def test_no_copy_is_clean(corners, generator):
    """A clean one would tell where a cluster begins."""
    x, _ = AugmentedEmbeddings(corners)(20, 30, generator)
    clean = (x.flatten(0, 1)[:, None] == corners).all(-1)
    assert not clean.any()


def test_a_batch_is_a_function_of_the_generator_alone(corners):
    simulate = AugmentedEmbeddings(corners, n_clusters=(1, 4))
    before = torch.random.get_rng_state()
    first, again, other = (simulate(3, 9, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


def test_more_clusters_than_embeddings_are_refused(corners, generator):
    with pytest.raises(ValueError, match="embeddings: 3 of them cannot be the anchors of 5 clusters"):
        AugmentedEmbeddings(corners[:3], n_clusters=5)(1, 10, generator)
