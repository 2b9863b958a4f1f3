"""The table of embedded images says what the record says."""

from gfncp.evaluation.embedded import embedded_table


def test_a_row_per_method_of_each_data_set(measured):
    record = {
        "sets": 9,
        "points": 30,
        "figures": {
            "digits": {"own": measured(0.9), "general": measured(0.25)},
            "clothes": {"own": measured(0.8)},
        },
        "device": "cpu (1 threads)",
        "torch": "2.13.0",
    }
    rows = [line for line in embedded_table(record).splitlines() if line.startswith("|")]
    assert rows[2:] == [
        "| digits | own | 0.500 ± 0.100 | 0.900 ± 0.012 | 7.2 | 42 |",
        "| digits | general | 0.500 ± 0.100 | 0.250 ± 0.012 | 7.2 | 42 |",
        "| clothes | own | 0.500 ± 0.100 | 0.800 ± 0.012 | 7.2 | 42 |",
    ]
    assert "9 sets of 30 test images" in embedded_table(record)
