"""Directions: of length 1, around topics, in most sets to one side, near to each other within a topic."""

import pytest
import torch

from gfncp.partitions import canonical_labels
from gfncp.simulators.directions import NARROWEST, WIDEST, Directions, decay, draw_topics
from gfncp.simulators.draw import Draw
from gfncp.simulators.shares import points_of_one


@pytest.mark.parametrize(("sets", "points"), [(1, 5), (3, 60), (2, 700)])
def test_shapes_and_labels(generator, sets, points):
    for _ in range(5):
        x, labels = Directions()(sets, points, generator)
        assert x.shape[:2] == (sets, points) and NARROWEST <= x.shape[2] <= WIDEST
        assert x.dtype == torch.float32 and x.isfinite().all()
        assert torch.equal(canonical_labels(labels), labels)
        assert labels.max() < min(50, points // points_of_one(points))


def test_all_have_length_one(generator):
    x, _ = Directions()(5, 50, generator)
    torch.testing.assert_close(x.norm(dim=2), torch.ones(5, 50))


def test_directions_of_a_topic_are_nearer_to_each_other_than_to_others(generator):
    within, between = [], []
    for _ in range(20):
        x, labels = Directions()(4, 100, generator)
        cosine = x @ x.mT
        same = labels[:, :, None] == labels[:, None]
        for c, s in zip(cosine, same & ~torch.eye(100, dtype=torch.bool), strict=True):
            if (~s).sum() > 100:
                within.append(c[s].mean())
                between.append(c[~s & ~torch.eye(100, dtype=torch.bool)].mean())
    within, between = torch.stack(within), torch.stack(between)
    several = between < within
    assert several.double().mean() > 0.95
    assert within.quantile(0.1) < 0.4 and within.quantile(0.9) > 0.7  # sentences' own: 0.5


def test_most_sets_lean_to_one_side(generator):
    """Topics that share a direction have positive cosines; a fifth of the sets has none."""
    draw = Draw(400, generator)
    topics = draw_topics(draw, 12, draw.normal(48, 200) / 200**0.5)
    torch.testing.assert_close(topics.norm(dim=2), torch.ones(400, 12))
    cosine = (topics @ topics.mT).sum((1, 2)).sub(12) / (12 * 11)
    assert (cosine > 0.1).double().mean() > 0.4
    assert (cosine < 0.05).double().mean() > 0.1


def test_variances_decay_and_add_up_to_one(generator):
    variances = decay(Draw(50, generator), 20).square()
    torch.testing.assert_close(variances.sum(2), torch.ones(50, 1))
    assert torch.all(variances.diff(dim=2) <= 0)
