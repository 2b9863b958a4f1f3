"""Tables of calibration on simulated sets say what the record of the benchmark says."""

import pytest

from gfncp.evaluation.comparison import NOTHING
from gfncp.evaluation.coreset_calibration import MEANS, coreset_calibration


def make_curve(error, predicted, observed):
    deviation = None if error is None else error / 4
    return {
        "error": error,
        "standard_error": deviation,
        "predicted": predicted,
        "observed": observed,
        "counts": [3, 0],
    }


def make_pairs(of_truth, of_sample):
    truth = make_curve(of_truth, [0.25, None], [0.5, None])
    return {"truth": truth, "sample": make_curve(of_sample, [0.25, None], [0.3, None])}


@pytest.fixture
def record():
    """Return a record of sets of 20 and 300 points, in the latter of which nothing has a rank."""
    small = {key: {"value": 0.5, "error": 0.0625} for _, key, _ in MEANS}
    small |= {"sets": 16, "rank_p": 0.25, "clusters_p": 3e-7, "seconds": 1.4}
    small |= {"pairs": make_pairs(0.25, 0.125), "pairs_known": make_pairs(0.75, None)}
    large = small | {"rank_p": None, "truth_nll": {"value": None, "error": None}}
    target = {"points": 300, "what": "K: p-value", "value": 0.002, "error": None}
    return {
        "checkpoint": "any",
        "seed": 7,
        "samples": 20,
        "scale": "auto",
        "orders": 1,
        "torch": "2",
        "threads": 2,
        "cores": 2,
        "processor": "x86",
        "targets": [target | {"wanted": ">= 0.01", "met": False}],
        "sizes": {"20": small, "300": large},
    }


def rows(text):
    return [line for line in text.splitlines() if line.startswith("|")]


def test_without_records_the_section_says_so(record):
    assert coreset_calibration([]).endswith(NOTHING)
    assert NOTHING not in coreset_calibration([record])


def test_a_size_has_a_column_with_standard_errors_and_dashes_for_what_it_has_not(record):
    found = rows(coreset_calibration([record]))
    assert found[:3] == ["|  | 20 points | 300 points |", "| --- | --- | --- |", "| sets | 16 | 16 |"]
    assert "| -log p: samples | 0.5 ± 0.1 | 0.5 ± 0.1 |" in found
    assert "| -log p: truth | 0.5 ± 0.1 | – |" in found
    assert "| ratio, samples / truth | 0.500 ± 0.062 | 0.500 ± 0.062 |" in found
    assert "| p-value, ranks of -log p | 0.250 | – |" in found
    assert "| p-value, ranks of K | 3e-07 | 3e-07 |" in found
    assert "| error of pairs | 0.250 ± 0.062 (0.125 ± 0.031) | 0.250 ± 0.062 (0.125 ± 0.031) |" in found
    assert "| 20% known: error of pairs | 0.750 ± 0.188 (–) | 0.750 ± 0.188 (–) |" in found


def test_curves_have_a_column_for_each_bin_and_dashes_in_empty_ones(record):
    found = rows(coreset_calibration([record]))
    assert "| points |  | 0.0 – 0.5 | 0.5 – 1.0 |" in found
    assert "| 300 | nothing known | 0.25: 0.50 | –: – |" in found


def test_targets_command_and_machine_are_told(record):
    text = coreset_calibration([record])
    assert "| 300 | K: p-value | 0.002 | ≥ 0.01 | **missed** |" in rows(text)
    assert "0 of 1 targets are met." in text
    assert "`any`; 20 samples of each set; 2 threads of x86 (2 cores), PyTorch 2." in text
    assert (
        "calibration.py --checkpoint any --points 20 --points 300 --sets 16 --samples 20 --scale auto "
        "--orders 1 --seed 7 --record records/calibration.json"
    ) in text


def test_every_row_of_a_table_has_as_many_cells(record):
    for part in coreset_calibration([record]).split("\n\n"):
        assert len({line.count("|") for line in rows(part)}) <= 1
