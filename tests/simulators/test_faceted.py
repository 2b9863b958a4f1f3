"""Classes of several facets: which facets they join, and what a network is told of them."""

import pytest
import torch

from gfncp.networks.tokens import COLUMNS
from gfncp.seeds import seeded
from gfncp.simulators import GaussianMixtures, LabelledCoresets
from gfncp.simulators.faceted import FEWEST, MOST, Faceted, joined


def test_facets_near_one_another_are_one_class():
    x = torch.tensor([[0.0], [1.0], [10.0], [11.0], [30.0], [0.2]])
    facet = torch.tensor([0, 1, 2, 3, 4, 0])
    assert joined(x, facet, 0.6).tolist() == [0, 0, 1, 1, 2, 0]
    assert joined(x, facet, 0.4).tolist() == [0, 0, 0, 0, 1, 0]
    assert joined(x, facet, 0.01).tolist() == [0, 0, 0, 0, 1, 0]  # two are left


@pytest.mark.parametrize("facets", [1, 2])
def test_few_facets_are_classes_themselves(facets):
    facet = torch.arange(6) % facets
    assert torch.equal(joined(torch.randn(6, 3), facet, FEWEST), facet)


def test_classes_consist_of_whole_facets_and_are_as_many_as_promised():
    mixtures = GaussianMixtures(2, 5.0, 10.0, (3, 20))
    x, facet = mixtures(8, 100, seeded(0))
    same, label = Faceted(mixtures)(8, 100, seeded(0))
    assert torch.equal(same, x)
    for of_set, own in zip(facet, label, strict=True):
        pairs = torch.stack([of_set, own], 1).unique(dim=0)
        assert len(pairs) == len(of_set.unique())  # one class for each facet
        low, high = (share * len(pairs) for share in (FEWEST, MOST))
        assert max(2, round(low)) <= len(own.unique()) <= max(2, round(high))


def test_a_network_is_never_told_how_many_classes_there_are():
    mixtures = GaussianMixtures(2, 1.0, 10.0, (3, 6))
    of_facets, of_clusters = (
        LabelledCoresets(10, families=((1.0, family),))(64, 30, seeded(1)).x
        for family in (Faceted(mixtures), mixtures)
    )
    assert of_facets.shape[2] == COLUMNS
    known = slice(COLUMNS - 3, None)
    assert len(of_facets[..., known].flatten(0, 1).unique(dim=0)) == 1
    assert len(of_clusters[..., known].flatten(0, 1).unique(dim=0)) > 1
