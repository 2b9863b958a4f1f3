"""Cases A1 to A3: tables, files and arrays as people have them, and what is said of them."""

import datetime
import gzip
from functools import partial

import numpy as np
import pandas as pd
import scipy.sparse
from cases_checks import (
    Case,
    Outcome,
    Place,
    Points,
    all_of,
    clear,
    command,
    frame,
    holds,
    recovers,
    refuses,
    warns,
)

from gfncp import GFNCP
from gfncp.checkpoints import find
from gfncp.data.point_sets import Roles, read_sets

LEAST = 0.95
BAD = (3, 40, 77)  # rows with a bad cell
REMEDIES = {  # what stands in the cells; what the message advises; what the reader is told then
    "?": ("--missing '\\?'", {"missing": ["?"]}),
    "-": ("--missing -", {"missing": ["-"]}),
    "n/k": ("--missing n/k", {"missing": ["n/k"]}),
    "30,000": ("--thousands ,", {"thousands": ","}),
    "3,5": ("--decimal ,", {"decimal": ","}),
    "$12": ("remove the signs", None),
    "12 %": ("bring the numbers to one unit", None),
    "Total": ("remove the row", None),
}


def bad_cells(cell: str, place: Place) -> Outcome:
    """Expect that a few bad cells are named, and that the table is read when told, or without their rows."""
    x, truth = clear(place)
    advice, said = REMEDIES[cell]
    table = frame(x.round(3)).astype(object)
    if cell == "30,000":  # all of the table in thousands
        table = frame((1000 * x).round()).map(lambda value: f"{value:,.0f}")
    elif cell == "3,5":
        table = table.map(lambda value: f"{value:.3f}".replace(".", ","))
    else:
        table.loc[BAD, "x1"] = cell
    path = place.write(table.to_csv(index=False))
    first = {"3,5": r"row 1, column 'x0'", "30,000": r"row \d+, column 'x0'"}  # the first of 1,000 or more
    where = first.get(cell, rf"row {BAD[0] + 1}, column 'x1'")
    wanted = (f"{where} holds", "accepted are numbers and missing values", advice)
    refused = refuses(lambda: place.read(path), *wanted)
    kept = np.ones(len(x), bool)
    if said is None:
        kept[list(BAD)] = False
        path = place.write(table[kept].to_csv(index=False))
    found = place.fit(place.read(path, **(said or {}))).labels_
    return all_of(refused, recovers(found, truth[kept], LEAST))


def written(place: Place, x: Points, how: str) -> pd.DataFrame | Points:
    """Write a table in one of the ways that files have, and read it again without being told."""
    table = frame(x)
    if how == "gz":
        path = place.write(gzip.compress(table.to_csv(index=False).encode()), "x.csv.gz")
    elif how == "Parquet of lists":
        path = place.folder / "x.parquet"
        pd.DataFrame({"e": list(x)}).to_parquet(path)
    elif how == "NPZ":
        path = place.folder / "x.npz"
        np.savez(path, other=x[:3], points=x)
        return place.read(path, array="points")
    else:
        mark, decimal = {"semicolon": (";", ","), "tab": ("\t", "."), "white space": (" ", ".")}[how]
        path = place.write(table.to_csv(index=False, sep=mark, decimal=decimal), "x.txt")
    return place.read(path)


def file(how: str, place: Place) -> Outcome:
    x = clear(place)[0].round(3)
    read = np.asarray(written(place, x, how), float)
    equal = read.shape == x.shape and np.array_equal(read, x)
    return holds("the same numbers", "the same" if equal else f"others, of shape {read.shape}", equal)


def encoding(name: str, place: Place) -> Outcome:
    x, truth = clear(place)
    path = place.write(frame(x).rename(columns={"x0": "größe"}).to_csv(index=False).encode(name))
    refused = refuses(lambda: place.read(path), "not UTF-8", f"--encoding {name}")
    return all_of(refused, recovers(place.fit(place.read(path, encoding=name)).labels_, truth, LEAST))


def dates(place: Place) -> Outcome:
    """Expect the same days from pandas, polars and a CSV file."""
    import polars as pl  # may not be there

    x, truth = clear(place)
    days = [datetime.date(2020, 1, 1) + datetime.timedelta(days=round(value)) for value in 100 * x[:, 0]]
    table = pd.DataFrame({"when": pd.to_datetime(days), "x1": x[:, 1]})
    path = place.write(table.to_csv(index=False))
    models = [place.fit(each) for each in (table, pl.from_pandas(table), place.read(path))]
    alike = all(np.allclose(models[0].X_, each.X_) for each in models)
    return all_of(
        holds("alike in pandas, polars, CSV", "alike" if alike else "other numbers", alike),
        recovers(models[0].labels_, truth, LEAST),
    )


def sparse(place: Place) -> Outcome:
    return refuses(lambda: place.fit(scipy.sparse.csr_array(clear(place)[0])), "TruncatedSVD")


def masked(place: Place) -> Outcome:
    x, truth = clear(place)
    mask = np.zeros(x.shape, bool)
    mask[list(BAD), 1] = True
    held = np.ma.masked_array(np.where(mask, -999.0, x), mask)
    model = place.fit(held)
    filled = model.columns_[1].missing == len(BAD) and (model.X_ > -100).all()
    return all_of(
        holds("masked cells are missing", f"{model.columns_[1].missing} filled in", filled),
        recovers(model.labels_, truth, LEAST),
    )


def one_row(place: Place) -> Outcome:
    return refuses(lambda: place.fit(clear(place)[0][:, 0]), r"reshape\(-1, 1\)")


def polars_names(place: Place) -> Outcome:
    import polars as pl

    names = place.fit(pl.DataFrame({"height": [1.0, 9.0, 1.1], "weight": [2.0, 8.0, 2.2]})).feature_names_in_
    return holds("names height, weight", ", ".join(names), list(names) == ["height", "weight"])


def row_numbers(place: Place) -> Outcome:
    """Expect that pandas' index, numbers of rows, identifiers and names are left out, with a note."""
    x, truth = clear(place)
    rows = len(x)
    identifiers = place.rng.permutation(rows) + 5000
    names = [f"p{i}" for i in range(rows)]
    table = frame(x).assign(number=range(1, rows + 1), customer_id=identifiers, who=names)
    (found,) = read_sets([place.write(table.to_csv())], Roles())
    left_out = {each.name for each in found.columns if each.used == "left out"}
    wanted = {"Unnamed: 0", "number", "customer_id", "who"}
    return all_of(
        holds("left out: all four", ", ".join(sorted(left_out)), left_out == wanted),
        warns(lambda: GFNCP(place.checkpoint, n_samples=5).fit(table), "left out of X: .*who"),
        recovers(place.fit(found.points).labels_, truth, LEAST),
    )


def numbered(place: Place) -> Outcome:
    """Expect numbers of rows in a random order, from 1000 on, to be left out."""
    x, truth = clear(place)
    table = frame(x).assign(patient=1000 + place.rng.permutation(len(x)))
    return recovers(place.fit(place.read(place.write(table.to_csv(index=False)))).labels_, truth, LEAST)


def total_row(place: Place) -> Outcome:
    """Expect a note about a last row that is the sum of the others."""
    table = frame(clear(place)[0].round(3))
    path = place.write(pd.concat([table, table.sum().to_frame().T]).to_csv(index=False))
    return warns(lambda: read_sets([path], Roles()), "the last row is the sum of the 150 above it")


def no_header(place: Place) -> Outcome:
    x, truth = clear(place)
    table = frame(x).assign(kind=np.array(list("uvw"))[truth])
    path = place.write(table.to_csv(index=False, header=False))
    return refuses(lambda: place.read(path), "the first line has to name the columns")


def typeset(place: Place) -> Outcome:
    x = clear(place)[0].round(3)
    path = place.write(frame(x).to_csv(index=False).replace("-", "\N{MINUS SIGN}"))
    equal = np.array_equal(np.asarray(place.read(path), float), x)
    return holds("the same numbers", "the same" if equal else "others", equal)


def what_was_used(place: Place) -> Outcome:
    """Expect the terminal and the estimator to say what columns are used as, the scale, the checkpoint."""
    x, _ = clear(place)
    table = frame(x).assign(kind=np.where(x[:, 0] > 4, "a", "b"), id=range(7, 7 + len(x)))
    table.loc[list(BAD), "x1"] = np.nan
    path = place.write(table.to_csv(index=False))
    output = ("--output", place.folder / "out", "--checkpoint", place.checkpoint)
    _, said = command(["cluster", path, *output, "--samples", "5"])
    wanted = {
        "Numbers: x0, x1 (3 filled in)",
        "Categories: kind (2 values)",
        "Left out: id",
        "common unit|standardised each|unit length",
        f"Checkpoint: {find(place.checkpoint).name}",
    }
    lacks = [each for each in wanted if not any(part in said for part in each.split("|"))]
    model = place.fit(table, n_samples=5)
    uses = [each.used for each in model.columns_]
    kept = uses == ["number", "number", "category", "left out"] and model.columns_[1].missing == len(BAD)
    return all_of(
        holds(
            "columns, filling, scale, checkpoint are said", f"lacks {lacks}" if lacks else "all", not lacks
        ),
        holds("columns_ says the same", "the same" if kept else str(uses), kept and model.scale_ is not None),
    )


CASES: dict[str, dict[str, Case]] = {
    "A1": {
        **{f"cells of {cell!r}": partial(bad_cells, cell) for cell in REMEDIES},
        **{
            how: partial(file, how)
            for how in ("semicolon", "tab", "white space", "gz", "Parquet of lists", "NPZ")
        },
        **{name: partial(encoding, name) for name in ("latin-1", "utf-16")},
        "typeset minus signs": typeset,
        "no header": no_header,
        "a row of totals": total_row,
        "dates": dates,
        "sparse matrix": sparse,
        "masked array": masked,
        "one-dimensional array": one_row,
        "names in polars": polars_names,
    },
    "A2": {"row numbers, identifiers, names": row_numbers, "row numbers in random order": numbered},
    "A3": {"what was used": what_was_used},
}
