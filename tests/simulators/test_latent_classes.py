"""Latent classes: probabilities, the posterior's maximum, chosen confusion, coordinates of categories."""

import pytest
import torch

from gfncp.simulators.draw import Draw
from gfncp.simulators.latent_classes import (
    MOST_LEVELS,
    STEP,
    categories,
    confusion,
    draw_ordinal_table,
    draw_rows,
    most_probable_class,
    place_categories,
)

VALUES = torch.tensor([2, 5, 3, 2, 4, 6, 6, 3])


def tables(draw, error, clusters=2):
    used = torch.ones(draw.sets, clusters, dtype=torch.bool)
    return (
        draw_ordinal_table(draw, used, 10, error),
        categories(draw, used, VALUES, error),
    ), used


def test_tables_are_probabilities_of_the_values_there_are(generator):
    draw = Draw(30, generator)
    (levels, values), _ = tables(draw, draw.log_uniform(1e-3, 0.1), 4)
    for table in (levels, values):
        assert table.min() >= 0
        torch.testing.assert_close(table.sum(3), torch.ones(table.shape[:3]))
    absent = torch.arange(6) >= VALUES[:, None]
    assert torch.all(values[:, :, absent] == 0)
    found = (levels.sum((1, 2)) > 0).sum(1)
    assert found.min() >= 3 and found.max() <= MOST_LEVELS and len(found.unique()) > 3


def test_classes_are_confused_as_chosen(generator):
    draw = Draw(200, generator)
    error = draw.log_uniform(1e-4, 0.1)
    for table in tables(draw, error)[0]:
        found = confusion(table, torch.ones(200, 2, dtype=torch.bool))
        close = (found / error).log().abs() < 0.05
        assert close.double().mean() > 0.8  # a few pairs are alike however sharp they are


def test_the_bound_bounds_the_error_of_the_most_probable_class(generator):
    draw = Draw(40, generator)
    (levels, values), used = tables(draw, draw.log_uniform(0.01, 0.1))
    cluster, shares = draw.integers(0, 1, 1000), torch.full((40, 2), 0.5)
    for table in (levels, values):
        guess = most_probable_class(draw_rows(draw, table, cluster), table, shares)
        wrong = (guess != cluster).double().mean(1)
        assert torch.all(wrong <= confusion(table, used)[:, 0] + 5 * (0.1 / 1000) ** 0.5)
        assert wrong.mean() > 0.005


def test_the_most_probable_class_is_that_of_most_points_with_the_row(generator):
    """Among many points of equal rows, the majority's class, except where two are nearly as frequent."""
    draw = Draw(1, generator)
    used = torch.ones(1, 3, dtype=torch.bool)
    table = categories(draw, used, torch.tensor([3, 2]), torch.full((1, 1), 0.05))
    shares = torch.tensor([[0.6, 0.3, 0.1]])
    cluster = torch.multinomial(shares, 60_000, replacement=True, generator=generator)
    rows = draw_rows(draw, table, cluster)
    guess = most_probable_class(rows, table, shares)
    checked = 0
    for row in rows[0].unique(dim=0):
        here = (rows[0] == row).all(1)
        votes = cluster[0, here].bincount(minlength=3)
        first, second = votes.topk(2).values
        if first - second > 5 * first.sqrt():
            assert torch.all(guess[0, here] == votes.argmax())
            checked += 1
    assert checked >= 4


@pytest.mark.parametrize("values", [2, 3, 6])
def test_two_different_categories_lie_a_step_apart(values):
    rows = torch.arange(values)[None, :, None]
    x = place_categories(rows, torch.tensor([values]))
    assert x.shape == (1, values, 1 if values == 2 else values)
    distance = torch.cdist(x, x)[0]
    torch.testing.assert_close(distance, STEP * (1 - torch.eye(values)))
