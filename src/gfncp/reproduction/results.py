"""RESULTS.md, from the records and the declarations alone: a number without a record cannot appear."""

from collections import defaultdict

import numpy as np

from gfncp.configuration import Configuration, parse_stored
from gfncp.evaluation.comparison import markdown
from gfncp.reproduction.costs import estimate, training_seconds
from gfncp.reproduction.declarations import Declarations, used
from gfncp.reproduction.drawings import PICTURES
from gfncp.reproduction.runs import Run, field, make_run

METRICS = {  # heading and decimals
    "nmi": ("NMI", 3),
    "ari": ("ARI", 3),
    "clusters": ("clusters", 1),
    "mc": ("our MC ↓", 1),
    "sdpp": ("median SDPP ↓", 2),
    "probability": ("probability", 3),
    "differing": ("points that differ ↓", 3),
}
COMPARED = "nmi", "ari"  # metrics that are compared with the paper
NOTHING = "–"
KEPT = {"lowest-loss": ", best", "mean-with-initial": ", mean"}  # weights other than the last
HUGE = 1e6  # from here on, powers of ten
INTRODUCTION = """# The paper's tables and figures

Chelly, Uziel, Freifeld, Pakman. *Consistent Amortized Clustering via Generative Flow Networks.* AISTATS 2025.

Only what was run is shown. One command makes each table or figure; it leaves a record of every run in
`records/results/`, goes on where it was stopped, and writes this page. Protocols and methods are declared in
`experiments/tables/`. Where a cell was run in several ways, the one with the most training iterations, then
with the most test sets, is shown.

- *Ours*: this package's own configuration, a network of points, along one order of them. *Ours (several
  orders)*: the same network, as `GFNCP` clusters with it by default: the answer is the most typical of the
  greedy clusterings along 16 orders, and samples are of the pool of 8. *Ours (coresets)*: the network of
  `general`, tuned on coresets of neighbours; the answer is that of `GFNCP`, too, the consensus of several
  coresets and orders. It is not told the number of clusters, nor trained for six where there are six. Its
  energies are of coresets, so it has no MC. *Short training*: the paper's own network and objective, with
  fewer and smaller batches.
- *Test sets*: their number, and that of the points in each. The paper has 3,000 sets of mixtures, 10,000 of
  images and 2,500 of features. All methods get the same sets; records without the key `drawn` are older, and
  of other sets of the same kind.
- *Iterations*: of training; of *ours (coresets)* those of the tuning alone, and of *ours* on MoG with alpha =
  6 those after `mog-2d`, from which it starts. *Best*: the weights of the lowest loss of validation (A.2).
  *Mean*: of the weights before and after. Elsewhere the last.
- ± is a standard error: over training seeds where there are several, else over test sets where the record has
  it.
- *The paper prints*: NMI / ARI of the method that is named, ± a standard deviation over the paper's runs.
- *Our MC*: the sum of Eq. 24 over the steps n = 2..N along the true labels, as printed; most of it is the one
  term n = N, where energies are not shifted. The authors' public code divides by N, follows greedy labels and
  adds 1e-5 to flows before taking logarithms, and its numbers are far smaller. The paper does not say which
  of the two its MC is, so it is not shown beside ours; `gfncp diagnose` reports both, each by name.
- *Minutes*: of training + of all tests. A dash before the +: the checkpoint shipped with the package when it
  was measured, or several commands trained it.
- Beneath each table stands what was not run, with the command that runs it and an estimate of its cost, for
  all declared seeds and test sets together: for each point of a batch or a test set as long as the recorded
  runs of the same method or network took, on the devices of those. Without such runs a method is not timed.
"""


def render(records: list[dict], declarations: Declarations) -> str:
    """Return the text of RESULTS.md.

    Args:
        records: of any runs; those that are not of a declared cell, or of another configuration of it, are
            left out.
    """
    parts = [INTRODUCTION]
    for name, table in declarations.tables.items():
        parts += [f"## {table.title}", f"Made by `gfncp reproduce {name}`. {table.note}"]
        parts += [_table(records, declarations, name), _not_run(records, declarations, name)]
        if table.measure in PICTURES:
            drawn = {
                dataset
                for dataset, method in declarations.cells(name)
                if chosen(records, declarations, name, dataset, method)
            }
            for dataset in sorted(drawn):
                title = f"{table.title}: {declarations.datasets[dataset].title}"
                parts.append(f"![{title}]({picture(name, dataset)})")
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def picture(table: str, dataset: str) -> str:
    """Return the path of a figure's picture, from the root of the repository."""
    return f"docs/images/{table}-{dataset}.png"


def chosen(
    records: list[dict], declarations: Declarations, table: str, dataset: str, method: str
) -> list[dict]:
    """Return the shown records of one cell, one per seed: the longest training, then the most test sets."""
    shown, row = declarations.tables[table], declarations.methods[method]
    key = {
        "dataset": dataset,
        "method": method,
        "measure": shown.measure,
        "estimator": row.estimator,
        "points": declarations.protocol(table, dataset)[1],
        "draw": shown.draw,
        "orders": row.orders,
        "temperature": row.temperature,
    }
    try:
        declared = declarations.configuration(dataset, method)
    except ValueError:  # without a configuration there is no record
        return []
    groups = defaultdict(dict)
    for record in records:
        if all(field(record, name) == value for name, value in key.items()) and _is_of(record, declared):
            groups[record["iterations"] or 0, record["sets"]][record["seed"]] = record
    return list(dict(sorted(groups[max(groups)].items())).values()) if groups else []


def _is_of(record: dict, declared: Configuration) -> bool:
    """Return True if a run had the declared configuration, apart from seed, length and weights it kept."""
    ran = parse_stored(record["configuration"])
    estimator = record.get("estimator")
    return ran is not None and used(_fixed(ran), estimator) == used(_fixed(declared), estimator)


def _fixed(configuration: Configuration) -> Configuration:
    training = configuration.training.model_copy(update={"iterations": 1, "keep": "last"})
    return configuration.model_copy(update={"seed": 0, "training": training})


def _table(records: list[dict], declarations: Declarations, name: str) -> str:
    """Return a row for each cell that was run."""
    table = declarations.tables[name]
    printed = ["the paper prints"] if table.paper else []
    headings = [METRICS[metric][0] for metric in table.metrics]
    rows = [
        ["data set", "method", *headings, *printed, "seeds", "test sets", "iterations", "minutes", "device"]
    ]
    for dataset, method in declarations.cells(name):
        found = chosen(records, declarations, name, dataset, method)
        if found:
            row = [declarations.datasets[dataset].title, declarations.methods[method].title]
            row += [_ours(found, metric) for metric in table.metrics]
            row += [_printed(declarations, name, dataset, method)] if table.paper else []
            rows.append(row + _about(found))
    return markdown(rows) if len(rows) > 1 else ""


def _not_run(records: list[dict], declarations: Declarations, name: str) -> str:
    """Return one line on the cells that were not run: the command to run them, and its cost."""
    table = declarations.tables[name]
    absent: dict[str, list[str]] = {}
    missing, few = [], False
    for dataset, method in declarations.cells(name):
        found = chosen(records, declarations, name, dataset, method)
        done = {record["seed"] for record in found}
        seeds = [seed for seed in declarations.seeds(name, dataset, method) if seed not in done]
        if not found:
            absent.setdefault(dataset, []).append(declarations.methods[method].title)
        few = few or bool(found and seeds)
        try:
            missing += [make_run(declarations, name, dataset, method, seed) for seed in seeds]
        except ValueError:  # there is no configuration
            continue
    parts = _by_methods(declarations, name, absent)
    parts += [f"the rest of {len(table.seeds)} seeds where a row has fewer"] if few else []
    if not parts:
        return ""
    return f"Not run: {'; '.join(parts)}. `gfncp reproduce {name}`: {_cost(missing, records, declarations)}."


def _by_methods(declarations: Declarations, table: str, absent: dict[str, list[str]]) -> list[str]:
    """Return the absent cells as text, with data sets that lack the same methods together."""
    together = defaultdict(list)
    for dataset, methods in absent.items():
        every = sum(cell == dataset for cell, _ in declarations.cells(table))
        lacks = "all" if len(methods) == every else ", ".join(methods)
        together[lacks].append(f"**{declarations.datasets[dataset].title}**")
    return [f"{', '.join(datasets)}: {lacks}" for lacks, datasets in together.items()]


def _cost(missing: list[Run], records: list[dict], declarations: Declarations) -> str:
    cost = estimate(missing, records)
    parts = [f"about {_hours(cost.hours)}"] if cost.hours else []
    titles = (declarations.methods[method].title for method in cost.untimed)
    never = "not counting what was never timed" if parts else "not timed"
    parts += [f"{never}: {', '.join(titles)}"] if cost.untimed else []
    return ", ".join(parts) or "not timed"


def _hours(hours: float) -> str:
    return f"{hours:,.0f} hours" if hours >= 2 else f"{max(1, round(60 * hours))} minutes"


def _ours(found: list[dict], metric: str) -> str:
    if any(metric not in record["metrics"] for record in found):
        return NOTHING
    values = [record["metrics"][metric] for record in found]
    if None in values:
        return "not finite"
    decimals = METRICS[metric][1]
    error = found[0].get("errors", {}).get(metric)
    if len(values) > 1:
        error = float(np.std(values, ddof=1)) / len(values) ** 0.5
    average = float(np.mean(values))
    parts = [average] if error is None else [average, error]
    return " ± ".join(_number(part, decimals) for part in parts)


def _number(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}" if abs(value) < HUGE else f"{value:.1e}"


def _printed(declarations: Declarations, table: str, dataset: str, method: str) -> str:
    """Return the paper's NMI and ARI of the method that a row is compared with."""
    printed = declarations.compared_with(method)
    values = declarations.tables[table].paper.get(dataset, {}).get(printed, {})
    if not values.keys() & set(COMPARED):
        return NOTHING
    cells = (" ± ".join(f"{value:.2f}" for value in values.get(metric, [])) or NOTHING for metric in COMPARED)
    return f"{declarations.methods[printed].title}: {' / '.join(cells)}"


def _about(found: list[dict]) -> list[str]:
    one = found[0]
    iterations = NOTHING if one["iterations"] is None else f"{one['iterations']:,}"
    iterations += KEPT.get(one["configuration"]["training"].get("keep"), "")
    sets = f"{one['sets']:,} of {one['points']}"
    devices = sorted({record["device"] for record in found})
    return [str(len(found)), sets, iterations, _minutes(found), ", ".join(devices)]


def _minutes(found: list[dict]) -> str:
    """Return the minutes of training and tests, for each seed."""
    tests = np.mean([record["seconds"] for record in found]) / 60
    if found[0]["estimator"]:
        return f"{tests:.1f}"
    training = [training_seconds(record) for record in found]
    known = [seconds for seconds in training if seconds is not None]
    return f"{np.mean(known) / 60:.0f} + {tests:.1f}" if known else f"{NOTHING} + {tests:.1f}"
