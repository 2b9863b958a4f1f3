"""The command line. Commands import what they need when they run, so that `--help` is quick."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console(highlight=False)

Checkpoint = Annotated[
    str, typer.Argument(help="A checkpoint that ships with the package (mog-2d, mnist), or a folder.")
]
Data = Annotated[
    Path | None,
    typer.Option(help="Folder with the four IDX files of the image data set; default: download them."),
]


def _print_version(wanted: bool) -> bool:
    if wanted:
        print(f"gfncp {version('gfncp')}")
        raise typer.Exit()
    return wanted


@app.callback()
def about(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Amortized probabilistic clustering: the posterior over clusterings of a set of points.

    Start here:  gfncp cluster examples/mnist-300.npz --checkpoint mnist
    """


@app.command()
def cluster(
    file: Annotated[
        Path,
        typer.Argument(help="Points: CSV (with a header) or Parquet, NPY, or NPZ with an array named x."),
    ],
    checkpoint: Annotated[
        str, typer.Option(help="A checkpoint that ships with the package (mog-2d, mnist), or a folder.")
    ] = "mog-2d",
    output: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("gfncp-output"),
    samples: Annotated[int, typer.Option(min=1, help="Clusterings to sample from the posterior.")] = 100,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the samples.")] = 0,
    label_column: Annotated[
        str | None,
        typer.Option(help="Column (NPZ: array) with known labels: never seen by the model, only compared."),
    ] = None,
) -> None:
    """Cluster the points of a file, with the posterior over all their clusterings.

    Prints a summary, and writes:
    labels.csv, the cluster of each point and how sure it is;
    posterior.npz, sampled clusterings, their log-probabilities and counts;
    clusters.png, a picture of both.

    Example:  gfncp cluster points.csv --checkpoint mog-2d --output result
    """
    import numpy as np
    import pandas as pd
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    from gfncp.checkpoints import write_atomically
    from gfncp.estimator import GFNCP
    from gfncp.figures import plot_clusters
    from gfncp.sources import read_points
    from gfncp.summary import summarise

    points, known = read_points(file, label_column)
    start = perf_counter()
    with console.status(f"Clustering {len(points)} points"):
        model = GFNCP(checkpoint=checkpoint, n_samples=samples, random_state=seed).fit(points)
        log_prob = model.log_prob(points, model.labels_)
    seconds = perf_counter() - start
    posterior = model.posterior_

    def write_posterior(path: Path) -> None:
        with path.open("wb") as archive:
            np.savez_compressed(
                archive, labels=posterior.labels, log_prob=posterior.log_prob, counts=posterior.counts
            )

    labels = pd.DataFrame({"label": model.labels_, "probability": model.probabilities_})
    write_atomically(output / "labels.csv", lambda path: labels.to_csv(path, index_label="point"))
    write_atomically(output / "posterior.npz", write_posterior)
    plot_clusters(points, model.labels_, model.probabilities_, posterior, output / "clusters.png")

    console.print(
        f"[bold]{_count(len(points), 'point')} in {_count(model.n_clusters_, 'cluster')}[/bold] "
        f"(greedy clustering; with {_count(samples, 'sample')} of the posterior: {seconds:.1f} s)\n",
        soft_wrap=True,
    )
    console.print(summarise(posterior, model.labels_, log_prob), "")
    if known is not None:
        codes, names = pd.factorize(known)  # labels may be of any type
        nmi = normalized_mutual_info_score(codes, model.labels_)
        ari = adjusted_rand_score(codes, model.labels_)
        console.print(
            f"Greedy clustering against the {len(names)} known labels: "
            f"[bold]NMI {nmi:.3f}, ARI {ari:.3f}[/bold]"
        )
    console.print(
        f"Written to {output}: labels.csv, posterior.npz, clusters.png", markup=False, soft_wrap=True
    )


@app.command()
def train(
    config: Annotated[Path, typer.Argument(help="TOML file that describes the run; see experiments/.")],
    output: Annotated[Path | None, typer.Option(help="Folder of the run; default: runs/NAME.")] = None,
    data: Data = None,
) -> None:
    """Train a network as a TOML file says. A run that was stopped goes on where it was.

    The folder of the run is a checkpoint for the other commands; TensorBoard reads its scalars there.

    Example:  gfncp train experiments/mog-2d.toml --output runs/mine
    """
    from gfncp.configuration import read_configuration
    from gfncp.training import train as run

    folder = output or Path("runs") / config.stem
    run(read_configuration(config), folder, data)
    console.print(f"Checkpoint and TensorBoard scalars in {folder}", markup=False, soft_wrap=True)


@app.command()
def evaluate(
    checkpoint: Checkpoint,
    sets: Annotated[int, typer.Option(min=1, help="Number of test sets.")] = 100,
    points: Annotated[int, typer.Option(min=2, help="Points in each set.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sets.")] = 0,
    data: Data = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Compare with exact Gibbs sampling (Gaussian mixtures only).")
    ] = False,
    record: Annotated[Path | None, typer.Option(help="Write the figures to this JSON file.")] = None,
) -> None:
    """Measure greedy clusterings against the truth, on test sets of the kind that was trained for.

    Example:  gfncp evaluate mnist --sets 1000 --record records/mnist.json
    """
    from gfncp.checkpoints import write_atomically
    from gfncp.evaluation.evaluate import evaluate as run

    with console.status(f"Clustering {sets} sets of {points} points"):
        result = run(checkpoint, sets, points, seed, data, exact)
    table = Table("method", "NMI", "ARI", f"K (true {result['true_clusters']:.1f})")
    for method in ("greedy", "exact"):
        if method in result:
            table.add_row(method, *(f"{value:.3f}" for value in result[method].values()))
    console.print(table)
    if record is not None:
        write_atomically(record, lambda path: path.write_text(json.dumps(result, indent=2) + "\n"))


@app.command()
def reproduce(
    what: Annotated[str, typer.Argument(help="table2 ... table6, fig1, fig3, fig4 or fig5.")],
    method: Annotated[str | None, typer.Option(help="Only these methods, separated by commas.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Only these data sets, separated by commas.")] = None,
    seeds: Annotated[str | None, typer.Option(help="These seeds of training, separated by commas.")] = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="Train so long instead; recorded.")] = None,
    sets: Annotated[int | None, typer.Option(min=1, help="Test on so many sets instead; recorded.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda ...; default: an accelerator if any.")] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with a folder per data set (mnist, fashion-mnist); default: download."),
    ] = None,
    root: Annotated[Path, typer.Option(help="Where experiments/ lies and results are written.")] = Path(),
) -> None:
    """Make a table or figure of the paper again, as experiments/tables/ declares it.

    Every run leaves a record in records/results/. What is recorded is not run again, and training that was
    stopped goes on where it was, in runs/results/. The tables are written to RESULTS.md.

    Example:  gfncp reproduce table3 --dataset mnist --method gfncp,ncp --seeds 0
    """
    from gfncp.reproduction.reproduce import reproduce as run

    def split(text: str | None) -> list[str] | None:
        return None if text is None else [part.strip() for part in text.split(",")]

    wanted = split(seeds)
    if wanted is not None and not all(seed.isdecimal() for seed in wanted):
        raise ValueError(f"--seeds={seeds!r}: accepted are whole numbers separated by commas")
    run(
        root,
        what,
        methods=split(method),
        datasets=split(dataset),
        seeds=None if wanted is None else [int(seed) for seed in wanted],
        iterations=iterations,
        sets=sets,
        device=device,
        data=data,
        report=lambda line: console.print(line, markup=False, soft_wrap=True),
    )


@app.command()
def diagnose(
    checkpoint: Annotated[str, typer.Argument(help="'mog-2d', 'mnist', or a folder.")],
    output: Annotated[Path, typer.Option(help="Folder for diagnostics.json and pictures.")] = Path(
        "gfncp-diagnostics"
    ),
    sets: Annotated[
        int | None, typer.Option(min=10, help="Sets for calibration (default 1000); others in proportion.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sets and samples.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer and smaller sets: seconds, rough.")] = False,
    data: Data = None,
) -> None:
    """Is the posterior right? Distance from the exact one, consistency, calibration, quality.

    Mixtures are compared with exact posteriors; for other data the parts that need none are run.

    Example:  gfncp diagnose mog-2d --output diagnostics
    """
    from gfncp.checkpoints import find, load, load_configuration, write_atomically
    from gfncp.evaluation import diagnose as diagnosis
    from gfncp.evaluation.diagnosis_report import pictures, table
    from gfncp.evaluation.evaluate import make_test_simulator

    model, configuration = load(checkpoint), load_configuration(checkpoint)
    sizes = diagnosis.QUICK if quick else diagnosis.FULL
    if sets is not None:
        sizes = sizes.with_sets(sets)
    with console.status("Diagnosing; all of it takes a few minutes, --quick some seconds"):
        result = diagnosis.diagnose(
            model, make_test_simulator(configuration, model.encoder, data), sizes, seed
        )
    about = {
        "kind": "diagnosis",
        "checkpoint": find(checkpoint).resolve().name,
        "configuration": configuration.model_dump(mode="json"),
        "sizes": asdict(sizes),
        "seed": seed,
        "device": str(next(model.parameters()).device),
    }
    text = json.dumps(about | result, indent=2, allow_nan=False) + "\n"
    write_atomically(output / "diagnostics.json", lambda path: path.write_text(text))
    files = pictures(result, Path(checkpoint).name, output)
    console.print(table(result))
    names = ", ".join(["diagnostics.json", *(file.name for file in files)])
    console.print(f"Written: {names} in {output}", markup=False)


@app.command()
def info(checkpoint: Checkpoint) -> None:
    """Show what a checkpoint accepts, its size, and the configuration that it was trained with.

    Example:  gfncp info mnist
    """
    from gfncp.checkpoints import find, load, load_configuration
    from gfncp.configuration import to_toml

    model, folder = load(checkpoint), find(checkpoint)
    shape = ", ".join(map(str, ("n_samples", *model.encoder.point_shape)))
    parameters = sum(weight.numel() for weight in model.parameters())
    size = (folder / "model.safetensors").stat().st_size / 1e6
    console.print(f"[bold]{escape(folder.name)}[/bold] clusters arrays of shape ({shape})")
    console.print(f"{parameters:,} parameters, {size:.1f} MB, trained by this configuration:\n")
    console.print(to_toml(load_configuration(checkpoint)), markup=False, soft_wrap=True)


@app.command()
def methods() -> None:
    """Show the properties of each method, of this code and, in brackets, as the paper's Table 1 has them.

    Example:  gfncp methods
    """
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


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code. Bad input is one line on standard error and exit code 2."""
    try:
        return app(arguments, prog_name="gfncp", standalone_mode=False) or 0
    except typer.TyperException as error:
        command = getattr(error, "ctx", None)
        message = f"{error.format_message()} See {command.command_path if command else 'gfncp'} --help"
    except (ValueError, FloatingPointError, OSError) as error:
        message = str(error)
    print(f"gfncp: {' '.join(message.split())}", file=sys.stderr)
    return 2
