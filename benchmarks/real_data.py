"""How well the general checkpoint clusters sets that nothing was trained on, beside its peers.

    python benchmarks/real_data.py --data FOLDER --record records/real-data.json

FOLDER holds the collections fcps, graves and sipu of clustering-data-v1; `real_sets.py` says how they are
scored. Nothing may be trained on these sets. They belong to the development data: how columns are brought to
one unit (`gfncp.coresets.units`) and the design of the checkpoint were chosen with them in view.

- A set of more than 2000 points is replaced by 2000 of them, the same for all methods.
- Peers get columns of mean 0 and variance 1 where these are of mixed units, and points as they are elsewhere:
  what a careful user would give them. The checkpoint gets points as they are.
- Mixtures whose number of components is not given may have up to 60, but no more than can have a full
  covariance. Points that HDBSCAN calls noise count as one cluster.
"""

import json
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from jaxtyping import Float, Int
from machine import describe_checkpoint, describe_machine
from real_sets import GAUSSIAN_LIKE, MIXED_UNITS, RealSet, bundled_sets, read_collections, scores
from rich.console import Console
from rich.table import Column, Table
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.preprocessing import StandardScaler

from gfncp import GFNCP
from gfncp.estimators.references import HDBSCAN, GaussianMixtureBIC, KMeansTrueK
from gfncp.evaluation.comparison import find_failures
from gfncp.files import write_text

MOST_POINTS = 2000
MOST_COMPONENTS = 60
STARTS = 10  # of methods that know K
SAMPLES = 100
TIMED_SET = "sipu/s1"
TIMED_POINTS = (150, 1000, 2000)
AHEAD = 0.05  # of the best peer, in mean ARI on the Gaussian-like sets
SECONDS = 5.0  # for 100 samples of a set of 1000 points

Points = Float[np.ndarray, "points dim"]
Labels = Int[np.ndarray, "points"]
WIDTH = 132  # of the tables, at least

console = Console(highlight=False)
console.width = max(console.width, WIDTH)


@dataclass(frozen=True)
class Method:
    """A clustering of points, given the number of clusters (ignored unless ``told``) and a seed."""

    name: str
    told: bool
    cluster: Callable[[Points, int, int], Labels]


def n_components(x: Points) -> int:
    """The most components of a mixture with full covariances."""
    return max(1, min(MOST_COMPONENTS, len(x) // (x.shape[1] + 2)))


PEERS = (
    Method("k-means, true K", True, lambda x, k, seed: KMeansTrueK(k, STARTS, seed).fit_predict(x)),
    Method(
        "GMM, true K",
        True,
        lambda x, k, seed: GaussianMixture(k, n_init=STARTS, random_state=seed).fit_predict(x),
    ),
    Method(
        "GMM + BIC",
        False,
        lambda x, k, seed: GaussianMixtureBIC(1, n_components(x), 1, seed).fit_predict(x),
    ),
    Method(
        "Bayesian GMM",
        False,
        lambda x, k, seed: BayesianGaussianMixture(
            n_components=n_components(x), max_iter=500, random_state=seed
        ).fit_predict(x),
    ),
    Method("HDBSCAN", False, lambda x, k, seed: HDBSCAN(copy=True).fit_predict(x)),
    Method(
        "HDBSCAN, size 15",
        False,
        lambda x, k, seed: HDBSCAN(min_cluster_size=15, copy=True).fit_predict(x),
    ),
)


def ours(checkpoint: str) -> Method:
    def cluster(x: Points, k: int, seed: int) -> Labels:
        return GFNCP(checkpoint=checkpoint, n_samples=SAMPLES, random_state=seed).fit(x).labels_

    return Method("gfncp", False, cluster)


def measure(method: Method, real: RealSet, x: Points, seed: int) -> dict:
    """Scores of one method on one set, and the time it took."""
    start = time.perf_counter()
    (ari, nmi), found = scores(real, lambda k: method.cluster(x, k, seed))
    return {"ari": float(ari), "nmi": float(nmi), "found": found, "seconds": time.perf_counter() - start}


def seconds_to_posterior(checkpoint: str, real: RealSet, seed: int) -> dict[int, float]:
    """Of 100 samples, by size of the set; the checkpoint is read within the time."""
    times = {}
    for points in (TIMED_POINTS[0], *TIMED_POINTS):  # the first call warms up
        x = real.subsample(points, seed).x
        start = time.perf_counter()
        GFNCP(checkpoint=checkpoint, n_samples=SAMPLES, random_state=seed).fit(x)
        times[points] = time.perf_counter() - start
    return times


def measured_peers(record: Path, seed: int) -> dict[str, dict[str, dict]]:
    """The peers' figures by set, from an earlier record; they do not depend on the checkpoint.

    Raises:
        BadParameter: there is no record, or its seed is another.
    """
    try:
        held = json.loads(record.read_text())
    except (OSError, ValueError) as error:
        raise typer.BadParameter(
            f"--record {record}: --keep-peers needs an earlier record ({error})"
        ) from None
    if held["seed"] != seed:
        raise typer.BadParameter(f"--record {record}: its seed is {held['seed']}, not {seed}")
    peers = {peer.name for peer in PEERS}
    return {
        row["name"]: {name: of for name, of in row["methods"].items() if name in peers}
        for row in held["sets"]
    }


def means(rows: list[dict], methods: list[str]) -> dict[str, dict[str, dict[str, float]]]:
    """Mean ARI and NMI of each method over the Gaussian-like sets, the others and all."""
    groups = {
        "Gaussian-like": [row for row in rows if row["gaussian_like"]],
        "others": [row for row in rows if not row["gaussian_like"]],
        "all": rows,
    }
    return {
        group: {
            name: {key: float(np.mean([row["methods"][name][key] for row in held])) for key in ("ari", "nmi")}
            for name in methods
        }
        for group, held in groups.items()
        if held
    }


def targets(summary: dict, times: dict[int, float]) -> list[tuple[str, float, str, bool]]:
    """Each target: what, its value, what it should be, whether it is met."""
    found = []
    blind = [peer.name for peer in PEERS if not peer.told]
    for group, margin in (("Gaussian-like", AHEAD), ("all", 0.0)):
        if group in summary:
            best = max(blind, key=lambda name: summary[group][name]["ari"])
            lead = summary[group]["gfncp"]["ari"] - summary[group][best]["ari"]
            found.append((f"{group}: ARI above {best}", lead, f">= {margin:g}", lead >= margin))
    if 1000 in times:
        found.append((f"{SAMPLES} samples, N = 1000", times[1000], f"< {SECONDS:g} s", times[1000] < SECONDS))
    return found


def show(rows: list[dict], summary: dict, times: dict[int, float], methods: list[str]) -> None:
    table = Table(Column("set", no_wrap=True), "N", "d", "K", *methods, title="ARI; * Gaussian-like")
    for row in rows:
        ari = [f"{row['methods'][name]['ari']:.2f}" for name in methods]
        name = row["name"] + (" *" if row["gaussian_like"] else "")
        table.add_row(name, str(row["points"]), str(row["dim"]), "/".join(map(str, row["clusters"])), *ari)
    console.print(table)
    table = Table("mean ARI / NMI", *summary)
    for name in methods:
        table.add_row(name, *(f"{of[name]['ari']:.3f} / {of[name]['nmi']:.3f}" for of in summary.values()))
    console.print(table)
    for points, seconds in times.items():
        console.print(f"Posterior of {SAMPLES} samples, N = {points}: {seconds:.2f} s")
    for what, value, wanted, met in targets(summary, times):
        console.print(f"{what}: {value:.3f} ({wanted}): {'met' if met else 'missed'}")
    for name, value, peer, better in find_failures(rows):
        console.print(f"Fails on {name}: ARI {value:.2f}; {peer} {better:.2f}")


def main(
    data: Annotated[Path, typer.Option(help="Folder with the collections fcps, graves and sipu.")],
    checkpoint: Annotated[str, typer.Option(help="A checkpoint for any width, or a folder.")] = "general",
    only: Annotated[list[str] | None, typer.Option(help="Name of a set to measure; default: all.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of subsamples, starts and samples.")] = 0,
    record: Annotated[Path | None, typer.Option(help="Write the figures to this JSON file.")] = None,
    keep_peers: Annotated[
        bool, typer.Option("--keep-peers", help="Take the peers' figures, of the same seed, from --record.")
    ] = False,
) -> None:
    """Measure and print tables."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    try:
        every = [*read_collections(data), *bundled_sets()]
        described = describe_checkpoint(checkpoint)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    names = [real.name for real in every]
    if unknown := set(only or ()) - set(names):
        raise typer.BadParameter(f"--only {sorted(unknown)}: accepted are {names}")
    methods = [ours(checkpoint), *PEERS]
    kept = measured_peers(record, seed) if keep_peers and record is not None else {}
    rows = []
    for real in every:
        if only and real.name not in only:
            continue
        real = real.subsample(MOST_POINTS, seed)
        scaled = StandardScaler().fit_transform(real.x) if real.name in MIXED_UNITS else real.x
        with console.status(f"clustering {real.name}"):
            found = kept.get(real.name, {}) | {
                method.name: measure(method, real, scaled if method in PEERS else real.x, seed)
                for method in methods
                if method.name not in kept.get(real.name, {})
            }
        about = {
            "name": real.name,
            "points": len(real.x),
            "dim": real.x.shape[1],
            "clusters": real.numbers,
            "gaussian_like": real.name in GAUSSIAN_LIKE,
        }
        rows.append(about | {"methods": found})
    timed = next(real for real in every if real.name == TIMED_SET)
    with console.status("timing"):
        times = seconds_to_posterior(checkpoint, timed, seed)
    order = [method.name for method in methods]
    summary = means(rows, order)
    show(rows, summary, times, order)
    if record is not None:
        result = {
            "kind": "real-data",
            **described,
            "seed": seed,
            **describe_machine(),
            "gaussian_like": GAUSSIAN_LIKE,
            "means": summary,
            "targets": [
                {"what": what, "value": value, "wanted": wanted, "met": met}
                for what, value, wanted, met in targets(summary, times)
            ],
            "seconds_to_posterior": times,
            "sets": rows,
        }
        write_text(record, json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
