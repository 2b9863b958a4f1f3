"""The configurations of experiments are valid, and go together."""

import tomllib
from pathlib import Path

import pytest

from gfncp.configuration import parse
from gfncp.configuration.toml_files import read_configuration, to_toml

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
PATHS = sorted(EXPERIMENTS.glob("*.toml"))
BASELINES = sorted((EXPERIMENTS / "baselines").glob("*.toml"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_experiments_can_be_read(path):
    described = read_configuration(path)
    assert parse(tomllib.loads(to_toml(described)), path.name) == described


def test_experiments_are_there():
    assert PATHS and BASELINES


def test_all_methods_have_the_embedding_and_characters_of_omniglot():
    ours, papers = (
        read_configuration(EXPERIMENTS / f"{name}.toml") for name in ("omniglot", "paper/omniglot")
    )
    assert papers.encoder.embedding == "omniglot"
    for option in ("channels", "features", "layers"):
        assert getattr(papers.encoder, option) == getattr(ours.encoder, option)
    same = papers.data.model_dump(exclude={"kind"})
    assert ours.data.model_dump(include=set(same)) == same


@pytest.mark.parametrize("path", BASELINES, ids=lambda path: path.stem)
def test_baselines_are_trained_on_sets_as_large_as_those_of_tests(path):
    configuration = read_configuration(path)
    assert path.stem.startswith(configuration.network.kind.removesuffix("-anchored"))
    assert configuration.training.points[1] >= 300  # the size of test sets
