"""What more orders, beams and refinement bring over greedy decoding, on the mixtures of a checkpoint.

    python benchmarks/inference.py general --points 150 --points 400 --record inference.json

All ways cluster the same sets; each is compared with the truth, and its time is given in greedy decodings.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import torch
import typer
from jaxtyping import Float, Int
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from gfncp.checkpoints import find, load, load_configuration
from gfncp.decoding import orders
from gfncp.decoding.beam import beam
from gfncp.decoding.refine import descend, refine
from gfncp.evaluation.evaluate import describe_device
from gfncp.evaluation.sets import make_test_simulator
from gfncp.files import write_text
from gfncp.metrics import scores
from gfncp.seeds import seeded

STREAM = 2**31 + 10  # apart from all other streams
ORDERS, WIDTH, SWEEPS = 16, 20, 3
Way = Callable[[nn.Module, Float[Tensor, "sets points dim"], torch.Generator], Int[Tensor, "sets points"]]


def along_orders(model, x, generator):
    return orders.greedy(model, model.encode(x), orders.random_orders(ORDERS, x.shape[1], generator))[0]


WAYS: dict[str, Way] = {
    "greedy": lambda model, x, generator: model.predict(x),
    f"most typical of {ORDERS} orders": along_orders,
    f"beam of {WIDTH}": lambda model, x, generator: beam(model, x, WIDTH)[0][:, 0],
    f"{SWEEPS} descents": lambda model, x, generator: descend(model, x, model.predict(x), SWEEPS),
    f"{SWEEPS} Gibbs sweeps": lambda model, x, generator: refine(
        model, x, model.predict(x), SWEEPS, generator
    ),
}


def main(
    checkpoint: Annotated[str, typer.Argument(help="Name or folder of a checkpoint for mixtures.")],
    points: Annotated[list[int], typer.Option(help="Points per set; may be given several times.")] = [80],  # noqa: B006
    sets: Annotated[int, typer.Option(min=1, help="Number of test sets.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sets.")] = 0,
    record: Annotated[Path | None, typer.Option(help="Write the figures to this JSON file.")] = None,
) -> None:
    model, configuration = load(checkpoint), load_configuration(checkpoint)
    simulate = make_test_simulator(configuration, model.encoder, None)
    figures, table = [], Table("points", "way", "NMI", "ARI", "K", "time / greedy")
    for size in points:
        x, labels = simulate(sets, size, seeded(seed, STREAM, size))
        unit = None
        for name, way in WAYS.items():
            start = time.perf_counter()
            found = way(model, x, seeded(seed, STREAM, size, 1))
            seconds = time.perf_counter() - start
            unit = unit or seconds
            result = scores(labels, found)
            figures.append({"points": size, "way": name, **result, "times_greedy": seconds / unit})
            table.add_row(
                str(size), name, *(f"{value:.3f}" for value in result.values()), f"{seconds / unit:.1f}"
            )
    Console().print(table)
    if record is not None:
        about = {
            "kind": "inference",
            "checkpoint": find(checkpoint).resolve().name,
            "configuration": configuration.model_dump(mode="json"),
            "sets": sets,
            "seed": seed,
            "device": describe_device(torch.device("cpu")),
            "torch": torch.__version__,
            "figures": figures,
        }
        write_text(record, json.dumps(about, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(typer.run(main))
