"""`gfncp train`: training on the user's own points, or from a TOML file."""

from pathlib import Path
from typing import Annotated

import typer

from gfncp.cli.shared import console
from gfncp.cli.table_options import FileOptions
from gfncp.extras import extra


def train(
    *,
    config: Annotated[
        Path | None,
        typer.Argument(
            help="TOML file that describes the run, see experiments/. Default: settings for --data."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder of the run; default: runs/NAME, after the TOML file or the data."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Points without labels: a file of vectors (CSV, Parquet, NPY, NPZ, safetensors) or a folder "
            "of images. With a TOML file, the data that it names: embeddings, or a folder with the four IDX "
            "files of the image data set (default: download them). See docs/data.md."
        ),
    ] = None,
    iterations: Annotated[
        int | None,
        typer.Option(min=1, help="Number of training iterations; default: that of the TOML file, or 1600."),
    ] = None,
    file: FileOptions,
    wandb: Annotated[
        str | None,
        typer.Option(metavar="PROJECT", help="Also send the scalars to Weights & Biases."),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            min=0, help="Number of processes that draw batches ahead, useful where a GPU waits for data."
        ),
    ] = 0,
) -> None:
    """Train a network on your own points, or as a TOML file says.

    Give the same command again to resume a stopped run; Ctrl-C, and SIGTERM from a scheduler, store the
    state first. The folder of the run is a checkpoint for the other commands, and holds scalars for
    TensorBoard. Without a TOML file, it also keeps the points of a file, as points.safetensors.

    Example:  gfncp train --data embeddings.parquet
    """
    from gfncp.configuration.toml_files import read_configuration

    with extra("train", "gfncp train"):
        from gfncp.training.own_points import describe_run, read_own_points, store
        from gfncp.training.run_state import unless_refused
        from gfncp.training.train import train as run

    reading = file.reading()
    alone = config is None and data is not None and not data.is_dir()
    if file.said and not alone:
        raise ValueError(f"{file}: accepted with --data FILE, without a TOML file")
    points = None
    if config is not None:
        described, name = read_configuration(config), config.stem
        if iterations is not None:
            described = described.with_iterations(iterations)
    elif data is not None:
        points, name = read_own_points(data, reading), data.resolve().stem
        described = describe_run(points, str(data), iterations)
    else:
        raise ValueError("train: name a TOML file, or your points with --data")
    folder = output or Path("runs") / name
    with unless_refused(folder):
        source = store(points.numpy(), folder) if alone and points is not None else data
        run(described, folder, source, wandb=wandb, workers=workers)
    console.print(f"Checkpoint and TensorBoard scalars in {folder}", markup=False, soft_wrap=True)
