"""The temperature at which the truth ranks in the middle of a checkpoint's samples, put in its configuration.

    python experiments/temperature.py CHECKPOINT
    python experiments/temperature.py CHECKPOINT --points 300
    python experiments/temperature.py CHECKPOINT --points 20 --points 100 --points 300 --each

Labels of simulated sets and samples of an exact posterior given these sets are exchangeable: half of the
samples are less probable than the truth, on average. A policy that runs free strays from the data, and most
of its samples are less probable (or, where it is too sure, more probable). Dividing its energies by a
temperature below 1 (above 1) makes up for that. Ranks are compared, not means of log-probabilities, which a
few improbable truths decide. Sets come from the simulator of validation, of 100 or 300 points unless told,
with streams of their own. Those for a checkpoint of coresets come from its prior, or are classes held out of
training, in sizes of a diagnosis, and are clustered as those of users. The temperature is found by bisection
on a logarithmic scale. The larger the sets, the lower it is: ``--each`` finds one for each size.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

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


Rank = Callable[[], float]  # mean share of the samples that are less probable than the truth, ties by half


def share_below(
    truth: Float[Tensor, "sets"], samples: Float[Tensor, "sets samples"]
) -> Float[Tensor, "sets"]:
    """Return the share of each set's samples that are less probable than the truth, ties by half."""
    return ((samples < truth[:, None] - TIE).double() + (samples <= truth[:, None] + TIE)).mean(1) / 2


def rank_of_points(
    model: torch.nn.Module, configuration: Configuration, data: Path | None, sets: int, sizes: Sequence[int]
) -> Rank:
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
            found.append(share_below(model.log_prob(x, labels), log_prob))
        return float(torch.cat(found).mean())

    return measure


def rank_of_coresets(inference: CoresetInference, held: list[SimulatedSet]) -> Rank:
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
                    found.append(share_below(truth, drawn))
        return float(torch.cat(found).mean())

    return measure


def fitted(model: torch.nn.Module, measure: Rank) -> float:
    """Return the temperature at which the truth ranks in the middle."""
    low, high = math.log(LOWEST), math.log(HIGHEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        model.temperature = math.exp(middle)
        rank = measure()
        console.print(f"temperature {model.temperature:.3f}: {rank:.3f} of the samples below the truth")
        low, high = (low, middle) if rank > 0.5 else (middle, high)
    return round(math.exp((low + high) / 2), 3)


def main(
    checkpoint: Annotated[str, typer.Argument(help="A checkpoint, whose config.json is written anew.")],
    data: Annotated[Path | None, typer.Option(help="Where its data lie, if it needs any.")] = None,
    sets: Annotated[int, typer.Option(min=1, help="Simulated sets of each size.")] = 100,
    points: Annotated[list[int] | None, typer.Option(min=2, help="Sizes of sets.")] = None,
    each: Annotated[
        bool, typer.Option("--each", help="A temperature for each size, not one for all.")
    ] = False,
) -> None:
    """Find the temperature and store it."""
    configuration = load_configuration(checkpoint)
    if configuration.summarises:
        inference = coreset_inference(checkpoint, configuration)
        model, draw = inference.network, make_draw(configuration, inference.network.encoder, data)
        sizes = points or default_sizes(configuration)

        def rank(some: Sequence[int]) -> Rank:
            held = [draw(size, 0, number, STREAM) for size in some for number in range(sets)]
            return rank_of_coresets(inference, held)
    else:
        model = load(checkpoint)
        sizes = points or [size for size in SIZES if size <= configuration.training.points[1]]

        def rank(some: Sequence[int]) -> Rank:
            return rank_of_points(model, configuration, data, sets, some)

    found: Temperature
    if each:
        found = tuple((size, fitted(model, rank([size]))) for size in sorted(sizes))
    else:
        found = fitted(model, rank(sizes))
    save_configuration(configuration.model_copy(update={"temperature": found}), find(checkpoint))
    console.print(f"{find(checkpoint)}: temperature = {found}", markup=False)


if __name__ == "__main__":
    typer.run(main)
