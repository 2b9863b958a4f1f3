"""The temperature of decoding is found that the energies need."""

import runpy
from pathlib import Path

import pytest
import torch

from gfncp.checkpoints import load, load_configuration, save
from gfncp.configuration.simulated_data import MixtureData
from gfncp.estimators.inference import usual_pool

PROGRAM = runpy.run_path(str(Path(__file__).parents[2] / "experiments" / "temperature.py"))


@pytest.mark.parametrize(("factor", "each"), [(0.5, False), (2.0, False), (2.0, True)])
@pytest.mark.parametrize("compare", list(PROGRAM["COMPARE"]))
def test_fitting_finds_the_temperature_of_the_energies(make_checkpoint, monkeypatch, factor, each, compare):
    """A network whose samples are the truth has temperature 1; energies times a factor need that factor."""
    folder = make_checkpoint()
    model, configuration = load(folder), load_configuration(folder)

    class FromTheModel:
        """Labels that the network itself draws."""

        def __call__(self, sets, points, generator):
            x = 10 * torch.randn(sets, points, 2, generator=generator)
            return x, usual_pool(model, model.encode(x)).sample(1, generator)[0][:, 0]

    with torch.no_grad():
        for weight in model.parameters():
            weight *= 6**0.5  # of small random weights the policy is nearly uniform
        model.f.last.weight *= 3
    scaled = load(folder)
    scaled.load_state_dict(model.state_dict())
    with torch.no_grad():
        scaled.f.last.weight *= factor
    save(scaled, configuration, folder)
    simulator = FromTheModel()
    monkeypatch.setattr(MixtureData, "make_test_simulator", lambda *arguments: simulator)
    PROGRAM["main"].__globals__["SIZES"] = (20,)
    PROGRAM["main"](str(folder), None, 60, [20, 10] if each else None, each, compare)
    found = load_configuration(folder).temperature
    if each:
        sizes, found = zip(*found, strict=True)
        assert sizes == (10, 20)
    assert found == pytest.approx((factor, factor) if each else factor, rel=0.2)
