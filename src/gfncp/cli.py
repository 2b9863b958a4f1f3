"""The command line."""

import json
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.table import Table
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from gfncp.checkpoints import find, load, load_configuration, write_atomically
from gfncp.configuration import read_configuration
from gfncp.estimator import GFNCP
from gfncp.figures import plot_clusters
from gfncp.sources import read_points

app = typer.Typer(
    help="Amortized probabilistic clustering: the posterior over clusterings of a set of points.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console()

Data = Annotated[
    Path | None, typer.Option(help="Folder of the IDX files that the configuration names; default: download.")
]


@app.command()
def cluster(
    file: Annotated[Path, typer.Argument(help="Points: CSV, Parquet or NPY; or NPZ with an array 'x'.")],
    checkpoint: Annotated[str, typer.Option(help="'mog-2d', 'mnist', or a folder.")] = "mog-2d",
    output: Annotated[Path, typer.Option(help="Folder for labels.csv, posterior.npz, clusters.png.")] = Path(
        "gfncp-output"
    ),
    samples: Annotated[int, typer.Option(min=1, help="Clusterings sampled from the posterior.")] = 100,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the samples.")] = 0,
    label_column: Annotated[str | None, typer.Option(help="Known labels, for NMI and ARI only.")] = None,
) -> None:
    """Cluster the points of FILE and write labels, the sampled posterior and a picture.

    Example: gfncp cluster points.csv --checkpoint mog-2d --output result
    """
    points, known = read_points(file, label_column)
    model = GFNCP(checkpoint=checkpoint, n_samples=samples, random_state=seed).fit(points)
    posterior = model.posterior_
    labels = pd.DataFrame({"label": model.labels_, "probability": model.probabilities_})
    write_atomically(output / "labels.csv", lambda path: labels.to_csv(path, index_label="point"))
    write_atomically(output / "posterior.npz", lambda path: _write_posterior(posterior, path))
    plot_clusters(points, model.labels_, model.probabilities_, output / "clusters.png")

    console.print(f"{len(points)} points, {model.n_clusters_} clusters (greedy clustering)")
    counts = ", ".join(f"{k}: {p:.2f}" for k, p in posterior.n_clusters().items())
    console.print(f"Probability of each number of clusters: {counts}", highlight=False)
    table = Table(
        "clustering", "log p", "share of samples", "K", "cluster sizes", title="Most likely of the samples"
    )
    for row in range(min(3, len(posterior.labels))):
        sizes = np.sort(np.bincount(posterior.labels[row]))[::-1]
        table.add_row(
            str(row + 1),
            f"{posterior.log_prob[row]:.2f}",
            f"{posterior.weights[row]:.3f}",
            str(len(sizes)),
            " ".join(map(str, sizes)),
        )
    console.print(table)
    if known is not None:
        nmi = normalized_mutual_info_score(known, model.labels_)
        console.print(f"NMI {nmi:.3f}, ARI {adjusted_rand_score(known, model.labels_):.3f} (known labels)")
    console.print(f"Written: labels.csv, posterior.npz, clusters.png in {output}")


def _write_posterior(posterior, path: Path) -> None:
    with path.open("wb") as file:
        np.savez_compressed(
            file, labels=posterior.labels, log_prob=posterior.log_prob, counts=posterior.counts
        )


@app.command()
def train(
    config: Annotated[Path, typer.Argument(help="TOML file, see experiments/.")],
    output: Annotated[Path | None, typer.Option(help="Folder of the run; default: runs/NAME.")] = None,
    data: Data = None,
) -> None:
    """Train the network that a TOML file describes; a stopped run goes on where it was.

    Example: gfncp train experiments/mog-2d.toml
    """
    from gfncp.training import train as run  # TensorBoard and accelerate are slow to import

    folder = output or Path("runs") / config.stem
    run(read_configuration(config), folder, data)
    console.print(f"Checkpoint and TensorBoard scalars in {folder}")


@app.command()
def evaluate(
    checkpoint: Annotated[str, typer.Argument(help="'mog-2d', 'mnist', or a folder.")],
    sets: Annotated[int, typer.Option(min=1, help="Number of sets M.")] = 100,
    points: Annotated[int, typer.Option(min=2, help="Points per set N.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sets.")] = 0,
    data: Data = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Mixtures: compare with exact Gibbs sampling.")
    ] = False,
    record: Annotated[Path | None, typer.Option(help="Write the result to this JSON file.")] = None,
) -> None:
    """NMI and ARI of greedy clusterings of fresh test sets."""
    from gfncp.evaluation.evaluate import evaluate as run

    result = run(checkpoint, sets, points, seed, data, exact)
    table = Table("method", "NMI", "ARI", f"K (true {result['true_clusters']:.1f})")
    for method in ("greedy", "exact"):
        if method in result:
            table.add_row(method, *(f"{value:.3f}" for value in result[method].values()))
    console.print(table)
    if record is not None:
        about = {"configuration": load_configuration(checkpoint).model_dump(mode="json"), "device": "cpu"}
        text = json.dumps(result | about, indent=2) + "\n"
        write_atomically(record, lambda path: path.write_text(text))


@app.command()
def info(checkpoint: Annotated[str, typer.Argument(help="'mog-2d', 'mnist', or a folder.")]) -> None:
    """What a checkpoint accepts, its size and the configuration that made it."""
    model, folder = load(checkpoint), find(checkpoint)
    size = (folder / "model.safetensors").stat().st_size / 1e6
    shape = ", ".join(map(str, ("n_samples", *model.encoder.point_shape)))
    console.print(f"{checkpoint}: points ({shape}), {size:.1f} MB", highlight=False)
    console.print_json(load_configuration(checkpoint).model_dump_json())


@app.command()
def methods() -> None:
    """Properties of each method: what holds for this code, in brackets what the paper's Table 1 says."""
    from gfncp.baselines.properties import PROPERTIES, TABLE

    table = Table("method", *PROPERTIES)
    for name, row in TABLE.items():
        claims = [row.claim(each) for each in PROPERTIES]
        marks = [
            row.mark(each) + (f" ({claim})" if claim else "")
            for each, claim in zip(PROPERTIES, claims, strict=True)
        ]
        table.add_row(name, *marks)
    console.print(table)
    console.print("✓ yes, ✗ no, ~ in part, – not applicable")
    for name, meaning in PROPERTIES.items():
        console.print(f"{name}: {meaning}", highlight=False)
    for name, row in TABLE.items():
        console.print(f"{name}: {row.note}", highlight=False)


def main() -> None:
    """Entry point: bad input ends with one line and exit code 2."""
    try:
        app()
    except (ValueError, FloatingPointError, OSError) as error:
        line = " ".join(str(error).split())
        print(f"gfncp: {line}", file=sys.stderr)
        sys.exit(2)
