"""Reproduction of a table or figure: run its cells, draw its pictures, write RESULTS.md."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from torch import nn

from gfncp.evaluation.sets import make_test_simulator
from gfncp.files import write_text
from gfncp.reproduction.declarations import Declarations, read_declarations
from gfncp.reproduction.drawings import OF_IMAGES, PICTURES
from gfncp.reproduction.measures import draw_sets
from gfncp.reproduction.records import read_records
from gfncp.reproduction.results import chosen, picture, render
from gfncp.reproduction.runs import data_folder, make_run, recorded, run_and_record

RECORDS, RUNS, RESULTS = Path("records/results"), Path("runs/results"), Path("RESULTS.md")


def reproduce(
    root: Path,
    table: str,
    *,
    methods: Sequence[str] | None = None,
    datasets: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    iterations: int | None = None,
    sets: int | None = None,
    device: str | None = None,
    data: Path | None = None,
    report: Callable[[str], object] = print,
) -> None:
    """Run the cells of a table that have no record yet, and write its pictures and RESULTS.md.

    Args:
        root: folder with ``experiments/``; records, runs, pictures and RESULTS.md are written there.
        table: name of a declaration, such as ``"table2"`` or ``"fig1"``.
        methods, datasets, seeds: which cells and seeds to run; None for all that are declared.
        iterations, sets: in place of the declared ones; recorded.
        device, data: see `gfncp.reproduction.runs.run_and_record`.
        report: is called with a line for each run.

    Raises:
        ValueError: a name is not declared, or some cells could not be run; the others were.
    """
    declarations = read_declarations(root / "experiments")
    _check("table", [table], declarations.tables)
    _check("method", methods or (), declarations.tables[table].methods)
    _check("dataset", datasets or (), declarations.tables[table].datasets)
    failed = []
    for dataset, method in declarations.cells(table):
        if method not in (methods or [method]) or dataset not in (datasets or [dataset]):
            continue
        for seed in seeds or declarations.seeds(table, dataset, method):
            name = f"{table}, {dataset}, {method}, seed {seed}"
            try:
                run = make_run(declarations, table, dataset, method, seed, iterations, sets)
                record = recorded(run, root / RECORDS)
                done = "recorded before" if record else "recorded"
                record = record or run_and_record(run, root / RECORDS, root / RUNS, data, device)
            except (ValueError, FloatingPointError) as error:
                failed.append(name)
                report(f"{name}: not run: {error}")
            else:
                report(f"{name}: {done}: {_numbers(record)}")
    draw(root, declarations, table, data)
    write_results(root, declarations)
    if failed:
        raise ValueError(f"{len(failed)} runs of {table} could not be made, {failed[0]!r} for one; see above")


def draw(root: Path, declarations: Declarations, table: str, data: Path | None) -> None:
    """Draw a picture for each data set of a figure, of all recorded methods, each with its first seed."""
    shown = declarations.tables[table]
    if shown.measure not in PICTURES:
        return
    records = read_records(root / RECORDS, "result")
    for dataset in shown.datasets:
        found = {
            declarations.methods[method].title: of_cell[0]
            for cell, method in declarations.cells(table)
            if cell == dataset and (of_cell := chosen(records, declarations, table, dataset, method))
        }
        if found:
            images = None
            if shown.measure in OF_IMAGES:
                configuration = declarations.configuration(dataset, shown.methods[0])
                simulate = make_test_simulator(configuration, nn.Identity(), data_folder(configuration, data))
                sets = next(iter(found.values()))["sets"]
                _, points = declarations.protocol(table, dataset)
                images = next(draw_sets(simulate, sets, points, shown.draw)).x[0].numpy()
            PICTURES[shown.measure](found, images, root / picture(table, dataset))


def write_results(root: Path, declarations: Declarations) -> None:
    """Write the page of tables, from all records."""
    write_text(root / RESULTS, render(read_records(root / RECORDS, "result"), declarations))


def _check(what: str, given: Sequence[str], accepted: Collection[str]) -> None:
    for name in given:
        if name not in accepted:
            raise ValueError(f"{what}={name!r}: accepted are {list(accepted)}")


def _numbers(record: dict) -> str:
    return ", ".join(
        f"{name} {'not finite' if value is None else f'{value:.3f}'}"
        for name, value in record["metrics"].items()
    )
