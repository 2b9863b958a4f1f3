"""The temperature at which a checkpoint's samples are as probable as the truth, put in its configuration.

    python experiments/temperature.py CHECKPOINT
    python experiments/temperature.py CHECKPOINT --points 300
    python experiments/temperature.py CHECKPOINT --points 20 --points 100 --points 300 --each --compare means

Labels of simulated sets and samples of an exact posterior given these sets are exchangeable: half of the
samples are less probable than the truth, on average. A policy that runs free strays from the data, and most
of its samples are less probable (or, where it is too sure, more probable). Dividing its energies by a
temperature below 1 (above 1) makes up for that. Ranks are compared, unless told, not means of
log-probabilities, which a few improbable truths may decide. Sets come from the simulator of validation, of
100 or 300 points unless told, with streams of their own. Those for a checkpoint of coresets come from its
prior, or are classes held out of training, in sizes of a diagnosis, and are clustered as those of users. The
temperature is found by bisection on a logarithmic scale. The larger the sets, the lower it is: ``--each``
finds one for each size.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
import typer
from jaxtyping import Float
from rich.console import Console
from torch import Tensor

from gfncp.checkpoints import find, load, load_configuration, save_configuration
from gfncp.configuration import Configuration
from gfncp.estimators.coreset_inference import CoresetInference
from gfncp.evaluation.coreset_sets import SimulatedSet
from gfncp.evaluation.subjects import coreset_inference, default_sizes, make_draw
from gfncp.networks.temperature import Temperature
from gfncp.seeds import seeded

STREAM = 2**31 + 13
SIZES = (100, 300)  # in smaller sets a policy strays less
LOWEST, HIGHEST, HALVINGS = 0.25, 4.0, 7
SETS_AT_ONCE = 50
SAMPLES = 8
TIE = 1e-6  # of log-probabilities of one clustering, by rounding
console = Console(highlight=False)


Compare = Callable[[Float[Tensor, "sets"], Float[Tensor, "sets samples"]], Float[Tensor, "sets"]]
Excess = Callable[[], float]  # how much more probable the truth is than samples, 0 if exchangeable


def rank_excess(
    truth: Float[Tensor, "sets"], samples: Float[Tensor, "sets samples"]
) -> Float[Tensor, "sets"]:
    """Return the share of samples less probable than the truth, ties half, minus a half."""
    below = (samples < truth[:, None] - TIE).double() + (samples <= truth[:, None] + TIE)
    return below.mean(1) / 2 - 0.5


def mean_excess(
    truth: Float[Tensor, "sets"], samples: Float[Tensor, "sets samples"]
) -> Float[Tensor, "sets"]:
    """Return the truth's log-probability less the mean of each set's samples, in nats."""
    return truth.double() - samples.double().mean(1)


COMPARE: dict[str, Compare] = {"ranks": rank_excess, "means": mean_excess}


def excess_of_points(
    model: torch.nn.Module,
    configuration: Configuration,
    data: Path | None,
    sets: int,
    sizes: Sequence[int],
    compare: Compare,
) -> Excess:
    """Draw sets from the simulator of validation; return a function of the model's present temperature."""
    simulate = configuration.data.make_simulators(model.encoder, data, configuration.seed).validation
    held = []
    for points in sizes:
        for first in range(0, sets, SETS_AT_ONCE):
            count = min(SETS_AT_ONCE, sets - first)
            held.append(simulate(count, points, seeded(0, STREAM, 0, points, first)))

    @torch.no_grad()
    def measure() -> float:
        found = []
        for number, (x, labels) in enumerate(held):
            _, log_prob = model.sample(x, SAMPLES, seeded(0, STREAM, 1, number))
            found.append(compare(model.log_prob(x, labels), log_prob))
        return float(torch.cat(found).mean())

    return measure


def excess_of_coresets(inference: CoresetInference, held: list[SimulatedSet], compare: Compare) -> Excess:
    """Return a function of the network's present temperature.

    Sets of which a true cluster has no medoid are left out: the posterior holds the truth for impossible.
    """
    given = [inference.given(each.x) for each in held]

    def measure() -> float:
        found = []
        for batch in inference.batches(given):
            some = [given[place] for place in batch]
            clustered = inference.cluster(some, SAMPLES, seeded(0, STREAM, 1, batch[0]))
            for place, own, (_, posterior) in zip(batch, some, clustered, strict=True):
                truth = torch.from_numpy(inference.log_prob(own, torch.from_numpy(held[place].labels)[None]))
                drawn = torch.from_numpy(np.repeat(posterior.log_prob, posterior.counts))[None]
                if bool(truth.isfinite()):
                    found.append(compare(truth, drawn))
        return float(torch.cat(found).mean())

    return measure


def fitted(model: torch.nn.Module, measure: Excess) -> float:
    """Return the temperature at which samples and truth are exchangeable."""
    low, high = math.log(LOWEST), math.log(HIGHEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        model.temperature = math.exp(middle)
        excess = measure()
        console.print(f"temperature {model.temperature:.3f}: excess of the truth {excess:+.3f}")
        low, high = (low, middle) if excess > 0 else (middle, high)
    return round(math.exp((low + high) / 2), 3)


def main(
    checkpoint: Annotated[str, typer.Argument(help="A checkpoint, whose config.json is written anew.")],
    data: Annotated[Path | None, typer.Option(help="Where its data lie, if it needs any.")] = None,
    sets: Annotated[int, typer.Option(min=1, help="Simulated sets of each size.")] = 100,
    points: Annotated[list[int] | None, typer.Option(min=2, help="Sizes of sets.")] = None,
    each: Annotated[
        bool, typer.Option("--each", help="A temperature for each size, not one for all.")
    ] = False,
    compare: Annotated[
        Literal["ranks", "means"], typer.Option(help="What of log-probabilities is compared.")
    ] = "ranks",
) -> None:
    """Find the temperature and store it."""
    configuration = load_configuration(checkpoint)
    if configuration.summarises:
        inference = coreset_inference(checkpoint, configuration)
        model, draw = inference.network, make_draw(configuration, inference.network.encoder, data)
        sizes = points or default_sizes(configuration)

        def excess(some: Sequence[int]) -> Excess:
            held = [draw(size, 0, number, STREAM) for size in some for number in range(sets)]
            return excess_of_coresets(inference, held, COMPARE[compare])
    else:
        model = load(checkpoint)
        sizes = points or [size for size in SIZES if size <= configuration.training.points[1]]

        def excess(some: Sequence[int]) -> Excess:
            return excess_of_points(model, configuration, data, sets, some, COMPARE[compare])

    found: Temperature
    if each:
        found = tuple((size, fitted(model, excess([size]))) for size in sorted(sizes))
    else:
        found = fitted(model, excess(sizes))
    save_configuration(configuration.model_copy(update={"temperature": found}), find(checkpoint))
    console.print(f"{find(checkpoint)}: temperature = {found}", markup=False)


if __name__ == "__main__":
    typer.run(main)
