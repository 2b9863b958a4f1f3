"""Real and well-known artificial sets with known labels, and how a clustering of one is scored.

The collections are those of Gagolewski, *A framework for benchmarking clustering algorithms*, SoftwareX 2022
(clustering-data-v1: fcps, graves, sipu); their rules hold for all sets here. Label 0 marks noise: methods get
such points and are not told which they are, scores leave them out. A set may have several references: a
clustering counts as its best score among them, and a method that is told the number of clusters is run for
each of theirs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from sklearn import datasets
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

COLLECTIONS = ("fcps", "graves", "sipu")
MIXED_UNITS = {"wine", "breast cancer"}  # columns are different quantities; elsewhere they are of one kind

# Named before any method was run on them; whatever is not here has flat, bent, ringed or nested clusters, or
# classes that are no mounds (digits, breast cancer).
GAUSSIAN_LIKE = {
    "fcps/engytime": "two overlapping Gaussians",
    "fcps/hepta": "seven round mounds",
    "fcps/tetra": "four round mounds that nearly touch",
    "graves/dense": "a tight and a wide round mound",
    "sipu/a1": "20 round Gaussians",
    "sipu/a2": "35 round Gaussians",
    "sipu/a3": "50 round Gaussians",
    "sipu/d31": "31 Gaussians",
    "sipu/r15": "15 Gaussians in rings of mounds",
    "sipu/s1": "15 Gaussians, apart",
    "sipu/s2": "15 Gaussians, nearly apart",
    "sipu/s3": "15 Gaussians that overlap",
    "sipu/s4": "15 Gaussians that overlap more",
    "sipu/unbalance": "three large dense and five small wide Gaussians",
    "iris": "measures of flowers, near normal within a species",
    "wine": "chemical measures, near normal within a cultivar",
}


@dataclass(frozen=True)
class RealSet:
    """Points with one reference clustering or several, in which 0 marks noise."""

    name: str
    x: Float[np.ndarray, "points dim"]
    references: tuple[Int[np.ndarray, "points"], ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """Of clusters, in each reference."""
        return tuple(len(np.unique(each[each > 0])) for each in self.references)

    def subsample(self, most: int, seed: int) -> "RealSet":
        """The set, or ``most`` random points of it in random order if it has more."""
        if len(self.x) <= most:
            return self
        kept = np.random.default_rng(seed).choice(len(self.x), most, replace=False)
        return RealSet(self.name, self.x[kept], tuple(each[kept] for each in self.references))


def read_collections(folder: Path) -> Iterator[RealSet]:
    """The sets of the three collections in ``folder``.

    Raises:
        ValueError: there are none.
    """
    paths = sorted(path for name in COLLECTIONS for path in (folder / name).glob("*.data.gz"))
    if not paths:
        raise ValueError(f"{folder}: holds none of the collections {COLLECTIONS} with *.data.gz files")
    for path in paths:
        stem = path.name.removesuffix(".data.gz")
        references = sorted(path.parent.glob(f"{stem}.labels*.gz"))
        yield RealSet(
            f"{path.parent.name}/{stem}",
            np.loadtxt(path, ndmin=2),
            tuple(np.loadtxt(each).astype(int) for each in references),
        )


def bundled_sets() -> Iterator[RealSet]:
    """The labelled sets that come with scikit-learn."""
    loaders = {
        "iris": datasets.load_iris,
        "wine": datasets.load_wine,
        "breast cancer": datasets.load_breast_cancer,
        "digits": datasets.load_digits,
    }
    for name, load in loaders.items():
        x, classes = load(return_X_y=True)
        yield RealSet(name, x.astype(float), (classes + 1,))


def scores(
    real: RealSet, cluster: Callable[[int], Int[np.ndarray, "points"]]
) -> tuple[Float[np.ndarray, "2"], list[int]]:
    """ARI and NMI, each the best over the references, and the numbers of clusters found.

    Args:
        cluster: a clustering for a method that is told this number of clusters; others ignore it.
    """
    found = {k: cluster(k) for k in dict.fromkeys(real.numbers)}
    rows = []
    for reference, k in zip(real.references, real.numbers, strict=True):
        rated = reference > 0
        pair = reference[rated], found[k][rated]
        rows.append([adjusted_rand_score(*pair), normalized_mutual_info_score(*pair)])
    return np.max(rows, axis=0), [len(np.unique(labels)) for labels in found.values()]
