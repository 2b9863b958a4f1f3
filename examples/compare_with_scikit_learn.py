"""Compare the default checkpoint with scikit-learn's methods, on mixtures of round clusters and on moons.

Usage: python examples/compare_with_scikit_learn.py
"""

from collections.abc import Callable

import numpy as np
import torch
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.datasets import make_moons
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import BayesianGaussianMixture

from gfncp import GFNCP
from gfncp.simulators import GaussianMixtures

Set = tuple[np.ndarray, np.ndarray]


def mixtures(sets: int, points: int) -> list[Set]:
    x, labels = GaussianMixtures(n_clusters=(2, 8))(sets, points, torch.Generator().manual_seed(0))
    return list(zip(x.numpy(), labels.numpy(), strict=True))


def moons(sets: int, points: int) -> list[Set]:
    made = (make_moons(points, noise=0.05, random_state=seed) for seed in range(sets))
    return [(10 * x, labels) for x, labels in made]


def methods(n_samples: int) -> dict[str, Callable[[np.ndarray, int], np.ndarray]]:
    """Return functions from points and the true number of clusters, which only k-means is told, to labels."""
    return {
        "GFNCP": lambda x, k: GFNCP(n_samples=n_samples, random_state=0).fit_predict(x),
        "k-means, true K": lambda x, k: KMeans(k, n_init=10, random_state=0).fit_predict(x),
        "Bayesian GMM, at most 10": lambda x, k: BayesianGaussianMixture(
            n_components=10, max_iter=500, random_state=0
        ).fit_predict(x),
        "HDBSCAN": lambda x, k: HDBSCAN(copy=True).fit_predict(x),
    }


def main(sets: int = 20, points: int = 200, n_samples: int = 1) -> dict[str, dict[str, float]]:
    """Mean ARI of each method on each kind of sets."""
    kinds = {"mixtures": mixtures(sets, points), "moons": moons(sets, points)}
    found = {
        name: {
            kind: float(np.mean([adjusted_rand_score(y, cluster(x, len(set(y)))) for x, y in held]))
            for kind, held in kinds.items()
        }
        for name, cluster in methods(n_samples).items()
    }
    print(f"{'mean ARI':26}", *(f"{kind:>9}" for kind in kinds))
    for name, scores in found.items():
        print(f"{name:26}", *(f"{score:9.2f}" for score in scores.values()))
    return found


if __name__ == "__main__":
    main()
