"""Summaries of a posterior for terminals and notebooks."""

import math
from html import escape

import numpy as np
import pandas as pd
from jaxtyping import Int
from rich.bar import Bar
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gfncp.posterior.explanation import describe_clusters
from gfncp.posterior.posterior import Posterior

BAR_WIDTH = 40
ROWS = 3
NUMBERS = 8
EXPLAINED = 10  # clusters that are explained
SMALL_EFFECT = 0.2  # Cohen's d; columns of smaller effects are left out
SCALES = {
    "columns": "Columns: standardised each",
    "none": "Columns: kept in their common unit",
    "unit-length": "Rows: brought to unit length",
}


def format_summary(
    posterior: Posterior,
    chosen: Int[np.ndarray, "n_samples"],
    log_prob: float,
    scale: str | None = None,
    described: pd.DataFrame | None = None,
) -> Group:
    """Return the distribution of the number of clusters and the most likely clusterings, for a terminal.

    Args:
        chosen: the reported clustering, which need not be among the samples; with -1 for noise it is
            not ranked among the clusterings.
        log_prob: its log-probability, in nats.
        scale: how columns were brought to one unit; None where they were taken as they are.
        described: table of `gfncp.posterior.explanation.describe_clusters`, of what sets the clusters apart;
            None to leave it out.
    """
    known = posterior.including(chosen, log_prob) if chosen.min() >= 0 else posterior
    parts: list[RenderableType] = [_numbers(posterior), "", _most_likely(known, chosen)]
    if described is not None and (lines := explanations(described)):
        parts += ["", "What sets the clusters apart", *(Text(f" {line}") for line in lines)]
    return Group(*parts) if scale is None else Group(SCALES[scale], "", *parts)


def describe_posterior(posterior: Posterior, points: pd.DataFrame | None = None) -> str:
    """Describe a posterior in a few lines; with the table of the points, also what sets clusters apart."""
    labels, found = posterior.most_likely(), posterior.n_clusters()
    frame = posterior.to_frame(labels)
    unsure = frame.loc[:, "probability"].nsmallest(ROWS)
    likeliest = _likeliest(found)
    k = ", ".join(f"{k} ({probability:.2f})" for k, probability in likeliest)
    if len(likeliest) < len(found):
        k += f", others ({sum(found.values()) - sum(probability for _, probability in likeliest):.2f})"
    sizes = " ".join(map(str, np.sort(np.bincount(labels))[::-1]))
    lines = [
        _size(posterior),
        f"Number of clusters K, with its probability: {k}",
        f"Most likely clustering found: {labels.max() + 1} clusters, of sizes {sizes}",
        f"Mean probability of a point's place in it: {frame['probability'].mean():.2f}; least sure: "
        + ", ".join(f"point {name} ({value:.2f})" for name, value in unsure.items()),
    ]
    if points is not None:
        lines += explanations(describe_clusters(points, labels))
    return "\n".join(lines)


def explanations(described: pd.DataFrame) -> list[str]:
    """Return a line for each of the largest clusters, with the columns that set it apart most."""
    lines = {}
    for row in described.loc[described["effect"].abs() >= SMALL_EFFECT].to_dict("records"):
        lines.setdefault((-row["size"], row["cluster"]), []).append(_explanation(row))
    return [
        f"Cluster {cluster} ({-size} points): {', '.join(columns[:ROWS])}"
        for (size, cluster), columns in sorted(lines.items())[:EXPLAINED]
    ]


def _explanation(row: dict) -> str:
    feature, category, inside, outside = (row[name] for name in ("feature", "category", "inside", "outside"))
    more = row["effect"] > 0
    if category is None:
        return f"{feature} {'higher' if more else 'lower'} ({inside:.3g}, others {outside:.3g})"
    return f"{feature} {'more' if more else 'less'} often {category} ({inside:.0%}, others {outside:.0%})"


def describe_html(posterior: Posterior) -> str:
    """Return a posterior as HTML, for notebooks."""
    found = pd.DataFrame(_likeliest(posterior.n_clusters()), columns=["K", "probability"])
    top = posterior.top(ROWS)
    top["log_prob"] = [format_odds(value) for value in top["log_prob"] - top["log_prob"].iloc[0]]
    top = top.rename(columns={"log_prob": "odds against the first", "share": "share of samples"})
    return (
        f"<div><p><b>Posterior</b>: {escape(_size(posterior))}</p>"
        f"{found.round(3).to_html(index=False)}<p>Most likely clusterings found</p>"
        f"{top.round(3).to_html()}</div>"
    )


def _size(posterior: Posterior) -> str:
    distinct, points = posterior.labels.shape
    return f"{points} points, {posterior.counts.sum()} samples, {distinct} distinct clusterings"


def _likeliest(found: dict[int, float]) -> list[tuple[int, float]]:
    """Return at most `NUMBERS` numbers of clusters, the most probable ones, in order."""
    return sorted(sorted(found.items(), key=lambda item: -item[1])[:NUMBERS])


def format_odds(log_ratio: float) -> str:
    """Return exp(``log_ratio``), at most 1, as odds: 1 : 1, 1 : 2.7, 1 : 5400, 1 : 10^53, 0."""
    if log_ratio == -math.inf:
        return "0"
    digits = -log_ratio / math.log(10)
    if digits >= 4:
        return f"1 : 10^{digits:.0f}"
    times = math.exp(-log_ratio)
    return f"1 : {times:.0f}" if times >= 9.95 else f"1 : {times:.1f}".removesuffix(".0")


def _numbers(posterior: Posterior) -> Table:
    table = Table(
        "K", "", "", title="Probability of each number of clusters K", title_justify="left", box=None
    )
    found = posterior.n_clusters()
    for k, probability in found.items():
        table.add_row(str(k), Bar(max(found.values()), 0, probability, width=BAR_WIDTH), f"{probability:.2f}")
    return table


def _most_likely(posterior: Posterior, chosen: np.ndarray) -> Table:
    total = posterior.counts.sum()
    table = Table(
        "odds*",
        "found as",
        "K",
        "cluster sizes",
        title="Most likely clusterings found",
        title_justify="left",
        caption="* how probable all labels together are, against the first clustering",
        caption_justify="left",
        box=None,
    )
    candidates = posterior.candidates()[:ROWS]
    for each in candidates:
        sizes = np.sort(np.bincount(each.labels))[::-1]
        of_samples = [f"{each.draws} of {total} samples"] if each.draws else []
        other = "chosen" if np.array_equal(each.labels, chosen) else "greedy"
        table.add_row(
            format_odds(each.log_prob - candidates[0].log_prob),
            " and ".join(([other] if each.found else []) + of_samples),
            str(len(sizes)),
            " ".join(map(str, sizes)),
        )
    return table
