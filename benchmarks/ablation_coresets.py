"""Train variants of the general checkpoint's design, small and for equal time, and compare them.

    python benchmarks/ablation_coresets.py --data FOLDER --record records/ablation-coresets.json

Each variant differs from the base in one thing, and is trained for so many minutes of one core's time, on
sets that it draws within that time, with a learning rate that falls to a fiftieth. All are judged on the same
simulated sets (seeds apart from those in training) and on the development sets of `real_data.py`:

- loss: mean negative log-likelihood per token, of 384 sets of 8 to 3000 points. Variants with another number
  of tokens have another unit.
- ARI of greedy clusterings, and of samples, with the true labels: tokens of 96 simulated sets of 300 points;
  points of the 39 development sets (reported clusterings).
- -log p of samples and of the truth, of the simulated sets: equal where samples are as probable as the truth.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from machine import describe_machine
from real_sets import GAUSSIAN_LIKE, RealSet, bundled_sets, read_collections, scores
from rich.console import Console
from rich.table import Table
from sklearn.metrics import adjusted_rand_score
from torch import nn

from gfncp.configuration import Configuration, parse
from gfncp.decoding.decode import sample_encoded
from gfncp.estimators.coreset_inference import CoresetInference
from gfncp.files import write_text
from gfncp.networks.tokens import COLUMNS, COMPONENTS, NEIGHBOURS
from gfncp.objectives.batch import Batch
from gfncp.objectives.coreset_likelihood import CoresetLikelihood
from gfncp.objectives.trajectory import follow, random_order, reorder
from gfncp.seeds import seeded
from gfncp.simulators import LabelledCoresets
from gfncp.simulators.general import GeneralMixtures
from gfncp.simulators.prior import FAMILIES
from gfncp.training.optimizers import OPTIMIZERS, set_learning_rate

BASE = {
    "encoder": {"kind": "tokens", "context": {"width": 96, "heads": 6, "blocks": 5, "local_heads": 4}},
    "network": {
        "kind": "coreset-energy",
        "body": "gated",
        "depth": 3,
        "width": 64,
        "cluster_width": 96,
        "cluster_depth": 6,
        "energy_depth": 2,
    },
    "data": {"kind": "coresets", "tokens": 128, "fewest": 40},
    "objective": {"name": "coreset-likelihood"},
}
SETS = 16  # in a batch
POINTS = 5, 2000  # in training, log-uniformly
LEARNING_RATE = 2e-3
VALIDATION_STREAM, FREE_STREAM = 2**31 + 11, 2**31 + 12
VALIDATION_POINTS = (8, 40, 128, 300, 1000, 3000)
TESTED, TESTED_POINTS, SAMPLES = 96, 300, 8
MOST_POINTS = 2000
WAVY, WAVES = 8, (1.0, 2.0, 4.0, 8.0)  # coordinates with Fourier features, and their angular frequencies

console = Console(highlight=False)
console.width = max(console.width, 132)


class TwoOrders(CoresetLikelihood):
    """The likelihood along a second order of the same sets, too."""

    def nll(self, network, encoding, labels, generator):
        first, energies = super().nll(network, encoding, labels, generator)
        again = reorder(encoding, labels, random_order(labels, generator))
        return (first + super().nll(network, *again, generator)[0]) / 2, energies


class AnyOrder(CoresetLikelihood):
    """Random orders alone: none has whole clusters last."""

    order = staticmethod(random_order)


class RootHeavy(CoresetLikelihood):
    """Early steps weigh more: the n-th one 1 / sqrt(n + 4); the optimum is the same."""

    def nll(self, network, encoding, labels, generator):
        energies, log_prob = follow(network, encoding, labels, None)
        weight = (torch.arange(labels.shape[1]) + 4.0).rsqrt() * encoding.mask
        return -((log_prob * weight).sum(1) / weight.sum(1)).mean(), energies


class OwnSamples(CoresetLikelihood):
    """Flow matching, unshifted, along a clustering of each fourth set that the policy itself draws."""

    weight = 0.01

    def nll(self, network, encoding, labels, generator):
        nll, energies = super().nll(network, encoding, labels, generator)
        some = type(encoding)(*(part[::4] for part in encoding))
        with torch.no_grad():
            drawn = sample_encoded(network, some, 1, generator)[0][:, 0]
        own, _ = follow(network, some, drawn, None)
        chosen = own.gather(2, drawn.clamp_min(0)[..., None])[:, :-1, 0]
        residual = (chosen + torch.logsumexp(-own[:, 1:], -1)) * some.mask[:, 1:]
        return nll + self.weight * residual.square().mean(), energies


class WithFourier(nn.Module):
    """Linear map of tokens, and of sines and cosines of their first coordinates."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = nn.Linear(linear.in_features + 2 * len(WAVES) * WAVY, linear.out_features)
        self.register_buffer("waves", torch.tensor(WAVES), persistent=False)

    def forward(self, x):
        phase = (x[..., :WAVY, None] * self.waves).flatten(-2)
        return self.linear(torch.cat([x, phase.sin(), phase.cos()], -1))


def without_pairs(network: nn.Module) -> None:
    network.seen = lambda pooled: pooled[:, : network.width]


def with_fourier(network: nn.Module) -> None:
    network.encoder.embed = WithFourier(network.encoder.embed)


def without_densities(network: nn.Module) -> None:
    """Hide how wide tokens spread and how far their neighbours are."""
    shown = torch.ones(COLUMNS)
    shown[COMPONENTS + 1 : COMPONENTS + 2 + len(NEIGHBOURS)] = 0
    network.encoder.register_forward_pre_hook(lambda _, given: (given[0] * shown, *given[1:]))


@dataclass(frozen=True)
class Variant:
    """One change of the base: sections of its configuration, its objective, its families, or its network."""

    changes: dict
    objective: type[CoresetLikelihood] = CoresetLikelihood
    families: tuple = FAMILIES
    alter: Callable[[nn.Module], None] = lambda network: None

    @property
    def configuration(self) -> Configuration:
        values = {name: {**section, **self.changes.get(name, {})} for name, section in BASE.items()}
        return parse(values, "ablation")


VARIANTS = {
    "base": Variant({}),
    "no pair sums": Variant({}, alter=without_pairs),
    "two orders": Variant({}, TwoOrders),
    "no whole clusters last": Variant({}, AnyOrder),
    "early steps weigh more": Variant({}, RootHeavy),
    "flow matching on own samples": Variant({}, OwnSamples),
    "general mixtures only": Variant({}, families=((1.0, GeneralMixtures(50)),)),
    "no spreads and distances": Variant({}, alter=without_densities),
    "Fourier features": Variant({}, alter=with_fourier),
    "always 128 tokens": Variant({"data": {"fewest": None}}),
    "64 tokens": Variant({"data": {"tokens": 64}}),
    "256 tokens": Variant({"data": {"tokens": 256}}),
    "128 wide, 6 blocks": Variant(
        {"encoder": {"context": {"width": 128, "heads": 8, "blocks": 6, "local_heads": 5}}}
    ),
    "g of one block": Variant({"network": {"cluster_depth": 4}}),
}


def draw(simulate: LabelledCoresets, sets: int, points: int, generator: torch.Generator) -> Batch:
    x, labels, *rest = simulate(sets, points, generator)
    return Batch(x, labels, None, 1.0, *rest)


def train(variant: Variant, minutes: float) -> tuple[torch.nn.Module, dict]:
    """A network trained for so long, and what it took."""
    torch.manual_seed(0)
    network = variant.configuration.build()
    variant.alter(network)
    objective = variant.objective()
    data = variant.configuration.data
    simulate = data.coresets(data.fewest, variant.families)
    optimizers = OPTIMIZERS["muon"](network, LEARNING_RATE)
    start, iteration = time.process_time(), 0
    while (done := (time.process_time() - start) / (60 * minutes)) < 1:
        set_learning_rate(optimizers, LEARNING_RATE, LEARNING_RATE / 50, done)
        generator = seeded(0, iteration)
        share = float(torch.rand((), generator=generator))
        points = int(POINTS[0] * (POINTS[1] / POINTS[0]) ** share)
        batch = draw(simulate, SETS, points, generator)
        network.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            loss = objective(network, batch, generator)["loss"]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        iteration += 1
    parameters = sum(weight.numel() for weight in network.parameters())
    return network.eval(), {"parameters": parameters, "sets": SETS * iteration}


@torch.no_grad()
def judge(network: torch.nn.Module, variant: Variant, real: list[RealSet]) -> dict[str, float]:
    """Figures of a trained network."""
    simulate = variant.configuration.data.coresets(None)
    objective = CoresetLikelihood()
    losses = []
    for place, points in enumerate(VALIDATION_POINTS):
        batch = draw(simulate, 64, points, seeded(0, VALIDATION_STREAM, place))
        losses.append(float(objective(network, batch, seeded(0, VALIDATION_STREAM))["nll"]))
    batch = draw(simulate, TESTED, TESTED_POINTS, seeded(0, FREE_STREAM))
    drawn, log_prob = network.sample(batch.x, SAMPLES, seeded(0, FREE_STREAM), batch.mask)
    truth = network.log_prob(batch.x, batch.labels, batch.mask)
    found, _ = network.greedy(batch.x, batch.mask)
    agreement = [
        adjusted_rand_score(labels[here], row[here])
        for labels, row, here in zip(batch.labels, found, batch.mask, strict=True)
    ]
    sampled = [
        adjusted_rand_score(labels[here], row[here])
        for labels, rows, here in zip(batch.labels, drawn, batch.mask, strict=True)
        for row in rows
    ]
    inference = CoresetInference(network, variant.configuration, "ablation", 1, None, None)
    aris = {
        each.name: scores(each, lambda k, x=each.x: inference.greedy(inference.given(x)).numpy())[0][0]
        for each in real
    }
    gaussian = [value for name, value in aris.items() if name in GAUSSIAN_LIKE]
    others = [value for name, value in aris.items() if name not in GAUSSIAN_LIKE]
    return {
        "loss": float(np.mean(losses)),
        "simulated": float(np.mean(agreement)),
        "samples": float(np.mean(sampled)),
        "all": float(np.mean(list(aris.values()))),
        "Gaussian-like": float(np.mean(gaussian)) if gaussian else float("nan"),
        "others": float(np.mean(others)) if others else float("nan"),
        "surprise of samples": float(-log_prob.mean()),
        "surprise of truth": float(-truth.mean()),
    }


def show(rows: dict[str, dict]) -> None:
    table = Table(
        "variant", "weights", "sets", "loss", "ARI simulated", "its samples", "ARI 39 sets", "-log p"
    )
    for name, row in rows.items():
        table.add_row(
            name,
            f"{row['parameters'] / 1e6:.2f} M",
            f"{row['sets'] / 1e3:.0f} k",
            f"{row['loss']:.3f}",
            f"{row['simulated']:.3f}",
            f"{row['samples']:.3f}",
            f"{row['all']:.3f} ({row['Gaussian-like']:.3f}, {row['others']:.3f})",
            f"{row['surprise of samples']:.1f} / {row['surprise of truth']:.1f}",
        )
    console.print(table)


def main(
    data: Annotated[Path, typer.Option(help="Folder with the collections fcps, graves and sipu.")],
    minutes: Annotated[float, typer.Option(min=0.01, help="Of one core, for each variant.")] = 15.0,
    only: Annotated[list[str] | None, typer.Option(help="Name of a variant; default: all.")] = None,
    record: Annotated[Path | None, typer.Option(help="Write the figures to this JSON file.")] = None,
) -> None:
    """Train and judge the variants, and print a table."""
    if unknown := set(only or ()) - set(VARIANTS):
        raise typer.BadParameter(f"--only {sorted(unknown)}: accepted are {list(VARIANTS)}")
    torch.set_num_threads(1)
    real = [each.subsample(MOST_POINTS, 0) for each in (*read_collections(data), *bundled_sets())]
    rows: dict[str, dict] = {}
    if record is not None and record.exists():  # variants of an earlier run stay
        rows = json.loads(record.read_text())["variants"]
    for name in only or VARIANTS:
        network, taken = train(VARIANTS[name], minutes)
        rows[name] = {"minutes": minutes} | taken | judge(network, VARIANTS[name], real)
        show({name: rows[name]})
        if record is not None:
            about = {
                "kind": "ablation-coresets",
                "base": BASE,
                **describe_machine(),
            }
            write_text(record, json.dumps(about | {"variants": rows}, indent=2) + "\n")
    show(rows)


if __name__ == "__main__":
    typer.run(main)
