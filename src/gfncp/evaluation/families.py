"""Figures of a checkpoint on data of the kinds that users have, as Markdown."""

from statistics import fmean, median, stdev

from gfncp.evaluation.comparison import NOTHING, OURS, markdown
from gfncp.evaluation.table_cells import how_many_met, judged, machine, number, with_error

MILLION = 10**6
GROUPS = {
    "planar": "Planar benchmark sets: the collections FCPS, Graves and SIPU, and scikit-learn's sets.",
    "single-cell": "Single cells: two plates of cells of five lines, by 20 principal components.",
    "wide": "Tables of 19 to 1024 columns: random rows for each seed.",
    "text": "Embedded sentences of ten random intents of CLINC150.",
    "trackers": "Drawn sets that repeat what users of clustering libraries report.",
    "told K": "Drawn Gaussian sets, for methods that are told the number of clusters.",
    "make_blobs": "Round clusters in the plane, by scikit-learn's function of this name.",
}


def families(records: list[dict]) -> str:
    """Return a section on records of `benchmarks/families.py`, one per checkpoint."""
    return (
        "## On the kinds of data that people bring\n\n"
        "These are development data, too: nothing was trained on them, but choices were made with them in "
        "view. ARI are means ± standard errors over the sets of a row: one for each seed, or in the planar "
        "group different ones. *K found* is the mean number of clusters where it is not told, in brackets "
        "that of the reference labels that agree best; *K right* is the share of sets where the two are "
        "equal. A set that the checkpoint refuses counts as ARI 0. Methods whose names end in *true K* are "
        "told the number of clusters; those with a dash did not cluster all sets of the row. Targets for K "
        "leave out planar sets of more than 20 clusters.\n\n"
    ) + ("\n\n".join(map(_checkpoint, records)) or NOTHING)


def targets_met(record: dict) -> str:
    """Return a short summary of a checkpoint on each kind of data."""
    return "\n\n".join(
        [f"`{_command(record)}`", how_many_met(record["targets"]), _targets(record["targets"])]
    )


def _checkpoint(record: dict) -> str:
    groups = dict.fromkeys(row["group"] for row in record["rows"])
    parts = [
        f"`{_command(record)}`",
        f"`{record['checkpoint']}`; {len(record['rows'])} sets; {machine(record)}. "
        + how_many_met(record["targets"]),
        _targets(record["targets"]),
        *(_group(group, record) for group in groups),
        _speed(record["speed"]),
    ]
    return "\n\n".join(part for part in parts if part)


def _command(record: dict) -> str:
    million = " --million" if any(row["points"] == MILLION for row in record["speed"]) else ""
    return (
        f"python benchmarks/families.py --data FOLDER --checkpoint {record['checkpoint']} "
        f"--seeds {record['seeds']}{million} --record records/families.json"
    )


def _targets(targets: list[dict]) -> str:
    rows = [("target", "sets or repetitions", "value", "wanted", "")]
    rows += [(target["what"], str(target["sets"]), *judged(target)) for target in targets]
    return markdown(rows)


def _group(group: str, record: dict) -> str:
    held = [row for row in record["rows"] if row["group"] == group]
    methods = dict.fromkeys(method for row in held for method in row["methods"])
    names = [method.replace(OURS, f"`{record['checkpoint']}`") for method in methods]
    rows = [("mean ARI", "sets", "K found", "K right", *names)]
    for name, part in _parts(group, held).items():
        found, reference = (number(fmean(row[key] for row in part), 1) for key in ("found", "nearest"))
        right = number(fmean(row["found"] == row["nearest"] for row in part), 2)
        scores = (_mean_ari(part, method) for method in methods)
        rows.append((name, str(len(part)), f"{found} ({reference})", right, *scores))
    return f"### {group}\n\n{GROUPS[group]}\n\n{markdown(rows)}"


def _parts(group: str, rows: list[dict]) -> dict[str, list[dict]]:
    """Group rows by the names of the sets; those of the planar group, of which there are many, by kind."""
    parts: dict[str, list[dict]] = {}
    for row in rows:
        planar = "Gaussian-like" if row["gaussian_like"] else "others"
        parts.setdefault(planar if group == "planar" else row["set"], []).append(row)
    return parts | ({"all": rows} if len(parts) > 1 else {})


def _mean_ari(rows: list[dict], method: str) -> str:
    """Return a method's mean ARI, or a dash where it did not cluster all sets: means would not compare."""
    if any(method not in row["methods"] for row in rows):
        return number(None)
    values = [row["methods"][method]["ari"] for row in rows]
    error = stdev(values) / len(values) ** 0.5 if len(values) > 1 else None
    return with_error(fmean(values), error, 2)


def _speed(speed: list[dict]) -> str:
    if not speed:
        return ""
    header = ("points", "columns", "samples", "seconds", "repetitions", "MiB", "of these, before")
    rows: list[tuple[str, ...]] = [header]
    for row in speed:
        counts = (f"{row[name]:,}" for name in ("points", "dim", "samples"))
        seconds, repetitions = number(median(row["seconds"]), 2), str(len(row["seconds"]))
        rows.append((*counts, seconds, repetitions, *(f"{row[name]:.0f}" for name in ("MiB", "MiB before"))))
    return (
        "### Time and memory\n\nMedian seconds of a fit, and the most memory that its process ever held."
        f"\n\n{markdown(rows)}"
    )
