"""How time and memory grow with the points of one set, and what it costs not to decode all of them jointly.

    python benchmarks/large.py --record records/large.json
    python benchmarks/large.py --checkpoint general --max-joint 128 --record records/large-general.json

Mixtures of 8 round Gaussians in the plane with random weights, what `mog-2d` is made for. Each size runs in a
process of its own: seconds are those of `GFNCP.fit` (the greedy clustering and the samples), memory is the
most that the process ever held, beside what it held before, mostly the libraries.
Accuracy: sets that are decoded jointly as a whole, beside cores of several sizes, on the same points.
"""

import json
import platform
import resource
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from jaxtyping import Float, Int
from rich.console import Console
from rich.table import Table
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from gfncp import GFNCP
from gfncp.files import write_text

CLUSTERS = 8
SPREAD = 10.0  # standard deviation of the means, as in training
MEBIBYTE = 1024  # kibibytes, in which Linux counts
Row = dict[str, float]
console = Console()


def mixture(
    points: int, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "points 2"], Int[np.ndarray, "points"]]:
    labels = rng.choice(CLUSTERS, points, p=rng.dirichlet(np.ones(CLUSTERS)))
    return SPREAD * rng.normal(size=(CLUSTERS, 2))[labels] + rng.normal(size=(points, 2)), labels


def fit(
    checkpoint: str, x: Float[np.ndarray, "points 2"], samples: int, max_joint: int
) -> tuple[GFNCP, float]:
    model = GFNCP(checkpoint, n_samples=samples, random_state=0, max_joint=max_joint)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that training sets were smaller
        model.fit(x)
    return model, time.perf_counter() - start


def scores(known: Int[np.ndarray, "points"], found: Int[np.ndarray, "points"]) -> Row:
    return {
        "NMI": float(normalized_mutual_info_score(known, found)),
        "ARI": float(adjusted_rand_score(known, found)),
    }


def peak_memory() -> float:
    """Of this process up to now, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEBIBYTE


def measure(checkpoint: str, points: int, samples: int, max_joint: int, seed: int) -> Row:
    x, labels = mixture(points, np.random.default_rng([seed, points]))
    before = peak_memory()
    model, seconds = fit(checkpoint, x, samples, max_joint)
    options = points * (model.n_clusters_ + 1) * (1 + samples)
    return {
        "points": points,
        "clusters": model.n_clusters_,
        "seconds": seconds,
        "microseconds per option": 1e6 * seconds / options,
        "MiB": peak_memory(),
        "MiB before": before,
    } | scores(labels, model.labels_)


def in_own_process(checkpoint: str, points: int, samples: int, max_joint: int, seed: int) -> Row:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(measure, checkpoint, points, samples, max_joint, seed).result()


def compare(checkpoint: str, points: int, sets: int, cores: list[int], seed: int) -> list[Row]:
    """Mean scores of greedy clusterings, with all points decoded jointly and with cores."""
    totals: dict[int, list[Row]] = {size: [] for size in [points, *cores]}
    for number in range(sets):
        x, labels = mixture(points, np.random.default_rng([seed, points, number]))
        whole = None
        for size, rows in totals.items():
            model, seconds = fit(checkpoint, x, 1, size)
            whole = model.labels_ if whole is None else whole
            agreement = {f"{name} with joint": value for name, value in scores(whole, model.labels_).items()}
            rows.append(
                scores(labels, model.labels_)
                | agreement
                | {"clusters": model.n_clusters_, "seconds": seconds}
            )
            console.print(f"set {number + 1} of {sets}, {size} points jointly: {seconds:.1f} s")
    return [
        {"points": points, "decoded jointly": size}
        | {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
        for size, rows in totals.items()
    ]


def table(title: str, rows: list[Row]) -> Table:
    shown = Table(*rows[0], title=title, title_justify="left", box=None)
    for row in rows:
        shown.add_row(*(str(value) if isinstance(value, int) else f"{value:.4g}" for value in row.values()))
    return shown


def numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part]


def main(
    checkpoint: str = "mog-2d",
    sizes: Annotated[
        str, typer.Option(help="Points; empty: growth is not measured.")
    ] = "1000,10000,100000,1000000",
    samples: Annotated[int, typer.Option(help="Of the posterior.")] = 10,
    max_joint: Annotated[int, typer.Option(help="Points that are decoded jointly.")] = 300,
    compared: Annotated[
        int, typer.Option(help="Points of the sets that are also decoded as a whole.")
    ] = 10_000,
    sets: Annotated[int, typer.Option(help="So many of them; 0: none.")] = 0,
    cores: Annotated[str, typer.Option(help="Points that are decoded jointly there.")] = "100,300,1000",
    seed: int = 0,
    threads: int = 1,
    record: Annotated[Path | None, typer.Option(help="Write the figures to this JSON file.")] = None,
) -> None:
    torch.set_num_threads(threads)
    growth = []
    for points in numbers(sizes):
        growth.append(in_own_process(checkpoint, points, samples, max_joint, seed))
        console.print(f"{points} points: {growth[-1]['seconds']:.1f} s, {growth[-1]['MiB']:.0f} MiB")
    accuracy = compare(checkpoint, compared, sets, numbers(cores), seed) if sets else []
    if growth:
        console.print(table(f"Growth, {samples} samples, {max_joint} points jointly", growth))
    if accuracy:
        console.print(table(f"Accuracy, means over {sets} sets", accuracy))
    if record is not None:
        held = {
            "kind": "large",
            "checkpoint": checkpoint,
            "samples": samples,
            "max_joint": max_joint,
            "seed": seed,
            "sets": sets,
            "machine": {"processor": platform.machine(), "threads": threads, "torch": torch.__version__},
            "growth": growth,
            "accuracy": accuracy,
        }
        write_text(record, json.dumps(held, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
