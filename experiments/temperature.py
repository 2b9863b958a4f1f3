"""The temperature at which a checkpoint's samples are as probable as the truth, stored in its configuration.

    python experiments/temperature.py CHECKPOINT

Labels of simulated sets and samples of an exact posterior given these sets are exchangeable, so their mean
log-probabilities are the same. A policy that runs free strays from the data, and its samples are less
probable than the truth (or, where it is too sure, more probable). Dividing its energies by a temperature
below 1 (above 1) makes up for that on average. Sets come from the simulator of validation, of 20 to 300
points, with streams of their own; those for a checkpoint of coresets from its prior, of up to 1000 points,
and they are clustered as those of users. The temperature is found by bisection on a logarithmic scale.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, cast

import numpy as np
import torch
import typer
from rich.console import Console

from gfncp.checkpoints import find, load, load_configuration, save_configuration
from gfncp.configuration import Configuration
from gfncp.configuration.data import CoresetData
from gfncp.estimators.coreset_inference import CoresetInference
from gfncp.evaluation.coreset_sets import draw_set, in_batches
from gfncp.seeds import seeded
from gfncp.training.preparation import make_simulators

STREAM = 2**31 + 13
SIZES = (20, 60, 128, 300)
SIZES_OF_CORESETS = (20, 100, 300, 1000)
LOWEST, HIGHEST, HALVINGS = 0.25, 4.0, 7
SETS_AT_ONCE = 50
SAMPLES = 8
console = Console(highlight=False)


Surprises = Callable[[], tuple[float, float]]  # mean -log p per point, of samples and of the truth


def surprises(
    model: torch.nn.Module, configuration: Configuration, data: Path | None, sets: int
) -> Surprises:
    """Draw sets from the simulator of validation; return a function of the model's present temperature."""
    _, simulate = make_simulators(configuration, model.encoder, data)
    held = []
    for points in SIZES:
        for first in range(0, sets, SETS_AT_ONCE):
            count = min(SETS_AT_ONCE, sets - first)
            held.append(simulate(count, points, seeded(0, STREAM, 0, points, first)))

    @torch.no_grad()
    def measure() -> tuple[float, float]:
        of_samples, of_truth = [], []
        for number, (x, labels) in enumerate(held):
            _, log_prob = model.sample(x, SAMPLES, seeded(0, STREAM, 1, number))
            of_samples.append(-log_prob.mean() / labels.shape[1])
            of_truth.append(-model.log_prob(x, labels).mean() / labels.shape[1])
        return float(torch.stack(of_samples).mean()), float(torch.stack(of_truth).mean())

    return measure


def surprises_of_coresets(inference: CoresetInference, sets: int) -> Surprises:
    """Draw sets from the prior; return a function of the network's present temperature.

    Sets of which a true cluster has no medoid are left out: the posterior holds the truth for impossible.
    """
    held = [draw_set(points, 0, number, STREAM) for points in SIZES_OF_CORESETS for number in range(sets)]

    def measure() -> tuple[float, float]:
        found = []
        for batch in in_batches(list(range(len(held)))):
            some = [held[place] for place in batch]
            given = [inference.given(each.x) for each in some]
            clustered = inference.cluster(given, SAMPLES, seeded(0, STREAM, 1, batch[0]))
            for each, own, (_, posterior) in zip(some, given, clustered, strict=True):
                truth = float(inference.log_prob(own, torch.from_numpy(each.labels)[None])[0])
                sampled = float(np.average(posterior.log_prob, weights=posterior.counts))
                if math.isfinite(truth):
                    found.append((-sampled / len(each.labels), -truth / len(each.labels)))
        of_samples, of_truth = np.mean(found, axis=0).tolist()
        return of_samples, of_truth

    return measure


def main(
    checkpoint: Annotated[str, typer.Argument(help="A checkpoint, whose config.json is written anew.")],
    data: Annotated[Path | None, typer.Option(help="Where its data lie, if it needs any.")] = None,
    sets: Annotated[int, typer.Option(min=1, help="Simulated sets of each size.")] = 100,
) -> None:
    """Find the temperature and store it."""
    configuration = load_configuration(checkpoint)
    if isinstance(configuration.data, CoresetData):
        inference = cast(CoresetInference, CoresetInference.of(checkpoint, None, 1, None, None))
        model, measure = inference.network, surprises_of_coresets(inference, sets)
    else:
        model = load(checkpoint)
        measure = surprises(model, configuration, data, sets)
    low, high = math.log(LOWEST), math.log(HIGHEST)
    for _ in range(HALVINGS):
        model.temperature = math.exp((low + high) / 2)
        of_samples, of_truth = measure()
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
