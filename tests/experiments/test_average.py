"""Averaged checkpoints: the mean of each weight, for one network alone."""

import importlib
from pathlib import Path

import pytest
import torch
import typer

from gfncp.checkpoints import load, load_configuration, save
from gfncp.configuration import parse

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.fixture
def main(monkeypatch):
    monkeypatch.syspath_prepend(str(EXPERIMENTS))
    return importlib.import_module("average").main


def stored(folder, seed, width=4):
    configuration = parse(
        {
            "encoder": {"kind": "vectors", "dim": 2},
            "network": {"kind": "energy", "depth": 2, "width": width},
            "data": {"kind": "gaussian-mixtures"},
            "objective": {"name": "ncp"},
        },
        "test",
    )
    torch.manual_seed(seed)
    save(configuration.build(), configuration, folder)
    return str(folder)


def test_averaged_checkpoints_have_the_means_of_the_weights(tmp_path, main):
    folders = [stored(tmp_path / str(seed), seed) for seed in (0, 1)]
    main(tmp_path / "mean", folders)
    one, other, mean = (load(folder).state_dict() for folder in (*folders, tmp_path / "mean"))
    for name, value in mean.items():
        torch.testing.assert_close(value, (one[name] + other[name]) / 2)
    assert load_configuration(tmp_path / "mean") == load_configuration(folders[0])


def test_another_network_is_refused(tmp_path, main):
    folders = [stored(tmp_path / "a", 0), stored(tmp_path / "b", 0, width=5)]
    with pytest.raises(typer.BadParameter, match="not the weights of the configured network"):
        main(tmp_path / "mean", folders)
    assert not (tmp_path / "mean").exists()
