"""Limits of checkpoints in words: those of every one that ships, and of every kind of encoder."""

from typing import get_args

import pytest

from gfncp.checkpoints import PRETRAINED, load_configuration
from gfncp.configuration.encoder import AnyEncoder
from gfncp.estimators.limits import UNITS, limits


@pytest.mark.parametrize(
    ("checkpoint", "expected"),
    [
        ("mog-2d", {"points": "300", "clusters": "1 to 10", "dimensions": "2", "units": "about 10"}),
        ("mog-2d-online", {"points": "as they come", "units": "around zero"}),
        ("mnist", {"dimensions": "28 x 28", "units": "[0, 1]"}),
        ("clinc150", {"points": "20 to 300", "dimensions": "384", "units": "--scale"}),
        ("general", {"points": "micro-clusters", "dimensions": "any number", "units": "--scale"}),
    ],
)
def test_limits_of_shipped_checkpoints_are_described(checkpoint, expected):
    found = limits(load_configuration(checkpoint))
    assert list(found) == ["points", "clusters", "dimensions", "units"]
    for name, text in expected.items():
        assert text in found[name]


@pytest.mark.parametrize(("bounds", "text"), [(4, "4 to 4"), ((2, 7), "2 to 7"), (None, "any number")])
def test_a_number_of_clusters_may_be_bounds(bounds, text):
    found = load_configuration("mog-2d")
    found = found.model_copy(update={"data": found.data.model_copy(update={"n_clusters": bounds})})
    assert limits(found)["clusters"].endswith(text)


def test_every_checkpoint_and_every_encoder_has_words():
    for path in PRETRAINED.glob("*/config.json"):
        assert all(limits(load_configuration(path.parent)).values())
    kinds = get_args(get_args(AnyEncoder)[0])
    assert {get_args(kind.model_fields["kind"].annotation)[0] for kind in kinds} == set(UNITS)
