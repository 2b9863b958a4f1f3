"""Training clusters of neighbours: along the data, not across gaps, and of anchors that lie apart."""

import pytest
import torch
from sklearn.datasets import make_moons

from gfncp.partitions import sample_crp
from gfncp.simulators import NeighbourClusters, NeighbourEmbeddings
from gfncp.simulators.neighbours import NEAREST, neighbour_graph


@pytest.fixture
def moons():
    """Points of two interleaved half circles, and which they are on."""
    x, moon = make_moons(600, noise=0.03, random_state=0)
    return torch.from_numpy(x).float(), torch.from_numpy(moon)


def test_neighbours_are_distinct_and_the_anchor_is_one(moons):
    x, _ = moons
    nearest = NeighbourClusters(x, reach=0.1, anchors=50).walks.nearest
    assert nearest.shape == (50, 60)
    assert all(len(row.unique()) == 60 for row in nearest)
    assert (nearest == torch.arange(50)[:, None]).any(1).all()


def test_neighbours_follow_the_data_where_distances_lead_across(moons):
    x, moon = moons
    nearest = NeighbourClusters(x, reach=0.4, anchors=600).walks.nearest
    along = (moon[nearest] == moon[:, None]).float().mean()
    across = (moon[torch.cdist(x, x).topk(240, largest=False).indices] == moon[:, None]).float().mean()
    assert along > 0.99 > 0.9 > across


def test_walks_overlap_with_themselves_and_not_across_a_gap(moons):
    x, moon = moons
    overlap = NeighbourClusters(x, anchors=100).walks.overlap
    torch.testing.assert_close(overlap.diagonal(), torch.ones(100))
    torch.testing.assert_close(overlap, overlap.T)
    apart = moon[:100, None] != moon[:100]
    assert overlap[apart].max() < 1e-3


def test_the_graph_joins_each_point_with_its_nearest_and_is_normalised(moons):
    x, _ = moons
    graph = neighbour_graph(x).to_dense()
    torch.testing.assert_close(graph, graph.T)
    near = torch.zeros(600, 600).scatter_(1, torch.cdist(x, x).topk(NEAREST + 1, largest=False).indices, 1)
    joined = torch.maximum(near, near.T)
    degree = joined.sum(1)
    torch.testing.assert_close(graph, joined / (degree[:, None] * degree).sqrt())


def test_anchors_lie_apart(moons, generator):
    x, moon = moons
    anchors = NeighbourClusters(x, anchors=200).spread_anchors(3000, 2, generator)
    assert anchors.shape == (3000, 2)
    assert (moon[anchors[:, 0]] != moon[anchors[:, 1]]).float().mean() > 0.58  # by chance a half


def test_a_cluster_is_drawn_from_its_anchors_neighbours(moons, generator):
    x, _ = moons
    clusters = NeighbourClusters(x, anchors=40)
    labels = torch.tensor([[0, 1, 0, 2, 1, 0, 2, 0]]).expand(20, -1)
    chosen = clusters(labels, generator)
    reached = torch.zeros(40, len(x), dtype=torch.bool).scatter_(1, clusters.walks.nearest, True)
    for row, members in enumerate(chosen):
        for k in range(3):
            assert reached[:, members[labels[row] == k]].all(1).any()


def test_few_points_are_all_neighbours(generator):
    clusters = NeighbourClusters(torch.randn(5, 3, generator=generator))
    assert clusters.walks.nearest.sort(1).values.tolist() == [list(range(5))] * 5
    with pytest.raises(ValueError, match="images: 5 of them cannot be the anchors of 6 clusters"):
        clusters(torch.arange(6)[None], generator)


def test_points_are_seen_in_every_view(moons, generator):
    x, _ = moons
    views = torch.stack([x, x + 100, x + 200])
    found, labels = NeighbourEmbeddings(views, n_clusters=(2, 3))(50, 20, generator)
    assert found.shape == (50, 20, 2)
    assert labels.shape == (50, 20)
    assert set(((found[..., 0] + 50) // 100).unique().tolist()) == {0, 1, 2}


def test_a_set_misses_the_same_coordinates_in_all_points(generator):
    points = torch.randn(60, 40, generator=generator) + 5
    x, _ = NeighbourEmbeddings(points[None], dropout=0.5)(30, 20, generator)
    missing = x == 0
    assert torch.equal(missing.any(1), missing.all(1))
    shares = missing[:, 0].float().mean(1)
    assert 0.15 < shares.mean() < 0.35 and shares.max() < 0.8


def test_noise_moves_each_point_on_its_own(generator):
    points = torch.randn(60, 4, generator=generator)
    x, _ = NeighbourEmbeddings(points[None], noise=0.1)(30, 20, generator)
    moved = torch.cdist(x.flatten(0, 1), points).min(1).values
    assert moved.min() > 0 and moved.max() < 0.6


def test_where_nothing_is_altered_nothing_is_drawn_for_it(generator):
    """Else other batches would follow from the same seed."""
    points = torch.randn(60, 4, generator=generator)
    plain = NeighbourEmbeddings(points[None])
    used, expected = (torch.Generator().manual_seed(3) for _ in range(2))
    x, _ = plain(30, 20, used)
    again = plain.clusters(sample_crp(30, 20, 1.0, generator=expected, n_clusters=(1, 10)), expected)
    assert torch.equal(x, points[again])
    torch.randint(1, again.shape, generator=expected)  # the view
    assert torch.equal(torch.rand(5, generator=used), torch.rand(5, generator=expected))


def test_clusters_are_no_larger_than_asked_for(generator):
    simulate = NeighbourEmbeddings(torch.randn(1, 80, 3, generator=generator), 0.1, None, largest=4)
    _, labels = simulate(10, 20, generator)
    assert max(int(row.bincount().max()) for row in labels) == 4
