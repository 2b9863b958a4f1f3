"""A diagnosis as a table and as pictures."""

from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from gfncp.evaluation import figures
from gfncp.evaluation.calibration import PriorMatch, Reliability, Uniformity


def table(diagnosis: dict[str, Any]) -> Table:
    """One row per number, from what `gfncp.evaluation.diagnose.diagnose` returns."""
    rows = Table("", "N", "value")

    def add(name: str, points: Any, value: float | None, form: str = ".3f") -> None:
        rows.add_row(name, str(points), "-" if value is None else format(value, form))

    for points, methods in diagnosis.get("posterior", {}).items():
        for method, distances in methods.items():
            add(
                f"total variation from the exact posterior: {NAMES[method]}",
                points,
                distances["total_variation"],
            )
            add(f"KL(exact || .), nats: {NAMES[method]}", points, distances["kl"])
    rows.add_section()
    for points, values in diagnosis["consistency"].items():
        add("MC (Eq. 24)", points, values["mc"])
        add("flow residual, unshifted: sum of squares", points, values["flow"])
        add("flow residual, unshifted: mean square per step", points, values["flow_per_step"], ".4f")
    for points, values in diagnosis["sdpp"].items():
        add("SDPP, median of sets", points, values["median"])
    rows.add_section()
    found = diagnosis["calibration"]
    for method, curve in found["pairs"].items():
        add(
            f"calibration error of pairs: {method}",
            found["points"],
            curve["expected_calibration_error"],
            ".4f",
        )
    for name, test in found["ranks"].items():
        add(f"ranks uniform, p-value: {name}", found["points"], test["p_value"], ".3g")
    add(
        "K averaged over sets: total variation from the prior",
        found["points"],
        found["clusters"]["total_variation"],
    )
    add("K is the prior's, p-value", found["points"], found["clusters"]["p_value"], ".3g")
    rows.add_section()
    for points, values in diagnosis["quality"].items():
        add("NMI, greedy", points, values["greedy"]["nmi"])
        if "exact" in values:
            add("NMI, exact sampler's best state", points, values["exact"]["nmi"])
            add("ratio of the two", points, values["nmi_of_exact"])
    return rows


NAMES = {
    "policy": "policy, one order",
    "mixture": "mean over orders",
    "geometric": "geometric mean over orders",
    "terminal": "terminal energy",
}


def pictures(diagnosis: dict[str, Any], name: str, folder: Path) -> list[Path]:
    """Write the pictures of a diagnosis of the model ``name``; their paths."""
    found = diagnosis["calibration"]
    curves = {
        method: Reliability(*_arrays(curve, "predicted", "observed", "counts"))
        for method, curve in found["pairs"].items()
    }
    tests = {
        statistic: Uniformity(*_arrays(one, "counts", "expected"), one["p_value"])
        for statistic, one in found["ranks"].items()
    }
    clusters = found["clusters"]
    match = PriorMatch(*_arrays(clusters, "prior", "model"), clusters["total_variation"], clusters["p_value"])
    sdpp = {
        f"{name}, N = {points}": np.asarray(values["values"]) for points, values in diagnosis["sdpp"].items()
    }
    drawn = {
        "reliability.png": (figures.plot_reliability, curves),
        "ranks.png": (figures.plot_ranks, tests),
        "clusters.png": (figures.plot_n_clusters, match),
        "sdpp.png": (figures.plot_sdpp, sdpp),
    }
    if "posterior" in diagnosis:
        bars = {
            points: {NAMES[method]: one["total_variation"] for method, one in methods.items()}
            for points, methods in diagnosis["posterior"].items()
        }
        drawn["total-variation.png"] = (figures.plot_total_variation, bars)
    for file, (plot, values) in drawn.items():
        plot(values, folder / file)
    return [folder / file for file in drawn]


def _arrays(values: dict[str, Any], *names: str) -> list[np.ndarray]:
    """None, which stands for what is not finite, becomes NaN."""
    return [np.array([np.nan if one is None else one for one in values[name]]) for name in names]
