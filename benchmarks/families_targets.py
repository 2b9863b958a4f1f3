"""Targets of the default checkpoint on each kind of data, and whether rows of figures meet them."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from families_data import NO_STRUCTURE
from rich.table import Table

FEW = 20  # clusters: up to so many, errors of their number are counted
PLANAR = {"all": 0.82, "Gaussian-like": 0.88, "others": 0.78}
SINGLE = {"p1": 0.90, "p2": 0.80}
WIDE = {"segment": 0.50, "UMIST": 0.45, "Isolet": 0.45}
TRACKERS, MANY = 0.9, {"120 clusters": 0.8}
TEXT = -0.05  # from the checkpoint for such data
SPEED = {150: 0.4, 1000: 1.0, 2000: 1.2, 100_000: 10.0}  # seconds
OURS, OURS_TOLD, SPECIAL = "gfncp", "gfncp, true K", "clinc150"
KMEANS, MIXTURES = "k-means, true K", "GMM + BIC"


@dataclass(frozen=True)
class Target:
    """Values whose mean should be at least, or for times and errors at most, what is wanted."""

    what: str
    values: list[float]
    wanted: float
    at_most: bool = False

    @property
    def value(self) -> float:
        return float(np.mean(self.values))

    @property
    def error(self) -> float | None:
        """The standard error of the mean; None for a single value."""
        count = len(self.values)
        return float(np.std(self.values, ddof=1) / count**0.5) if count > 1 else None

    @property
    def met(self) -> bool:
        return self.value <= self.wanted if self.at_most else self.value >= self.wanted

    def as_dict(self) -> dict:
        """Return what a record holds of it."""
        return {
            "what": self.what,
            "value": self.value,
            "error": self.error,
            "sets": len(self.values),
            "wanted": f"{'<=' if self.at_most else '>='} {self.wanted:g}",
            "met": self.met,
        }


def targets(rows: list[dict], speed: list[dict], orders: list[dict]) -> list[Target]:
    """Return the targets of whatever was measured.

    Args:
        rows: of scored sets: ``group``, ``set``, ``found`` and ``nearest`` numbers of clusters, and
            ``methods`` with each one's ``ari``; see `families.py`.
        speed: ``points``, and ``seconds`` of each repetition.
        orders: ``ari`` of each shuffle of a set with the set as it was.
    """
    groups = defaultdict(list)
    for row in rows:
        groups[row["group"]].append(row)
    every = [
        *_planar(groups["planar"]),
        *_named("single-cell", groups["single-cell"], SINGLE),
        *_named("wide", groups["wide"], WIDE),
        Target(f"text: ARI beyond {SPECIAL}", _lead(groups["text"], OURS, SPECIAL), TEXT),
        *_trackers(groups["trackers"]),
        *_told(groups["told K"]),
        Target(f"make_blobs: ARI beyond {MIXTURES}", _lead(groups["make_blobs"], OURS, MIXTURES), 0.0),
        Target("make_blobs: ARI beyond k-means, told K", _lead(groups["make_blobs"], OURS_TOLD, KMEANS), 0.0),
        *(
            Target(f"speed: seconds, N = {row['points']}", row["seconds"], SPEED[row["points"]], at_most=True)
            for row in speed
            if row["points"] in SPEED
        ),
        Target("row orders: ARI of shuffles", [value for row in orders for value in row["ari"]], 1.0),
    ]
    return [target for target in every if target.values]


def _ari(rows: list[dict], method: str = OURS) -> list[float]:
    return [row["methods"][method]["ari"] for row in rows]


def _lead(rows: list[dict], method: str, other: str) -> list[float]:
    return [a - b for a, b in zip(_ari(rows, method), _ari(rows, other), strict=True)]


def _planar(rows: list[dict]) -> list[Target]:
    parts = {
        "all": rows,
        "Gaussian-like": [row for row in rows if row["gaussian_like"]],
        "others": [row for row in rows if not row["gaussian_like"]],
    }
    errors = [abs(row["found"] - row["nearest"]) for row in rows if max(row["clusters"]) <= FEW]
    return [
        *(Target(f"planar: ARI, {name}", _ari(parts[name]), wanted) for name, wanted in PLANAR.items()),
        Target("planar: K right", [float(error == 0) for error in errors], 0.55),
        Target("planar: K within 1", [float(error <= 1) for error in errors], 0.80),
        Target("planar: error of K", [float(error) for error in errors], 1.0, at_most=True),
    ]


def _named(group: str, rows: list[dict], wanted: dict[str, float]) -> list[Target]:
    return [
        Target(f"{group}: ARI, {name}", _ari([row for row in rows if row["set"] == name]), value)
        for name, value in wanted.items()
    ]


def _trackers(rows: list[dict]) -> list[Target]:
    found = []
    for name in dict.fromkeys(row["set"] for row in rows):
        held = [row for row in rows if row["set"] == name]
        if name.startswith(NO_STRUCTURE):
            found.append(Target(f"{name}: K = 1", [float(row["found"] == 1) for row in held], 1.0))
        else:
            found.append(Target(f"trackers: ARI, {name}", _ari(held), MANY.get(name, TRACKERS)))
    return found


def _told(rows: list[dict]) -> list[Target]:
    gains = _lead(rows, OURS_TOLD, OURS)
    return [
        Target("told K: ARI beyond k-means", _lead(rows, OURS_TOLD, KMEANS), 0.0),
        Target("told K: not below K unknown", [float(gain >= 0) for gain in gains], 1.0),
    ]


def target_table(found: list[Target]) -> Table:
    """Return all targets as one table."""
    table = Table("target", "value", "standard error", "sets", "wanted", "", title="Targets")
    for each in found:
        row = each.as_dict()
        error = "" if row["error"] is None else f"{row['error']:.3f}"
        met = "met" if row["met"] else "missed"
        table.add_row(row["what"], f"{row['value']:.3f}", error, str(row["sets"]), row["wanted"], met)
    return table
