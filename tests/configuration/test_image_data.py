"""Sets of images: options that a data set lacks are refused."""

from pathlib import Path

import pytest

from gfncp.configuration import parse
from gfncp.configuration.toml_files import read_values

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.mark.parametrize(
    ("option", "value"),
    [("largest", 21), ("n_clusters", 10), ("images", 70_000), ("kind", "augmented-images")],
)
def test_options_that_omniglot_lacks_are_refused(option, value):
    values = read_values(EXPERIMENTS / "omniglot.toml")
    values["data"][option] = value
    with pytest.raises(ValueError, match=r"omniglot|largest|n_clusters|images"):
        parse(values, "changed")
