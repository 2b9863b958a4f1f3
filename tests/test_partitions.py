"""Labels, the Chinese Restaurant Process, enumeration."""

import math
from itertools import product

import pytest
import torch
from scipy.stats import chisquare

from gfncp import partitions

BELL = [1, 1, 2, 5, 15, 52, 203, 877, 4140]


def brute_canonical(row):
    names = {}
    return [-1 if label < 0 else names.setdefault(label, len(names)) for label in row]


def counts_of(labels, among):
    """How often each partition occurs."""
    code = labels.shape[-1] ** torch.arange(labels.shape[-1])
    order = (among * code).sum(-1)
    return (order[:, None] == (labels * code).sum(-1)).sum(1)


def test_canonical_labels_equal_a_dictionary_of_first_appearances(generator):
    labels = torch.randint(-2, 9, (40, 12), generator=generator)
    assert partitions.canonical_labels(labels).tolist() == [brute_canonical(row) for row in labels.tolist()]


def test_canonical_labels_take_any_integers_and_any_batch():
    labels = torch.tensor([[[10**12, 3, 10**12], [7, 7, 0]]])
    assert partitions.canonical_labels(labels).tolist() == [[[0, 1, 0], [0, 0, 1]]]
    assert partitions.canonical_labels(torch.zeros(2, 0, dtype=torch.long)).shape == (2, 0)


def test_canonical_labels_are_a_projection_that_forgets_names(generator):
    labels = torch.randint(0, 5, (30, 9), generator=generator)
    canonical = partitions.canonical_labels(labels)
    renamed = torch.randperm(5, generator=generator)[labels]
    assert torch.equal(partitions.canonical_labels(canonical), canonical)
    assert torch.equal(partitions.canonical_labels(renamed), canonical)


def test_canonical_labels_of_many_points_need_linear_memory():
    points = 200_000  # all pairs of them would take 40 GB
    labels = torch.arange(points).flip(0) // 2
    assert torch.equal(partitions.canonical_labels(labels), torch.arange(points) // 2)


@pytest.mark.parametrize("points", range(1, 9))
def test_all_partitions_are_all_once(points):
    labels = partitions.all_partitions(points)
    assert labels.shape == (BELL[points], points)
    assert len(labels.unique(dim=0)) == len(labels)
    assert torch.equal(partitions.canonical_labels(labels), labels)


def test_all_partitions_are_those_of_all_labellings():
    every = torch.tensor(list(product(range(5), repeat=5)))
    expected = partitions.canonical_labels(every).unique(dim=0)
    assert torch.equal(partitions.all_partitions(5).unique(dim=0), expected)


@pytest.mark.parametrize("points", [0, -1, 13])
def test_all_partitions_refuse_what_cannot_be_listed(points):
    with pytest.raises(ValueError, match=f"points={points}"):
        partitions.all_partitions(points)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 6.0])
def test_crp_probabilities_sum_to_one_and_equal_the_sequential_rule(alpha):
    labels = partitions.all_partitions(6)
    sequential = []
    for row in labels.tolist():
        probability = 1.0
        for n, label in enumerate(row):
            probability *= (row[:n].count(label) or alpha) / (alpha + n)
        sequential.append(probability)
    values = partitions.crp_log_prob(labels, alpha).exp()
    torch.testing.assert_close(values, torch.tensor(sequential, dtype=torch.float64))
    assert values.sum().item() == pytest.approx(1.0)


@pytest.mark.parametrize("bounds", [None, 3, (1, 2), (2, 4), (5, 5), (4, 100)])
@pytest.mark.parametrize("alpha", [0.5, 2.0])
def test_crp_samples_follow_the_conditioned_distribution(alpha, bounds, generator):
    every = partitions.all_partitions(5)
    low, high = (1, 5) if bounds is None else (bounds, bounds) if isinstance(bounds, int) else bounds
    found = partitions.n_clusters(every)
    allowed = (found >= low) & (found <= high)
    expected = torch.where(allowed, partitions.crp_log_prob(every, alpha).exp(), 0.0)
    expected = expected / expected.sum()
    draws = 20_000
    counts = counts_of(partitions.sample_crp(draws, 5, alpha, generator=generator, n_clusters=bounds), every)
    assert counts.sum() == draws
    assert counts[~allowed].sum() == 0
    if allowed.sum() > 1:
        assert chisquare(counts[allowed], draws * expected[allowed]).pvalue > 1e-3


@pytest.mark.parametrize(("points", "alpha", "k"), [(300, 1.0, 300), (400, 1e-6, 200), (250, 1e6, 1)])
def test_crp_conditioned_on_what_all_but_never_happens(points, alpha, k, generator):
    labels = partitions.sample_crp(4, points, alpha, generator=generator, n_clusters=k)
    assert partitions.n_clusters(labels).tolist() == [k] * 4
    assert torch.equal(partitions.canonical_labels(labels), labels)


def test_crp_is_a_function_of_the_generator():
    first, again, other = (
        partitions.sample_crp(8, 30, 1.0, generator=torch.Generator().manual_seed(seed), n_clusters=(1, 10))
        for seed in (5, 5, 6)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("alpha", [0.0, -1.0, math.nan, math.inf])
def test_crp_refuses_a_bad_concentration(alpha, generator):
    with pytest.raises(ValueError, match="alpha="):
        partitions.sample_crp(1, 5, alpha, generator=generator)


@pytest.mark.parametrize("bounds", [0, 6, (0, 3), (3, 2), (6, 9)])
def test_crp_refuses_impossible_bounds(bounds, generator):
    with pytest.raises(ValueError, match="n_clusters="):
        partitions.sample_crp(1, 5, 1.0, generator=generator, n_clusters=bounds)


@pytest.mark.parametrize(("sets", "points"), [(0, 5), (5, 0)])
def test_crp_refuses_empty_sizes(sets, points, generator):
    with pytest.raises(ValueError, match="must be at least 1"):
        partitions.sample_crp(sets, points, 1.0, generator=generator)


def test_coclustering_is_the_weighted_share_of_partitions_that_join_two_points():
    labels = torch.tensor([[0, 0, 1], [0, 1, 1], [0, 1, 2]])
    weights = torch.tensor([1, 2, 5])
    expected = torch.tensor([[8, 1, 0], [1, 8, 2], [0, 2, 8]], dtype=torch.float64) / 8
    assert torch.equal(partitions.coclustering(labels, weights.double()), expected)
    equal = partitions.coclustering(labels)
    torch.testing.assert_close(equal[0, 1].item(), 1 / 3)


def test_prefix_mask_marks_the_first_points():
    mask = partitions.prefix_mask(torch.tensor([0, 2, 3]), 3)
    assert mask.tolist() == [[False] * 3, [True, True, False], [True] * 3]


@pytest.mark.parametrize("n_clusters", [None, 3, (2, 4), (1, 50)])
@pytest.mark.parametrize("alpha", [0.4, 3.0])
def test_distribution_of_k_equals_the_sum_over_all_partitions(alpha, n_clusters):
    labels = partitions.all_partitions(7)
    low, high = partitions.cluster_bounds(n_clusters, 7)
    k = labels.amax(1) + 1
    p = partitions.crp_log_prob(labels, alpha).exp() * ((low <= k) & (k <= high))
    expected = torch.zeros(high + 1, dtype=torch.float64).index_add(0, k.clamp_max(high), p) / p.sum()
    torch.testing.assert_close(partitions.crp_n_clusters(7, alpha, n_clusters), expected)


@pytest.mark.parametrize(
    ("n_clusters", "points", "expected"),
    [(None, 5, (1, 5)), (3, 5, (3, 3)), ((2, 9), 5, (2, 5)), ((1, 2), 5, (1, 2))],
)
def test_bounds_of_the_number_of_clusters_are_within_the_points(n_clusters, points, expected):
    assert partitions.cluster_bounds(n_clusters, points) == expected


@pytest.mark.parametrize("n_clusters", [0, 6, (0, 3), (3, 2), (6, 9)])
def test_impossible_bounds_name_the_value(n_clusters):
    with pytest.raises(ValueError, match=r"n_clusters=.*points=5"):
        partitions.cluster_bounds(n_clusters, 5)


ALPHA, POINTS, SETS = 0.7, 6, 40_000


def probability(labels: list[int], largest: int) -> float:
    """Return the probability of a partition, guest by guest, in a restaurant whose tables seat few."""
    seats, product = [], 1.0
    for label in labels:
        weights = [taken if taken < largest else 0 for taken in seats] + [ALPHA]
        product *= weights[label] / sum(weights)
        if label == len(seats):
            seats.append(0)
        seats[label] += 1
    return product


@pytest.mark.parametrize("largest", [1, 2, 4, 6])
def test_partitions_with_a_largest_cluster_are_as_frequent_as_probable(largest, generator):
    every = partitions.all_partitions(POINTS)
    p = torch.tensor([probability(row, largest) for row in every.tolist()], dtype=torch.float64)
    torch.testing.assert_close(p.sum(), torch.tensor(1.0, dtype=torch.float64))
    code = 10 ** torch.arange(POINTS)
    drawn = partitions.sample_crp(SETS, POINTS, ALPHA, generator=generator, largest=largest) @ code
    found = torch.stack([(drawn == each).double().mean() for each in every @ code])
    assert ((found - p).abs() <= 5 * (p * (1 - p) / SETS).sqrt() + 1e-12).all()
    if largest == POINTS:
        torch.testing.assert_close(p.log(), partitions.crp_log_prob(every, ALPHA))


def test_the_largest_cluster_and_the_number_of_clusters_cannot_both_be_asked_for(generator):
    with pytest.raises(ValueError, match="n_clusters=3, largest=4: accepted"):
        partitions.sample_crp(1, 9, 1.0, generator=generator, n_clusters=3, largest=4)
    with pytest.raises(ValueError, match="largest=0"):
        partitions.sample_crp(1, 9, 1.0, generator=generator, largest=0)
