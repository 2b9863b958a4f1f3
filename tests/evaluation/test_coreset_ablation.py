"""The table of variants says what the record of the benchmark says, and the page tells of every variant."""

import re
from pathlib import Path

import pytest

from gfncp.evaluation.comparison import NOTHING
from gfncp.evaluation.coreset_ablation import coreset_ablation

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")


def make_variant(minutes, loss):
    return {
        "minutes": minutes,
        "parameters": 499_010,
        "sets": 17_888,
        "loss": loss,
        "simulated": 0.4,
        "samples": 0.3,
        "all": 0.45,
        "Gaussian-like": 0.5,
        "others": 0.25,
        "surprise of samples": 38.31,
        "surprise of truth": 34.96,
    }


@pytest.fixture
def record():
    variants = {"base": make_variant(5.0, 0.38), "smaller": make_variant(2.5, 0.41)}
    return {"torch": "2", "threads": 1, "variants": variants}


@pytest.fixture
def benchmark(import_benchmark):
    return import_benchmark("ablation_coresets")


def test_without_records_the_page_says_so(record):
    assert coreset_ablation([]) == NOTHING
    assert NOTHING not in coreset_ablation([record])


def test_a_variant_has_a_row_in_the_order_of_the_record(record):
    found = [line for line in coreset_ablation([record]).splitlines() if line.startswith("|")]
    assert found[2:] == [
        "| base | 5 | 0.50 M | 17,888 | 0.380 | 0.400 | 0.300 | 0.450 | 0.500 | 0.250 | 38.3 / 35.0 |",
        "| smaller | 2.5 | 0.50 M | 17,888 | 0.410 | 0.400 | 0.300 | 0.450 | 0.500 | 0.250 | 38.3 / 35.0 |",
    ]
    assert len({line.count("|") for line in found}) == 1


def test_each_time_has_its_command_and_the_machine_is_told(record):
    text = coreset_ablation([record])
    assert text.count("--data FOLDER --minutes 2.5 --record") == 1
    assert text.count("--data FOLDER --minutes 5 --record") == 1
    assert "1 thread of a CPU, PyTorch 2." in text
    known = record | {"processor": "x86", "cores": 2}
    assert "1 thread of x86 (2 cores), PyTorch 2." in coreset_ablation([known])


def test_the_page_tells_of_every_variant_and_of_how_they_are_judged(benchmark):
    (section,) = re.findall(r"^## The variants\n(.*?)(?=^## )", PAGE, re.DOTALL | re.MULTILINE)
    assert re.findall(r"\*\*(.+?)\*\*", section) == list(benchmark.VARIANTS)
    few, many = min(benchmark.VALIDATION_POINTS), max(benchmark.VALIDATION_POINTS)
    sets, points = benchmark.TESTED, benchmark.TESTED_POINTS
    judged = " ".join(PAGE.split())
    assert f"simulated sets of {few} to {many} points" in judged
    assert f"{sets} simulated sets of {points} points" in judged
    assert f"of at most {benchmark.MOST_POINTS} points" in judged
    assert f"at most {benchmark.BASE['data']['tokens']} tokens" in judged
