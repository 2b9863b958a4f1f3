"""Figures of variants of the general checkpoint's design, as Markdown."""

from gfncp.evaluation.comparison import NOTHING, markdown
from gfncp.evaluation.table_cells import machine

HEADER = (
    "variant",
    "minutes",
    "weights",
    "sets seen",
    "loss",
    "ARI, simulated",
    "ARI of samples",
    "ARI, development sets",
    "Gaussian-like",
    "others",
    "-log p: samples / truth",
)
SCORES = "loss", "simulated", "samples", "all", "Gaussian-like", "others"


def coreset_ablation(records: list[dict]) -> str:
    """Return a table for each record of `benchmarks/ablation_coresets.py`."""
    return "\n\n".join(map(_variants, records)) or NOTHING


def _variants(record: dict) -> str:
    rows: list[tuple[str, ...]] = [HEADER]
    for name, of in record["variants"].items():
        size = f"{of['parameters'] / 1e6:.2f} M", f"{of['sets']:,}"
        surprise = f"{of['surprise of samples']:.1f} / {of['surprise of truth']:.1f}"
        rows.append((name, f"{of['minutes']:g}", *size, *(f"{of[score]:.3f}" for score in SCORES), surprise))
    commands = " ".join(
        f"`python benchmarks/ablation_coresets.py --data FOLDER --minutes {minutes:g} "
        "--record records/ablation-coresets.json`"
        for minutes in sorted({of["minutes"] for of in record["variants"].values()})
    )
    return f"{commands}\n\n{machine(record)}.\n\n{markdown(rows)}"
