"""How fast training and decoding are: against this machine's matmul peak, and against a plain loop.

    python benchmarks/speed.py --record speed.json

Programs that are compared run in turn, round by round, in one process, so that a machine that slows down
slows both; figures are medians over the rounds. The plain loop runs a part of its steps and is extrapolated.

Operations are those that the maths needs, two per weight of every linear layer, with neighbouring layers
merged where sums commute with them (see `gfncp.networks.energy`). Counted once per point: the encoder, h and
u, whose last layers are merged with g's and f's first. Once per option of each step: g's inner layers, its
last one merged with f's first, and f's other layers. g's also once per cluster before the step, where the
clusters before differ from step to step: with sampled steps, and where clusters see the unassigned points.
Backward counts twice forward. Attention, sums, activations, gathers and recomputation to save memory count as
nothing.
"""

import json
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import torch
import torch.nn.functional as F
import typer
from jaxtyping import Int
from plain_loop import InteractingPlainLoop, PlainLoop
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from gfncp import load
from gfncp.decoding.model import InteractingModel, Model
from gfncp.files import write_text
from gfncp.networks.encoders import VectorEncoder
from gfncp.networks.energy import EnergyNetwork
from gfncp.networks.interacting import InteractingEnergyNetwork
from gfncp.objectives.batch import Batch, draw_steps
from gfncp.objectives.ncp import NCPLoss
from gfncp.simulators import GaussianMixtures

POINTS = 300
TRAINING_SETS = 64
DECODED_SETS = 100
SAMPLES = 100
SAMPLED_STEPS = 32
PEAK_SIZE = 2048
NAIVE_STRIDE = 20  # the plain loop runs every 20th step and is extrapolated
TOLERANCE = 1e-3  # float32 energies of the library and the loop, relative to the largest

mixtures = GaussianMixtures(n_clusters=(1, 10))
Program = Callable[[], object]
console = Console()


@dataclass(frozen=True)
class Figure:
    """One measured value, and what it should be."""

    measurement: str
    quantity: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def target(self) -> str:
        if self.at_least is not None:
            return f">= {self.at_least:g} {self.unit}"
        return "" if self.at_most is None else f"<= {self.at_most:g} {self.unit}"

    @property
    def passed(self) -> bool | None:
        if self.at_least is not None:
            return self.value >= self.at_least
        return None if self.at_most is None else self.value <= self.at_most


# Measuring.


def seconds(program: Program) -> float:
    start = time.perf_counter()
    program()
    return time.perf_counter() - start


def in_turn(rounds: int, **programs: Program) -> dict[str, list[float]]:
    """Seconds of each program in each round, after a round that warms up."""
    times = [{name: seconds(program) for name, program in programs.items()} for _ in range(rounds + 1)]
    return {name: [each[name] for each in times[1:]] for name in programs}


def ratio(above: list[float], below: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def matmul() -> Program:
    a, b = torch.randn(2, PEAK_SIZE, PEAK_SIZE)
    return lambda: a @ b


def percent_of_peak(operations: float, times: dict[str, list[float]], program: str) -> float:
    return 100 * operations / (2 * PEAK_SIZE**3) * ratio(times["peak"], times[program])


# Operations that the maths needs.


def layers(part: nn.Module) -> list[int]:
    """Number of weights of each linear layer."""
    return [layer.weight.numel() for layer in part.modules() if isinstance(layer, nn.Linear)]


def operations(network: EnergyNetwork, points: int, options: int, clusters_before: int = 0) -> float:
    """Of a forward pass."""
    h, u, g, f = (layers(part) for part in (network.h, network.u, network.g, network.f))
    encoders = sum(layers(network.encoder)) + sum(h[:-1]) + sum(u[:-1])
    merged = network.reads_h().numel() + network.reads_u().numel()
    of_g = sum(g[1:-1]) + network.width**2
    return 2.0 * (points * (encoders + merged) + (options + clusters_before) * of_g + options * sum(f[1:]))


def n_options(labels: Int[Tensor, "*batch points"]) -> Int[Tensor, "*batch points"]:
    """K_n + 1 for each step n."""
    return F.pad(labels.cummax(-1).values[..., :-1] + 1, (1, 0)) + 1


def must_agree(loop: list[Tensor], library: list[Tensor]) -> None:
    for a, b in zip(loop, library, strict=True):
        b = b[:, : a.shape[1]]
        finite = torch.isfinite(a)
        difference = (a[finite] - b[finite]).abs().max() / a[finite].abs().max()
        if not torch.equal(finite, torch.isfinite(b)) or difference > TOLERANCE:
            raise AssertionError(f"plain loop and library differ by {difference:.1e} of the largest energy")


# Measurements.


def training_step(rounds: int, generator: torch.Generator) -> list[Figure]:
    """Negative log-likelihood of all steps, forward and backward."""
    network = Model(VectorEncoder(2, scale=10.0))
    loop = PlainLoop(network)
    x, labels = mixtures(TRAINING_SETS, POINTS, generator)
    features = network.encoder(x, torch.ones_like(labels, dtype=torch.bool))
    h, u = (part.detach().requires_grad_() for part in loop.encode(features))
    steps = range(NAIVE_STRIDE // 2, POINTS, NAIVE_STRIDE)

    def library() -> None:
        NCPLoss()(network, Batch(x, labels), generator)["loss"].backward()

    def loop_encoders() -> None:
        sum(part.sum() for part in loop.encode(features)).backward()

    def loop_steps() -> None:
        chosen = [
            torch.log_softmax(-loop.energies(h, u, labels, step), 1).gather(1, labels[:, step, None])
            for step in steps
        ]
        (-torch.cat(chosen).mean()).backward()

    with torch.no_grad():
        all_steps = network.energies(x, labels)
        must_agree(
            [loop.energies(h, u, labels, step) for step in steps], [all_steps[:, step] for step in steps]
        )
    times = in_turn(rounds, peak=matmul(), library=library, encoders=loop_encoders, steps=loop_steps)
    whole = [a + NAIVE_STRIDE * b for a, b in zip(times["encoders"], times["steps"], strict=True)]
    needed = 3 * operations(network, labels.numel(), int(n_options(labels).sum()))
    name = f"NLL training step, batch {TRAINING_SETS}, N = {POINTS}, all steps"
    return [
        Figure("matmul", f"{PEAK_SIZE} x {PEAK_SIZE}, float32", peak_gflops(times), "GFLOP/s"),
        Figure(name, "time", statistics.median(times["library"]), "s"),
        Figure(name, "of the peak", percent_of_peak(needed, times, "library"), "%", at_least=50),
        Figure(name, "plain loop / library (extrapolated)", ratio(whole, times["library"]), "x", at_least=15),
    ]


def peak_gflops(times: dict[str, list[float]]) -> float:
    return 2e-9 * PEAK_SIZE**3 / statistics.median(times["peak"])


def clusters_before(network: EnergyNetwork, options: Int[Tensor, "*steps"]) -> int:
    """Clusters that decoding has to represent again at these steps."""
    return int((options - 1).sum()) if isinstance(network, InteractingEnergyNetwork) else 0


@torch.no_grad()
def decoding(network: EnergyNetwork, rounds: int, generator: torch.Generator) -> list[Figure]:
    """Greedy clusterings of many sets. The loop follows the library's labels, to leave steps out."""
    interacting = isinstance(network, InteractingEnergyNetwork)
    loop = InteractingPlainLoop(network) if interacting else PlainLoop(network)
    x, _ = mixtures(DECODED_SETS, POINTS, generator)
    features = network.encoder(x, torch.ones(x.shape[:2], dtype=torch.bool))
    labels, _ = network.greedy(x)
    h, u = loop.encode(features)
    steps = range(NAIVE_STRIDE // 2, POINTS, NAIVE_STRIDE)

    def loop_steps() -> list[Tensor]:
        energies = [loop.energies(h, u, labels, step) for step in steps]
        for each in energies:
            each.argmin(1)
        return energies

    all_steps = network.energies(x, labels)
    must_agree(loop_steps(), [all_steps[:, step] for step in steps])
    times = in_turn(
        rounds,
        peak=matmul(),
        library=lambda: network.greedy(x),
        encoders=lambda: loop.encode(features),
        steps=loop_steps,
    )
    whole = [a + NAIVE_STRIDE * b for a, b in zip(times["encoders"], times["steps"], strict=True)]
    options = n_options(labels)
    needed = operations(network, labels.numel(), int(options.sum()), clusters_before(network, options))
    name = f"Greedy clustering, {DECODED_SETS} sets, N = {POINTS}"
    return [
        Figure(name, "clusters found", float(labels.amax(1).double().mean()) + 1, "per set"),
        Figure(name, "time", statistics.median(times["library"]), "s"),
        Figure(name, "of the peak", percent_of_peak(needed, times, "library"), "%", at_least=40),
        Figure(name, "plain loop / library (extrapolated)", ratio(whole, times["library"]), "x", at_least=15),
    ]


def sampling(network: EnergyNetwork, rounds: int, generator: torch.Generator) -> list[Figure]:
    """Independent clusterings of one set; those that agree up to a point share its rows."""
    x, _ = mixtures(1, POINTS, generator)
    seed = generator.initial_seed()

    def library() -> Tensor:
        return network.sample(x, SAMPLES, torch.Generator().manual_seed(seed))[0][0]

    labels = library()
    shared = [torch.unique(F.pad(labels[:, :step], (1, 0), value=-1), dim=0) for step in range(POINTS)]
    options = torch.cat([clusterings.amax(1) + 2 for clusterings in shared])
    times = in_turn(rounds, peak=matmul(), library=library)
    needed = operations(network, POINTS, int(options.sum()), clusters_before(network, options))
    name = f"{SAMPLES} sampled clusterings of a set, N = {POINTS}"
    return [
        Figure(name, "time", statistics.median(times["library"]), "s"),
        Figure(name, "of the peak", percent_of_peak(needed, times, "library"), "%"),
    ]


def iterations(rounds: int, generator: torch.Generator) -> list[Figure]:
    """Training iterations with sampled steps, data and optimiser included, for small and large sets."""
    network = Model(VectorEncoder(2, scale=10.0))
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-4)

    def draw(points: int) -> Batch:
        x, labels = mixtures(TRAINING_SETS, points, generator)
        return Batch(x, labels, draw_steps(TRAINING_SETS, points, SAMPLED_STEPS, generator))

    def iteration(points: int) -> None:
        optimizer.zero_grad()
        NCPLoss()(network, draw(points), generator)["loss"].backward()
        optimizer.step()

    def needed(points: int) -> float:
        batch = draw(points)
        options = n_options(batch.labels).gather(1, batch.steps)
        return 3 * operations(network, batch.labels.numel(), int(options.sum()), int((options - 1).sum()))

    small, large = needed(100), needed(1000)
    times = in_turn(rounds, peak=matmul(), small=lambda: iteration(100), large=lambda: iteration(1000))
    name = f"Training iteration, batch {TRAINING_SETS}, {SAMPLED_STEPS} sampled steps"
    return [
        Figure(name, "time at N = 100", statistics.median(times["small"]), "s"),
        Figure(name, "of the peak at N = 100", percent_of_peak(small, times, "small"), "%"),
        Figure(name, "time at N = 1000", statistics.median(times["large"]), "s"),
        Figure(name, "of the peak at N = 1000", percent_of_peak(large, times, "large"), "%"),
        Figure(name, "time, N = 1000 / N = 100", ratio(times["large"], times["small"]), "x", at_most=2),
        Figure(name, "operations needed, N = 1000 / N = 100", large / small, "x"),
    ]


def step_with_many_clusters() -> float:
    """Peak resident memory (GB) of this process after one step on large sets with many clusters."""
    network = Model(VectorEncoder(2, scale=10.0))
    generator = torch.Generator().manual_seed(0)
    x, labels = GaussianMixtures(alpha=10.0, n_clusters=40)(TRAINING_SETS, 1000, generator)
    NCPLoss()(network, Batch(x, labels), generator)["loss"].backward()
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def memory() -> list[Figure]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        peak = fresh.submit(step_with_many_clusters).result()
    name = f"NLL training step, batch {TRAINING_SETS}, N = 1000, 40 clusters, all steps"
    return [Figure(name, "peak resident memory", peak, "GB", at_most=6)]


def main(
    checkpoint: Annotated[str, typer.Option(help="Network that decodes: 'mog-2d' or a folder.")] = "mog-2d",
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; figures are medians over them.")] = 5,
    record: Annotated[Path | None, typer.Option(help="Write the figures to this JSON file.")] = None,
) -> None:
    """Measure and print one table. Best on a machine that does nothing else."""
    try:
        network = load(checkpoint)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if not isinstance(network, Model | InteractingModel) or network.encoder.point_shape != (2,):
        raise typer.BadParameter(
            f"checkpoint={checkpoint!r}: accepted are networks of kinds 'energy' and 'interacting-energy' "
            "for points of two dimensions"
        )
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    with console.status("measuring"):
        figures = [
            *training_step(rounds, generator),
            *decoding(network, rounds, generator),
            *sampling(network, rounds, generator),
            *iterations(rounds, generator),
            *memory(),
        ]
    machine = {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "processor": platform.processor() or platform.machine(),
        "system": platform.platform(),
    }
    title = ", ".join(f"{name} {value}" for name, value in machine.items())
    table = Table("measurement", "figure", "value", "target", "", title=title)
    marks = {None: "", True: "[green]met[/]", False: "[red]missed[/]"}
    previous = None
    for figure in figures:
        name = "" if figure.measurement == previous else figure.measurement
        previous = figure.measurement
        value = f"{figure.value:.3g} {figure.unit}"
        table.add_row(name, figure.quantity, value, figure.target, marks[figure.passed])
    console.print(table)
    if record is not None:
        about = {"machine": machine, "checkpoint": checkpoint, "rounds": rounds}
        rows = [asdict(figure) | {"passed": figure.passed} for figure in figures]
        write_text(record, json.dumps(about | {"figures": rows}, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
