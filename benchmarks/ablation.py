"""What each part of the network and of training brings: distance from exact posteriors of small sets.

    python benchmarks/ablation.py --record records/ablation.json

Every variant of experiments/mog-2d-overlapping.toml is trained for the same number of iterations on sets of
5 to 8 points by maximum likelihood, and compared with the exact posterior over all partitions of 6 points.
A variant takes minutes.
"""

import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table

from gfncp.configuration import parse
from gfncp.configuration.toml_files import read_configuration
from gfncp.evaluation import exact
from gfncp.evaluation.evaluate import describe_device
from gfncp.evaluation.sets import make_test_simulator
from gfncp.files import write_text
from gfncp.reproduction.declarations import changed
from gfncp.seeds import seeded
from gfncp.training.train import train

BASE = Path(__file__).parents[1] / "experiments" / "mog-2d-overlapping.toml"
STREAM = 2**31 + 7  # apart from all other streams
POINTS, SETS = 6, 200
COMMON = {
    "objective": {"name": "ncp"},
    "training": {
        "iterations": 1500,
        "batch": 64,
        "batch_points": None,
        "points": (5, 8),
        "points_drawn": "uniformly",
        "optimizer": "adam",
        "learning_rate": 2e-3,
        "save_every": 1500,
        "validation_sets": 1,
    },
}
ADDITIVE = {"network": {"kind": "energy", "body": "gated", "depth": 3, "cluster_width": 128}}
PLAIN = {"network": {"kind": "interacting-energy", "depth": 3, "cluster_width": 128}}
POINTWISE = {"encoder": {"context": None}}
CENTRED = {"encoder": {"kind": "vectors", "dim": 2, "scale": 3.0, "context": {"width": 64}}}
MUON = {"training": {"optimizer": "muon", "learning_rate": 3e-3}}
VARIANTS = {
    "all parts, Adam": [],
    "without context": [POINTWISE],
    "without context and interaction": [POINTWISE, ADDITIVE],
    "plain layers, not gated": [PLAIN],
    "sets centred on their median": [CENTRED],
    "Muon": [MUON],
    "256 sets in a batch": [{"training": {"batch": 256}}],
}


def main(
    only: Annotated[list[str] | None, typer.Option(help="Only these variants.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of training and of the sets.")] = 0,
    record: Annotated[Path | None, typer.Option(help="Write the figures to this JSON file.")] = None,
) -> None:
    base = read_configuration(BASE).model_dump()
    figures, table = [], Table("variant", "TV of the policy", "TV of the terminal energy", "seconds")
    for name in only or VARIANTS:
        values = base | {"seed": seed}
        for changes in (COMMON, *VARIANTS[name]):
            values = changed(values, changes)
        configuration = parse(values, name)
        start = time.perf_counter()
        with TemporaryDirectory() as folder:
            model = train(configuration, Path(folder))
        seconds = time.perf_counter() - start
        simulate = make_test_simulator(configuration, model.encoder, None)
        x, _ = simulate(SETS, POINTS, seeded(seed, STREAM))
        truth = exact.exact_posterior(x, simulate)
        with torch.no_grad():
            tables = exact.model_posteriors(model, x)._asdict()
        distances = {key: float(exact.total_variation(truth, found).mean()) for key, found in tables.items()}
        figures.append({"variant": name, **distances, "seconds": seconds, "configuration": values})
        table.add_row(name, *(f"{value:.3f}" for value in distances.values()), f"{seconds:.0f}")
    Console().print(table)
    if record is not None:
        about = {
            "kind": "ablation",
            "points": POINTS,
            "sets": SETS,
            "seed": seed,
            "device": describe_device(torch.device("cpu")),
            "torch": torch.__version__,
            "figures": figures,
        }
        write_text(record, json.dumps(about, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(typer.run(main))
