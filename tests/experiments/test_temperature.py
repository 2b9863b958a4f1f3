"""The temperature of decoding is found that the energies need."""

import runpy
from copy import deepcopy
from pathlib import Path

import pytest
import torch

from gfncp import configuration
from gfncp.checkpoints import load_configuration
from gfncp.estimators.inference import usual_pool
from gfncp.seeds import seeded

PROGRAM = runpy.run_path(str(Path(__file__).parents[2] / "experiments" / "temperature.py"))
SETS = 100


@pytest.fixture(scope="module")
def model():
    """A network that is surer than one of small random weights."""
    torch.manual_seed(0)
    encoder, network = {"kind": "vectors", "dim": 2, "scale": 10.0}, {"depth": 2, "width": 16}
    rest = {"data": {"kind": "gaussian-mixtures"}, "objective": {"name": "ncp"}}
    network = configuration.parse({"encoder": encoder, "network": network, **rest}, "test").build()
    with torch.no_grad():
        for weight in network.parameters():
            weight *= 6**0.5
        network.f.last.weight *= 3
    return network


@pytest.fixture(scope="module")
def held(model):
    """Sets whose labels the network itself draws."""
    found = []
    for generator in map(seeded, range(SETS)):
        x = 10 * torch.randn(1, 20, 2, generator=generator)
        found.append((x, usual_pool(model, model.encode(x)).sample(1, generator)[0][:, 0]))
    return found


@pytest.mark.parametrize("factor", [0.5, 2.0])
@pytest.mark.parametrize("compare", list(PROGRAM["COMPARE"].values()))
def test_fitting_finds_the_temperature_of_the_energies(model, held, factor, compare):
    """A network whose samples are the truth has temperature 1; energies times a factor need that factor."""
    scaled = deepcopy(model)
    with torch.no_grad():
        scaled.f.last.weight *= factor
    assert PROGRAM["fitted_to_points"](scaled, held, compare) == pytest.approx(factor, rel=0.2)


@pytest.fixture
def sizes_fitted(monkeypatch):
    """Sizes of the sets of each fit, whose result is the largest one over 10."""
    found = []

    def fit(model, held, compare):
        found.append([x.shape[1] for x, _ in held])
        return max(found[-1]) / 10

    monkeypatch.setitem(PROGRAM["main"].__globals__, "fitted_to_points", fit)
    return found


def test_each_size_has_the_temperature_of_its_sets_the_smallest_first(vector_checkpoint, sizes_fitted):
    """Sizes may be named in any order."""
    PROGRAM["main"](str(vector_checkpoint), None, 2, [6, 4], each=True)
    assert load_configuration(vector_checkpoint).temperature == ((4, 0.4), (6, 0.6))
    assert sizes_fitted == [[4, 4], [6, 6]]


def test_one_temperature_is_that_of_sets_of_all_sizes(vector_checkpoint, sizes_fitted):
    PROGRAM["main"](str(vector_checkpoint), None, 2, [6, 4])
    assert load_configuration(vector_checkpoint).temperature == 0.6
    assert sizes_fitted == [[6, 6, 4, 4]]
