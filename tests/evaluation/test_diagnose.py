import json
import statistics
from dataclasses import replace

import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner

from gfncp.checkpoints import load_configuration, save
from gfncp.cli import app
from gfncp.configuration import parse
from gfncp.decoding.model import Model
from gfncp.evaluation.answers import PointSubject
from gfncp.evaluation.diagnose import Sizes, diagnose
from gfncp.evaluation.diagnosis_report import pictures, tables
from gfncp.evaluation.subjects import make_subjects
from gfncp.networks.encoders import ImageEncoder
from gfncp.partitions import cluster_bounds
from gfncp.simulators import GaussianMixtures, WholeClasses

SMALL = Sizes(
    posterior=((3, 4), (5, 10)),
    averaged_orders=2,
    consistency=((5, 6),),
    sdpp=((5, 4),),
    orders=20,
    free_points=(5,),
    free_sets=300,
    samples=19,
    early=(5, 6),
    sweeps=20,
)
TINY = replace(SMALL, free_points=(6,), free_sets=12)
NAME = "simulated sets"


def on(model, simulator):
    return {NAME: PointSubject(model, simulator)}


def leaves(value):
    if isinstance(value, dict):
        assert all(isinstance(key, str) for key in value)
        return [leaf for one in value.values() for leaf in leaves(one)]
    return [leaf for one in value for leaf in leaves(one)] if isinstance(value, list) else [value]


def test_an_exact_model_passes_everything(exact_model, mixture):
    found = diagnose(on(exact_model, mixture), SMALL, with_early_steps=True)
    for distances in (one for methods in found["posterior"].values() for one in methods.values()):
        assert distances["total_variation"]["value"] < 1e-9 and abs(distances["kl"]["value"]) < 1e-9
    consistency = found["consistency"]["5"]
    assert consistency["flow"]["value"] < 1e-9 and consistency["mc_sum"]["value"] > 0.01
    sdpp = found["sdpp"]["5"]
    assert max(sdpp["values"]) < 1e-6 and sdpp["median"] == pytest.approx(statistics.median(sdpp["values"]))
    free = found["free"][NAME]["5"]
    assert free["pairs"]["truth"]["error"] < 0.04
    assert min(test["p_value"] for test in free["ranks"].values()) > 0.01
    assert abs(free["ratio"]["value"] - 1) < 3 * free["ratio"]["error"]
    samples, exact = (free["scores"][way]["ari"]["value"] for way in ("samples", "exact draws"))
    assert samples == pytest.approx(exact, abs=0.04)
    for of in found["early_steps"]["ranges"]["exact"]:
        for error in ("spurious", "missed"):
            ours, theirs = (
                found["early_steps"]["ranges"][who][of][error]["value"] for who in ("exact", "network")
            )
            assert ours == pytest.approx(theirs, abs=0.06)


def test_a_wrong_prior_is_found_out(wrong_model, mixture):
    found = diagnose(on(wrong_model, mixture), SMALL)
    assert found["posterior"]["5"]["policy"]["total_variation"]["value"] > 0.2
    assert found["free"][NAME]["5"]["ranks"]["clusters"]["p_value"] < 1e-4
    assert "early_steps" not in found


def test_parts_of_mc_add_up(model, mixture):
    found = diagnose(on(model, mixture), TINY)["consistency"]["5"]
    assert found["mc_last_step"]["value"] + found["mc_other_steps"]["value"] == pytest.approx(
        found["mc_sum"]["value"]
    )
    assert found["mc_per_step"]["value"] == pytest.approx(found["mc_sum"]["value"] / 4)


def test_result_is_plain_and_a_function_of_the_seed(model, mixture):
    first, again, other = (diagnose(on(model, mixture), TINY, seed) for seed in (0, 0, 1))
    assert {type(leaf) for leaf in leaves(first)} <= {int, float, type(None)}
    assert json.loads(json.dumps(first, allow_nan=False)) == first
    for result in (first, again, other):
        del result["seconds"], result["free"][NAME]["6"]["seconds"]
    assert first == again != other


@pytest.mark.parametrize("n_clusters", [2, (2, 4), None])
def test_exact_draws_keep_the_bounds_of_the_simulator(model, n_clusters):
    found = diagnose(on(model, GaussianMixtures(2, 1.0, 3.0, n_clusters)), TINY)
    draws = found["free"][NAME]["6"]["scores"]["exact draws"]["clusters"]["value"]
    low, high = cluster_bounds(n_clusters, 6)
    assert low <= draws <= high


def test_images_get_all_that_needs_no_exact_posterior(tmp_path):
    torch.manual_seed(0)
    model = Model(ImageEncoder(8), depth=2, width=8, cluster_width=8)
    images = torch.randint(256, (90, 28, 28), dtype=torch.uint8)
    simulator = WholeClasses(images / 255, torch.arange(90) % 3, 1.0, (1, 3))
    subjects = {"test classes": PointSubject(model, simulator), "held out": PointSubject(model, simulator)}
    found = diagnose(subjects, TINY)
    assert set(found) == {"seconds", "consistency", "sdpp", "free"}
    assert set(found["free"]) == set(subjects)
    assert "exact draws" not in found["free"]["test classes"]["6"]["scores"]
    files = pictures(found, tmp_path)
    assert sorted(path.name for path in files) == [
        *("ranks-2.png", "ranks.png", "reliability-2.png", "reliability.png", "sdpp.png"),
        *("surprise-2.png", "surprise.png"),
    ]
    console = Console(record=True, width=120)
    for table in tables(found):
        console.print(table)
    assert "exact" not in console.export_text()
    with pytest.raises(ValueError, match="only Gaussian mixtures"):
        diagnose(subjects, TINY, with_early_steps=True)


def test_what_has_no_probabilities_is_refused(make_checkpoint):
    network = {"kind": "dac-anchored", "hidden": 8, "inducing": 2, "heads": 1, "blocks": 1}
    folder = make_checkpoint(network=network, objective={"name": "dac-anchored"})
    with pytest.raises(ValueError, match="dac-anchored"):
        make_subjects(folder, load_configuration(folder), None)


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
    output, record = tmp_path / "out", tmp_path / "records" / "one.json"
    arguments = ["diagnose", str(checkpoint), "--output", str(output), "--quick", "--seed", "3"]
    arguments += [
        "--points",
        "8",
        "--points",
        "12",
        "--sets",
        "10",
        "--samples",
        "4",
        "--record",
        str(record),
    ]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    for name in ("total variation", "MC, sum of Eq. 24", "public code", "SDPP", "error of pairs", "NMI", "±"):
        assert name in result.output
    written = json.loads((output / "diagnostics.json").read_text())
    assert json.loads(record.read_text()) == written
    assert written["kind"] == "diagnosis" and written["seed"] == 3 and "cpu" in written["device"]
    assert written["configuration"]["data"]["spread"] == 3.0
    assert (written["sizes"]["free_points"], written["sizes"]["free_sets"]) == ([8, 12], 10)
    assert set(written["free"]["simulated sets"]) == {"8", "12"}
    assert written["free"]["simulated sets"]["8"]["samples"] == 4
    assert {path.name for path in output.iterdir()} == {
        "diagnostics.json",
        "ranks.png",
        "reliability.png",
        "sdpp.png",
        "surprise.png",
        "total-variation.png",
    }


def test_command_refuses_what_is_no_checkpoint(tmp_path):
    result = CliRunner().invoke(app, ["diagnose", str(tmp_path), "--output", str(tmp_path / "out")])
    assert isinstance(result.exception, ValueError) and "checkpoint=" in str(result.exception)
    assert not (tmp_path / "out").exists()
