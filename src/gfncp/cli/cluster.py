"""`gfncp cluster`: the posterior over clusterings of the points in files."""

import shlex
from pathlib import Path
from time import perf_counter
from typing import Annotated, Literal

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gfncp.cli.early_checks import check_labels_file, check_paths
from gfncp.cli.importing import without_collection
from gfncp.cli.shared import console, count
from gfncp.cli.table_options import TableOptions
from gfncp.output_folder import FILES
from gfncp.shipped import DEFAULT, find


def cluster(
    *,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Points: CSV, TSV or TXT (with a header; also packed as .gz) or Parquet, NPY, NPZ or "
            "safetensors with an array x, or a folder of images. Several files are clustered separately.",
        ),
    ],
    checkpoint: Annotated[
        str | None,
        typer.Option(
            help="Name of a shipped checkpoint, or a folder. Default: general; for images mnist, "
            "fashion-mnist or omniglot, whichever was trained on images like these.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("gfncp-output"),
    labels: Annotated[
        str | None,
        typer.Option(
            help="Name of the file of labels, ending in .csv or .parquet. Default: labels.csv.",
            show_default=False,
        ),
    ] = None,
    samples: Annotated[
        int, typer.Option(min=1, help="Number of clusterings to sample from the posterior.")
    ] = 100,
    k: Annotated[
        str | None, typer.Option("--k", metavar="K|LOW:HIGH", help="Known number of clusters, or its bounds.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the samples.")] = 0,
    device: Annotated[
        str | None, typer.Option(help="Device of the network, such as cpu or cuda.", show_default=False)
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(help="Number of threads, -1 for all cores.", show_default=False)
    ] = None,
    table: TableOptions,
    set_column: Annotated[
        str | None,
        typer.Option(help="Column (NPZ: array) with the set of each point; sets are clustered separately."),
    ] = None,
    known_column: Annotated[
        str | None,
        typer.Option(
            help="Column (NPZ: array) with known labels, -1 or empty where unknown: rows with equal labels "
            "share a cluster, rows with different labels do not.",
            show_default=False,
        ),
    ] = None,
    weight_column: Annotated[
        str | None,
        typer.Option(
            help="Column (NPZ: array) with the weight of each row: how often it counts.", show_default=False
        ),
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out unreadable images; a note names them.")
    ] = False,
    invert: Annotated[
        bool, typer.Option("--invert", help="Exchange light and dark in images, such as ink on paper.")
    ] = False,
    scale: Annotated[
        Literal["auto", "columns", "none", "unit-length"],
        typer.Option(
            help="How to bring columns to one unit: standardise each (columns), change nothing because they "
            "share a unit (none), or scale each row to length 1 (unit-length); auto decides by a rule."
        ),
    ] = "auto",
    categorical_weight: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Weight of a category or flag; 1 is that of a numeric column, 0 leaves them out. Default: "
            "0.1 beside numeric columns.",
            show_default=False,
        ),
    ] = None,
    min_cluster_size: Annotated[
        int,
        typer.Option(min=1, help="Merge smaller clusters into the one that they most probably belong to."),
    ] = 1,
    noise: Annotated[bool, typer.Option("--noise", help="Label points that are probably noise -1.")] = False,
    no_pictures: Annotated[
        bool, typer.Option("--no-pictures", help="Write neither clusters.png nor explore.html.")
    ] = False,
    engine: Annotated[
        Literal["local", "ray"],
        typer.Option(
            help="local, or ray to cluster many sets in Parquet files on a Ray cluster, see docs/scale.md."
        ),
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(help="Address of the Ray cluster; default: this machine.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Number of Ray actors, each on a core or GPU; default: 1.", show_default=False
        ),
    ] = None,
) -> None:
    """Cluster the points of a file, with the posterior over all their clusterings.

    Missing values are filled in, columns of categories become coordinates, and columns that name or count the
    rows are left out; notes say which. Prints a summary, and writes:
    labels.csv, the cluster of each point and how sure it is;
    posterior.npz, sampled clusterings, their log-probabilities and counts;
    clusters.png, a picture of both;
    report.html, all of it on one page;
    explore.html, for one set, a page to browse the points and sampled clusterings;
    files.json, the names of these files: the next run removes those that it does not write again.

    Example:  gfncp cluster points.csv --checkpoint mog-2d --output result
    """
    told_columns = {"known-column": known_column, "weight-column": weight_column}
    of_engine = {
        "ray": {"address": address, "workers": workers},
        "local": {
            "jobs": jobs,
            "labels": labels,
            "no-pictures": no_pictures or None,
            "skip-bad": skip_bad or None,
            "invert": invert or None,
        }
        | told_columns
        | table.of_reading,
    }
    other = "ray" if engine == "local" else "local"
    for name, value in of_engine[other].items():
        if value is not None:
            raise ValueError(f"--{name}={value}: accepted with --engine {other} only")
    labels = labels or "labels.csv"
    check_labels_file(labels)
    if skip_bad and not any(path.is_dir() for path in files):
        raise ValueError("--skip-bad: accepted for folders of images only")
    bounds = _bounds(k)
    if engine == "local":
        check_paths(files, output, (labels, *FILES))
    if checkpoint is not None:
        find(checkpoint)

    with without_collection():
        import warnings

        import numpy as np

        from gfncp.checkpoints import load_configuration
        from gfncp.cli.printed import print_answer, print_answers, print_notes
        from gfncp.cli.told_columns import read_told_sets
        from gfncp.clustering_report import MOST_PICTURES, Report, Result
        from gfncp.data.column_uses import EMPTY, describe_columns
        from gfncp.data.point_sets import invert_set
        from gfncp.estimators.gfncp import GFNCP
        from gfncp.estimators.image_range import choose_checkpoint

    roles, reading = table.roles(set_column), table.reading()
    parameters = {
        "n_samples": samples,
        "n_clusters": bounds,
        "random_state": seed,
        "device": device,
        "scale": scale,
        "categorical_weight": categorical_weight,
        "min_cluster_size": min_cluster_size,
        "noise": "label" if noise else None,
    }
    if engine == "ray":
        named = {"checkpoint": checkpoint or DEFAULT}
        _cluster_on_ray(files, roles, named | parameters, output, address, workers or 1)
        return
    with warnings.catch_warnings(record=True) as read:
        warnings.filterwarnings("always", category=UserWarning)
        sets, told = read_told_sets(files, roles, known_column, weight_column, reading, skip_bad)
    if invert:
        sets = [invert_set(each) for each in sets]
    chosen = f"Checkpoint: {find(checkpoint or DEFAULT).name}"
    if checkpoint is None and all(each.points.ndim == 3 for each in sets):
        checkpoint = choose_checkpoint([np.asarray(each.points) for each in sets])
        chosen = (
            f"Checkpoint: {checkpoint}, which was trained on images like these; --checkpoint names another"
        )
    checkpoint = checkpoint or DEFAULT
    for name, value in told_columns.items():
        if value is not None and not load_configuration(checkpoint).summarises:
            raise ValueError(
                f"--{name}={value}: accepted with checkpoints of coresets (network.kind = 'coreset-energy'), "
                f"not with {checkpoint!r}"
            )
    estimator = GFNCP(checkpoint, n_jobs=jobs, **parameters)
    settings = {"checkpoint": find(checkpoint).name, "samples": samples, "K": k or "any", "seed": seed}
    others = told_columns | {
        "columns": table.columns,
        "categories": table.categories,
        "log": table.log,
        "min-cluster-size": None if min_cluster_size == 1 else min_cluster_size,
        "noise": "labelled -1" if noise else None,
    }
    settings |= {name.replace("-", " "): value for name, value in others.items() if value is not None}
    start = perf_counter()
    with _progress() as bar:
        task = bar.add_task(f"Clustering {count(len(sets), 'set')}", total=len(sets))
        with warnings.catch_warnings(record=True) as caught:
            warnings.filterwarnings("always", category=UserWarning)
            points = [each.points for each in sets]
            try:
                models = estimator.fit_sets(points, lambda count: bar.advance(task, count), **told)
            except ValueError as error:
                raise ValueError(str(error).replace(f"n_clusters={bounds!r}", f"--k {k!r}")) from None
        clustered = perf_counter()
        results = [Result(each, model) for each, model in zip(sets, models, strict=True)]
        task = bar.add_task("Writing files and pictures", total=len(sets))
        undrawn = _missing_drawing()
        pictured = 0 if no_pictures or undrawn else MOST_PICTURES
        report = Report(results, settings, labels, pictured, paged=not undrawn)
        report.write(output, kept=files, done=lambda: bar.advance(task))
    seconds = f"{clustered - start:.1f} s; files and pictures: {perf_counter() - clustered:.1f} s"

    said = [str(warning.message) for warning in [*read, *caught]]
    used = [line for result in results for line in describe_columns(result.columns)]
    print_notes([*said, chosen, *(note for each in sets for note in each.notes), *used, *undrawn])
    names = [each.name for each in sets[0].columns if each.used == "left out" and each.why != EMPTY]
    if names and table.id_column is None:
        hint = f"--id-column {shlex.quote(names[0])} names the points by it in {labels}"
        print_notes([f"{hint}; --columns chooses what is clustered by"])
    if len(results) == 1:
        print_answer(results[0], samples, seconds)
    else:
        print_answers(results, pictured, seconds)
    console.print(f"Written to {output}: {', '.join(report.names)}", markup=False, soft_wrap=True)


def _missing_drawing() -> list[str]:
    """Return a note that pictures and the report are left out, if the packages that draw are missing."""
    from gfncp.clustering_report import check_drawing
    from gfncp.extras import MissingExtra

    try:
        check_drawing()
    except MissingExtra as error:
        return [f"left out: {error}"]
    return []


def _progress() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    return Progress(*columns, console=console, transient=True)


def _cluster_on_ray(
    files: list[Path], roles, parameters: dict, output: Path, address: str | None, workers: int
) -> None:
    from gfncp.ray_engine import cluster_sets

    start = perf_counter()
    with console.status("Clustering on Ray") as status:
        names: list[object] = []

        def done(row: dict) -> None:
            names.append(row["set"])
            status.update(f"Clustering on Ray: {count(len(names), 'set')} done")

        cluster_sets(files, roles, parameters, output, workers=workers, address=address, done=done)
    console.print(f"{count(len(names), 'set')} in {perf_counter() - start:.1f} s; existing results were kept")
    console.print(f"Written to {output}: a Parquet file for each set", markup=False, soft_wrap=True)


def _bounds(k: str | None) -> int | tuple[int, int] | None:
    """Read ``--k``: a number, or LOW:HIGH."""
    if k is None:
        return None
    try:
        low, *high = (int(part) for part in k.split(":"))
    except ValueError:
        low, high = 0, []
    if low < 1 or len(high) > 1 or min([low, *high]) < low:
        raise ValueError(
            f"--k {k!r}: accepted is a number of clusters, such as 3, or bounds, such as 2:5, the lower first"
        )
    return (low, high[0]) if high else low
