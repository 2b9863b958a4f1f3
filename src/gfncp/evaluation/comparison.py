"""Comparison of methods as Markdown: their properties, and records of ``benchmarks/real_data.py``."""

from collections.abc import Sequence
from typing import NamedTuple

from gfncp.estimators.properties import PROPERTIES, TABLE

OURS = "gfncp"
TOLD = ", true K"  # ending of the names of methods that are told the number of clusters
FAILS = 0.1  # ARI by which the best other method is ahead, above which a set counts as a failure
NOTHING = "No figures are recorded yet."


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return a table; the first row is its header."""
    every = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join(f"| {' | '.join(row)} |" for row in every)


def properties() -> str:
    """Return a table of the properties of each method, with their meanings below."""
    rows = [("method", *PROPERTIES, "")]
    rows += [(name, *(row.mark(each) for each in PROPERTIES), row.note) for name, row in TABLE.items()]
    meanings = "\n".join(f"- *{name}*: {meaning}." for name, meaning in PROPERTIES.items())
    return f"{markdown(rows)}\n\n✓ yes, ✗ no, ~ in part, – not applicable.\n\n{meanings}"


def scores_table(record: dict) -> str:
    """Return the mean ARI and NMI of each method over groups of sets, and the time that a posterior takes."""
    groups = record["means"]
    rows = [("mean ARI / NMI", *groups)]
    for method in next(iter(groups.values())):
        values = (f"{of[method]['ari']:.3f} / {of[method]['nmi']:.3f}" for of in groups.values())
        rows.append((f"`{record['checkpoint']}`" if method == OURS else method, *values))
    times = ", ".join(
        f"{seconds:.1f} s for {points} points" for points, seconds in record["seconds_to_posterior"].items()
    )
    about = f"{len(record['sets'])} sets; PyTorch {record['torch']}, {record['threads']} threads"
    return f"{markdown(rows)}\n\n{about}. A posterior of 100 samples: {times or 'not timed'}."


def per_set(record: dict) -> str:
    """Return the ARI of each method on each set."""
    methods = list(record["sets"][0]["methods"])
    rows = [("set", "points", "width", "clusters", *methods)]
    for each in record["sets"]:
        shape = (str(each["points"]), str(each["dim"]), " or ".join(map(str, each["clusters"])))
        name = each["name"] + (" *" if each["gaussian_like"] else "")
        rows.append((name, *shape, *(f"{each['methods'][method]['ari']:.2f}" for method in methods)))
    return f"{markdown(rows)}\n\n\\* Gaussian-like, named before any method was run."


class Failure(NamedTuple):
    """Set on which the best method that is not told K is far ahead."""

    name: str
    ours: float  # ARI
    best: str
    ari: float


def find_failures(sets: list[dict]) -> list[Failure]:
    """Return the failures among sets, the worst first."""
    found = []
    for each in sets:
        ari = {name: value["ari"] for name, value in each["methods"].items()}
        ours = ari.pop(OURS)
        best = max((name for name in ari if not name.endswith(TOLD)), key=ari.__getitem__)
        if ari[best] - ours > FAILS:
            found.append(Failure(each["name"], ours, best, ari[best]))
    return sorted(found, key=lambda failure: failure.ours - failure.ari)


def failures(record: dict) -> str:
    """Return `find_failures` of a record, as a table."""
    found = find_failures(record["sets"])
    if not found:
        return f"None, of {len(record['sets'])} sets."
    rows = [("set", f"ARI, `{record['checkpoint']}`", "best method not told K", "its ARI")]
    return markdown(rows + [(name, f"{ours:.2f}", best, f"{ari:.2f}") for name, ours, best, ari in found])


def comparison(records: list[dict], figures: str) -> str:
    """Return the text of the page that compares methods.

    Args:
        records: of real data, one per checkpoint.
        figures: the table of checkpoints on test sets of their own kind.
    """
    real = "\n\n".join(f"{scores_table(record)}\n\n{per_set(record)}" for record in records) or NOTHING
    return (
        f"## What a method can do\n\n{properties()}\n\n"
        f"## On the data that a checkpoint is made for\n\n{figures}\n\n"
        "## On real and well-known sets\n\n"
        "These sets are development data: nothing was trained on them, but the rule by which columns are "
        "brought to one unit (`gfncp.coresets.units`) and the design of the default checkpoint were chosen "
        "with them in view. Methods whose names end in *true K* are told the number of clusters.\n\n"
        "`python benchmarks/real_data.py --data FOLDER --record records/real-data.json`\n\n"
        f"{real}"
    )
