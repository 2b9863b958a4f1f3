"""A Chinese restaurant whose tables seat few."""

import pytest
import torch

from gfncp.partitions import all_partitions, crp_log_prob, sample_crp

ALPHA, POINTS, SETS = 0.7, 6, 40_000


def probability(labels: list[int], largest: int) -> float:
    """Of a partition, guest by guest."""
    seats, product = [], 1.0
    for label in labels:
        weights = [taken if taken < largest else 0 for taken in seats] + [ALPHA]
        product *= weights[label] / sum(weights)
        if label == len(seats):
            seats.append(0)
        seats[label] += 1
    return product


@pytest.mark.parametrize("largest", [1, 2, 4, 6])
def test_partitions_are_as_frequent_as_probable(largest, generator):
    partitions = all_partitions(POINTS)
    p = torch.tensor([probability(row, largest) for row in partitions.tolist()], dtype=torch.float64)
    torch.testing.assert_close(p.sum(), torch.tensor(1.0, dtype=torch.float64))
    code = 10 ** torch.arange(POINTS)
    drawn = sample_crp(SETS, POINTS, ALPHA, generator=generator, largest=largest) @ code
    found = torch.stack([(drawn == each).double().mean() for each in partitions @ code])
    assert ((found - p).abs() <= 5 * (p * (1 - p) / SETS).sqrt() + 1e-12).all()
    if largest == POINTS:
        torch.testing.assert_close(p.log(), crp_log_prob(partitions, ALPHA))


def test_the_number_of_clusters_cannot_be_asked_for_as_well(generator):
    with pytest.raises(ValueError, match="n_clusters=3, largest=4: accepted"):
        sample_crp(1, 9, 1.0, generator=generator, n_clusters=3, largest=4)
    with pytest.raises(ValueError, match="largest=0"):
        sample_crp(1, 9, 1.0, generator=generator, largest=0)
