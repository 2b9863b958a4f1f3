"""Tokens: their columns, and the places of the points beside them."""

import pytest
import torch

from gfncp.coresets.coreset import summarise
from gfncp.networks.tokens import (
    COLUMNS,
    COMPONENTS,
    NEIGHBOURS,
    Placement,
    TokenEncoder,
    log_places,
    new_columns,
    number_of_points,
    token_columns,
)

NOTHING = torch.tensor([[1.0, torch.inf]])


def draw(generator, sets, tokens):
    mean = torch.randn(sets, tokens, COMPONENTS, generator=generator)
    weight = 1 + torch.randint(9, (sets, tokens), generator=generator).float()
    return mean, weight, torch.rand(sets, tokens, generator=generator)


@pytest.mark.parametrize("tokens", [1, 2, 5, 12])
def test_columns_hold_the_quantities_of_their_names(generator, tokens):
    mean, weight, spread = draw(generator, 1, tokens)
    columns = token_columns(mean, weight, spread, NOTHING)[0]
    assert columns.shape == (tokens, COLUMNS)
    assert torch.equal(columns[:, :COMPONENTS], mean[0])
    share = weight[0] / weight[0].mean()
    torch.testing.assert_close(columns[:, COMPONENTS].exp(), share)
    apart = torch.cdist(mean[0], mean[0]).sort(1).values
    for place, k in enumerate(NEIGHBOURS):
        nearest = apart[:, min(k, tokens - 1)]
        found = columns[:, COMPONENTS + 2 + place].exp() - 0.003
        torch.testing.assert_close(found, nearest, atol=1e-4, rtol=1e-4)
    assert columns.isfinite().all()
    assert not columns[:, -3:].any()


def test_the_last_columns_hold_the_bounds_on_the_number_of_clusters(generator):
    mean, weight, spread = draw(generator, 3, 8)
    bounds = torch.tensor([[3.0, 3.0], [1.0, 4.0], [2.0, torch.inf]])
    told = token_columns(mean, weight, spread, bounds)[:, 0, -3:]
    expected = torch.tensor([[1.0, 3.0, 3.0], [1.0, 1.0, 4.0], [1.0, 2.0, 8.0]])
    torch.testing.assert_close(torch.cat([told[:, :1], told[:, 1:].exp()], 1), expected)


def test_columns_tell_the_number_of_points(generator):
    """Not that of tokens; absent ones hold none, whatever their columns."""
    mean, weight, spread = draw(generator, 3, 12)
    weight[1, 5:] = 0
    columns = token_columns(mean, weight, spread, NOTHING.expand(3, 2))
    columns[1, 5:] = torch.nan
    found = number_of_points(columns, weight > 0)
    torch.testing.assert_close(found, weight.sum(1).double(), rtol=1e-5, atol=0)


def test_absent_tokens_change_nothing(generator):
    mean, weight, spread = draw(generator, 2, 6)
    alone = token_columns(mean, weight, spread, NOTHING.expand(2, 2))
    more = [torch.cat([part, 7 * torch.ones_like(part[:, :3])], 1) for part in (mean, spread)]
    padded = token_columns(more[0], torch.cat([weight, torch.zeros(2, 3)], 1), more[1], NOTHING.expand(2, 2))
    torch.testing.assert_close(padded[:, :6], alone)
    network = TokenEncoder(width=8, heads=2, blocks=2, local_heads=1)
    here = torch.arange(9).expand(2, -1) < 6
    torch.testing.assert_close(network(padded, here)[:, :6], network(alone, here[:, :6]))


def test_a_new_token_has_the_columns_of_one_that_is_there(generator):
    mean, weight, spread = draw(generator, 1, 9)
    weight[0, 4], spread[0, 4] = 1.0, 0.0
    columns = token_columns(mean, weight, spread, NOTHING)[0]
    others = torch.arange(9) != 4
    new = new_columns(mean[0, 4:5], weight[0, others], columns[others])[0]
    assert torch.equal(new[:COMPONENTS], columns[4, :COMPONENTS])
    # Its nearest tokens are the same, but it is not among them.
    apart = torch.cdist(mean[0, 4:5], mean[0, others]).sort(1).values[0]
    found = new[COMPONENTS + 2 : COMPONENTS + 5].exp() - 0.003
    torch.testing.assert_close(found, apart[torch.tensor(NEIGHBOURS) - 1], atol=1e-4, rtol=1e-4)


def test_a_token_beside_the_others_has_the_features_that_it_has_among_them(generator):
    """A token that is left out and judged beside the others has the features of one that attends to all."""
    columns = token_columns(*draw(generator, 1, 7), NOTHING)
    network = TokenEncoder(width=8, heads=2, blocks=1, local_heads=1)
    features = network.conditioned_on(columns[0])(columns[0, 2:4])
    here = torch.ones(1, 7, dtype=torch.bool)
    places = columns[0, :, :COMPONENTS]
    assert features.shape == (2, network.features)
    assert torch.equal(features[:, :COMPONENTS], places[2:4])
    assert network(columns, here).shape == (1, 7, network.features)


def test_shares_are_a_softmax_of_quadratic_logits(generator):
    columns = token_columns(*draw(generator, 1, 5), NOTHING)
    network = TokenEncoder(width=8, heads=2, blocks=1, local_heads=1)
    placement = Placement(network.features)
    with torch.no_grad():
        placement.head.weight.normal_(0, 0.05, generator=generator)
        placement.head.bias.normal_(0, 0.05, generator=generator)
    features = network(columns, torch.ones(1, 5, dtype=torch.bool))
    x = torch.randn(1, 4, COMPONENTS, generator=generator)
    mask = torch.tensor([[True, True, True, True, False]])
    found = placement.log_shares(placement.weights(features, mask), x)[0].exp()
    for i in range(4):
        scores = []
        for t in range(4):
            bias, precision, gradient = placement.head(features[0, t]).split([1, 1, COMPONENTS])
            distance = columns[0, t, COMPONENTS + 2].exp()
            away = (x[0, i] - columns[0, t, :COMPONENTS]) / distance
            scores.append(bias[0] + gradient @ away - precision.exp()[0] * away.square().sum())
        expected = torch.stack(scores).softmax(0)
        torch.testing.assert_close(found[i, :4], expected, atol=1e-4, rtol=1e-3)
        assert found[i, 4] == 0


def test_clusters_have_the_shares_of_their_tokens(generator):
    shares = torch.rand(2, 6, 5, generator=generator).log_softmax(2)
    labels = torch.tensor([[0, 1, 0, 2, -1], [0, 0, 0, 0, 0]])
    found = log_places(shares, labels, 3).exp()
    for s in range(2):
        for k in range(3):
            expected = shares[s].exp()[:, labels[s] == k].sum(1)
            torch.testing.assert_close(found[s, :, k], expected, atol=1e-6, rtol=1e-4)


def test_a_point_at_a_lone_token_goes_with_it(generator):
    """Before training: with the nearest token."""
    x = 5 * torch.randn(1, 10, COMPONENTS, generator=generator)
    coreset = summarise(x, torch.ones(1, 10), 10, generator)
    columns = token_columns(coreset.mean, coreset.weight, coreset.spread, NOTHING)
    network = TokenEncoder(width=8, heads=2, blocks=1)
    weights = Placement(network.features).weights(network(columns, coreset.mask), coreset.mask)
    assert torch.equal(Placement.log_shares(weights, x)[0].argmax(1), torch.arange(10))
