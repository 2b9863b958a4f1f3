"""Storage of a run as it goes, so that little is lost however it ends."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from torch import nn
from torch.optim import Optimizer

from gfncp.configuration import Configuration
from gfncp.training.finite import check_network_weights
from gfncp.training.run_state import store_if_best, store_run

MOST_LOST = 180  # seconds of training between two stored states, at most


@dataclass
class Keeper:
    """Stores the state of a run: every ``save_every`` steps, with a validation, and else where it is late.

    Args:
        model, optimizers: as they are after each step.
        validate: returns figures of the network on held-out sets, among them its ``loss``.
        report: is told the number of iterations done, and these figures or none, each time.
        stores: True in the one process that writes.
        iteration: number of iterations that the stored state has done.
    """

    configuration: Configuration
    folder: Path
    model: nn.Module
    optimizers: list[Optimizer]
    validate: Callable[[], dict[str, float]]
    report: Callable[[int, dict[str, float]], object]
    stores: bool
    iteration: int
    last: float = field(default_factory=monotonic)  # time of the last state

    @property
    def kept(self) -> str:
        """Sentence on what the run can go on from."""
        return f"{self.folder} keeps the state of iteration {self.iteration}"

    def after(self, done: int, ends: bool) -> None:
        """Store the state after ``done`` iterations, if it is due, late, or the last because the run ends.

        Raises:
            FloatingPointError: a weight is not finite; the earlier state is kept.
        """
        options = self.configuration.training
        due = done % options.save_every == 0 or done == options.iterations
        late = self.stores and monotonic() - self.last >= MOST_LOST
        if not (due or late or ends):
            return
        if self.stores:
            check_network_weights(self.model, done - 1, self.kept)
            figures = self.validate() if due else {}
            if due and options.keep == "lowest-loss":
                store_if_best(self.model, self.folder, figures["loss"])
            self.report(done, figures)
            store_run(self.model, self.optimizers, self.configuration, self.folder, done)
            self.last = monotonic()
        self.iteration = done
