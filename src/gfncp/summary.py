"""What a terminal or a notebook shows of a posterior."""

from decimal import Decimal
from html import escape

import numpy as np
import pandas as pd
from jaxtyping import Int
from rich.bar import Bar
from rich.console import Group
from rich.table import Table

from gfncp.posterior import Posterior

BAR_WIDTH = 40
ROWS = 3
NUMBERS = 8
SCALES = {
    "columns": "Columns: standardised each",
    "none": "Columns: kept in their common unit",
    "unit-length": "Rows: brought to unit length",
}


def summarise(
    posterior: Posterior, greedy: Int[np.ndarray, "n_samples"], log_prob: float, scale: str | None = None
) -> Group:
    """The distribution of the number of clusters, and the most likely clusterings that were found.

    Args:
        greedy: the greedy clustering, which need not be among the samples.
        log_prob: its log-probability along the order of the points.
        scale: how columns were brought to one unit; None where they were taken as they are.
    """
    parts = [_numbers(posterior), "", _most_likely(posterior, greedy, log_prob)]
    return Group(*parts) if scale is None else Group(SCALES[scale], "", *parts)


def describe(posterior: Posterior) -> str:
    """A posterior in a few lines of text."""
    labels, found = posterior.most_likely(), posterior.n_clusters()
    frame = posterior.to_frame(labels)
    unsure = frame["probability"].nsmallest(ROWS)
    k = ", ".join(f"{k} ({probability:.2f})" for k, probability in _likeliest(found))
    sizes = " ".join(map(str, np.sort(np.bincount(labels))[::-1]))
    lines = [
        _size(posterior),
        f"Number of clusters K, with its probability: {k}",
        f"Most likely clustering found: {labels.max() + 1} clusters, of sizes {sizes}",
        f"Mean probability of a point's place in it: {frame['probability'].mean():.2f}; least sure: "
        + ", ".join(f"point {name} ({value:.2f})" for name, value in unsure.items()),
    ]
    return "\n".join(lines)


def describe_html(posterior: Posterior) -> str:
    """A posterior as HTML, for notebooks."""
    found = pd.DataFrame(_likeliest(posterior.n_clusters()), columns=["K", "probability"])
    top = posterior.top(ROWS)
    top["log_prob"] = top["log_prob"].round(2)
    return (
        f"<div><p><b>Posterior</b>: {escape(_size(posterior))}</p>"
        f"{found.round(3).to_html(index=False)}<p>Most likely clusterings found</p>"
        f"{top.round(3).to_html()}</div>"
    )


def _size(posterior: Posterior) -> str:
    distinct, points = posterior.labels.shape
    return f"{points} points, {posterior.counts.sum()} samples, {distinct} distinct clusterings"


def _likeliest(found: dict[int, float]) -> list[tuple[int, float]]:
    """At most `NUMBERS` numbers of clusters, the most probable ones, in order."""
    return sorted(sorted(found.items(), key=lambda item: -item[1])[:NUMBERS])


def format_probability(log_prob: float) -> str:
    """exp(``log_prob``) in digits, however small: 0.412, 3.2e-20, 1.7e-1042."""
    probability = Decimal(log_prob).exp()
    return f"{probability:.3f}" if probability >= Decimal("0.001") else f"{probability:.1e}"


def _numbers(posterior: Posterior) -> Table:
    table = Table(
        "K", "", "", title="Probability of each number of clusters K", title_justify="left", box=None
    )
    found = posterior.n_clusters()
    for k, probability in found.items():
        table.add_row(str(k), Bar(max(found.values()), 0, probability, width=BAR_WIDTH), f"{probability:.2f}")
    return table


def _most_likely(posterior: Posterior, greedy: np.ndarray, log_prob: float) -> Table:
    draws = posterior.counts.sum()
    rows = [
        (value, labels, f"{count} of {draws} samples")
        for value, labels, count in zip(
            posterior.log_prob[: ROWS + 1], posterior.labels, posterior.counts, strict=False
        )
        if not np.array_equal(labels, greedy)
    ]
    seen = posterior.counts[(posterior.labels == greedy).all(1)].sum()
    rows.append((log_prob, greedy, f"greedy and {seen} of {draws} samples" if seen else "greedy"))
    rows = sorted(rows, key=lambda row: -row[0])[:ROWS]
    table = Table(
        "probability*",
        "relative",
        "found as",
        "K",
        "cluster sizes",
        title="Most likely clusterings found",
        title_justify="left",
        caption="* of all labels together, assigned in the order of the points",
        caption_justify="left",
        box=None,
    )
    for value, labels, found_as in rows:
        sizes = np.sort(np.bincount(labels))[::-1]
        table.add_row(
            format_probability(value),
            format_probability(value - rows[0][0]),
            found_as,
            str(len(sizes)),
            " ".join(map(str, sizes)),
        )
    return table
