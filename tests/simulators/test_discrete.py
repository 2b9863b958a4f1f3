"""Tables: equal rows have equal labels, whatever the kind of table."""

import pytest
import torch

from gfncp.partitions import canonical_labels
from gfncp.simulators.discrete import (
    KINDS,
    Discrete,
    answer_table,
    category_table,
    mixed_table,
    most_probable_cluster,
    noisy_table,
    rounded_table,
)
from gfncp.simulators.overlap import Ellipsoids
from gfncp.simulators.shares import points_of_one

ids = [kind.__name__ for kind in KINDS]


@pytest.mark.parametrize(("sets", "points"), [(1, 5), (3, 60), (2, 700)])
@pytest.mark.parametrize("kind", KINDS, ids=ids)
def test_shapes_and_labels(generator, kind, sets, points):
    for _ in range(3):
        x, labels = kind(10, sets, points, generator)
        assert x.shape[:2] == (sets, points)
        assert x.dtype == torch.float32 and x.isfinite().all()
        assert labels.min() >= 0 and labels.max() < min(10, points // points_of_one(points))


def test_labels_are_in_order_of_appearance_and_a_function_of_the_generator():
    state = torch.random.get_rng_state()
    for seed in range(10):
        first, again = (Discrete()(3, 40, torch.Generator().manual_seed(seed)) for _ in range(2))
        assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
        assert torch.equal(canonical_labels(first[1]), first[1])
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("kind", KINDS, ids=ids)
def test_equal_rows_have_equal_labels(generator, kind):
    for _ in range(8):
        x, labels = kind(10, 4, 300, generator)
        for row, label in zip(x, labels, strict=True):
            distinct = row.unique(dim=0)
            both = torch.cat([row, label[:, None].float()], 1).unique(dim=0)
            assert len(distinct) == len(both)


@pytest.mark.parametrize("kind", [answer_table, category_table, rounded_table])
def test_rows_of_discrete_columns_coincide(generator, kind):
    """Not in every table: many columns have as many rows as points."""
    coincide = []
    for _ in range(20):
        x, _ = kind(10, 2, 300, generator)
        coincide += [len(row.unique(dim=0)) < 200 for row in x]
    assert sum(coincide) > 10


def test_rounded_values_are_whole_numbers(generator):
    for kind in (answer_table, rounded_table):
        x, _ = kind(10, 3, 100, generator)
        assert torch.equal(x, x.round())


def test_categories_are_one_coordinate_or_corners(generator):
    for _ in range(5):
        x, _ = category_table(10, 3, 100, generator)
        assert set(x.unique().tolist()) <= set(torch.tensor([0, 2, 2**0.5]).tolist())


def test_mixed_tables_end_in_two_nearly_constant_columns(generator):
    x, _ = mixed_table(10, 20, 500, generator)
    usual = (x[..., -2:] == 0).double().mean(1)
    assert 0.95 < usual.min() < 1


def test_columns_of_noise_do_not_depend_on_the_cluster(generator):
    """The means of two clusters differ by chance alone there, and clearly in the columns before."""
    scores = []
    for _ in range(15):
        x, labels = noisy_table(2, 4, 600, generator)
        one, two = labels == 0, labels == 1
        for row, a, b in zip(x, one, two, strict=True):
            if b.sum() > 20 and a.sum() > 20:
                error = (row[a].var(0) / a.sum() + row[b].var(0) / b.sum()).sqrt().clamp_min(1e-6)
                score = ((row[a].mean(0) - row[b].mean(0)) / error).abs()
                scores.append(torch.stack([score[:2].max(), score[-1]]))
    first, noise = torch.stack(scores).unbind(1)
    assert len(first) > 20
    assert first.median() > 10 and noise.max() < 5 and noise.median() < 1.2


def test_a_rounded_row_belongs_to_the_cluster_of_most_of_its_points(generator):
    means = torch.tensor([[[0.0, 0.0], [3.0, 1.0]]])
    found = Ellipsoids(means, torch.eye(2).expand(1, 2, 2, 2), torch.tensor([[[1.0, 0.5], [0.7, 1.2]]]))
    shares = torch.tensor([[0.8, 0.2]])
    cluster = torch.multinomial(shares, 100_000, replacement=True, generator=generator)
    noise = torch.randn(1, 100_000, 2, generator=generator)
    x = means[0][cluster] + found.deviations[0][cluster] * noise
    rows = (x / 0.5).round() * 0.5
    guess = most_probable_cluster(rows, found, shares, torch.full((1, 1), 0.5))
    checked = 0
    for row in rows[0].unique(dim=0):
        here = (rows[0] == row).all(1)
        votes = cluster[0, here].bincount(minlength=2)
        first, second = votes.topk(2).values
        if first - second > 6 * first.sqrt():
            assert torch.all(guess[0, here] == votes.argmax())
            checked += 1
    assert checked > 20
