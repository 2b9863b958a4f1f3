"""Display of a long run: a progress bar, and scalars for TensorBoard and W&B."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from accelerate import Accelerator
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text
from torch.utils.tensorboard import SummaryWriter

from gfncp.extras import extra

WriteScalar = Callable[[str, float, int], object]  # name, value and iteration


@contextmanager
def scalars(
    accelerator: Accelerator, folder: Path, start: int, project: str | None = None
) -> Iterator[WriteScalar]:
    """Yield a function that writes scalars for TensorBoard, in the main process alone.

    A resumed run replaces the scalars of the iterations that it repeats.

    Args:
        project: of Weights & Biases, which gets the scalars as well; a resumed run goes on there.

    Raises:
        ValueError: there is a ``project``, but Weights & Biases is not installed.
    """
    if not accelerator.is_main_process:
        yield lambda name, value, step: None
        return
    with SummaryWriter(str(folder), purge_step=start + 1) as board:
        if project is None:
            yield board.add_scalar
            return
        with _weights_and_biases(folder, project) as log:

            def write(name: str, value: float, step: int) -> None:
                board.add_scalar(name, value, step)
                log(name, value, step)

            yield write


@contextmanager
def _weights_and_biases(folder: Path, project: str) -> Iterator[WriteScalar]:
    with extra("wandb", f"wandb={project!r}"):
        import wandb  # pyright: ignore[reportMissingImports]  # an extra
    folder = Path(folder).resolve()
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]  # the same when the run is resumed
    with wandb.init(project=project, name=folder.name, id=name, dir=str(folder), resume="allow") as run:
        yield lambda name, value, step: run.log({name: value}, step=step)


class Rate(ProgressColumn):
    """Iterations per second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.1f} it/s")


def progress(accelerator: Accelerator) -> Progress:
    """Return the progress bar, shown by the main process alone."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.4f}"),
        TimeRemainingColumn(),
        Rate(),
        disable=not accelerator.is_main_process,
    )
