"""The temperature at which a checkpoint's samples are as probable as the truth, put in its configuration.

    python experiments/temperature.py CHECKPOINT
    python experiments/temperature.py CHECKPOINT --points 300
    python experiments/temperature.py CHECKPOINT --points 20 --points 100 --points 300 --each

Labels of simulated sets and samples of an exact posterior given these sets are exchangeable: half of the
samples are less probable than the truth, on average. A policy that runs free strays from the data, and most
of its samples are less probable (or, where it is too sure, more probable). Dividing its energies by a
temperature below 1 (above 1) makes up for that. Ranks are compared, unless told, not means of
log-probabilities, which a few improbable truths may decide. Sets come from the simulator of validation, of
100 or 300 points unless told, with streams of their own. Those for a checkpoint of coresets come from its
prior, or are classes held out of training, in sizes of a diagnosis, and are clustered as those of users. The
temperature is found by bisection on a logarithmic scale. It may depend on the size of the sets: ``--each``
finds one for each size.

A network of points runs free at temperature 1: its draws, with other weights, stand for those at another
temperature, as in `gfncp.decoding.pool`. Where the one that is found is far from 1, it runs free there again.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
import typer
from jaxtyping import Float, Int
from rich.console import Console
from torch import Tensor

from gfncp.checkpoints import find, load, load_configuration, save_configuration
from gfncp.decoding import orders
from gfncp.estimators.coreset_inference import CoresetInference
from gfncp.estimators.inference import usual_pool
from gfncp.evaluation.coreset_sets import SimulatedSet
from gfncp.evaluation.subjects import coreset_inference, default_sizes, make_draw
from gfncp.networks.energy import Encoding, EnergyNetwork
from gfncp.networks.temperature import Temperature
from gfncp.partitions import canonical_labels
from gfncp.seeds import seeded

STREAM = 2**31 + 13
SIZES = (100, 300)  # in smaller sets a policy strays less
LOWEST, HIGHEST, HALVINGS = 0.25, 4.0, 8
SAMPLES = 8  # of a checkpoint of coresets, at each temperature
DRAWS = 64  # of a network of points
REACH = 1.3  # the factor of temperature by which draws stand for others
MOST_RUNS = 6
TIE = 1e-6  # of log-probabilities of one clustering, by rounding
console = Console(highlight=False)

LabelledSet = tuple[Float[Tensor, "1 points *shape"], Int[Tensor, "1 points"]]
# From log-probabilities of the truth and of samples with weights: how much more probable the truth is.
Compare = Callable[[Float[Tensor, ""], Float[Tensor, "samples"], Float[Tensor, "samples"]], Float[Tensor, ""]]
# From a temperature: the mean of this over sets, 0 if truth and samples are exchangeable.
Excess = Callable[[float], float]


def rank_excess(
    truth: Float[Tensor, ""], samples: Float[Tensor, "samples"], weights: Float[Tensor, "samples"]
) -> Float[Tensor, ""]:
    """Return the share of samples less probable than the truth, ties half, minus a half."""
    below = (samples < truth - TIE).double() + (samples <= truth + TIE)
    return below @ weights / 2 - 0.5


def mean_excess(
    truth: Float[Tensor, ""], samples: Float[Tensor, "samples"], weights: Float[Tensor, "samples"]
) -> Float[Tensor, ""]:
    """Return the truth's log-probability less the mean of the samples, in nats."""
    return truth - samples @ weights


COMPARE: dict[str, Compare] = {"ranks": rank_excess, "means": mean_excess}


class Proposed:
    """Clusterings of a set that a network draws at its temperature, the truth, and energies on the way.

    Probabilities at any temperature follow without the network.
    """

    def __init__(
        self,
        model: Any,
        x: Float[Tensor, "1 points *shape"],
        truth: Int[Tensor, "1 points"],
        generator: torch.Generator,
    ) -> None:
        pool = usual_pool(model, model.encode(x))
        drawn, _ = orders.draw(model, pool.encoding, DRAWS, pool.orders, generator)
        labels = torch.cat([drawn[0], truth])
        self.labels = canonical_labels(labels[:, pool.orders]).transpose(0, 1)  # first the orders
        along = (part[0, pool.orders] for part in pool.encoding)
        copies = Encoding(*(part.repeat_interleave(len(labels), 0) for part in along))
        energies = model.encoded_energies(copies, self.labels.flatten(0, 1))
        self.energies = energies.view(*self.labels.shape, -1)
        self.log_proposal = orders.log_mean(self.log_prob_each(model.temperature)[:, :-1], 0)

    def log_prob_each(self, temperature: float) -> Float[Tensor, "orders clusterings"]:
        """Return log p along each order, the truth's last."""
        heat = torch.full(self.labels.shape, temperature, dtype=torch.float64)
        log_policy = EnergyNetwork.log_policy(self.energies, heat)
        return log_policy.gather(3, self.labels[..., None]).sum((2, 3))

    def excess(self, temperature: float, compare: Compare) -> float:
        """Return how much more probable the truth is than samples of the pool."""
        pooled = self.log_prob_each(temperature).mean(0)
        samples, truth = pooled[:-1], pooled[-1]
        return float(compare(truth, samples, (samples - self.log_proposal).softmax(0)))


@torch.no_grad()
def excess_of_points(model: Any, held: Sequence[LabelledSet], compare: Compare) -> Excess:
    """Draw clusterings of sets at the model's temperature; return a function of the temperature."""
    proposed = [Proposed(model, x, labels, seeded(0, STREAM, 1, at)) for at, (x, labels) in enumerate(held)]
    return lambda temperature: sum(each.excess(temperature, compare) for each in proposed) / len(proposed)


def fitted_to_points(model: Any, held: Sequence[LabelledSet], compare: Compare) -> float:
    """Return the temperature at which samples and truth are exchangeable, by draws from near it."""
    model.temperature = 1.0
    for _ in range(MOST_RUNS):
        before = model.temperature
        model.temperature = fitted(excess_of_points(model, held, compare))
        if 1 / REACH < model.temperature / before < REACH:
            break
    return model.temperature


def excess_of_coresets(inference: CoresetInference, held: list[SimulatedSet], compare: Compare) -> Excess:
    """Return a function of the temperature.

    Sets whose truth the posterior holds for impossible are left out: each coreset lacks one of its clusters.
    """
    given = [inference.given(each.x) for each in held]

    def measure(temperature: float) -> float:
        inference.network.temperature = temperature
        found = []
        for batch in inference.batches(given):
            some = [given[place] for place in batch]
            clustered = inference.cluster(some, SAMPLES, seeded(0, STREAM, 1, batch[0]))
            for place, own, (_, posterior) in zip(batch, some, clustered, strict=True):
                truth = torch.from_numpy(inference.log_prob(own, torch.from_numpy(held[place].labels)[None]))
                values, weights = torch.from_numpy(posterior.log_prob), torch.from_numpy(posterior.weights)
                if bool(truth.isfinite()):
                    found.append(compare(truth[0].double(), values.double(), weights))
        return float(torch.stack(found).mean())

    return measure


def fitted(excess: Excess) -> float:
    """Return the temperature at which samples and truth are exchangeable."""
    low, high = math.log(LOWEST), math.log(HIGHEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        found = excess(math.exp(middle))
        console.print(f"temperature {math.exp(middle):.3f}: excess of the truth {found:+.3f}")
        low, high = (low, middle) if found > 0 else (middle, high)
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
        draw = make_draw(configuration, inference.network.encoder, data)
        sizes = points or default_sizes(configuration)

        def fit(some: Sequence[int]) -> float:
            held = [draw(size, 0, number, STREAM) for size in some for number in range(sets)]
            return fitted(excess_of_coresets(inference, held, COMPARE[compare]))
    else:
        model = load(checkpoint)
        sizes = points or [size for size in SIZES if size <= configuration.training.points[1]]
        simulate = configuration.data.make_simulators(model.encoder, data, configuration.seed).validation

        def fit(some: Sequence[int]) -> float:
            streams = [(size, number) for size in some for number in range(sets)]
            held = [simulate(1, size, seeded(0, STREAM, 0, size, number)) for size, number in streams]
            return fitted_to_points(model, held, COMPARE[compare])

    found: Temperature = tuple((size, fit([size])) for size in sorted(sizes)) if each else fit(sizes)
    save_configuration(configuration.model_copy(update={"temperature": found}), find(checkpoint))
    console.print(f"{find(checkpoint)}: temperature = {found}", markup=False)


if __name__ == "__main__":
    typer.run(main)
