"""Omniglot's files in experiments/."""

from pathlib import Path

import pytest

from gfncp.configuration import parse
from gfncp.configuration.toml_files import read_configuration, read_values

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


def test_all_methods_have_the_same_embedding_and_data():
    ours, papers = (
        read_configuration(EXPERIMENTS / f"{name}.toml") for name in ("omniglot", "paper/omniglot")
    )
    assert ours.data == papers.data
    assert ours.encoder.pretraining == papers.encoder.pretraining
    assert ours.encoder.channels == papers.encoder.channels


@pytest.mark.parametrize(
    ("option", "value"),
    [("largest", 21), ("n_clusters", 10), ("images", 70_000), ("kind", "augmented-images")],
)
def test_options_that_omniglot_lacks_are_refused(option, value):
    values = read_values(EXPERIMENTS / "omniglot.toml")
    values["data"][option] = value
    with pytest.raises(ValueError, match=r"omniglot|largest|n_clusters|images"):
        parse(values, "changed")
