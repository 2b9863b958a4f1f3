"""Tables of large sets, kills and hostile input say what their records say, and nothing without one."""

from gfncp.evaluation.comparison import NOTHING
from gfncp.evaluation.endurance import endurance

SCORES = {"NMI": 0.91, "ARI": 0.92}
LARGE = {
    "checkpoint": "mog-2d",
    "samples": 10,
    "max_joint": 2000,
    "sets": 5,
    "machine": {"processor": "x86_64", "threads": 1, "torch": "2"},
    "growth": [
        {"points": 10**6, "seconds": 71.26, "microseconds per option": 0.5, "MiB": 900.4, "MiB before": 400.0}
        | SCORES
    ],
    "accuracy": [
        {
            "points": 10**4,
            "decoded jointly": 300,
            "NMI with joint": 0.97,
            "ARI with joint": 0.98,
            "seconds": 3.04,
        }
        | SCORES
    ],
}


def test_nothing_is_said_without_records():
    assert endurance([], [], []) == NOTHING


def test_large_sets_have_a_row_for_each_size_and_each_core():
    text = endurance([LARGE], [], [])
    assert "| 1,000,000 | 71.3 | 0.50 | 900 | 400 | 0.910 | 0.920 |" in text
    assert "| 10,000 | 300 | 0.910 | 0.920 | 0.970 | 0.980 | 3.0 |" in text
    assert "Greedy" not in endurance([LARGE | {"accuracy": []}], [], [])
    assert "samples" not in endurance([LARGE | {"growth": []}], [], [])


def test_kills_tell_whether_the_weights_were_the_same():
    record = {"command": "kill", "runs": 10, "kills": 53, "kills_during_a_write": 2}
    for same, words in ((True, "the same weights as"), (False, "other weights than")):
        text = endurance([], [record | {"same_weights_as_uninterrupted": same}], [])
        assert "53 times" in text and words in text


def test_outcomes_that_did_not_occur_count_zero():
    outcomes = {"tables": {"accepted": 3}, "labels": {"ValueError": 4}}
    text = endurance([], [], [{"command": "fuzz", "cases": 7, "outcomes": outcomes}])
    assert "| tables | 0 | 3 |" in text and "| labels | 4 | 0 |" in text
