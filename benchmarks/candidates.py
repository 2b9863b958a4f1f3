"""Compare checkpoints of coresets, of which one is to be the default: a row of mean ARIs for each.

    python benchmarks/candidates.py general runs/general-next --data FOLDER --record FILE

Sets are those of `families_data.py`, without what users report, and beside them 1000 raw images of digits
and of clothes, 70 sets of some classes of well-known data (`real_subsets.py`; *others* are of the sources
that no checkpoint was trained on), and sets of each family of the prior, which a checkpoint may know: a loss
there shows what training has cost. FOLDER holds clustering-data-v1, single-cell, wide, clinc150, mnist,
fashion-mnist and omniglot; groups whose data are not there are skipped. Behind each mean of ARIs stands the
mean error of the number of clusters.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from families_data import Case, first_tries, planar, single_cell, text, wide
from machine import describe_machine
from real_sets import GAUSSIAN_LIKE, RealSet, scores
from real_subsets import subsets
from rich.console import Console
from rich.table import Table

from gfncp import GFNCP
from gfncp.configuration.recorded_coresets import SOURCES
from gfncp.data import labelled_images
from gfncp.files import write_text
from gfncp.seeds import seeded
from gfncp.simulators.prior import FAMILIES

SAMPLES = 20
IMAGES = 1000
SETS, POINTS = 4, 400  # of each family
STREAM = 41

console = Console(highlight=False)


def pictures(data: Path, seeds: int) -> Iterator[Case]:
    """Yield random images that were held out of training, as rows of pixels, once per seed."""
    for name in ("mnist", "fashion-mnist"):
        x, classes = labelled_images(name, "validation", data / name)
        real = RealSet(name, x.flatten(1).double().numpy(), (classes.numpy() + 1,))
        for seed in range(seeds):
            yield Case(real.subsample(IMAGES, seed), seed)


def families(data: Path, seeds: int) -> Iterator[Case]:
    """Yield sets of each family of the prior, whatever its share."""
    for place, (_, family) in enumerate(FAMILIES):
        for number in range(SETS):
            x, labels = family(1, POINTS, seeded(STREAM, place, number))
            yield Case(RealSet(type(family).__name__, x[0].double().numpy(), (labels[0].numpy() + 1,)), 0)


GROUPS: dict[str, Callable[[Path, int], Iterator[Case]]] = {
    "planar": planar,
    "single-cell": single_cell,
    "wide": wide,
    "text": text,
    "pictures": pictures,
    "subsets": subsets,
    "make_blobs": first_tries,
    "families": families,
}
LIKE = ("Gaussian-like", "others")


def measure(checkpoint: str, case: Case) -> tuple[float, float]:
    """Return the ARI of a checkpoint's clustering, and by how much its number of clusters is wrong."""
    model = GFNCP(checkpoint, n_samples=SAMPLES, random_state=case.seed).fit(case.real.x)
    (ari, _), _ = scores(case.real, lambda k: model.labels_)
    return float(ari), float(min(abs(model.n_clusters_ - k) for k in case.real.numbers))


def names(group: str, case: Case) -> list[str]:
    """Return the columns of the table that a set counts in."""
    if group == "planar":
        return ["planar", LIKE[case.real.name not in GAUSSIAN_LIKE]]
    if group == "subsets":
        others = [] if case.real.name in SOURCES else ["subsets of others"]
        return ["subsets", *others, f"subsets of {case.real.name}"]
    return [group] if group in ("families", "text", "make_blobs") else [case.real.name]


def main(
    checkpoints: Annotated[list[str], typer.Argument(help="Names or folders.")],
    data: Annotated[Path, typer.Option(help="Folder of the real sets.")],
    seeds: Annotated[int, typer.Option(min=1, help="Of each real set that is not planar.")] = 3,
    only: Annotated[
        list[str] | None, typer.Option(help=f"Groups: {', '.join(GROUPS)}. Default: all.")
    ] = None,
    record: Annotated[Path | None, typer.Option(help="JSON file of every set's figures.")] = None,
) -> None:
    """Print the table."""
    torch.set_num_threads(1)
    rows: dict[str, dict[str, list[tuple[float, float]]]] = {name: {} for name in checkpoints}
    for group in only or GROUPS:
        try:
            cases = list(GROUPS[group](data, seeds))
        except FileNotFoundError as error:
            console.print(f"{group}: left out, {error}", markup=False)
            continue
        for checkpoint in checkpoints:
            for case in cases:
                found = measure(checkpoint, case)
                for name in names(group, case):
                    rows[checkpoint].setdefault(name, []).append(found)
            if record:
                write_text(
                    record, json.dumps({"kind": "candidates", "ari, error of K": rows, **describe_machine()})
                )
    table = Table(*["", *checkpoints])
    for name in rows[checkpoints[0]]:
        means = [np.mean(rows[checkpoint][name], axis=0) for checkpoint in checkpoints]
        table.add_row(name, *(f"{ari:.3f} ({error:.1f})" for ari, error in means))
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
