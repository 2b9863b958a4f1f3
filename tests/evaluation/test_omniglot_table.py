"""The table of Omniglot says what the record says."""

from gfncp.evaluation.omniglot_table import omniglot


def test_a_row_per_method_and_a_column_per_protocol(measured):
    record = {
        "sets": 9,
        "true_clusters": {"300 points": 20.04, "5 characters": 5.0},
        "figures": {
            "300 points": {"ours": measured(0.9), "HDBSCAN": measured(0.25)},
            "5 characters": {"ours": measured(0.8), "HDBSCAN": measured(0.75)},
        },
        "configurations": {"dac": {}, "ccp": {}},
        "device": "cpu (1 threads)",
        "torch": "2.13.0",
    }
    rows = [line for line in omniglot(record).splitlines() if line.startswith("|")]
    assert rows[0] == (
        "| ARI, K found (share within 1) | 300 points (K = 20.0) | 5 characters (K = 5.0) "
        "| ms per set of 300 points |"
    )
    assert rows[2:] == [
        "| ours | 0.900 ± 0.012, 7.2 (0.62) | 0.800 ± 0.012, 7.2 (0.62) | 42 |",
        "| HDBSCAN | 0.250 ± 0.012, 7.2 (0.62) | 0.750 ± 0.012, 7.2 (0.62) | 42 |",
    ]
    assert "Omniglot, 9 test sets of each kind" in omniglot(record)
    assert "FOLDER --network dac --network ccp --sets 9 --record" in omniglot(record)
