"""`gfncp evaluate`: greedy clusterings against the truth."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gfncp.cli.shared import Checkpoint, Data, console, count


def evaluate(
    checkpoint: Checkpoint,
    sets: Annotated[int, typer.Option(min=1, help="Number of test sets.")] = 100,
    points: Annotated[
        int | None, typer.Option(min=2, help="Points in each set; default: 300, of embeddings test_points.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sets.")] = 0,
    data: Data = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Compare with exact Gibbs sampling (Gaussian mixtures only).")
    ] = False,
    record: Annotated[Path | None, typer.Option(help="Write the figures to this JSON file.")] = None,
) -> None:
    """Measure greedy clusterings against the truth, on test sets of the kind that was trained for.

    Example:  gfncp evaluate mnist --sets 1000 --record records/mnist.json
    """
    from gfncp.checkpoints import write_text
    from gfncp.evaluation.evaluate import evaluate as run

    with console.status(f"Clustering {count(sets, 'set')}"):
        result = run(checkpoint, sets, points, seed, data, exact)
    table = Table("method", "NMI", "ARI", f"K (true {result['true_clusters']:.1f})")
    for method in ("greedy", "exact"):
        if method in result:
            table.add_row(method, *(f"{value:.3f}" for value in result[method].values()))
    console.print(table)
    if record is not None:
        write_text(record, json.dumps(result, indent=2) + "\n")
