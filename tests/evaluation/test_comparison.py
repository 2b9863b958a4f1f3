"""Tables of methods beside each other say what a record of the benchmark says."""

import pytest

from gfncp.estimators.properties import PROPERTIES, TABLE
from gfncp.evaluation.comparison import NOTHING, comparison, failures, per_set, properties, scores_table


def make_set(name, ours, told, blind, gaussian_like=False):
    ari = {"gfncp": ours, "k-means, true K": told, "HDBSCAN": blind}
    return {
        "name": name,
        "points": 150,
        "dim": 2,
        "clusters": [3, 4],
        "gaussian_like": gaussian_like,
        "methods": {method: {"ari": value, "nmi": 0.5} for method, value in ari.items()},
    }


@pytest.fixture
def record():
    return {
        "checkpoint": "any",
        "means": {"all": {name: {"ari": 0.25, "nmi": 0.75} for name in ("gfncp", "HDBSCAN")}},
        "sets": [
            make_set("near", 0.5, 0.9, 0.55),
            make_set("behind", 0.5, 0.1, 0.75),
            make_set("far", 0.1, 0.2, 0.9, gaussian_like=True),
        ],
        "seconds_to_posterior": {"150": 0.51, "1000": 2.04},
        "torch": "2",
        "threads": 1,
    }


def rows(table):
    return [line for line in table.splitlines() if line.startswith("|")]


def test_failures_are_against_methods_that_are_not_told_k_and_worst_first(record):
    assert [line.split(" | ")[0] for line in rows(failures(record))[2:]] == ["| far", "| behind"]
    assert rows(failures(record))[2] == "| far | 0.10 | HDBSCAN | 0.90 |"
    assert failures(record | {"sets": record["sets"][:1]}) == "None, of 1 sets."


def test_scores_and_times_are_those_of_the_record(record):
    assert "| `any` | 0.250 / 0.750 |" in rows(scores_table(record))
    assert "0.5 s for 150 points, 2.0 s for 1000 points" in scores_table(record)


def test_every_set_has_a_row_with_its_scores(record):
    assert rows(per_set(record))[2] == "| near | 150 | 2 | 3 or 4 | 0.50 | 0.90 | 0.55 |"
    assert rows(per_set(record))[4].startswith("| far * |")


def test_every_method_and_property_is_there():
    text = properties()
    assert all(f"| {name} |" in text for name in TABLE)
    assert all(f"*{name}*" in text for name in PROPERTIES)


def test_every_row_of_a_table_has_as_many_cells(record):
    for table in (failures(record), scores_table(record), per_set(record), properties()):
        assert len({line.count("|") for line in rows(table)}) == 1


def test_without_records_the_page_says_so(record):
    assert comparison([], "figures").endswith(NOTHING)
    assert NOTHING not in comparison([record], "figures")
