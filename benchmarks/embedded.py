"""Images by what was learned without labels: the checkpoint's own network, or the default on its embedding.

    python benchmarks/embedded.py --data FOLDER --record records/embedded.json

FOLDER holds mnist and fashion-mnist, each with its four IDX files. Both cluster the same test sets of whole
classes, whose number follows a Chinese restaurant process (the sets of `gfncp evaluate`), in the same
embedding of 128 columns. The checkpoint's network was trained on clusters of neighbours in it; the default
has never seen it. k-means is told the number of clusters.
"""

import json
from pathlib import Path
from typing import Annotated

import torch
import typer
from omniglot import Cluster, Labels, Points, by_default, drawn, measure
from rich.console import Console
from rich.table import Table
from torch import nn

from gfncp.checkpoints import load, load_configuration
from gfncp.decoding import orders
from gfncp.estimators.inference import GREEDY_ORDERS
from gfncp.estimators.references import KMeansTrueK
from gfncp.evaluation.evaluate import describe_device
from gfncp.evaluation.sets import make_test_simulator
from gfncp.evaluation.table_cells import with_error
from gfncp.files import write_text
from gfncp.seeds import ORDERS_SEED, seeded

CHECKPOINTS = ("mnist", "fashion-mnist")

console = Console(highlight=False)


def by_network(model: nn.Module) -> Cluster:
    """Cluster by a network, as its estimator does: the most typical of 16 orders."""

    def cluster(x: Points, k: int, seed: int) -> Labels:
        along = orders.random_orders(GREEDY_ORDERS, len(x), seeded(ORDERS_SEED))
        with torch.no_grad():
            return orders.greedy(model, model.encode(torch.from_numpy(x)[None]), along)[0][0].numpy()

    return cluster


def main(
    data: Annotated[Path, typer.Option(help="Folder of the image data sets.")],
    sets: Annotated[int, typer.Option(min=2, help="Test sets of each data set.")] = 100,
    points: Annotated[int, typer.Option(min=2, help="Points of a set.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sets and of k-means.")] = 0,
    record: Annotated[Path | None, typer.Option(help="Write the figures to this JSON file.")] = None,
) -> None:
    """Measure, and print a table."""
    torch.set_num_threads(1)
    figures: dict[str, dict] = {}
    table = Table("data set", "method", "NMI", "ARI", "K", "ms per set")
    for name in CHECKPOINTS:
        model = load(name)
        simulate = make_test_simulator(load_configuration(name), model.encoder, data / name)
        methods: dict[str, Cluster] = {
            f"`{name}`": by_network(model),
            "`general`, on its embedding": by_default,
            "k-means, told K": lambda x, k, seed: KMeansTrueK(k, random_state=seed).fit_predict(x),
        }
        figures[name] = {
            method: measure(cluster, drawn(simulate, points, sets, seed), seed)
            for method, cluster in methods.items()
        }
        for method, of in figures[name].items():
            cells = (with_error(**of[key]) for key in ("nmi", "ari", "clusters"))
            table.add_row(name, method, *cells, f"{1000 * of['seconds']['value']:.0f}")
    console.print(table)
    if record is not None:
        about = {
            "kind": "embedded",
            "sets": sets,
            "points": points,
            "seed": seed,
            "figures": figures,
            "device": describe_device(torch.device("cpu")),
            "torch": torch.__version__,
        }
        write_text(record, json.dumps(about, indent=2, allow_nan=False) + "\n")


if __name__ == "__main__":
    typer.run(main)
