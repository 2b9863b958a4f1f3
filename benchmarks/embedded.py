"""Images by what was learned without labels: the checkpoint's own network, or the default on its embedding.

    python benchmarks/embedded.py --data FOLDER --record records/embedded.json

FOLDER holds mnist and fashion-mnist, each with its four IDX files. All cluster the same test sets of whole
classes, whose number follows a Chinese restaurant process (the sets of `gfncp evaluate`). The checkpoint gets
images; its network was trained on clusters of neighbours in an embedding of 128 columns. The default and
k-means get this embedding, which the default has never seen. k-means is told the number of clusters.
"""

import json
from pathlib import Path
from typing import Annotated

import torch
import typer
from omniglot import Cluster, by_default, drawn, measure, of_embedded, of_images
from rich.console import Console
from rich.table import Table

from gfncp.checkpoints import load
from gfncp.data import labelled_images
from gfncp.estimators.references import KMeansTrueK
from gfncp.evaluation.evaluate import describe_device
from gfncp.evaluation.table_cells import with_error
from gfncp.files import write_text
from gfncp.simulators import WholeClasses

CHECKPOINTS = ("mnist", "fashion-mnist")

console = Console(highlight=False)


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
        encoder = load(name).encoder
        images, classes = labelled_images(name, "test", data / name)
        simulate = WholeClasses(images / 255, classes, n_clusters=(1, len(classes.unique())))
        methods: dict[str, Cluster] = {
            f"`{name}`": of_images(name),
            "`general`, on its embedding": of_embedded(by_default, encoder),
            "k-means, told K": of_embedded(
                lambda x, k, seed: KMeansTrueK(k, random_state=seed).fit_predict(x), encoder
            ),
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
