"""The table of forecasts says what the record says."""

from gfncp.evaluation.forecasts_table import real_forecasts

RECORD = {
    "sets": 7,
    "pairs": 40,
    "samples": 9,
    "methods": {
        "mine": {
            "score": {"value": 0.0712, "error": 0.006},
            "error": {"value": 0.05, "error": 0.009},
            "K within 90%": {"value": 0.875, "error": 0.04},
        },
        "mine, labels_": {"score": {"value": 0.1, "error": 0.01}, "error": {"value": 0.1, "error": 0.01}},
        "base rate": {"score": {"value": 0.152, "error": 0.008}},
    },
    "threads": 1,
    "torch": "2.13.0",
}


def test_a_row_per_method_and_dashes_for_what_it_lacks():
    rows = [line for line in real_forecasts(RECORD).splitlines() if line.startswith("|")]
    assert rows[0] == "| forecasts by | score | error | K within 90% |"
    assert rows[2:] == [
        "| mine | 0.071 ± 0.006 | 0.050 ± 0.009 | 0.875 ± 0.040 |",
        "| mine, labels_ | 0.100 ± 0.010 | 0.100 ± 0.010 | – |",
        "| base rate | 0.152 ± 0.008 | – | – |",
    ]


def test_the_command_names_the_networks_alone():
    assert "benchmarks/forecasts.py mine --data FOLDER" in real_forecasts(RECORD)
    assert "7 sets of 2 to 26 classes" in real_forecasts(RECORD)
