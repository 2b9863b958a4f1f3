"""Measure a checkpoint on many kinds of development data, beside its peers.

    python benchmarks/families.py --data FOLDER --record records/families.json
    python benchmarks/families.py --data FOLDER --only trackers --no-peers

With --only, other groups of the record stay as they are. FOLDER holds clustering-data-v1, single-cell, wide
and clinc150; groups whose data are not there are skipped. `families_data.py` says what the sets are,
`families_methods.py` what runs beside the checkpoint, and `families_targets.py` what is wanted. No checkpoint
may be trained on these sets, but choices are made by them: they are development data, not a test.

- Peers get points as they are, or with columns of variance 1 where these are of mixed units in the planar
  sets; flags become 0 and 1. The checkpoint gets what a user has.
- Mixtures have at most 60 components, and no more than can have a full covariance: a mixture that is told a
  larger number is left out.
- A set that the checkpoint refuses counts as ARI 0.
- Speed: each size in a process of its own, after a small set; memory is the most that it ever held.
"""

import json
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from families_data import (
    GROUPS,
    MIXTURE,
    ORDERS,
    Case,
    Labels,
    Points,
    mixture,
    overlapping,
)
from families_methods import methods
from families_targets import OURS, target_table, targets
from large import peak_memory
from machine import describe_checkpoint, describe_machine
from real_data import SAMPLES, TIMED_SET, Method, measure, n_components
from real_sets import GAUSSIAN_LIKE, MIXED_UNITS, RealSet, scores
from rich.console import Console
from rich.table import Column, Table
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

from gfncp import GFNCP
from gfncp.files import write_text

ALL = (*GROUPS, "speed", "row orders")
TIMED_POINTS = (150, 1000, 2000)
REPEATS = 3
FEW_SAMPLES = 10  # of a large set
SHUFFLED_SETS, SHUFFLES = 3, 5
WIDTH = 150  # of the tables, at least

console = Console(highlight=False)
console.width = max(console.width, WIDTH)


def nearest(real: RealSet, labels: Labels) -> int:
    """Return the number of clusters of the reference that a clustering agrees with best."""
    each = [RealSet(real.name, real.x, (reference,)) for reference in real.references]
    best = max(each, key=lambda alone: scores(alone, lambda k: labels)[0][0])
    return best.numbers[0]


def cluster(case: Case, checkpoint: str) -> dict:
    """Return figures of the checkpoint on a set: numbers of clusters, and scores and time of ``labels_``."""
    real, start = case.real, time.perf_counter()
    try:
        model = GFNCP(checkpoint, SAMPLES, random_state=case.seed).fit(case.given)
    except ValueError as error:
        console.print(f"{real.name}, seed {case.seed}: refused, {error}")
        none = {"ari": 0.0, "nmi": 0.0, "found": [0], "seconds": time.perf_counter() - start}
        counts = {"found": 0, "mode": 0, "nearest": min(real.numbers), "p_true": 0.0}
        return counts | {"error": str(error), "methods": {OURS: none}}
    seconds = time.perf_counter() - start
    (ari, nmi), found = scores(real, lambda k: model.labels_)
    shares = model.posterior_.n_clusters()
    return {
        "found": model.n_clusters_,
        "mode": max(shares, key=shares.__getitem__),
        "nearest": nearest(real, model.labels_),
        "p_true": sum(shares.get(k, 0.0) for k in set(real.numbers)),
        "methods": {OURS: {"ari": float(ari), "nmi": float(nmi), "found": found, "seconds": seconds}},
    }


def read(group: str, data: Path, seeds: int, names: list[str] | None) -> list[Case]:
    """Return a group's sets, those of the names alone if there are any; none if the data are missing."""
    try:
        cases = list(GROUPS[group](data, seeds))
    except (ValueError, FileNotFoundError) as error:
        console.print(f"Skipped {group}: {error}")
        return []
    return [case for case in cases if not names or case.real.name in names]


def figures_of(group: str, case: Case, checkpoint: str, beside: list[Method]) -> dict:
    """Return all figures of one set."""
    real = case.real
    about = {
        "group": group,
        "set": real.name,
        "seed": case.seed,
        "points": len(real.x),
        "dim": real.x.shape[1],
        "clusters": real.numbers,
        "gaussian_like": real.name in GAUSSIAN_LIKE,
    }
    figures = cluster(case, checkpoint)
    scaled = StandardScaler().fit_transform(real.x) if real.name in MIXED_UNITS else real.x
    for method in beside:
        if method.name != "GMM, true K" or max(real.numbers) <= n_components(scaled):
            figures["methods"][method.name] = measure(method, real, scaled, case.seed)
    return about | figures


def time_fit(checkpoint: str, x: Points, samples: int, repeats: int) -> dict:
    """Return seconds of each of some fits of one set, and the most memory of the process."""
    warnings.simplefilter("ignore", UserWarning)
    GFNCP(checkpoint, samples, random_state=0).fit(x[:50])
    before, seconds = peak_memory(), []
    for _ in range(repeats):
        start = time.perf_counter()
        GFNCP(checkpoint, samples, random_state=0).fit(x)
        seconds.append(time.perf_counter() - start)
    shape = {"points": len(x), "dim": x.shape[1], "samples": samples}
    return shape | {"seconds": seconds, "MiB": peak_memory(), "MiB before": before}


def measure_speed(timed: RealSet, checkpoint: str, million: bool) -> list[dict]:
    """Return time and memory by the number of points, each size in a process of its own."""
    jobs = [(timed.subsample(points, 0).x, SAMPLES, REPEATS) for points in TIMED_POINTS]
    for points in (100_000, *([1_000_000] if million else [])):
        jobs.append((mixture(points, np.random.default_rng([MIXTURE, points])), FEW_SAMPLES, 1))
    found = []
    for job in jobs:
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            found.append(pool.submit(time_fit, checkpoint, *job).result())
    return found


def measure_orders(checkpoint: str) -> list[dict]:
    """Return how well clusterings of overlapping blobs agree with those of the same rows in other orders."""
    found = []
    for number in range(SHUFFLED_SETS):
        rng = np.random.default_rng([ORDERS, number])
        x, _ = overlapping(rng)
        shuffles = [rng.permutation(len(x)) for _ in range(SHUFFLES)]
        whole = GFNCP(checkpoint, SAMPLES, random_state=0).fit_predict(x)
        again = (GFNCP(checkpoint, SAMPLES, random_state=0).fit_predict(x[order]) for order in shuffles)
        ari = [
            float(adjusted_rand_score(whole[o], labels)) for o, labels in zip(shuffles, again, strict=True)
        ]
        found.append({"set": number, "clusters": int(whole.max()) + 1, "ari": ari})
    return found


def group_table(group: str, rows: list[dict]) -> Table:
    """Return the figures of a group; one row per set and seed, one column of ARI per method beside."""
    beside = list(dict.fromkeys(name for each in rows for name in each["methods"] if name != OURS))
    first = ("seed", "N", "d", "K", "found", "mode", "P(K)", "ARI", "NMI", "s")
    table = Table(
        Column("set", no_wrap=True),
        *first,
        *beside,
        title=group + ("; * Gaussian-like" if group == "planar" else ""),
    )
    for each in rows:
        mine = each["methods"][OURS]
        counts = (each["seed"], each["points"], each["dim"], "/".join(map(str, each["clusters"])))
        found = (each["found"], each["mode"])
        numbers = (each["p_true"], mine["ari"], mine["nmi"], mine["seconds"])
        others = (f"{each['methods'][m]['ari']:.2f}" if m in each["methods"] else "" for m in beside)
        name = each["set"] + (" *" if each["gaussian_like"] else "")
        table.add_row(name, *map(str, counts + found), *(f"{value:.2f}" for value in numbers), *others)
    return table


def show_speed(speed: list[dict]) -> None:
    table = Table("N", "d", "samples", "median s", "MiB", "MiB before", title="speed")
    for each in speed:
        counts = (str(each[name]) for name in ("points", "dim", "samples"))
        memory = (f"{each[name]:.0f}" for name in ("MiB", "MiB before"))
        table.add_row(*counts, f"{np.median(each['seconds']):.2f}", *memory)
    console.print(table)


def show_orders(orders: list[dict]) -> None:
    table = Table(
        "set", "found", *(f"shuffle {each + 1}" for each in range(SHUFFLES)), title="row orders: ARI"
    )
    for each in orders:
        table.add_row(str(each["set"]), str(each["clusters"]), *(f"{value:.3f}" for value in each["ari"]))
    console.print(table)


def main(
    data: Annotated[Path, typer.Option(help="Folder with clustering-data-v1, single-cell, wide, clinc150.")],
    checkpoint: Annotated[str, typer.Option(help="A checkpoint for any width, or a folder.")] = "general",
    only: Annotated[list[str] | None, typer.Option(help=f"Groups: {', '.join(ALL)}; default: all.")] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="Names of sets; default: all of the groups.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Of sets and methods, where a group has several.")] = 3,
    peers: Annotated[bool, typer.Option(help="Run other methods beside the checkpoint.")] = True,
    million: Annotated[bool, typer.Option(help="Time a million points, too.")] = False,
    record: Annotated[Path | None, typer.Option(help="Write the figures to this JSON file.")] = None,
) -> None:
    """Measure and print tables."""
    warnings.simplefilter("ignore", UserWarning)  # sets beyond training, and starts that do not converge
    if unknown := set(only or ()) - set(ALL):
        raise typer.BadParameter(f"--only {sorted(unknown)}: accepted are {list(ALL)}")
    try:
        about = describe_checkpoint(checkpoint)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    rows, speed, orders = [], [], []
    if only and record is not None and record.exists():  # what other groups have stays
        earlier = json.loads(record.read_text(encoding="utf-8"))
        rows = [row for row in earlier["rows"] if row["group"] not in only]
        speed, orders = earlier["speed"], earlier["row_orders"]
    for group in only or (GROUPS if sets else ALL):
        if group == "speed":
            timed = read("planar", data, 1, [TIMED_SET])
            with console.status("timing"):
                speed = measure_speed(timed[0].real, checkpoint, million) if timed else []
            show_speed(speed)
        elif group == "row orders":
            with console.status("shuffling"):
                orders = measure_orders(checkpoint)
            show_orders(orders)
        elif cases := read(group, data, seeds, sets):
            beside = methods(group, data, checkpoint, peers)
            held = []
            for case in cases:
                with console.status(f"{group}: {case.real.name}"):
                    held.append(figures_of(group, case, checkpoint, beside))
            console.print(group_table(group, held))
            rows += held
        found = targets(rows, speed, orders)
        if record is not None:  # after each group, as all of them take hours
            result = {
                "kind": "families",
                **about,
                "seeds": seeds,
                **describe_machine(),
                "targets": [target.as_dict() for target in found],
                "rows": rows,
                "speed": speed,
                "row_orders": orders,
            }
            write_text(record, json.dumps(result, indent=2) + "\n")
    if sets and not rows:
        raise typer.BadParameter(f"--set {sets}: no measured group has such a set")
    console.print(target_table(targets(rows, speed, orders)))


if __name__ == "__main__":
    typer.run(main)
