"""What a long run shows while it goes on: a progress bar, and scalars for TensorBoard."""

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


@contextmanager
def scalars(
    accelerator: Accelerator, folder: Path, start: int
) -> Iterator[Callable[[str, float, int], object]]:
    """What writes a scalar for TensorBoard, in the main process alone.

    A resumed run replaces the scalars of the iterations that it repeats.
    """
    if accelerator.is_main_process:
        with SummaryWriter(str(folder), purge_step=start + 1) as board:
            yield board.add_scalar
    else:
        yield lambda name, value, step: None


class Rate(ProgressColumn):
    """Iterations per second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.1f} it/s")


@contextmanager
def counting(total: int, name: str) -> Iterator[Callable[[int], None]]:
    """A bar for items that are done one after the other; what it yields takes their number."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task(name, total=total)
        yield lambda done: bar.update(task, completed=done)


def progress(accelerator: Accelerator) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.4f}"),
        TimeRemainingColumn(),
        Rate(),
        disable=not accelerator.is_main_process,
    )
