"""`gfncp reproduce`: the tables and figures of the paper."""

from pathlib import Path
from typing import Annotated

import typer

from gfncp.cli.shared import console
from gfncp.extras import extra


def reproduce(
    what: Annotated[
        str, typer.Argument(help="table2 to table6, mixtures, omniglot, fig1, fig3, fig4 or fig5.")
    ],
    method: Annotated[str | None, typer.Option(help="Only these methods, separated by commas.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Only these data sets, separated by commas.")] = None,
    seeds: Annotated[str | None, typer.Option(help="Only these training seeds, separated by commas.")] = None,
    iterations: Annotated[
        int | None, typer.Option(min=1, help="Other number of iterations; recorded.")
    ] = None,
    sets: Annotated[int | None, typer.Option(min=1, help="Other number of test sets; recorded.")] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, ...; default: an accelerator if any.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder with a folder per data set (mnist, fashion-mnist, omniglot, clinc150, imagenet), or "
            "one of these folders; default: download images."
        ),
    ] = None,
    root: Annotated[Path, typer.Option(help="Folder that holds experiments/, for results too.")] = Path(),
) -> None:
    """Make a table or figure of the paper again, as experiments/tables/ declares it.

    Every run leaves a record in records/results/. Recorded runs are not repeated, and stopped training
    resumes from its state in runs/results/. The tables are written to RESULTS.md.

    Example:  gfncp reproduce table3 --dataset mnist --method gfncp,ncp --seeds 0
    """
    if not (root / "experiments" / "tables").is_dir():
        raise ValueError(
            f"--root={root}: holds no experiments/tables; accepted is a checkout of gfncp, such as "
            "--root ~/gfncp"
        )
    with extra("train", "gfncp reproduce"):
        from gfncp.reproduction.reproduce import reproduce as run

    def split(text: str | None) -> list[str] | None:
        return None if text is None else [part.strip() for part in text.split(",")]

    wanted = split(seeds)
    if wanted is not None and not all(seed.isdecimal() for seed in wanted):
        raise ValueError(f"--seeds={seeds!r}: accepted are whole numbers separated by commas")
    run(
        root,
        what,
        methods=split(method),
        datasets=split(dataset),
        seeds=None if wanted is None else [int(seed) for seed in wanted],
        iterations=iterations,
        sets=sets,
        device=device,
        data=data,
        report=lambda line: console.print(line, markup=False, soft_wrap=True),
    )
