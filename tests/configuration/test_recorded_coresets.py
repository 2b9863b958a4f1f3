"""Coresets of simulated sets and of recorded images: shares, and what they are tested on."""

import pytest
import torch

from gfncp.configuration import Configuration, parse
from gfncp.seeds import seeded
from gfncp.simulators import LabelledCoresets, RecordedImages
from gfncp.simulators.faceted import Faceted
from gfncp.simulators.prior import FAMILIES


def configure(**data):
    values = {
        "encoder": {"kind": "tokens", "context": {"width": 8, "heads": 2, "blocks": 1, "local_heads": 1}},
        "network": {"kind": "coreset-energy", "depth": 2, "width": 8, "cluster_width": 8},
        "data": {"kind": "recorded-coresets", "tokens": 5, **data},
        "objective": {"name": "coreset-likelihood"},
    }
    return parse(values, "test")


def test_a_share_of_the_sets_to_train_on_are_images_and_those_of_tests_are_simulated(few_images):
    described = configure(recorded=0.25, faceted=0.1)
    simulators = described.data.make_simulators(described.build().encoder, None, 0)
    *simulated, (images, recorded), (facets, faceted) = simulators.training.families
    assert tuple(simulated) == FAMILIES
    assert isinstance(recorded, RecordedImages) and isinstance(faceted, Faceted)
    shares = torch.tensor([images, facets]) / sum(share for share, _ in simulators.training.families)
    assert shares.tolist() == pytest.approx([0.25, 0.1])
    assert simulators.validation == LabelledCoresets(5)


def test_images_and_facets_are_summarised_as_other_sets_are(few_images):
    described = configure(recorded=0.49, faceted=0.49)
    training = described.data.make_simulators(described.build().encoder, None, 0).training
    tokens = training(3, 40, seeded(0))
    assert tokens.x.shape == (3, 5, 34)
    assert torch.isfinite(tokens.x).all()


@pytest.mark.parametrize(("name", "share"), [("recorded", 0), ("recorded", 0.5), ("faceted", -0.1)])
def test_other_shares_are_refused(name, share):
    with pytest.raises(ValueError, match=name):
        configure(**{name: share})


def test_configurations_come_back_from_json():
    described = configure()
    assert Configuration.model_validate_json(described.model_dump_json()) == described
