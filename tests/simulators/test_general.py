"""Mixtures of all kinds: labelled in order of appearance, exchangeable, as varied as they should be."""

import pytest
import torch

from gfncp.partitions import canonical_labels, crp_log_prob
from gfncp.simulators import GeneralMixtures
from gfncp.simulators.draw import Draw
from gfncp.simulators.general import (
    DIMENSIONS,
    NOISE_DIMENSIONS,
    cluster_maps,
    cluster_means,
    cluster_points,
    cluster_weights,
    most_responsible,
)


class Always(Draw):
    """Of what some of the sets have, all have it, or none."""

    def __init__(self, sets, generator, answer):
        super().__init__(sets, generator)
        self.answer = answer

    def some(self, share):
        return torch.full((self.sets, 1), self.answer)


@pytest.mark.parametrize(("points", "max_clusters"), [(2, 1), (10, 3), (60, 30)])
def test_shapes_and_labels(generator, points, max_clusters):
    x, labels = GeneralMixtures(max_clusters)(20, points, generator)
    assert x.shape == (20, points, DIMENSIONS + NOISE_DIMENSIONS)
    assert x.dtype == torch.float32
    assert x.isfinite().all()
    assert torch.equal(canonical_labels(labels), labels)
    assert labels.max() < max_clusters


def test_a_batch_is_a_function_of_the_generator_alone():
    state = torch.random.get_rng_state()
    first, again, other = (
        GeneralMixtures()(3, 10, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])
    assert torch.equal(torch.random.get_rng_state(), state)


def test_numbers_of_clusters_reach_from_one_to_many(generator):
    _, labels = GeneralMixtures(30)(400, 200, generator)
    counts = torch.bincount(labels.amax(1) + 1, minlength=31)
    assert counts[1] > 20
    assert counts[20:].sum() > 20
    assert torch.all(counts[1:16] > 0)


def test_widths_reach_from_one_to_all(generator):
    x, _ = GeneralMixtures()(400, 30, generator)
    filled = (x.std(1) > 0).sum(1)
    assert {1, 2, 3, DIMENSIONS + NOISE_DIMENSIONS} <= set(filled.tolist())


def test_points_are_exchangeable(generator):
    """Which of three points share a cluster does not depend on which three."""
    _, labels = GeneralMixtures()(5000, 4, generator)
    shares = [(labels[:, i] == labels[:, j]).double().mean() for i, j in [(0, 1), (0, 3), (2, 3)]]
    error = 5 * 0.5 / 5000**0.5
    assert max(shares) - min(shares) < 2 * error


def test_sticks_are_those_of_the_crp(generator):
    """P(two points share a cluster) = 1 / (1 + alpha), for one alpha."""

    class OneAlpha(Always):
        def log_uniform(self, low, high):
            return torch.full((self.sets, 1), 1.5)

    weights = cluster_weights(OneAlpha(20_000, generator, True), 60, 400)
    torch.testing.assert_close(weights.sum(1), torch.ones(20_000))
    together = crp_log_prob(torch.tensor([0, 0]), 1.5).exp().item()
    assert weights.square().sum(1).mean().item() == pytest.approx(together, abs=0.01)


def test_few_points_have_few_clusters_of_like_weights(generator):
    """At most one cluster for every four points, each number as often."""
    weights = cluster_weights(Always(4000, generator, False), 50, 40)
    found = (weights > 0).sum(1).bincount(minlength=51)
    assert found[0] == 0 and found[11:].sum() == 0
    assert found[1:11].min() > 300


def test_clusters_lie_at_their_distance_and_in_their_dimensions(generator):
    dims = torch.full((200, 1), 3.0)
    means = cluster_means(Draw(200, generator), torch.ones(200, 8, dtype=torch.bool), dims)
    assert torch.all(means[..., 3:] == 0) and torch.all(means[..., :3] != 0)
    apart = torch.cdist(means, means) + torch.diag(torch.full((8,), torch.inf))
    nearest = apart.amin(2).mean(1)
    assert 2 < nearest.median() < 10
    assert nearest.max() / nearest.min() > 4


@pytest.mark.parametrize("bends", [False, True])
def test_maps_are_round_or_not(generator, bends):
    maps = cluster_maps(Always(50, generator, bends), 4, torch.full((50, 1), 2.0))
    flat = maps[..., :2, :2]
    conditions = torch.linalg.cond(flat)
    assert (conditions.max() > 3) if bends else torch.allclose(conditions, torch.ones(()))


def test_each_law_has_the_variance_and_support_of_its_name(generator):
    sets, points, dims = 300, 400, 3.0
    inside = torch.ones(sets, 1, DIMENSIONS, dtype=torch.bool)
    inside[..., 3:] = False
    found = {}
    for law in range(5):

        class OneLaw(Always):
            def integers(self, low, high, *shape, law=law):
                return torch.full((self.sets, *(shape or (1,))), law if low == 0 else high)

        draw = OneLaw(sets, generator, False)
        z = cluster_points(
            draw, torch.zeros(sets, points, dtype=torch.long), 1, torch.full((sets, 1), dims), inside
        )
        assert torch.all(z[..., 3:] == 0)
        found[law] = z[..., :3].flatten(0, 1)
    variances = torch.stack([z.square().mean() for z in found.values()])
    expected = torch.tensor([1.0, 8 / 6, 1.0, 1.01, 1.0])  # t with 8 degrees: 8 / (8 - 2); shell: 1 + 0.1^2
    torch.testing.assert_close(variances, expected, rtol=0.03, atol=0)
    lengths = [z.norm(dim=1) for z in found.values()]
    assert lengths[2].max() <= 5**0.5 + 1e-4
    assert (lengths[3].std() / lengths[3].mean()).item() == pytest.approx(0.1, abs=0.005)
    assert found[4].abs().max() <= 3**0.5 + 1e-4
    for uniform in (lengths[2] ** 3 / 5**1.5, (found[4].flatten() / 3**0.5 + 1) / 2):
        quantiles = torch.quantile(uniform[:100_000], torch.tensor([0.25, 0.5, 0.75]))
        torch.testing.assert_close(quantiles, torch.tensor([0.25, 0.5, 0.75]), rtol=0, atol=0.01)


def test_background_points_go_to_the_cluster_that_most_likely_made_them(generator):
    dims = torch.full((1, 1), 2.0)
    means = torch.zeros(1, 3, DIMENSIONS)
    means[0, 1, 0], means[0, 2, 0] = 10.0, 4.0
    sizes, weights = torch.tensor([[[1.0], [3.0], [1.0]]]), torch.tensor([[0.5, 0.5, 0.0]])
    used = torch.tensor([[True, True, False]])
    x = torch.zeros(1, 5, DIMENSIONS)
    x[0, :, 0] = torch.tensor([0.0, 4.5, 10.0, 1.0, -30.0])
    logs = torch.stack(
        [
            torch.distributions.Normal(means[0, k, :2], sizes[0, k]).log_prob(x[0, :, :2]).sum(1)
            + weights[0, k].log()
            for k in (0, 1)
        ]
    )
    found = most_responsible(x, means, sizes, weights, used, dims)
    assert torch.equal(found[0], logs.argmax(0))
    assert set(found[0].tolist()) == {0, 1}
