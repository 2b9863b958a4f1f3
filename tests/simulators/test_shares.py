"""Shares of clusters: they add up to 1, none is too small, alike or very unlike; points are exchangeable."""

import pytest
import torch

from gfncp.simulators.draw import Draw
from gfncp.simulators.shares import cluster_shares, draw_clusters, points_of_one

SETS = 2000


def test_a_cluster_has_four_points_or_a_tenth_of_a_small_set_but_two():
    smallest = {2: 2, 5: 2, 29: 2, 30: 3, 39: 3, 40: 4, 400: 4, 5000: 4}
    assert {points: points_of_one(points) for points in smallest} == smallest


@pytest.mark.parametrize(
    ("fewest", "most", "points", "found"),
    [
        (2, 10, 500, (2, 10)),
        (1.9, 12, 500, (1, 12)),
        (7, 7, 400, (7, 7)),
        (1.9, 1, 50, (1, 1)),
        (3, 15, 40, (3, 10)),  # 4 points each
        (3, 15, 35, (3, 11)),  # 3 points each
        (2, 10, 9, (2, 4)),  # 2 points each
        (3, 15, 5, (2, 2)),
        (2, 10, 1, (1, 1)),
    ],
)
def test_numbers_of_clusters_fill_their_bounds(generator, fewest, most, points, found):
    shares = cluster_shares(Draw(SETS, generator), most, points, fewest)
    count = (shares > 0).sum(1)
    assert (count.min(), count.max()) == found
    assert torch.equal(shares > 0, torch.arange(found[1]) < count[:, None])


@pytest.mark.parametrize(("most", "points"), [(100, 500), (10, 60), (100, 35), (1, 50), (100, 5), (100, 1)])
def test_shares_add_up_and_are_worth_a_few_points(generator, most, points):
    shares = cluster_shares(Draw(SETS, generator), most, points)
    torch.testing.assert_close(shares.sum(1), torch.ones(SETS))
    assert shares[shares > 0].min() >= min(1.0, points_of_one(points) / points) - 1e-6


def test_most_sets_have_few_clusters_and_some_have_many(generator):
    count = (cluster_shares(Draw(4000, generator), 100, 2000) > 0).sum(1)
    few = ((count >= 2) & (count <= 10)).double().mean()
    assert 0.4 < few < 0.7
    assert (count > 50).sum() > 100 and (count == 1).sum() > 100


def test_sets_of_few_points_have_one_or_several_clusters(generator):
    several = (cluster_shares(Draw(SETS, generator), 30, 6) > 0).sum(1) > 1
    assert 0.5 < several.double().mean() < 0.95


def test_half_of_the_sets_have_like_shares_and_some_reach_hundreds_to_one(generator):
    shares = cluster_shares(Draw(SETS, generator), 6, 5000, fewest=6)
    ratio = shares.amax(1) / shares.amin(1)
    assert 0.3 < (ratio < 3).double().mean() < 0.6
    assert (ratio > 20).double().mean() > 0.2
    assert (ratio > 100).double().mean() > 0.03


def test_points_are_exchangeable(generator):
    draw = Draw(20_000, generator)
    labels = draw_clusters(draw, cluster_shares(draw, 8, 40), 4)
    together = [(labels[:, i] == labels[:, j]).double().mean() for i, j in [(0, 1), (0, 3), (2, 3)]]
    assert max(together) - min(together) < 10 * 0.5 / 20_000**0.5


def test_clusters_get_their_shares_and_those_without_one_no_points(generator):
    shares = torch.tensor([[0.7, 0.25, 0.05, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0]])
    cluster = draw_clusters(Draw(2, generator), shares, 40_000)
    found = torch.stack([row.bincount(minlength=5) for row in cluster]) / 40_000
    torch.testing.assert_close(found, shares, atol=0.01, rtol=0)
    assert torch.equal(found > 0, shares > 0)
