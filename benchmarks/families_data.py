"""Sets of several kinds of data on which the default checkpoint is judged while it is developed.

Real sets are read from a folder: planar benchmark sets, single cells, wide tables, embedded sentences. The
others are drawn, by recipes that repeat what users of clustering libraries report: rounded values,
questionnaires, sentinel values, columns of noise, no structure at all. Everything is a `RealSet`: labels
count from 1, and label 0 marks points that are clustered but not scored.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from real_sets import RealSet, bundled_sets, read_collections
from scipy.spatial.distance import cdist
from sklearn.datasets import make_blobs
from sklearn.decomposition import PCA

MOST_POINTS = 2000  # of a planar set
WIDE_POINTS = 1000
GENES, COMPONENTS = 1000, 20  # of single cells: the most variable genes, and their principal components
INTENTS, TEXT_SETS = 10, 10
TEXT_POINTS = 300
BLOB_SETS = 30
POINTS = 300  # of a drawn set, unless its recipe says otherwise
CLEAR = np.array(
    [[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]]
)  # centres of three round clusters, in standard deviations
PROFILES = np.array([[1, 3, 5], [5, 1, 3], [3, 5, 1]])  # of three groups of people, on scales from 1 to 5
TEXT, TUNING, REPORTED, TOLD, ORDERS, MIXTURE, BLOBS = range(7)  # streams of random numbers

Points = Float[np.ndarray, "points dim"]
Labels = Int[np.ndarray, "points"]


@dataclass(frozen=True)
class Case:
    """A set, the seed of the methods that cluster it, and a user's table of it, unless all numbers."""

    real: RealSet
    seed: int
    table: pd.DataFrame | None = None

    @property
    def given(self) -> Points | pd.DataFrame:
        """Points as a user has them."""
        return self.real.x if self.table is None else self.table


# Real sets.


def planar(data: Path, seeds: int) -> Iterator[Case]:
    """Yield the collections of clustering-data-v1 and the sets of scikit-learn, once each."""
    for real in [*read_collections(data / "clustering-data-v1"), *bundled_sets()]:
        yield Case(real.subsample(MOST_POINTS, 0), 0)


def single_cell(data: Path, seeds: int) -> Iterator[Case]:
    """Yield two plates of cells of five lines (Tian et al., Nature Methods 2019), once per seed."""
    for real in plates(data):
        for seed in range(seeds):
            yield Case(real, seed)


def plates(data: Path) -> Iterator[RealSet]:
    """Yield the cells of both plates."""
    for name in ("p1", "p2"):
        with np.load(data / "single-cell" / f"sc_celseq2_5cl_{name}.npz", allow_pickle=False) as held:
            yield RealSet(name, cell_components(held["x"]), (numbered(held["y"]),))


def wide(data: Path, seeds: int) -> Iterator[Case]:
    """Yield random rows of three tables of 19 to 1024 columns, once per seed."""
    for real in wide_tables(data):
        for seed in range(seeds):
            yield Case(real.subsample(WIDE_POINTS, seed), seed)


def wide_tables(data: Path) -> Iterator[RealSet]:
    """Yield all rows of the three tables."""
    for name in ("segment", "UMIST", "Isolet"):
        with np.load(data / "wide" / f"{name}.npz", allow_pickle=False) as held:
            yield RealSet(name, held["x"].astype(float), (numbered(held["y"]),))


def text(data: Path, seeds: int) -> Iterator[Case]:
    """Yield sets of sentences of ten random intents of CLINC150's test split, embedded.

    Of all 150 intents: the checkpoint clinc150 saw sentences of some of them in training, without labels.
    """
    x, intents = sentences(data, "test")
    for number in range(TEXT_SETS):
        yield Case(some_intents(x, intents, np.random.default_rng([TEXT, number])), number)


def sentences(data: Path, split: str) -> tuple[Points, Labels]:
    """Return the embedded sentences of one split of CLINC150, and their intents."""
    with np.load(data / "clinc150" / "minilm_l6_embeddings.npz", allow_pickle=False) as held:
        return held[f"{split}_x"].astype(float), held[f"{split}_y"].astype(int)


def some_intents(x: Points, intents: Labels, rng: np.random.Generator) -> RealSet:
    """Draw ten intents, and 300 of their sentences in random order."""
    chosen = rng.choice(np.unique(intents), INTENTS, replace=False)
    kept = rng.permutation(np.flatnonzero(np.isin(intents, chosen)))[:TEXT_POINTS]
    return RealSet("ten intents", x[kept], (numbered(intents[kept]),))


def cell_components(counts: Int[np.ndarray, "cells genes"]) -> Float[np.ndarray, "cells components"]:
    """Return principal components of the logarithms of counts, by genes that vary most.

    Each cell's counts are first scaled to the median total of the cells.
    """
    totals = counts.sum(1, keepdims=True)
    logs = np.log1p(counts / totals * np.median(totals))
    varied = logs[:, np.argsort(-logs.var(0), kind="stable")[:GENES]]
    left, sizes, _ = np.linalg.svd(varied - varied.mean(0), full_matrices=False)
    return (left * sizes)[:, :COMPONENTS]


def numbered(classes: np.ndarray) -> Labels:
    """Return classes of any kind as numbers from 1."""
    return np.unique(classes, return_inverse=True)[1] + 1


# Drawn sets.


def blobs(
    centres: Float[np.ndarray, "clusters dim"],
    sizes: int | Int[np.ndarray, "clusters"],
    rng: np.random.Generator,
    sd: float = 1.0,
) -> tuple[Points, Labels]:
    """Draw round Gaussian clusters of given sizes, or one size for all, in random order."""
    labels = rng.permutation(np.repeat(np.arange(len(centres)), sizes))
    return centres[labels] + sd * rng.normal(size=(len(labels), centres.shape[1])), labels + 1


def clear(rng: np.random.Generator) -> tuple[Points, Labels]:
    """Draw three clear round clusters of 50 points in the plane."""
    return blobs(CLEAR, 50, rng)


def rounded(rng: np.random.Generator) -> tuple[Points, Labels]:
    """Draw three clear clusters whose coordinates are integers, so that points coincide."""
    x, labels = clear(rng)
    return np.rint(x), labels


def likert(rng: np.random.Generator) -> tuple[Points, Labels]:
    """Draw answers of 150 people of three kinds to three questions, on scales from 1 to 5.

    Each answer is that of the kind's profile, or for one in five answers a step beside it.
    """
    labels = rng.permutation(np.repeat(np.arange(len(PROFILES)), 50))
    steps = rng.choice([-1, 0, 1], (len(labels), PROFILES.shape[1]), p=[0.1, 0.8, 0.1])
    return np.clip(PROFILES[labels] + steps, 1, 5).astype(float), labels + 1


def chain(points: int, rng: np.random.Generator) -> tuple[Points, Labels]:
    """Draw nine round clusters in a row, neighbours 6 standard deviations apart, along a line that bends."""
    headings = np.radians(np.linspace(-15, 15, 8))
    steps = 6.0 * np.stack([np.cos(headings), np.sin(headings)], 1)
    sizes = points // 9 + (np.arange(9) < points % 9)
    return blobs(np.concatenate([np.zeros((1, 2)), steps.cumsum(0)]), sizes, rng)


def row(points: int, rng: np.random.Generator) -> tuple[Points, Labels]:
    """Draw nine clusters in a straight row, 25 standard deviations apart, beside a column of another unit."""
    labels = 1 + np.arange(points) % 9
    return np.stack([25 * labels + rng.normal(size=points), 1e3 * rng.normal(size=points)], 1), labels


def noise_columns(rng: np.random.Generator) -> tuple[Points, Labels]:
    """Draw four clusters in three columns, 6 standard deviations apart, beside ten columns of noise."""
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * (6 / 8**0.5)
    x, labels = blobs(corners, POINTS // 4, rng)
    return np.concatenate([x, rng.normal(size=(POINTS, 10))], 1), labels


def far_beside_noise(rng: np.random.Generator) -> tuple[Points, Labels]:
    """Draw four clusters in three columns, 10 standard deviations apart, beside twenty columns of noise."""
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * (10 / 8**0.5)
    x, labels = blobs(corners, POINTS // 4, rng)
    return np.concatenate([x, rng.random((POINTS, 20))], 1), labels


def some_components(rng: np.random.Generator) -> tuple[Points, Labels]:
    """Draw four of six clusters in 60 columns, by 20 principal components of all six."""
    x, labels = blobs(3.0 * rng.normal(size=(6, 60)), POINTS // 4, rng)
    scores = PCA(20).fit_transform(x * 0.95 ** np.arange(60))
    return scores[labels <= 4], labels[labels <= 4]


def with_flag(rng: np.random.Generator) -> tuple[Points, Labels]:
    """Draw three clear clusters, with a third column of random zeros and ones."""
    x, labels = clear(rng)
    return np.column_stack([x, rng.integers(0, 2, len(x))]), labels


def outliers(value: float, rng: np.random.Generator) -> tuple[Points, Labels]:
    """Draw three clear clusters beside rows that hold only ``value``, 3% of all, which are not scored."""
    x, labels = clear(rng)
    gross = round(0.03 / 0.97 * len(x))
    order = rng.permutation(len(x) + gross)
    rows = np.concatenate([x, np.full((gross, 2), value)])
    return rows[order], np.concatenate([labels, np.zeros(gross, int)])[order]


def many(rng: np.random.Generator) -> tuple[Points, Labels]:
    """Draw 120 small round clusters of 20 points, near the nodes of a grid in the plane."""
    grid = np.stack(np.meshgrid(np.arange(12.0), np.arange(10.0)), -1).reshape(-1, 2)
    return blobs(grid + rng.uniform(-0.15, 0.15, grid.shape), 20, rng, sd=0.06)


def square(rng: np.random.Generator) -> tuple[Points, Labels]:
    """Draw points all over a square."""
    return rng.uniform(size=(POINTS, 2)), np.ones(POINTS, int)


def one_gaussian(dim: int, rng: np.random.Generator) -> tuple[Points, Labels]:
    """Draw a single Gaussian."""
    return rng.normal(size=(POINTS, dim)), np.ones(POINTS, int)


def moderate(dim: int, rng: np.random.Generator) -> tuple[Points, Labels]:
    """Draw 3 to 12 Gaussians of unlike sizes and shapes that overlap a little.

    Standard deviations along a cluster's axes, which point anywhere, are 0.5 to 2; the median cluster has
    its nearest neighbour at distance 5; each has at least 8 points.
    """
    clusters = int(rng.integers(3, 13))
    sizes = 8 + rng.multinomial(POINTS - 8 * clusters, rng.dirichlet(np.full(clusters, 3.0)))
    centres = rng.normal(size=(clusters, dim))
    apart = cdist(centres, centres) + np.where(np.eye(clusters), np.inf, 0.0)
    centres *= 5.0 / np.median(apart.min(1))
    axes = np.linalg.qr(rng.normal(size=(clusters, dim, dim)))[0]
    maps = axes * 2 ** rng.uniform(-1, 1, (clusters, 1, dim))
    labels = rng.permutation(np.repeat(np.arange(clusters), sizes))
    z = rng.normal(size=(POINTS, dim, 1))
    return centres[labels] + (maps[labels] @ z)[..., 0], labels + 1


def overlapping(rng: np.random.Generator) -> tuple[Points, Labels]:
    """Draw three round Gaussians in the plane, 4 standard deviations apart."""
    return blobs(4.0 * np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 0.75**0.5]]), POINTS // 3, rng)


def mixture(points: int, rng: np.random.Generator) -> Points:
    """Draw eight round clusters in eight columns, of which speed is measured."""
    return blobs(6.0 * rng.normal(size=(8, 8)), points // 8, rng)[0]


Recipe = Callable[[np.random.Generator], tuple[Points, Labels]]
FLAG = "three clusters, a flag"  # the flag is a column of booleans
NO_STRUCTURE = "no structure: "
TRACKERS: dict[str, Recipe] = {
    "rounded to integers": rounded,
    "Likert answers": likert,
    "chain, N = 270": lambda rng: chain(270, rng),
    "chain, N = 900": lambda rng: chain(900, rng),
    "chain, N = 3000": lambda rng: chain(3000, rng),
    "ten columns of noise": noise_columns,
    FLAG: with_flag,
    "outliers of -999": lambda rng: outliers(-999.0, rng),
    "outliers of 1e6": lambda rng: outliers(1e6, rng),
    "120 clusters": many,
    NO_STRUCTURE + "square": square,
    NO_STRUCTURE + "Gaussian, 2 columns": lambda rng: one_gaussian(2, rng),
    NO_STRUCTURE + "Gaussian, 10 columns": lambda rng: one_gaussian(10, rng),
    "row beside noise, N = 270": lambda rng: row(270, rng),
    "row beside noise, N = 3000": lambda rng: row(3000, rng),
    "twenty columns of noise": far_beside_noise,
    "components of a larger set": some_components,
}


def draw(name: str, recipe: Recipe, *stream: int) -> RealSet:
    """Draw a set from a stream of random numbers of its own."""
    x, labels = recipe(np.random.default_rng(stream))
    return RealSet(name, x, (labels,))


def trackers(data: Path, seeds: int) -> Iterator[Case]:
    """Yield a set of each recipe of ``TRACKERS`` per seed."""
    for place, (name, recipe) in enumerate(TRACKERS.items()):
        for seed in range(seeds):
            real = draw(name, recipe, REPORTED, place, seed)
            yield Case(real, seed, flagged(real.x) if name == FLAG else None)


def flagged(x: Points) -> pd.DataFrame:
    """Return points as a table whose last column holds booleans."""
    return pd.DataFrame(x[:, :-1], columns=["x", "y"]).assign(flag=x[:, -1] > 0)


def told(data: Path, seeds: int) -> Iterator[Case]:
    """Yield Gaussian sets, on which methods are compared that are told the number of clusters."""
    for dim in (2, 10, 30):
        for seed in range(seeds):
            yield Case(draw(f"{dim} columns", lambda rng, dim=dim: moderate(dim, rng), TOLD, dim, seed), seed)


def first_tries(data: Path, seeds: int) -> Iterator[Case]:
    """Yield sets of scikit-learn's ``make_blobs``: 3 to 12 clusters of variance 1 in a square of side 20."""
    for number in range(BLOB_SETS):
        rng = np.random.default_rng([BLOBS, number])
        clusters, points = int(rng.integers(3, 13)), int(100 * 10 ** rng.random())
        x, labels, *_ = make_blobs(points, centers=clusters, random_state=number)
        yield Case(RealSet(f"{clusters} blobs", x, (numbered(labels),)), number)


GROUPS: dict[str, Callable[[Path, int], Iterator[Case]]] = {
    "planar": planar,
    "single-cell": single_cell,
    "wide": wide,
    "text": text,
    "trackers": trackers,
    "told K": told,
    "make_blobs": first_tries,
}
