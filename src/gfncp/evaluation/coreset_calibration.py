"""Figures of a posterior on simulated sets with known labels, as Markdown."""

from gfncp.evaluation.comparison import NOTHING, markdown
from gfncp.evaluation.table_cells import format_p_value, how_many_met, judged, machine, number, with_error

MEANS = (  # name, key and digits
    ("-log p: samples", "sample_nll", 1),
    ("-log p: truth", "truth_nll", 1),
    ("ratio, samples / truth", "ratio", 3),
    ("share of sets whose truth is possible", "possible", 3),
    ("K of samples", "sample_clusters", 2),
    ("K of the truth", "clusters", 2),
    ("ARI of `labels_`", "ari", 3),
    ("ARI of samples", "ari_samples", 3),
    ("told K: ARI of `labels_`", "ari_told", 3),
    ("told K: gain in ARI", "told_gain", 3),
    ("20% known: ARI of the other rows", "ari_unknown_rows_known", 3),
    ("20% known: gain in their ARI", "known_gain", 3),
)
P_VALUES = (("p-value, ranks of -log p", "rank_p"), ("p-value, ranks of K", "clusters_p"))
PAIRS = (("error of pairs", "pairs"), ("20% known: error of pairs", "pairs_known"))


def coreset_calibration(records: list[dict]) -> str:
    """Return a section on records of `benchmarks/calibration.py`, one per checkpoint."""
    return (
        "## Is the posterior of `general` right where its truth is known?\n\n"
        "Sets are drawn from the prior that it was trained on, with their true labels; its weights and its "
        "temperature were chosen with these sets in view, so the figures flatter a little. If a posterior is "
        "exact, its samples and the truth are exchangeable: on average equally probable (a ratio of 1) and "
        "of equally many clusters, with ranks that are uniform (p-values that are not small). Pairs of "
        "points then share a cluster as often as predicted; the error of pairs is the mean difference, in "
        "bins of the prediction, and in brackets stands that of a sample in the truth's place, which an "
        "exact posterior would have. *Told K*: the number of clusters is given. *20% known*: a fifth of the"
        " labels are. Where each coreset lacks a medoid of some cluster, the truth [cannot be "
        "found](how-it-works.md#sets-of-any-size-weighted-coresets); log-probabilities and ranks leave out"
        " such sets. Means ± standard errors over sets.\n\n"
    ) + ("\n\n".join(map(_checkpoint, records)) or NOTHING)


def running_free(record: dict) -> str:
    """Return a short summary of a checkpoint's posterior on simulated sets."""
    return "\n\n".join([f"`{_command(record)}`", _quantities(record["sizes"])])


def _checkpoint(record: dict) -> str:
    return "\n\n".join(
        [
            f"`{_command(record)}`",
            f"`{record['checkpoint']}`; {record['samples']} samples of each set; {machine(record)}.",
            _quantities(record["sizes"]),
            "How often pairs of points share a cluster in the truth, by the probability that was predicted:",
            _curves(record["sizes"]),
            how_many_met(record["targets"]),
            _targets(record["targets"]),
        ]
    )


def _command(record: dict) -> str:
    sets = max(of["sets"] for of in record["sizes"].values())
    points = "".join(f" --points {size}" for size in record["sizes"])
    options = (f"--{name} {record[name]}" for name in ("samples", "scale", "orders", "seed"))
    return (
        f"python benchmarks/calibration.py --checkpoint {record['checkpoint']}{points} --sets {sets} "
        f"{' '.join(options)} --record records/calibration.json"
    )


def _quantities(sizes: dict[str, dict]) -> str:
    every = list(sizes.values())
    rows = [("", *(f"{size} points" for size in sizes)), ("sets", *(str(of["sets"]) for of in every))]
    rows += [(name, *(with_error(**of[key], digits=digits) for of in every)) for name, key, digits in MEANS]
    rows += [(name, *(format_p_value(of[key]) for of in every)) for name, key in P_VALUES]
    rows += [(name, *(_errors(of[key]) for of in every)) for name, key in PAIRS]
    return markdown([*rows, ("seconds", *(f"{of['seconds']:.0f}" for of in every))])


def _errors(pairs: dict) -> str:
    truth, sample = (
        with_error(pairs[name]["error"], pairs[name]["standard_error"]) for name in ("truth", "sample")
    )
    return f"{truth} ({sample})"


def _curves(sizes: dict[str, dict]) -> str:
    """Return mean predictions and, after a colon, frequencies; bins are columns."""
    bins = len(next(iter(sizes.values()))["pairs"]["truth"]["predicted"])
    rows = [("points", "", *(f"{i / bins:.1f} – {(i + 1) / bins:.1f}" for i in range(bins)))]
    for size, of in sizes.items():
        for name, key in (("nothing known", "pairs"), ("20% known", "pairs_known")):
            curve = of[key]["truth"]
            both = zip(curve["predicted"], curve["observed"], strict=True)
            rows.append((size, name, *(f"{number(p, 2)}: {number(o, 2)}" for p, o in both)))
    return markdown(rows)


def _targets(targets: list[dict]) -> str:
    rows = [("points", "target", "value", "wanted", "")]
    return markdown(rows + [(str(target["points"]), target["what"], *judged(target)) for target in targets])
