"""Is the posterior of a checkpoint of coresets right on simulated sets, when it runs free?

    python benchmarks/calibration.py --checkpoint FOLDER --record records/calibration.json
    python benchmarks/calibration.py --points 300 --sets 50

Sets are drawn from the prior that such checkpoints are trained on, each from its own seed, and clustered as
the estimator would. `gfncp.evaluation.free_running` says what an exact posterior would give.

- If each coreset lacks a medoid of some true cluster, the posterior holds the truth for impossible.
  Log-probabilities, their ranks and those of the number of clusters K leave such sets out. All else is about
  all sets.
- "told K": K is the number of clusters among the medoids of the largest coreset. "20% known": a fifth of the
  rows have known labels; pairs and ARI are of the other rows, and the gain is over the ARI of the same rows
  where nothing is known.
- The error of pairs is the expected calibration error in 10 bins, with its standard error; in brackets, that
  of a sample in the truth's place.
- Training draws whether columns are standardised; here it is chosen as for users, unless --scale is given.
"""

import json
import time
from pathlib import Path
from typing import Annotated, NamedTuple, cast, get_args

import numpy as np
import torch
import typer
from jaxtyping import Float, Int
from machine import describe_checkpoint, describe_machine
from rich.console import Console
from rich.table import Column, Table

from gfncp.checkpoints import load_configuration
from gfncp.configuration.simulated_data import CoresetData
from gfncp.coresets.units import Scale
from gfncp.estimators.coreset_inference import CoresetInference
from gfncp.evaluation.calibration import rank_p_value
from gfncp.evaluation.coreset_sets import (
    SimulatedSet,
    answer_sets,
    answer_sets_told,
    draw_set,
    in_batches,
    log_probs,
    medoid_rows,
)
from gfncp.evaluation.means import Mean, mean, ratio
from gfncp.evaluation.pair_forecasts import BINS, Forecasts, curve_figures, forecasts
from gfncp.evaluation.plain import plain
from gfncp.evaluation.table_cells import format_p_value, with_error
from gfncp.files import write_text
from gfncp.posterior.point_estimates import agreement
from gfncp.seeds import CORESET_SETS, seeded

SIZES = (20, 100, 300, 1000)
PAIRS = 500  # of each set
FREE, TOLD, KNOWN, CHANCE = range(4)  # random streams of each size, apart from those of the sets
FIRST = 2**31  # no set has so high a number
CLOSE = 0.05  # from a ratio of 1
SLIGHT = 0.02  # error of pairs beyond that of a sample
LEAST_P = 0.01
WIDTH = 132  # of the tables, at least

console = Console(highlight=False)
console.width = max(console.width, WIDTH)


class Measured(NamedTuple):
    """Figures of one set, and its pairs of points with nothing known and with some labels known."""

    figures: dict
    free: Forecasts
    known: Forecasts


def measure(
    inference: CoresetInference,
    sets: list[SimulatedSet],
    scale: str,
    n_samples: int,
    streams: list[torch.Generator],
) -> list[Measured]:
    """Cluster some sets side by side, in all ways, and compare with their true labels."""
    given = [inference.given(each.x, scale) for each in sets]
    prepared = [inference.prepared(each) for each in given]
    of_medoids = [each.labels[medoid_rows(one)] for each, one in zip(sets, prepared, strict=True)]
    clusters = [len(np.unique(labels)) for labels in of_medoids]
    free = answer_sets(inference, given, n_samples, streams[FREE])
    told = answer_sets_told(inference, given, clusters, 1, streams[TOLD])
    known = []
    for each in sets:  # sets of which labels are known come alone
        told_labels = [inference.given(each.x, scale, known=each.known)]
        known += answer_sets(inference, told_labels, n_samples, streams[KNOWN])
    every = [np.concatenate([a.labels[None], b.samples]) for a, b in zip(sets, free, strict=True)]
    found = []
    for i, log_prob in enumerate(log_probs(inference, given, every)):
        nll = -log_prob if np.isfinite(log_prob[0]) else np.full(len(log_prob), np.nan)
        labels, unknown = sets[i].labels, sets[i].known < 0
        ari, *of_samples = agreements(labels, np.concatenate([free[i].labels[None], free[i].samples]))
        rest = np.stack([free[i].labels, known[i].labels])[:, unknown]
        ari_rest, ari_known = agreements(labels[unknown], rest)
        figures = {
            "family": sets[i].family,
            "points": len(labels),
            "dim": sets[i].x.shape[1],
            "tokens": len(prepared[i].medoid),
            "truth_nll": nll[0],
            "sample_nll": nll[1:].tolist(),
            "possible": float(np.isfinite(log_prob[0])),
            "clusters": len(np.unique(labels)),
            "clusters_of_medoids": clusters[i],
            "sample_clusters": (free[i].samples.max(1) + 1).tolist(),
            "ari": ari,
            "ari_samples": np.mean(of_samples),
            "ari_told": agreements(labels, told[i].labels[None])[0],
            "ari_unknown_rows": ari_rest,
            "ari_unknown_rows_known": ari_known,
        }
        pairs = forecasts_of(free[i].samples, labels, streams[CHANCE])
        rest_pairs = forecasts_of(known[i].samples[:, unknown], labels[unknown], streams[CHANCE])
        found.append(Measured(figures, pairs, rest_pairs))
    return found


def agreements(
    truth: Int[np.ndarray, "points"], clusterings: Int[np.ndarray, "clusterings points"]
) -> Float[np.ndarray, "clusterings"]:
    """Return the adjusted Rand index of each clustering with the truth."""
    return agreement(np.concatenate([truth[None], clusterings]))[0, 1:]


def forecasts_of(samples: np.ndarray, truth: np.ndarray, generator: torch.Generator) -> Forecasts:
    """Return forecasts of pairs of points of one set."""
    drawn, true = (torch.from_numpy(labels)[None].long() for labels in (samples, truth))
    return forecasts(drawn, true, PAIRS, generator)


def rank_p(drawn: np.ndarray, true: np.ndarray, generator: torch.Generator) -> float:
    """Return the p-value of the ranks of true values among those of samples."""
    return rank_p_value(torch.from_numpy(drawn), torch.from_numpy(true), generator)


def summary(measured: list[Measured], generator: torch.Generator) -> dict:
    """Return means over sets, p-values and errors of pairs."""
    rows = [each.figures for each in measured]
    column = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    drawn = column["sample_nll"].mean(1)
    numbers = column["sample_clusters"]
    possible = column["possible"] > 0
    return {
        "sets": len(rows),
        "sample_nll": mean(drawn),
        "truth_nll": mean(column["truth_nll"]),
        "ratio": ratio(drawn, column["truth_nll"]),
        "rank_p": rank_p(-column["sample_nll"][possible], -column["truth_nll"][possible], generator),
        "possible": mean(column["possible"]),
        "sample_clusters": mean(numbers.mean(1)),
        "clusters": mean(column["clusters"].astype(float)),
        "clusters_p": rank_p(numbers[possible], column["clusters"][possible], generator),
        "ari": mean(column["ari"]),
        "ari_samples": mean(column["ari_samples"]),
        "ari_told": mean(column["ari_told"]),
        "told_gain": mean(column["ari_told"] - column["ari"]),
        "ari_unknown_rows": mean(column["ari_unknown_rows"]),
        "ari_unknown_rows_known": mean(column["ari_unknown_rows_known"]),
        "known_gain": mean(column["ari_unknown_rows_known"] - column["ari_unknown_rows"]),
        "pairs": curve_figures([each.free for each in measured], generator),
        "pairs_known": curve_figures([each.known for each in measured], generator),
    }


def by_family(measured: list[Measured], generator: torch.Generator) -> dict[str, dict]:
    """Return the `summary` of the sets of each family."""
    families = sorted({each.figures["family"] for each in measured})
    return {
        family: summary([each for each in measured if each.figures["family"] == family], generator)
        for family in families
    }


def number(value: float, digits: int = 3) -> str:
    return "–" if np.isnan(value) else f"{value:.{digits}f}"


def mean_cell(of: Mean, digits: int = 3) -> str:
    value, error = (None if np.isnan(each) else each for each in of)
    return with_error(value, error, digits)


def p_cell(value: float) -> str:
    return format_p_value(None if np.isnan(value) else value)


def errors(pairs: dict) -> str:
    """Error of pairs, and in brackets that of a sample in the truth's place."""
    truth, sample = (
        mean_cell(Mean(pairs[name]["error"], pairs[name]["standard_error"])) for name in ("truth", "sample")
    )
    return f"{truth} ({sample})"


QUANTITIES = (  # name and cell of each row of the table
    ("-log p: sample", lambda of: mean_cell(of["sample_nll"], 1)),
    ("-log p: truth", lambda of: mean_cell(of["truth_nll"], 1)),
    ("  sample / truth", lambda of: mean_cell(of["ratio"])),
    ("  p-value of ranks", lambda of: p_cell(of["rank_p"])),
    ("  sets with a possible truth", lambda of: mean_cell(of["possible"])),
    ("K of samples", lambda of: mean_cell(of["sample_clusters"], 2)),
    ("K of the truth", lambda of: mean_cell(of["clusters"], 2)),
    ("  p-value of ranks", lambda of: p_cell(of["clusters_p"])),
    ("ARI of labels_", lambda of: mean_cell(of["ari"])),
    ("ARI of samples", lambda of: mean_cell(of["ari_samples"])),
    ("error of pairs (of a sample)", lambda of: errors(of["pairs"])),
    ("told K: ARI of labels_", lambda of: mean_cell(of["ari_told"])),
    ("  gain", lambda of: mean_cell(of["told_gain"])),
    ("20% known: ARI of other rows", lambda of: mean_cell(of["ari_unknown_rows_known"])),
    ("  gain", lambda of: mean_cell(of["known_gain"])),
    ("  error of pairs (of a sample)", lambda of: errors(of["pairs_known"])),
    ("seconds", lambda of: f"{of['seconds']:.0f}"),
)


def targets(of: dict) -> list[tuple[str, Mean, str, bool]]:
    """Return each target of one size: what, its value, what it should be, whether it is met."""

    def near_one(what: str, value: Mean) -> tuple[str, Mean, str, bool]:
        return f"{what}: sample / truth", value, f"within {CLOSE:.0%} of 1", abs(value.value - 1) <= CLOSE

    def likely(what: str, value: float) -> tuple[str, Mean, str, bool]:
        return f"{what}: p-value of ranks", Mean(value, float("nan")), f">= {LEAST_P:g}", value >= LEAST_P

    def slight(what: str, pairs: dict) -> tuple[str, Mean, str, bool]:
        value = pairs["truth"]["error"] - pairs["sample"]["error"]
        within = value <= SLIGHT
        return f"{what}: error beyond a sample's", Mean(value, float("nan")), f"<= {SLIGHT:g}", within

    def gained(what: str, value: Mean) -> tuple[str, Mean, str, bool]:
        return f"{what}: gain in ARI", value, ">= 0", value.value >= 0

    found = [
        near_one("-log p", of["ratio"]),
        likely("-log p", of["rank_p"]),
        likely("K", of["clusters_p"]),
        slight("pairs", of["pairs"]),
        slight("20% known, pairs", of["pairs_known"]),
        gained("told K", of["told_gain"]),
        gained("20% known", of["known_gain"]),
    ]
    return [target for target in found if not np.isnan(target[1].value)]


def family_table(points: int, families: dict[str, dict]) -> Table:
    head = "family", "sets", "ARI", "told K", "-log p: sample", "truth", "ratio", "K: sample", "truth"
    table = Table(*head, "error of pairs (of a sample)", title=f"families, N = {points}")
    for family, of in families.items():
        nll = (number(of[name].value, 1) for name in ("sample_nll", "truth_nll"))
        clusters = (number(of[name].value, 1) for name in ("sample_clusters", "clusters"))
        ari = (number(of[name].value, 2) for name in ("ari", "ari_told"))
        row = family, str(of["sets"]), *ari, *nll, mean_cell(of["ratio"], 2), *clusters, errors(of["pairs"])
        table.add_row(*row)
    return table


def curve_table(found: dict[int, dict]) -> Table:
    """Return how often pairs share a cluster, in bins of their predicted probability."""
    head = (f"bin {i + 1}" for i in range(BINS))
    table = Table("N", "", *head, title="pairs that share a cluster: predicted, below it in the truth")
    for points, of in found.items():
        for name, key in (("", "pairs"), ("20% known", "pairs_known")):
            curve = of[key]["truth"]
            both = zip(curve["predicted"], curve["observed"], strict=True)
            table.add_row(str(points), name, *(f"{number(p, 2)}\n{number(o, 2)}" for p, o in both))
    return table


def show(found: dict[int, dict]) -> None:
    table = Table(Column("", no_wrap=True), *(f"N = {points}" for points in found), title="calibration")
    for name, cell in QUANTITIES:
        table.add_row(name, *(cell(of) for of in found.values()))
    console.print(table)
    console.print(curve_table(found))
    for points, of in found.items():
        for what, value, wanted, met in targets(of):
            verdict = "met" if met else "missed"
            console.print(f"N = {points}, {what}: {mean_cell(value)} ({wanted}): {verdict}")


def main(
    checkpoint: Annotated[str, typer.Option(help="A checkpoint of coresets, or a folder.")] = "general",
    points: Annotated[list[int] | None, typer.Option(min=5, help=f"Of a set; default: {SIZES}.")] = None,
    sets: Annotated[int, typer.Option(min=1, help="Of each size.")] = 200,
    samples: Annotated[int, typer.Option(min=2, help="Of each posterior.")] = 20,
    scale: Annotated[str, typer.Option(help='"auto", or what `GFNCP` accepts.')] = "auto",
    orders: Annotated[int, typer.Option(min=1, help="Orders that probabilities are averaged over.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of sets and samples.")] = 0,
    record: Annotated[Path | None, typer.Option(help="Write the figures to this JSON file.")] = None,
) -> None:
    """Measure and print tables."""
    try:
        configuration = load_configuration(checkpoint)
        if not isinstance(configuration.data, CoresetData):
            raise ValueError(f"--checkpoint {checkpoint}: accepted is one that was trained on 'coresets'")
        inference = cast(CoresetInference, CoresetInference.of(checkpoint, None, orders, None, None))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if scale not in ("auto", *get_args(Scale)):
        raise typer.BadParameter(f"--scale {scale}: accepted are auto, {', '.join(get_args(Scale))}")
    found, rows = {}, []
    for size in points or SIZES:
        start = time.perf_counter()
        streams = [seeded(seed, CORESET_SETS, size, FIRST + way) for way in (FREE, TOLD, KNOWN, CHANCE)]
        measured = []
        with console.status("") as status:
            for batch in in_batches(list(range(sets))):
                status.update(f"N = {size}, sets {batch[0] + 1} to {batch[-1] + 1}")
                drawn = [draw_set(size, seed, place) for place in batch]
                measured += measure(inference, drawn, scale, samples, streams)
        of = summary(measured, streams[CHANCE]) | {"seconds": time.perf_counter() - start}
        families = by_family(measured, streams[CHANCE])
        console.print(family_table(size, families))
        found[size] = of
        several = "sample_nll", "sample_clusters"
        for each in measured:
            rows.append(each.figures | {name: np.mean(each.figures[name]) for name in several})
        if record is not None:  # after each size, as all of them take long
            result = {
                "kind": "calibration",
                **describe_checkpoint(checkpoint),
                "seed": seed,
                "samples": samples,
                "scale": scale,
                "orders": orders,
                **describe_machine(),
                "targets": [
                    {"points": size, "what": what, **value._asdict(), "wanted": wanted, "met": met}
                    for size, of in found.items()
                    for what, value, wanted, met in targets(of)
                ],
                "sizes": found,
                "sets": rows,
            }
            write_text(record, json.dumps(plain(result), indent=2) + "\n")
    show(found)


if __name__ == "__main__":
    typer.run(main)
