"""Figures of a training run as it goes: on the progress bar, as scalars, and in printed lines."""

from jaxtyping import Float
from rich.progress import Progress
from torch import Tensor

from gfncp.training.progress import WriteScalar
from gfncp.training.throughput import Throughput


class Log:
    """Figures of each step, of validations, and of speed.

    Args:
        throughput: times the steps; it is told their numbers of sets here.
        start: number of iterations that earlier calls did.
        iterations: number of iterations in all.
    """

    def __init__(
        self, bar: Progress, write: WriteScalar, throughput: Throughput, start: int, iterations: int
    ) -> None:
        self.bar = bar
        self.write = write
        self.throughput = throughput
        self.task = bar.add_task("training", total=iterations, completed=start, loss=float("nan"))

    def step(self, done: int, terms: dict[str, Float[Tensor, "batches"]]) -> None:
        """Show the loss and write all terms of a step, averaged over its batches.

        Args:
            terms: those of the objective, and ``sets``, the number of sets.
        """
        for name, values in terms.items():
            if name == "sets":
                self.throughput.sets += int(values.sum())
            else:
                self.write(f"training/{name}", values.mean().item(), done)
        self.bar.update(self.task, advance=1, loss=terms["loss"].mean().item())

    def report(self, done: int, validation: dict[str, float]) -> None:
        """Write and print the figures of a validation, which may be none, and the speed of training."""
        for name, value in validation.items():
            self.write(f"validation/{name}", value, done)
            self.bar.console.print(f"iteration {done}: validation {name} {value:.3f}")
        speed = self.throughput.report()
        for name, value in speed.items():
            self.write(f"speed/{name}", value, done)
        sets, share = speed["sets_per_second"], speed["share_of_peak"]
        self.bar.console.print(f"iteration {done}: {sets:.0f} sets/s, {share:.1%} of the peak")
