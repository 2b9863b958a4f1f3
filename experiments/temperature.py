"""The temperature at which a checkpoint's samples are as probable as the truth, stored in its configuration.

    python experiments/temperature.py CHECKPOINT

Labels of simulated sets and samples of an exact posterior given these sets are exchangeable, so their mean
log-probabilities are the same. A policy that runs free strays from the data, and its samples are less
probable than the truth (or, where it is too sure, more probable). Dividing its energies by a temperature
below 1 (above 1) makes up for that on average. Sets come from the simulator of validation, of 20 to 300
points, with streams of their own. The temperature is found by bisection on a logarithmic scale.
"""

import math
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console

from gfncp.checkpoints import find, load, load_configuration, save_configuration
from gfncp.seeds import seeded
from gfncp.training.preparation import make_simulators

STREAM = 2**31 + 13
SIZES = (20, 60, 128, 300)
LOWEST, HIGHEST, HALVINGS = 0.25, 4.0, 7
SETS_AT_ONCE = 50
SAMPLES = 8
console = Console(highlight=False)


@torch.no_grad()
def surprises(model: torch.nn.Module, sets: list[tuple]) -> tuple[float, float]:
    """Mean -log p of samples and of the truth, each set's divided by its number of points."""
    of_samples, of_truth = [], []
    for number, (x, labels, mask) in enumerate(sets):
        points = labels.shape[1] if mask is None else mask.sum(1)
        _, log_prob = model.sample(x, SAMPLES, seeded(0, STREAM, 1, number), mask)
        of_samples.append((-log_prob.mean(1) / points).mean())
        of_truth.append((-model.log_prob(x, labels, mask) / points).mean())
    return float(torch.stack(of_samples).mean()), float(torch.stack(of_truth).mean())


def main(
    checkpoint: Annotated[str, typer.Argument(help="A checkpoint, whose config.json is written anew.")],
    data: Annotated[Path | None, typer.Option(help="Where its data lie, if it needs any.")] = None,
    sets: Annotated[int, typer.Option(min=1, help="Simulated sets of each size.")] = 100,
) -> None:
    """Find the temperature and store it."""
    model, configuration = load(checkpoint), load_configuration(checkpoint)
    _, simulate = make_simulators(configuration, model.encoder, data)
    held = []
    for points in SIZES:
        for first in range(0, sets, SETS_AT_ONCE):
            count = min(SETS_AT_ONCE, sets - first)
            x, labels, *rest = simulate(count, points, seeded(0, STREAM, 0, points, first))
            held.append((x, labels, rest[0] if rest else None))
    low, high = math.log(LOWEST), math.log(HIGHEST)
    for _ in range(HALVINGS):
        model.temperature = math.exp((low + high) / 2)
        of_samples, of_truth = surprises(model, held)
        console.print(
            f"temperature {model.temperature:.3f}: -log p of a point {of_samples:.4f} in samples, "
            f"{of_truth:.4f} in the truth"
        )
        middle = (low + high) / 2
        low, high = (low, middle) if of_samples > of_truth else (middle, high)
    found = round(math.exp((low + high) / 2), 3)
    save_configuration(configuration.model_copy(update={"temperature": found}), find(checkpoint))
    console.print(f"{find(checkpoint)}: temperature = {found}", markup=False)


if __name__ == "__main__":
    typer.run(main)
