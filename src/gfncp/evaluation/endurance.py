"""Tables of the costs of large sets, and of the results of killed runs and hostile input."""

from gfncp.evaluation.comparison import NOTHING, markdown


def endurance(large: list[dict], kills: list[dict], fuzzed: list[dict]) -> str:
    """Return the tables between the markers of docs/scale.md.

    Args:
        large, kills, fuzzed: records of `benchmarks/large.py`, `kill.py` and `fuzz.py`.
    """
    parts = [
        *(part for record in large for part in (_growth(record), _accuracy(record))),
        *map(_kills, kills),
        *map(_fuzzed, fuzzed),
    ]
    return "\n\n".join(part for part in parts if part) or NOTHING


def _growth(record: dict) -> str:
    if not record["growth"]:
        return ""
    rows = [("points", "seconds", "microseconds per option", "MiB", "of these, before", "NMI", "ARI")]
    for row in record["growth"]:
        rows.append(
            (
                f"{row['points']:,}",
                f"{row['seconds']:.1f}",
                f"{row['microseconds per option']:.2f}",
                f"{row['MiB']:.0f}",
                f"{row['MiB before']:.0f}",
                f"{row['NMI']:.3f}",
                f"{row['ARI']:.3f}",
            )
        )
    machine = record["machine"]
    about = (
        f"`{record['checkpoint']}`, {record['samples']} samples, up to {record['max_joint']} points decoded "
        f"jointly, {machine['threads']} thread(s) of {machine['processor']}, PyTorch {machine['torch']}. "
        "Options are points x (clusters + 1) x (samples + 1)."
    )
    return f"{about}\n\n{markdown(rows)}"


def _accuracy(record: dict) -> str:
    if not record["accuracy"]:
        return ""
    agreements = "NMI", "ARI", "NMI with joint", "ARI with joint"
    rows: list[tuple[str, ...]] = [("points", "decoded jointly", *agreements, "seconds")]
    for row in record["accuracy"]:
        scores = (f"{row[name]:.3f}" for name in agreements)
        rows.append((f"{row['points']:,}", f"{row['decoded jointly']:,}", *scores, f"{row['seconds']:.1f}"))
    return (
        f"Greedy clusterings by `{record['checkpoint']}`, means over {record['sets']} set(s). "
        f"Joint: all points decoded jointly.\n\n{markdown(rows)}"
    )


def _kills(record: dict) -> str:
    same = "the same weights as" if record["same_weights_as_uninterrupted"] else "other weights than"
    return (
        f"`{record['command']}`: {record['runs']} runs were killed (SIGKILL) {record['kills']} times, "
        f"{record['kills_during_a_write']} of them while a file was written, and went on each time; they "
        f"ended with {same} an uninterrupted one, to the bit."
    )


def _fuzzed(record: dict) -> str:
    names = sorted({name for counts in record["outcomes"].values() for name in counts})
    rows = [("input", *names)]
    for what, counts in record["outcomes"].items():
        rows.append((what, *(str(counts.get(name, 0)) for name in names)))
    return f"`{record['command']}`: what came of {record['cases']:,} hostile cases.\n\n{markdown(rows)}"
