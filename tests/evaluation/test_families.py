"""Tables of the kinds of data say what the record of the benchmark says."""

import pytest

from gfncp.evaluation.comparison import NOTHING
from gfncp.evaluation.families import GROUPS, families


def make_row(group, name, found, nearest, gaussian_like=False, **ari):
    return {
        "group": group,
        "set": name,
        "gaussian_like": gaussian_like,
        "found": found,
        "nearest": nearest,
        "methods": {method.replace("_", "-"): {"ari": value} for method, value in ari.items()},
    }


@pytest.fixture
def record():
    return {
        "checkpoint": "any",
        "seeds": 2,
        "torch": "2",
        "threads": 1,
        "cores": 2,
        "processor": "x86",
        "targets": [
            {"what": "wide: ARI, x", "value": 0.5, "error": 0.1, "sets": 2, "wanted": ">= 0.6", "met": False},
            {"what": "speed", "value": 0.25, "error": None, "sets": 1, "wanted": "<= 0.4", "met": True},
        ],
        "rows": [
            make_row("planar", "a", 2, 2, gaussian_like=True, gfncp=1.0, HDBSCAN=0.5),
            make_row("planar", "b", 3, 2, gfncp=0.2, HDBSCAN=0.9),
            make_row("wide", "x", 4, 4, gfncp=0.4, k_means=0.3),
            make_row("wide", "x", 5, 4, gfncp=0.6),
        ],
        "speed": [
            {"points": 10**6, "dim": 8, "samples": 10, "seconds": [9.0, 7.0, 8.5], "MiB": 900.4}
            | {"MiB before": 400.0}
        ],
    }


def tables(text):
    """Return the lines of each table."""
    parts = (part.splitlines() for part in text.split("\n\n"))
    return [part for part in parts if part[0].startswith("|")]


def test_without_records_the_section_says_so(record):
    assert families([]).endswith(NOTHING)
    assert NOTHING not in families([record])


def test_a_group_has_a_row_for_each_set_with_the_error_over_its_seeds(record):
    assert tables(families([record]))[2] == [
        "| mean ARI | sets | K found | K right | `any` | k-means |",
        "| --- | --- | --- | --- | --- | --- |",
        "| x | 2 | 4.5 (4.0) | 0.50 | 0.50 ± 0.10 | – |",
    ]


def test_planar_sets_are_taken_together(record):
    assert tables(families([record]))[1][2:] == [
        "| Gaussian-like | 1 | 2.0 (2.0) | 1.00 | 1.00 | 0.50 |",
        "| others | 1 | 3.0 (2.0) | 0.00 | 0.20 | 0.90 |",
        "| all | 2 | 2.5 (2.0) | 0.50 | 0.60 ± 0.40 | 0.70 ± 0.20 |",
    ]


def test_targets_are_met_or_missed(record):
    text = families([record])
    assert tables(text)[0][2:] == [
        "| wide: ARI, x | 2 | 0.500 ± 0.100 | ≥ 0.6 | **missed** |",
        "| speed | 1 | 0.250 | ≤ 0.4 | met |",
    ]
    assert "`any`; 4 sets; 1 thread of x86 (2 cores), PyTorch 2. 1 of 2 targets are met." in text


def test_speed_and_its_command_are_there_where_it_was_measured(record):
    text, without = families([record]), families([record | {"speed": []}])
    assert tables(text)[-1][2:] == ["| 1,000,000 | 8 | 10 | 8.50 | 3 | 900 | 400 |"]
    assert "--checkpoint any --seeds 2 --million --record" in text
    assert "--checkpoint any --seeds 2 --record" in without
    assert len(tables(without)) == len(tables(text)) - 1


def test_every_row_of_a_table_has_as_many_cells(record):
    for table in tables(families([record])):
        assert len({line.count("|") for line in table}) == 1


def test_every_group_of_the_benchmark_is_explained(import_benchmark):
    assert list(GROUPS) == list(import_benchmark("families_data").GROUPS)
