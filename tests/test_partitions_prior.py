import pytest
import torch

from gfncp.partitions import all_partitions, cluster_bounds, crp_log_prob, crp_n_clusters


@pytest.mark.parametrize("n_clusters", [None, 3, (2, 4), (1, 50)])
@pytest.mark.parametrize("alpha", [0.4, 3.0])
def test_distribution_of_k_equals_the_sum_over_all_partitions(alpha, n_clusters):
    labels = all_partitions(7)
    low, high = cluster_bounds(n_clusters, 7)
    k = labels.amax(1) + 1
    p = crp_log_prob(labels, alpha).exp() * ((low <= k) & (k <= high))
    expected = torch.zeros(high + 1, dtype=torch.float64).index_add(0, k.clamp_max(high), p) / p.sum()
    torch.testing.assert_close(crp_n_clusters(7, alpha, n_clusters), expected)


@pytest.mark.parametrize(
    ("n_clusters", "points", "expected"),
    [(None, 5, (1, 5)), (3, 5, (3, 3)), ((2, 9), 5, (2, 5)), ((1, 2), 5, (1, 2))],
)
def test_cluster_bounds(n_clusters, points, expected):
    assert cluster_bounds(n_clusters, points) == expected


@pytest.mark.parametrize("n_clusters", [0, 6, (0, 3), (3, 2), (6, 9)])
def test_impossible_bounds_name_the_value(n_clusters):
    with pytest.raises(ValueError, match=r"n_clusters=.*points=5"):
        cluster_bounds(n_clusters, 5)
