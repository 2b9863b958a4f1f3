import json
import statistics
from dataclasses import replace

import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner

from gfncp.checkpoints import save
from gfncp.cli import app
from gfncp.configuration import parse
from gfncp.encoders import ImageEncoder
from gfncp.evaluation.diagnose import FULL, QUICK, Sizes, diagnose
from gfncp.evaluation.diagnosis_report import pictures, table
from gfncp.model import Model
from gfncp.simulators import GaussianMixtures, WholeClasses

SMALL = Sizes(
    posterior=((3, 4), (5, 10)),
    averaged_orders=2,
    consistency=((5, 6),),
    sdpp=((5, 4),),
    orders=20,
    calibration=(5, 400),
    samples=19,
    quality=((5, 10),),
    sweeps=30,
    chains=4,
)
TINY = replace(SMALL, calibration=(6, 12))


def leaves(value):
    if isinstance(value, dict):
        assert all(isinstance(key, str) for key in value)
        return [leaf for one in value.values() for leaf in leaves(one)]
    return [leaf for one in value for leaf in leaves(one)] if isinstance(value, list) else [value]


def test_an_exact_model_passes_everything(exact_model, mixture):
    found = diagnose(exact_model, mixture, SMALL)
    for distances in (one for methods in found["posterior"].values() for one in methods.values()):
        assert distances["total_variation"] < 1e-9 and abs(distances["kl"]) < 1e-9
    assert found["consistency"]["5"]["flow"] < 1e-9 and found["consistency"]["5"]["mc"] > 0.01
    sdpp = found["sdpp"]["5"]
    assert max(sdpp["values"]) < 1e-6 and sdpp["median"] == pytest.approx(statistics.median(sdpp["values"]))
    calibration = found["calibration"]
    for curve in calibration["pairs"].values():
        assert curve["expected_calibration_error"] < 0.04
    assert min(test["p_value"] for test in calibration["ranks"].values()) > 0.01
    assert calibration["clusters"]["p_value"] > 0.01
    assert calibration["clusters"]["total_variation"] < 0.05
    assert found["quality"]["5"]["nmi_of_exact"] == pytest.approx(1.0, abs=0.02)


def test_a_wrong_prior_is_found_out(wrong_model, mixture):
    found = diagnose(wrong_model, mixture, SMALL)
    assert found["posterior"]["5"]["policy"]["total_variation"] > 0.2
    assert found["calibration"]["ranks"]["clusters"]["p_value"] < 1e-4
    assert found["calibration"]["clusters"]["p_value"] < 1e-4
    assert found["calibration"]["clusters"]["total_variation"] > 0.1


def test_result_is_plain_and_a_function_of_the_seed(model, mixture):
    first, again, other = (diagnose(model, mixture, TINY, seed) for seed in (0, 0, 1))
    assert {type(leaf) for leaf in leaves(first)} <= {int, float, type(None)}
    assert json.loads(json.dumps(first, allow_nan=False)) == first
    for result in (first, again, other):
        assert result.pop("seconds").keys() == result.keys()
    assert first == again != other


@pytest.mark.parametrize("n_clusters", [2, (2, 4), None])
def test_any_bounds_on_k(model, n_clusters):
    found = diagnose(model, GaussianMixtures(2, 1.0, 3.0, n_clusters), TINY)
    assert found["posterior"]["3"]["policy"]["total_variation"] <= 1


def test_images_get_all_that_needs_no_exact_posterior(tmp_path):
    torch.manual_seed(0)
    model = Model(ImageEncoder(8), depth=2, width=8, cluster_width=8)
    images = torch.randint(256, (90, 28, 28), dtype=torch.uint8)
    simulator = WholeClasses(images / 255, torch.arange(90) % 3, 1.0, (1, 3))
    found = diagnose(model, simulator, TINY)
    assert set(found) == {"seconds", "consistency", "sdpp", "calibration", "quality"}
    assert set(found["calibration"]["pairs"]) == {"model"}
    assert set(found["quality"]["5"]) == {"greedy"}
    files = pictures(found, "images", tmp_path)
    assert sorted(path.name for path in files) == ["clusters.png", "ranks.png", "reliability.png", "sdpp.png"]
    console = Console(record=True, width=120)
    console.print(table(found))
    assert "exact" not in console.export_text()


def test_sizes_scale_together():
    sizes = FULL.with_sets(500)
    assert sizes.calibration == (FULL.calibration[0], 500)
    assert sizes.posterior == tuple((n, sets // 2) for n, sets in FULL.posterior)
    assert sizes.orders == FULL.orders
    assert QUICK.with_sets(10).posterior[0][1] >= 1


def test_what_is_no_energy_network_is_refused(mixture):
    with pytest.raises(ValueError, match="Linear"):
        diagnose(torch.nn.Linear(2, 2), mixture, TINY)


@pytest.fixture
def checkpoint(tmp_path):
    configuration = parse(
        {
            "encoder": {"kind": "vectors", "dim": 2, "scale": 3.0},
            "network": {"depth": 2, "width": 8},
            "data": {"kind": "gaussian-mixtures", "spread": 3.0},
            "objective": {"name": "ncp"},
        },
        "test",
    )
    save(configuration.build(), configuration, tmp_path / "run")
    return tmp_path / "run"


def test_command_writes_numbers_and_pictures(checkpoint, tmp_path):
    output = tmp_path / "out"
    arguments = [
        "diagnose",
        str(checkpoint),
        "--output",
        str(output),
        "--quick",
        "--sets",
        "10",
        "--seed",
        "3",
    ]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    for name in ("total variation", "MC (Eq. 24)", "SDPP", "calibration error", "NMI"):
        assert name in result.output
    written = json.loads((output / "diagnostics.json").read_text())
    assert written["seed"] == 3 and written["device"] == "cpu"
    assert written["configuration"]["data"]["spread"] == 3.0
    assert written["sizes"]["calibration"] == [20, 10]
    assert {path.name for path in output.iterdir()} == {
        "diagnostics.json",
        "clusters.png",
        "ranks.png",
        "reliability.png",
        "sdpp.png",
        "total-variation.png",
    }


def test_command_refuses_what_is_no_checkpoint(tmp_path):
    result = CliRunner().invoke(app, ["diagnose", str(tmp_path), "--output", str(tmp_path / "out")])
    assert isinstance(result.exception, ValueError) and "checkpoint=" in str(result.exception)
    assert not (tmp_path / "out").exists()
