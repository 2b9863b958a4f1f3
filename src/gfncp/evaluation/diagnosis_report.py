"""Tables and pictures of a diagnosis."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Column, Table

from gfncp.evaluation import figures
from gfncp.evaluation.calibration import Reliability, Uniformity
from gfncp.evaluation.table_cells import format_p_value, with_error

METHODS = {
    "policy": "policy, one order",
    "mixture": "mean over orders",
    "geometric": "geometric mean over orders",
    "terminal": "terminal energy",
}
CONSISTENCY = (  # name, key and digits
    ("MC, sum of Eq. 24 over steps, true labels", "mc_sum", 1),
    ("  the last step alone", "mc_last_step", 1),
    ("  the other steps", "mc_other_steps", 2),
    ("  sum over steps / number of steps", "mc_per_step", 3),
    ("MC, authors' public code: greedy labels, / N", "mc_public_code", 3),
    ("flow residual, unshifted: sum of squares", "flow", 1),
    ("flow residual, unshifted: mean square per step", "flow_per_step", 3),
)
WAYS = {
    "greedy": "greedy, one order",
    "labels": "labels_",
    "samples": "samples",
    "exact draws": "exact draws",
}
RANKS = {"log p": "log p(truth)", "clusters": "K", "largest cluster": "size of the largest cluster"}


def cell(value: dict | float | None, digits: int = 3) -> str:
    """Return a mean with its standard error, or a number alone."""
    return with_error(**value, digits=digits) if isinstance(value, dict) else with_error(value, None, digits)


def tables(diagnosis: dict[str, Any]) -> list[Table]:
    """Return the tables of a result of `gfncp.evaluation.diagnose.diagnose`."""
    found = []
    if "posterior" in diagnosis:
        found.append(exactness_table(diagnosis["posterior"]))
    if "consistency" in diagnosis:
        found.append(consistency_table(diagnosis["consistency"], diagnosis["sdpp"]))
    if "early_steps" in diagnosis:
        found.append(early_table(diagnosis["early_steps"]))
    return found + [free_table(name, sizes) for name, sizes in diagnosis["free"].items()]


def exactness_table(posterior: dict[str, Any]) -> Table:
    """Return distances from exact posteriors over all partitions."""
    table = _table("distance from the exact posterior over all partitions", posterior)
    for method, title in METHODS.items():
        for key, name in (("total_variation", "total variation"), ("kl", "KL(exact || .), nats")):
            values = (cell(of[method][key]) for of in posterior.values())
            table.add_row(f"{name}: {title}", *values)
    return table


def consistency_table(consistency: dict[str, Any], sdpp: dict[str, Any]) -> Table:
    """Return how probabilities depend on the order of the points, and how marginals agree."""
    table = _table("consistency", consistency)
    for title, key, digits in CONSISTENCY:
        table.add_row(title, *(cell(of[key], digits) for of in consistency.values()))
        if key == "mc_sum":
            table.add_row("  its median", *(cell(of["mc_sum_median"], 1) for of in consistency.values()))
    for title, key in (("SDPP, mean", "mean"), ("SDPP, median", "median")):
        table.add_row(title, *(cell(sdpp[n][key]) if n in sdpp else "–" for n in consistency))
    return table


def early_table(early: dict[str, Any]) -> Table:
    """Return how often the first steps open clusters wrongly, or miss them."""
    ranges = early["ranges"]
    title = f"early steps, N = {early['points']}, {early['sets']} sets: probability per step"
    table = Table("", *(Column(f"steps {name}", no_wrap=True) for name in ranges["exact"]), title=title)
    for key, name in (("spurious", "a new cluster where there is none"), ("missed", "a new cluster missed")):
        for who, of in ranges.items():
            table.add_row(f"{name}: {who}", *(cell(one[key], 4) for one in of.values()))
    return table


def free_table(name: str, sizes: dict[str, Any]) -> Table:
    """Return all figures of a posterior that runs free, a column per number of points."""
    every = list(sizes.values())
    about = f"{every[0]['sets']} sets, {every[0]['samples']} samples of each"
    table = right_table(sizes, f"running free, {name}: {about}")
    table.add_section()
    for score, title, digits in (("ari", "ARI", 3), ("nmi", "NMI", 3), ("clusters", "K", 2)):
        for way in every[0]["scores"]:
            cells = (cell(of["scores"][way][score], digits) for of in every)
            table.add_row(f"{title}: {WAYS[way]}", *cells)
    table.add_row("K: truth", *(cell(of["true_clusters"], 2) for of in every))
    return table


def right_table(sizes: dict[str, Any], title: str = "running free") -> Table:
    """Return figures of calibration of a posterior that runs free: probabilities, ranks, pairs, orders."""
    every = list(sizes.values())
    table = _table(title, sizes)

    def add(title: str, read: Callable[[dict], str]) -> None:
        table.add_row(title, *(read(of) for of in every))

    add("-log p: samples", lambda of: cell(of["sample_nll"], 2))
    add("-log p: truth", lambda of: cell(of["truth_nll"], 2))
    add("  samples / truth", lambda of: cell(of["ratio"]))
    if any(of["possible"]["value"] < 1 for of in every):
        add("  sets with a possible truth", lambda of: cell(of["possible"]))
    add("probability of the true K", lambda of: cell(of["p_true_clusters"]))
    for key, name in RANKS.items():
        add(f"p-value, rank of {name}", lambda of, key=key: format_p_value(of["ranks"][key]["p_value"]))
    add("error of pairs", lambda of: _pair_error(of["pairs"]["truth"]))
    add("  of a calibrated posterior", lambda of: _pair_error(of["pairs"]["sample"]))
    add("ARI between orders: greedy", lambda of: cell(of["order_agreement"]))
    add("ARI between shuffles of rows: most typical", lambda of: cell(of["row_agreement"]))
    return table


def _pair_error(curve: dict[str, Any]) -> str:
    return with_error(curve["error"], curve["standard_error"])


def _table(title: str, sizes: dict[str, Any]) -> Table:
    return Table("", *(Column(f"N = {points}", no_wrap=True) for points in sizes), title=title)


def pictures(diagnosis: dict[str, Any], folder: Path) -> list[Path]:
    """Write the pictures of a diagnosis; return their paths."""
    drawn: dict[str, tuple[Callable, Any]] = {}
    for number, sizes in enumerate(diagnosis["free"].values()):
        suffix = f"-{number + 1}" if number else ""
        surprise = {f"N = {n}": _arrays(of["per_set"], "truth_nll", "sample_nll") for n, of in sizes.items()}
        curves = {
            f"N = {n}": Reliability(*_arrays(of["pairs"]["truth"], "predicted", "observed", "counts"))
            for n, of in sizes.items()
        }
        drawn[f"surprise{suffix}.png"] = figures.plot_surprise, surprise
        drawn[f"reliability{suffix}.png"] = figures.plot_reliability, curves
        tests = {
            f"N = {n}": {
                RANKS.get(name, name): Uniformity(*_arrays(one, "counts", "expected"), p_value=one["p_value"])
                for name, one in of["ranks"].items()
            }
            for n, of in sizes.items()
            if all(one["p_value"] is not None for one in of["ranks"].values())
        }
        if tests:
            drawn[f"ranks{suffix}.png"] = figures.plot_ranks, tests
    if "sdpp" in diagnosis:
        sdpp = {f"N = {n}": np.asarray(of["values"]) for n, of in diagnosis["sdpp"].items()}
        drawn["sdpp.png"] = figures.plot_sdpp, sdpp
    if "posterior" in diagnosis:
        bars = {
            points: {METHODS[method]: one["total_variation"]["value"] for method, one in methods.items()}
            for points, methods in diagnosis["posterior"].items()
        }
        drawn["total-variation.png"] = figures.plot_total_variation, bars
    for file, (plot, values) in drawn.items():
        plot(values, folder / file)
    return [folder / file for file in drawn]


def _arrays(values: dict[str, Any], *names: str) -> list[np.ndarray]:
    """Return lists as arrays, with NaN for None, which stands for numbers that are not finite."""
    return [np.array([np.nan if one is None else one for one in values[name]]) for name in names]
