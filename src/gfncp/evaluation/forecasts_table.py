"""Records of ``benchmarks/forecasts.py`` as Markdown."""

from gfncp.evaluation.comparison import markdown
from gfncp.evaluation.table_cells import machine, with_error

HEADS = ("score", "error", "K within 90%")


def real_forecasts(record: dict) -> str:
    """Return a table with a row for each method that forecasts which points are of one class."""
    rows: list[tuple[str, ...]] = [("forecasts by", *HEADS)]
    for name, row in record["methods"].items():
        rows.append((name, *(with_error(**row[head]) if head in row else "–" for head in HEADS)))
    networks = [name for name, row in record["methods"].items() if f"{name}, labels_" in record["methods"]]
    return (
        "## Can its probabilities be believed on real data?\n\n"
        f"{record['sets']} sets of 2 to 26 classes of well-known data, 120 to 1200 points each, which no "
        "network was trained on (images of digits, clothes and characters: on others of their kind); "
        "`general` was chosen with these sets in view. A forecast is the probability that two points are of "
        f"one class, of {record['pairs']} random pairs of each set: the share of {record['samples']} samples "
        "in which they share a cluster; for a mixture, the probability of one component; for `labels_` and "
        "HDBSCAN, 0 or 1. Mixtures (full covariances, at most 30 components) and HDBSCAN see the first 20 "
        "principal components of standardised columns. *Score*: mean square of forecast less outcome "
        "(Brier), 0 for an oracle; *base rate* is that of a forecaster who knows what share of a set's pairs "
        "are of one class, and nothing else. *Error*: expected calibration error, in ten bins of the "
        "forecast. *K within 90%*: share of the sets whose number of classes lies between the quantiles .05 "
        "and .95 of the samples' numbers of clusters; of other methods, share of the sets whose number of "
        "classes is found. Means ± standard errors over sets.\n\n"
        f"`python benchmarks/forecasts.py {' '.join(networks)} --data FOLDER --record "
        "records/forecasts.json`\n\n"
        f"{markdown(rows)}\n\n"
        f"Measured on: {machine(record)}."
    )
