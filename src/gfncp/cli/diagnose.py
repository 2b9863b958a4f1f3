"""`gfncp diagnose`: calibration and exactness of a checkpoint's posterior."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from gfncp.cli.shared import Data, console
from gfncp.extras import extra
from gfncp.shipped import find


def diagnose(
    checkpoint: Annotated[str, typer.Argument(help="'general', 'mog-2d', 'mnist', ... or a folder.")],
    output: Annotated[Path, typer.Option(help="Folder for diagnostics.json and pictures.")] = Path(
        "gfncp-diagnostics"
    ),
    points: Annotated[
        list[int] | None,
        typer.Option(
            min=2,
            help="Points in a set; may be given several times. Default: 20, 100, 300, and 1000 if the "
            "checkpoint was trained on sets of that size or summarises sets.",
        ),
    ] = None,
    sets: Annotated[
        int | None,
        typer.Option(min=10, help="Number of sets of each size; default: 50."),
    ] = None,
    samples: Annotated[
        int | None, typer.Option(min=2, help="Samples of each posterior; default: 20.")
    ] = None,
    early_steps: Annotated[
        bool,
        typer.Option(
            "--early-steps", help="Also compare the first steps with exact conditionals (mixtures only)."
        ),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sets and samples.")] = 0,
    quick: Annotated[
        bool, typer.Option("--quick", help="Use fewer and smaller sets: rough, in seconds.")
    ] = False,
    data: Data = None,
    record: Annotated[Path | None, typer.Option(help="Also write the figures to this JSON file.")] = None,
) -> None:
    """Check the posterior: against known clusters, exact posteriors, and other orders of the points.

    Samples and truth are compared on sets whose true clusters are known: simulated sets, or whole classes
    that were held out of training or are meant for tests. Mixtures are also compared with exact posteriors.

    Example:  gfncp diagnose mog-2d --output diagnostics
    """
    folder = find(checkpoint)

    import torch

    from gfncp.checkpoints import load_configuration
    from gfncp.files import write_text

    with extra("train", "gfncp diagnose"):
        from gfncp.evaluation import diagnose as diagnosis
        from gfncp.evaluation.diagnosis_report import pictures, tables
        from gfncp.evaluation.evaluate import describe_device
        from gfncp.evaluation.sets import DRAWN
        from gfncp.evaluation.subjects import default_sizes, make_subjects

    configuration = load_configuration(checkpoint)
    subjects = make_subjects(checkpoint, configuration, data)
    sizes = diagnosis.QUICK if quick else diagnosis.FULL
    if points is not None or not quick:
        sizes = replace(sizes, free_points=tuple(points or default_sizes(configuration)))
    sizes = replace(sizes, free_sets=sets or sizes.free_sets, samples=samples or sizes.samples)
    with console.status("") as status:
        result = diagnosis.diagnose(
            subjects, sizes, seed, early_steps, report=lambda part: status.update(f"Diagnosing: {part}")
        )
    about = {
        "kind": "diagnosis",
        "checkpoint": folder.resolve().name,
        "configuration": configuration.model_dump(mode="json"),
        "sizes": asdict(sizes),
        "seed": seed,
        "drawn": DRAWN,
        "device": describe_device(torch.device("cpu")),
        "torch": torch.__version__,
    }
    text = json.dumps(about | result, indent=2, allow_nan=False) + "\n"
    for path in (output / "diagnostics.json", *([] if record is None else [record])):
        write_text(path, text)
    files = pictures(result, output)
    for table in tables(result):
        console.print(table)
    names = ", ".join(["diagnostics.json", *(file.name for file in files)])
    console.print(f"Written: {names} in {output}", markup=False)
