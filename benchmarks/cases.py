"""Run cases that users bring: what is understood, what is refused, and what nobody may misread.

    python benchmarks/cases.py --record records/cases.json
    python benchmarks/cases.py --only A4 --only A6

Each case says what is expected, and what was observed; the exit code is 1 if one fails. Data are drawn by
recipes of our own (`cases_reading.py`, `cases_values.py`, `cases_images.py`, `cases_sets.py`), with several
seeds each. With --only, other groups of the record stay as they are.

- A1: cells, files and arrays of all kinds. A2: columns that name rows. A3: what is said of columns.
- A4: outliers and sentinels. A5: coarse numbers. A6: categories. A7: images. A8: data of another kind.
- B: new points, training, folders, orders of rows, and odd sets.
"""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import cases_images
import cases_reading
import cases_sets
import cases_values
import typer
from cases_checks import Case, Outcome, Place
from machine import describe_checkpoint, describe_machine
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from gfncp.checkpoints import DEFAULT
from gfncp.files import write_text

GROUPS: dict[str, dict[str, Case]] = (
    cases_reading.CASES | cases_values.CASES | cases_images.CASES | cases_sets.CASES
)
WIDTH = 150  # of the table, at least

console = Console(highlight=False)
console.width = max(console.width, WIDTH)


def run(case: Case, checkpoint: str, seed: int) -> Outcome:
    """Return the outcome of a case in an empty folder; an error that nobody expected is one, too."""
    with TemporaryDirectory() as folder:
        try:
            outcome = case(Place(Path(folder), checkpoint, seed))
            return replace(outcome, observed=outcome.observed.replace(f"{folder}/", ""))
        except ModuleNotFoundError as error:
            return Outcome("", f"{error.name} is not installed", None)
        except Exception as error:  # a case that breaks must not hide the others
            return Outcome("no error", f"{type(error).__name__}: {error}", False)


def rows_of(group: str, checkpoint: str, seeds: int) -> list[dict]:
    """Return a row for each case of a group and seed."""
    rows = []
    for name, case in GROUPS[group].items():
        for seed in range(seeds):
            with console.status(f"{group}: {name}"):
                outcome = run(case, checkpoint, seed)
            rows.append({"group": group, "case": name, "seed": seed, **vars(outcome)})
    return rows


def table_of(rows: list[dict]) -> Table:
    """Return a line for each case of a group: what was observed with its seeds, and the verdict."""
    table = Table(Column("case", no_wrap=True), "expected", "observed", "verdict", title=rows[0]["group"])
    cases: dict[str, list[dict]] = {}
    for row in rows:
        cases.setdefault(row["case"], []).append(row)
    for name, own in cases.items():
        failed = [row for row in own if row["met"] is False]
        observed = ", ".join(dict.fromkeys(row["observed"] for row in failed or own))
        verdict = "[green]met[/green]" if own[0]["met"] else "not run"
        if failed:
            verdict = f"[red]missed, {len(failed)} of {len(own)}[/red]"
        table.add_row(*map(escape, (name, own[0]["expected"], observed)), verdict)
    return table


def main(
    checkpoint: Annotated[str, typer.Option(help="A checkpoint for any width, or a folder.")] = DEFAULT,
    only: Annotated[
        list[str] | None, typer.Option(help=f"Groups: {', '.join(GROUPS)}; default: all.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Of the data.")] = 3,
    record: Annotated[Path | None, typer.Option(help="Write the outcomes to this JSON file.")] = None,
) -> None:
    """Run the cases, and print a table of them."""
    if unknown := set(only or ()) - set(GROUPS):
        raise typer.BadParameter(f"--only {sorted(unknown)}: accepted are {list(GROUPS)}")
    try:
        about = describe_checkpoint(checkpoint)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    rows = []
    if only and record is not None and record.exists():  # what other groups have stays
        earlier = json.loads(record.read_text(encoding="utf-8"))["rows"]
        rows = [row for row in earlier if row["group"] not in only]
    for group in only or GROUPS:
        found = rows_of(group, checkpoint, seeds)
        console.print(table_of(found))
        rows += found
        if record is not None:
            order = list(GROUPS)
            rows.sort(key=lambda row: order.index(row["group"]))
            result = {
                "kind": "cases",
                **about,
                "seeds": seeds,
                **describe_machine(),
                "missed": len({(row["group"], row["case"]) for row in rows if row["met"] is False}),
                "rows": rows,
            }
            write_text(record, json.dumps(result, indent=2) + "\n")
    if any(row["met"] is False for row in rows):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
