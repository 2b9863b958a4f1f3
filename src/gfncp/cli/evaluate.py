"""`gfncp evaluate`: clusterings against the truth, and how right the posterior is."""

import json
import warnings
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gfncp.cli.shared import Checkpoint, Data, console, count, notes
from gfncp.cli.table_options import TableOptions
from gfncp.extras import extra
from gfncp.shipped import find


def evaluate(
    *,
    checkpoint: Checkpoint,
    sets: Annotated[int, typer.Option(min=1, help="Number of test sets.")] = 100,
    points: Annotated[
        int | None,
        typer.Option(min=2, help="Points in each set; default: 300, or test_points of embeddings."),
    ] = None,
    samples: Annotated[int, typer.Option(min=2, help="Samples of each posterior.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sets.")] = 0,
    data: Data = None,
    table: TableOptions,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact", help="Compare with the best state of an exact sampler (Gaussian mixtures only)."
        ),
    ] = False,
    record: Annotated[Path | None, typer.Option(help="Write the figures to this JSON file.")] = None,
) -> None:
    """Compare clusterings with the truth, on test sets of the kind that the checkpoint was trained for.

    Scores are those of the greedy clustering along one order, of `labels_`, which users get, and of
    samples; then come figures of `gfncp diagnose`. A table named by --data is read
    as `gfncp cluster` reads it: notes say what was filled in and left out.

    Example:  gfncp evaluate mnist --sets 1000 --record records/mnist.json
    """
    find(checkpoint)

    from gfncp.checkpoints import load_configuration
    from gfncp.files import write_text

    roles, reading = table.roles(), table.reading()
    with extra("train", "gfncp evaluate"):
        from gfncp.evaluation.diagnosis_report import WAYS, right_table
        from gfncp.evaluation.evaluate import evaluate as run
        from gfncp.evaluation.own_tables import as_embeddings
        from gfncp.evaluation.table_cells import with_error

    with warnings.catch_warnings(record=True) as caught, console.status(f"Clustering {count(sets, 'set')}"):
        warnings.filterwarnings("always", category=UserWarning)
        with as_embeddings(load_configuration(checkpoint), data, roles, reading) as read:
            result = run(checkpoint, sets, points, seed, read, exact, samples)
    for note in dict.fromkeys(str(warning.message) for warning in caught):
        notes.print(f"Note: {note}", markup=False, soft_wrap=True)
    errors = result["errors"]
    true = with_error(result["true_clusters"], errors["true_clusters"], 2)
    shown = Table("method", "NMI", "ARI", f"K (true {true})", title="means ± standard errors over sets")
    for way, title in (WAYS | {"exact": "exact sampler's best state"}).items():
        if way in result:
            scores = ((name, 2 if name == "clusters" else 3) for name in ("nmi", "ari", "clusters"))
            cells = (with_error(result[way][name], errors[way][name], digits) for name, digits in scores)
            shown.add_row(title, *cells)
    console.print(shown)
    if "posterior" in result:
        console.print(right_table({str(result["points"]): result["posterior"]}))
    if record is not None:
        write_text(record, json.dumps(result, indent=2, allow_nan=False) + "\n")
