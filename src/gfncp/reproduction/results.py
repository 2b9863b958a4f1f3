"""RESULTS.md, from the records and the declarations alone: a number without a record cannot appear."""

from collections import defaultdict

import numpy as np

from gfncp.configuration import Configuration, parse_stored
from gfncp.evaluation.comparison import markdown
from gfncp.reproduction.declarations import Declarations, Table, used
from gfncp.reproduction.pictures import PICTURES

METRICS = {  # heading and decimals
    "nmi": ("NMI", 3),
    "ari": ("ARI", 3),
    "clusters": ("clusters", 1),
    "mc": ("MC ↓: sum of Eq. 24 over steps, true labels", 1),
    "sdpp": ("median SDPP ↓", 2),
    "probability": ("probability", 3),
    "differing": ("points that differ ↓", 3),
}
PAPER = {"mc": "paper's MC ↓, its scale not stated"}  # heading where it is not on the same scale
NOT_RUN, NOTHING = "not run", "–"
HUGE = 1e6  # from here on, powers of ten
INTRODUCTION = """# The paper's tables and figures

Chelly, Uziel, Freifeld, Pakman. *Consistent Amortized Clustering via Generative Flow Networks.* AISTATS 2025.

Mean ± sample standard deviation over training seeds, with the paper's own figure beside it. One command makes
each table or figure; it leaves a record of every run in `records/results/`, goes on where it was stopped, and
writes this page. Protocols and methods are declared in `experiments/tables/`. Where a cell was run in several
ways, the one with the most training iterations, then with the most test sets, is shown. *Short training*:
the paper's own network and objective, with fewer and smaller batches; *ours*: this package's configuration.

MC is the sum of Eq. 24 over the steps n = 2..N along the true labels, as printed; most of it is the one
term n = N, where energies are not shifted. The authors' public code divides by N, follows greedy labels and
adds 1e-5 to flows before taking logarithms, and its numbers are far smaller. The paper does not say which of
the two its figures are, so they cannot be compared with ours; `gfncp diagnose` reports both, each by name.
"""


def render(records: list[dict], declarations: Declarations) -> str:
    """The text of RESULTS.md.

    Args:
        records: of any runs; those that are not of a declared cell, or of another configuration of it, are
            left out.
    """
    parts = [INTRODUCTION]
    for name, table in declarations.tables.items():
        parts += [f"## {table.title}", f"`gfncp reproduce {name}` {table.note}"]
        parts.append(_table(records, declarations, name))
        if table.measure in PICTURES:
            drawn = {
                dataset
                for dataset, method in declarations.cells(name)
                if chosen(records, declarations, name, dataset, method)
            }
            for dataset in sorted(drawn):
                title = f"{table.title}: {declarations.datasets[dataset].title}"
                parts.append(f"![{title}]({picture(name, dataset)})")
    shown = [record for record in records if record["dataset"] in declarations.datasets]
    if shown:
        parts.append(f"Measured on: {'; '.join(sorted({_machine(record) for record in shown}))}.")
    return "\n\n".join(part.strip() for part in parts) + "\n"


def picture(table: str, dataset: str) -> str:
    """Where the picture of a figure lies, from the root of the repository."""
    return f"docs/images/{table}-{dataset}.png"


def chosen(
    records: list[dict], declarations: Declarations, table: str, dataset: str, method: str
) -> list[dict]:
    """The records of one cell that are shown, one per seed: the longest training, then the most test sets."""
    shown, estimator = declarations.tables[table], declarations.methods[method].estimator
    key = {
        "dataset": dataset,
        "method": method,
        "measure": shown.measure,
        "estimator": estimator,
        "points": declarations.protocol(table, dataset)[1],
        "draw": shown.draw,
    }
    try:
        declared = declarations.configuration(dataset, method)
    except ValueError:  # the configuration is not there: neither is a record
        return []
    groups = defaultdict(dict)
    for record in records:
        if all(record.get(name) == value for name, value in key.items()) and _is_of(record, declared):
            groups[record["iterations"] or 0, record["sets"]][record["seed"]] = record
    return list(dict(sorted(groups[max(groups)].items())).values()) if groups else []


def _is_of(record: dict, declared: Configuration) -> bool:
    """Whether a run had the declared configuration, apart from its seed and its number of iterations."""
    ran = parse_stored(record["configuration"])
    estimator = record.get("estimator")
    return ran is not None and used(_fixed(ran), estimator) == used(_fixed(declared), estimator)


def _fixed(configuration: Configuration) -> Configuration:
    return configuration.with_iterations(1).model_copy(update={"seed": 0})


def _table(records: list[dict], declarations: Declarations, name: str) -> str:
    table = declarations.tables[name]
    header = ["data set", "method"]
    for metric in table.metrics:
        heading = METRICS[metric][0]
        header += [heading, PAPER.get(metric, "paper")] if table.paper else [heading]
    rows = [[*header, "seeds", "test sets", "iterations"]]
    for dataset, method in declarations.cells(name):
        found = chosen(records, declarations, name, dataset, method)
        row = [declarations.datasets[dataset].title, declarations.methods[method].title]
        for metric in table.metrics:
            row.append(_ours(found, metric))
            if table.paper:
                row.append(_paper(table, dataset, method, metric))
        rows.append(row + _about(found))
    return markdown(rows)


def _ours(found: list[dict], metric: str) -> str:
    if not found:
        return NOT_RUN
    if any(metric not in record["metrics"] for record in found):
        return NOTHING
    values = [record["metrics"][metric] for record in found]
    if None in values:
        return "not finite"
    decimals = METRICS[metric][1]
    parts = [_number(np.mean(values), decimals)]
    if len(values) > 1:
        parts.append(_number(np.std(values, ddof=1), decimals))
    return " ± ".join(parts)


def _number(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}" if abs(value) < HUGE else f"{value:.1e}"


def _paper(table: Table, dataset: str, method: str, metric: str) -> str:
    values = table.paper.get(dataset, {}).get(method, {}).get(metric)
    if values is None:
        return NOTHING
    decimals = min(METRICS[metric][1], 2)  # as the paper prints them
    return " ± ".join(f"{value:.{decimals}f}" for value in values)


def _about(found: list[dict]) -> list[str]:
    if not found:
        return [NOTHING] * 3
    one = found[0]
    iterations = NOTHING if one["iterations"] is None else f"{one['iterations']:,}"
    return [str(len(found)), f"{one['sets']:,} of {one['points']} points", iterations]


def _machine(record: dict) -> str:
    return f"{record['device']}, PyTorch {record['torch']}"
