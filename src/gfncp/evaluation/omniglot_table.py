"""Records of ``benchmarks/omniglot.py`` as Markdown."""

from gfncp.evaluation.comparison import markdown
from gfncp.evaluation.table_cells import number, with_error

TIMED = "300 points"


def omniglot(record: dict) -> str:
    """Return a table with a row for each method and a column for each kind of test sets."""
    figures, true = record["figures"], record["true_clusters"]
    headings = [f"{protocol} (K = {number(true[protocol], 1)})" for protocol in figures]
    rows = [("ARI, K found (share within 1)", *headings, f"ms per set of {TIMED}")]
    for method in next(iter(figures.values())):
        cells = [
            f"{with_error(**of['ari'])}, {number(of['clusters']['value'], 1)} "
            f"({number(of['k_within_1']['value'], 2)})"
            for of in (each[method] for each in figures.values())
        ]
        rows.append((method, *cells, number(1000 * figures[TIMED][method]["seconds"]["value"], 0)))
    networks = "".join(f" --network {name}" for name in record["configurations"])
    return (
        "## Handwritten characters that were never seen\n\n"
        f"Omniglot, {record['sets']} test sets of each kind, all methods on the embedding of the checkpoint "
        "`omniglot`, which was trained without labels on other characters ([data](data.md#omniglot)). Means "
        "± standard errors over sets.\n\n"
        f"`python benchmarks/omniglot.py --data FOLDER{networks} --sets {record['sets']} "
        "--record records/characters.json`\n\n"
        f"{markdown(rows)}\n\n"
        f"Measured on: {record['device']}, PyTorch {record['torch']}."
    )
