"""Coresets: nothing is lost where points are few, and weights are kept where they are many."""

import pytest
import torch

from gfncp.coresets.coreset import nearest_of, summarise


def draw(generator, sets, points, dim=3):
    return torch.randn(sets, points, dim, generator=generator), torch.ones(sets, points)


@pytest.mark.parametrize("points", [1, 2, 7, 16])
def test_few_points_are_their_own_tokens(generator, points):
    x, weights = draw(generator, 3, points)
    coreset = summarise(x, weights, 16, generator)
    assert torch.equal(coreset.mean, x)
    assert torch.equal(coreset.medoid, torch.arange(points).expand(3, -1))
    assert torch.equal(coreset.nearest, coreset.medoid)
    assert torch.equal(coreset.weight, weights)
    assert not coreset.spread.any()


@pytest.mark.parametrize(("points", "tokens"), [(40, 8), (200, 17), (60, 59)])
def test_weights_means_and_spreads_are_those_of_the_members(generator, points, tokens):
    x, _ = draw(generator, 4, points)
    weights = 0.5 + torch.rand(4, points, generator=generator)
    coreset = summarise(x, weights, tokens, generator)
    torch.testing.assert_close(coreset.weight.sum(1), weights.sum(1))
    for i in range(4):
        for token in range(tokens):
            member = coreset.nearest[i] == token
            assert bool(member.any()) == bool(coreset.mask[i, token])
            if not member.any():
                continue
            w = weights[i, member, None] / weights[i, member].sum()
            mean = (w * x[i, member]).sum(0)
            torch.testing.assert_close(coreset.mean[i, token], mean, atol=1e-5, rtol=1e-5)
            distance = (x[i, member] - mean).norm(dim=1)
            spread = (w[:, 0] * distance**2).sum().sqrt()
            torch.testing.assert_close(coreset.spread[i, token], spread, atol=1e-4, rtol=1e-3)
            medoid = int(coreset.medoid[i, token])
            assert member[medoid]
            assert (x[i, medoid] - mean).norm() <= distance.min() + 1e-5


def test_equal_points_share_a_token(generator):
    x, weights = draw(generator, 2, 5)
    twice = torch.cat([x, x, x], 1)
    for tokens in (4, 16):
        coreset = summarise(twice, torch.cat([weights] * 3, 1), tokens, generator)
        first, *others = coreset.nearest.split(5, 1)
        assert all(torch.equal(first, other) for other in others)
        assert coreset.mask.sum(1).max() <= 5


def test_absent_points_change_nothing(generator):
    x, weights = draw(generator, 2, 12)
    padded = torch.cat([x, 100 * torch.ones(2, 3, 3)], 1)
    coreset = summarise(padded, torch.cat([weights, torch.zeros(2, 3)], 1), 20, generator)
    assert torch.equal(coreset.mask.sum(1), torch.tensor([12, 12]))
    assert torch.equal(coreset.mean[:, :12], x)


def test_a_coreset_is_a_function_of_the_generator_alone(generator):
    x, weights = draw(generator, 2, 100)
    first, again, other = (
        summarise(x, weights, 10, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.mean, other.mean)


def test_separate_clusters_get_tokens_of_their_own(generator):
    centres = 50 * torch.eye(6)
    x = (centres.repeat_interleave(30, 0) + torch.randn(180, 6, generator=generator))[None]
    coreset = summarise(x, torch.ones(1, 180), 24, generator)
    cluster = torch.arange(6).repeat_interleave(30)
    for token in coreset.mask[0].nonzero()[:, 0]:
        assert len(cluster[coreset.nearest[0] == token].unique()) == 1


def test_nearest_in_parts_is_nearest(generator, monkeypatch):
    x, _ = draw(generator, 2, 50)
    means = x[:, :9]
    expected = torch.cdist(x, means).argmin(2)
    for entries in (1, 100, 10**6):
        monkeypatch.setattr("gfncp.coresets.coreset.DISTANCES_AT_ONCE", entries)
        assert torch.equal(nearest_of(x, means), expected)
