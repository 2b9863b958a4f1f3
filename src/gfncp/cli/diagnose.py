"""`gfncp diagnose`: is the posterior right?"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from gfncp.cli.shared import Data, console


def diagnose(
    checkpoint: Annotated[str, typer.Argument(help="'mog-2d', 'mnist', or a folder.")],
    output: Annotated[Path, typer.Option(help="Folder for diagnostics.json and pictures.")] = Path(
        "gfncp-diagnostics"
    ),
    sets: Annotated[
        int | None, typer.Option(min=10, help="Sets for calibration (default 1000); others in proportion.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sets and samples.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer and smaller sets: seconds, rough.")] = False,
    data: Data = None,
) -> None:
    """Is the posterior right? Distance from the exact one, consistency, calibration, quality.

    Mixtures are compared with exact posteriors; for other data the parts that need none are run.

    Example:  gfncp diagnose mog-2d --output diagnostics
    """
    from gfncp.checkpoints import find, load, load_configuration, write_text
    from gfncp.evaluation import diagnose as diagnosis
    from gfncp.evaluation.diagnosis_report import pictures, table
    from gfncp.evaluation.evaluate import make_test_simulator

    model: Any = load(checkpoint)  # of one kind or another
    configuration = load_configuration(checkpoint)
    sizes = diagnosis.QUICK if quick else diagnosis.FULL
    if sets is not None:
        sizes = sizes.with_sets(sets)
    with console.status("Diagnosing; all of it takes a few minutes, --quick some seconds"):
        result = diagnosis.diagnose(
            model, make_test_simulator(configuration, model.encoder, data), sizes, seed
        )
    about = {
        "kind": "diagnosis",
        "checkpoint": find(checkpoint).resolve().name,
        "configuration": configuration.model_dump(mode="json"),
        "sizes": asdict(sizes),
        "seed": seed,
        "device": str(next(model.parameters()).device),
    }
    text = json.dumps(about | result, indent=2, allow_nan=False) + "\n"
    write_text(output / "diagnostics.json", text)
    files = pictures(result, Path(checkpoint).name, output)
    console.print(table(result))
    names = ", ".join(["diagnostics.json", *(file.name for file in files)])
    console.print(f"Written: {names} in {output}", markup=False)
