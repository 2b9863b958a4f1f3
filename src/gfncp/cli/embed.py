"""`gfncp embed`: images or sentences as vectors."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from gfncp.cli.shared import console


def embed(
    source: Annotated[
        Path,
        typer.Argument(
            help="Folder of images, flat or with a sub-folder for each class; or sentences: TXT (one per "
            "line), CSV or Parquet (column text), or the JSON file of CLINC150."
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
            help="Take only some sub-folders: imagenet-50, -100 or -200, or a text file with one per line."
        ),
    ] = None,
    label_column: Annotated[
        str | None, typer.Option(help="Column with the classes of the sentences.")
    ] = None,
) -> None:
    """Turn images or sentences into vectors, by a network that was trained without labels.

    The file holds the vectors, x, and their classes, y; it can be clustered or trained on. Give the same
    command again to resume a stopped one.

    Example:  gfncp embed ILSVRC2012/train --classes imagenet-50 --output imagenet-50.safetensors
    """
    import torch

    from gfncp.data import features, sentences
    from gfncp.training.interruption import stopping_at_once

    if not source.exists():
        raise ValueError(f"{source}: there is no such file or folder")
    if source.is_dir() and label_column is not None:
        raise ValueError(f"--label-column={label_column}: the classes of images are their sub-folders")
    if not source.is_dir() and classes is not None:
        raise ValueError(f"--classes={classes}: accepted for folders of images only")
    device = torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")

    def say() -> None:
        console.print(
            "stopped; what is done is kept, and the same command goes on from there", soft_wrap=True
        )

    if source.is_dir():
        name = model or features.DINO
        held = features.list_classes(source, classes)
        encode = features.load_class_token(name).to(device)
        with counting(len(held.files), "images") as report, stopping_at_once(say):
            features.embed_images(held, output, encode, source=name, report=report)
    else:
        name = model or sentences.MINILM
        held = sentences.read_sentences(source, label_column)
        encode = sentences.load_sentence_transformer(name, device)
        with counting(len(held.texts), "sentences") as report, stopping_at_once(say):
            sentences.embed_sentences(held, output, encode, source=name, report=report)
    console.print(f"Written to {output}", markup=False, soft_wrap=True)


@contextmanager
def counting(total: int, name: str) -> Iterator[Callable[[int], None]]:
    """Yield a function that sets the number of finished items on a progress bar."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task(name, total=total)
        yield lambda done: bar.update(task, completed=done)
