"""The command line. Commands import what they need when they run, so that `--help` is quick."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, Literal

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
    typer.Option(
        help="Folder with the four IDX files of the image data set, default: download them; "
        "or the embeddings, see docs/data.md."
    ),
]


def _describe_machine() -> str:
    """All that numbers can depend on but input and seed, in one line for a report of a bug."""
    import platform

    import numpy
    import torch

    return (
        f"gfncp {version('gfncp')}, python {platform.python_version()}, torch {torch.__version__}, "
        f"numpy {numpy.__version__}, {platform.platform()}, {torch.get_num_threads()} threads"
    )


@app.callback(invoke_without_command=True)
def about(
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", help="With --version: also the versions and the machine that numbers depend on."
        ),
    ] = False,
) -> None:
    """Amortized probabilistic clustering: the posterior over clusterings of a set of points.

    Start here:  gfncp cluster examples/mnist-300.npz --checkpoint mnist
    """
    if show_version:
        print(_describe_machine() if verbose else f"gfncp {version('gfncp')}")
        raise typer.Exit()
    if verbose:
        raise ValueError("--verbose: accepted with --version only")


@app.command()
def cluster(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Points: CSV (with a header) or Parquet, NPY, NPZ or safetensors with an array x, or a "
            "folder of images. Several are clustered side by side, each on its own.",
        ),
    ],
    checkpoint: Annotated[
        str | None,
        typer.Option(
            help="A checkpoint that ships with the package, or a folder. Default: mnist for images, general "
            "for all else.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("gfncp-output"),
    labels: Annotated[
        str | None,
        typer.Option(
            help="Name of the file with the labels; it ends in .csv or .parquet. Default: labels.csv.",
            show_default=False,
        ),
    ] = None,
    samples: Annotated[int, typer.Option(min=1, help="Clusterings to sample from the posterior.")] = 100,
    k: Annotated[
        str | None, typer.Option("--k", metavar="K|LOW:HIGH", help="Known number of clusters, or its bounds.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the samples.")] = 0,
    device: Annotated[
        str | None, typer.Option(help="Where the network runs, as PyTorch names it.", show_default=False)
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(help="Threads that compute, -1 for all cores.", show_default=False)
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Columns to cluster by, with commas between; default: all others.")
    ] = None,
    id_column: Annotated[str | None, typer.Option(help="Column (NPZ: array) that names the points.")] = None,
    label_column: Annotated[
        str | None,
        typer.Option(help="Column (NPZ: array) with known labels: never seen by the model, only compared."),
    ] = None,
    set_column: Annotated[
        str | None,
        typer.Option(help="Column (NPZ: array) that names the set of each point: each is clustered alone."),
    ] = None,
    engine: Annotated[
        Literal["local", "ray"],
        typer.Option(help="ray: many sets of Parquet files on a Ray cluster, see docs/scale.md."),
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(help="Address of the Ray cluster; default: this machine.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Actors of the Ray cluster, a core or GPU each; default: 1.", show_default=False
        ),
    ] = None,
) -> None:
    """Cluster the points of a file, with the posterior over all their clusterings.

    Missing values are filled in, and columns of categories become coordinates. Prints a summary, and writes:
    labels.csv, the cluster of each point and how sure it is;
    posterior.npz, sampled clusterings, their log-probabilities and counts;
    clusters.png, a picture of both;
    report.html, all of it on one page.

    Example:  gfncp cluster points.csv --checkpoint mog-2d --output result
    """
    import warnings

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from gfncp.checkpoints import DEFAULT, find
    from gfncp.estimator import GFNCP
    from gfncp.results import Result, check_labels_file, write_results
    from gfncp.sources.sets import Roles, read_sets
    from gfncp.summary import summarise

    of_engine = {"ray": {"address": address, "workers": workers}, "local": {"jobs": jobs, "labels": labels}}
    other = "ray" if engine == "local" else "local"
    for name, value in of_engine[other].items():
        if value is not None:
            raise ValueError(f"--{name}={value}: accepted with --engine {other} only")
    labels = labels or "labels.csv"
    check_labels_file(labels)
    names = None if columns is None else [name.strip() for name in columns.split(",")]
    roles = Roles(names, id_column, label_column, set_column)
    parameters = {"n_samples": samples, "n_clusters": _bounds(k), "random_state": seed, "device": device}
    if engine == "ray":
        named = {"checkpoint": checkpoint or DEFAULT}
        _cluster_on_ray(files, roles, named | parameters, output, address, workers or 1)
        return
    sets = read_sets(files, roles)
    checkpoint = checkpoint or ("mnist" if all(each.points.ndim == 3 for each in sets) else DEFAULT)
    estimator = GFNCP(checkpoint, n_jobs=jobs, **parameters)
    start = perf_counter()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    with bar, warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", category=UserWarning)
        task = bar.add_task(f"Clustering {_count(len(sets), 'set')}", total=len(sets))
        models = estimator.fit_sets([each.points for each in sets], lambda count: bar.advance(task, count))
    seconds = perf_counter() - start
    results = [Result(each, model) for each, model in zip(sets, models, strict=True)]
    settings = {"checkpoint": find(checkpoint).name, "samples": samples, "K": k or "any", "seed": seed}
    written = write_results(results, output, labels, settings)

    for note in dict.fromkeys(str(warning.message) for warning in caught):
        console.print(f"Note: {note}", markup=False, soft_wrap=True)
    if len(results) == 1:
        model, points = models[0], len(models[0].labels_)
        console.print(
            f"[bold]{_count(points, 'point')} in {_count(model.n_clusters_, 'cluster')}[/bold] "
            f"(greedy clustering; with {_count(samples, 'sample')} of the posterior: {seconds:.1f} s)\n",
            soft_wrap=True,
        )
        log_prob = float(model.log_prob(model.X_, model.labels_))
        console.print(summarise(model.posterior_, model.labels_, log_prob), "")
        agreement, labelled = results[0].agreement(), sets[0].labels
        if agreement is not None and labelled is not None:
            known = len(set(labelled.tolist()))
            console.print(
                f"Greedy clustering against the {known} known labels: "
                f"[bold]NMI {agreement['NMI']:.3f}, ARI {agreement['ARI']:.3f}[/bold]"
            )
    else:
        console.print(_table_of_sets(results), f"{len(results)} sets in {seconds:.1f} s")
    console.print(f"Written to {output}: {', '.join(written)}", markup=False, soft_wrap=True)


def _cluster_on_ray(
    files: list[Path], roles, parameters: dict, output: Path, address: str | None, workers: int
) -> None:
    from gfncp.ray_engine import cluster_sets

    start = perf_counter()
    with console.status("Clustering on Ray") as status:
        names: list[object] = []

        def done(row: dict) -> None:
            names.append(row["set"])
            status.update(f"Clustering on Ray: {_count(len(names), 'set')} done")

        cluster_sets(files, roles, parameters, output, workers=workers, address=address, done=done)
    console.print(f"{_count(len(names), 'set')} in {perf_counter() - start:.1f} s; what was there was kept")
    console.print(f"Written to {output}: a Parquet file for each set", markup=False, soft_wrap=True)


def _bounds(k: str | None) -> int | tuple[int, int] | None:
    """What ``--k`` says: a number, or LOW:HIGH."""
    if k is None:
        return None
    try:
        low, *high = (int(part) for part in k.split(":"))
    except ValueError:
        low, high = 0, []
    if low < 1 or len(high) > 1:
        raise ValueError(f"--k {k!r}: accepted is a number of clusters, such as 3, or bounds, such as 2:5")
    return (low, high[0]) if high else low


def _table_of_sets(results) -> Table:
    scores = ("NMI", "ARI") if results[0].set.labels is not None else ()
    table = Table("set", "points", "clusters", *scores)
    for result in results:
        agreement = result.agreement() or {}
        table.add_row(
            escape(result.set.name),
            str(len(result.model.labels_)),
            str(result.model.n_clusters_),
            *(f"{agreement[name]:.3f}" for name in scores),
        )
    return table


@app.command()
def train(
    config: Annotated[
        Path | None,
        typer.Argument(help="TOML file that describes the run, see experiments/. Default: what fits --data."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder of the run; default: runs/NAME, of the TOML file or the data.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Points without labels: a file of vectors (CSV, Parquet, NPY, NPZ, safetensors) or a folder "
            "of images. With a TOML file, what it names: embeddings, or a folder with the four IDX files of "
            "the image data set, default: download them. See docs/data.md."
        ),
    ] = None,
    iterations: Annotated[
        int | None, typer.Option(min=1, help="Train so long; default: as the TOML file says, or 1600.")
    ] = None,
    wandb: Annotated[
        str | None,
        typer.Option(metavar="PROJECT", help="Send the scalars to Weights & Biases as well."),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that draw batches ahead; they pay where a GPU waits.")
    ] = 0,
) -> None:
    """Train a network on one's own points, or as a TOML file says.

    A run that was stopped goes on where it was when the command is given again; SIGTERM, as schedulers
    send it, stores the state and ends with exit code 143. The folder of the run is a checkpoint for the
    other commands; TensorBoard reads its scalars there.

    Example:  gfncp train --data embeddings.parquet
    """
    from gfncp.configuration_files import read_configuration
    from gfncp.own_data import configure
    from gfncp.training import train as run

    if config is not None:
        described, name = read_configuration(config), config.stem
        if iterations is not None:
            described = described.with_iterations(iterations)
    elif data is not None:
        described, name = configure(data, iterations), data.resolve().stem
    else:
        raise ValueError("train: name a TOML file, or your points with --data")
    folder = output or Path("runs") / name
    run(described, folder, data, wandb=wandb, workers=workers)
    console.print(f"Checkpoint and TensorBoard scalars in {folder}", markup=False, soft_wrap=True)


@app.command()
def evaluate(
    checkpoint: Checkpoint,
    sets: Annotated[int, typer.Option(min=1, help="Number of test sets.")] = 100,
    points: Annotated[
        int | None, typer.Option(min=2, help="Points in each set; default: 300, of embeddings test_points.")
    ] = None,
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
    from gfncp.checkpoints import write_text
    from gfncp.evaluation.evaluate import evaluate as run

    with console.status(f"Clustering {_count(sets, 'set')}"):
        result = run(checkpoint, sets, points, seed, data, exact)
    table = Table("method", "NMI", "ARI", f"K (true {result['true_clusters']:.1f})")
    for method in ("greedy", "exact"):
        if method in result:
            table.add_row(method, *(f"{value:.3f}" for value in result[method].values()))
    console.print(table)
    if record is not None:
        write_text(record, json.dumps(result, indent=2) + "\n")


@app.command()
def embed(
    source: Annotated[
        Path,
        typer.Argument(
            help="Folder of images, flat or with a sub-folder for each class; or sentences: TXT (one a "
            "line), CSV or Parquet (column text), or CLINC150's JSON."
        ),
    ],
    output: Annotated[Path, typer.Option(help="File to write, .safetensors.")] = Path("features.safetensors"),
    model: Annotated[
        str | None,
        typer.Option(
            help="Name on the Hugging Face Hub, or a folder; default: facebook/dino-vits16 for images, "
            "sentence-transformers/all-MiniLM-L6-v2 for sentences."
        ),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(
            help="Take only these sub-folders: imagenet-50, -100, -200, or a text file, one a line."
        ),
    ] = None,
    label_column: Annotated[str | None, typer.Option(help="Column of the sentences' classes.")] = None,
) -> None:
    """Turn images or sentences into vectors, by a network that was trained without labels.

    The file holds the vectors, x, and the names of their classes, y: to cluster, or to train on. Once
    stopped, the same command goes on where it was.

    Example:  gfncp embed ILSVRC2012/train --classes imagenet-50 --output imagenet-50.safetensors
    """
    from accelerate import Accelerator

    from gfncp.progress import counting
    from gfncp.sources import features, sentences

    if not source.exists():
        raise ValueError(f"{source}: there is no such file or folder")
    if source.is_dir() and label_column is not None:
        raise ValueError(f"--label-column={label_column}: the classes of images are their sub-folders")
    if not source.is_dir() and classes is not None:
        raise ValueError(f"--classes={classes}: accepted for folders of images only")
    device = Accelerator().device
    if source.is_dir():
        name = model or features.DINO
        held = features.list_classes(source, classes)
        encode = features.load_class_token(name).to(device)
        with counting(len(held.files), "images") as report:
            features.embed_images(held, output, encode, source=name, report=report)
    else:
        name = model or sentences.MINILM
        held = sentences.read_sentences(source, label_column)
        encode = sentences.load_sentence_transformer(name, device)
        with counting(len(held.texts), "sentences") as report:
            sentences.embed_sentences(held, output, encode, source=name, report=report)
    console.print(f"Written to {output}", markup=False, soft_wrap=True)


@app.command()
def reproduce(
    what: Annotated[str, typer.Argument(help="table2 ... table6, mixtures, fig1, fig3, fig4 or fig5.")],
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
    from gfncp.checkpoints import find, load, load_configuration, write_text
    from gfncp.evaluation import diagnose as diagnosis
    from gfncp.evaluation.diagnosis_report import pictures, table
    from gfncp.evaluation.evaluate import make_test_simulator

    model: Any = load(checkpoint)  # of one kind or another
    configuration = load_configuration(checkpoint)
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
    write_text(output / "diagnostics.json", text)
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
    from gfncp.configuration_files import to_toml
    from gfncp.validation import array_shape

    model: Any = load(checkpoint)  # of one kind or another
    folder = find(checkpoint)
    shape = array_shape(model.encoder.point_shape)
    parameters = sum(weight.numel() for weight in model.parameters())
    size = (folder / "model.safetensors").stat().st_size / 1e6
    console.print(f"[bold]{escape(folder.name)}[/bold] clusters arrays of shape {shape}")
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
