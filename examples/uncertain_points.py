"""Which points could as well be elsewhere? Two clusters that touch, and what the posterior says of them.

The clusters are round, of standard deviation 1: `mog-2d` knows such ones.

Usage: python examples/uncertain_points.py [PICTURE.png]
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from gfncp import GFNCP


def touching_clusters(each: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = np.concatenate([rng.normal(mean, 1.0, (each, 2)) for mean in ((-2.0, 0.0), (2.0, 0.0), (0.0, 15.0))])
    return rng.permutation(x)


def main(picture: Path, each: int = 40, n_samples: int = 200) -> GFNCP:
    """Print the least sure points, and draw the clusters, the number of them, and who belongs with whom."""
    x = touching_clusters(each, seed=0)
    model = GFNCP("mog-2d", n_samples=n_samples, n_orders=4, random_state=0).fit(x)
    posterior = model.posterior_
    print("Probability of each number of clusters:", posterior.n_clusters())

    table = posterior.to_frame(model.labels_).assign(x=x[:, 0], y=x[:, 1])
    print("The least sure points:", table.sort_values("probability").head(5).round(2), sep="\n")

    for name, labels in {
        "greedy": model.labels_,
        "most likely": posterior.most_likely(),
        "Binder's loss": posterior.binder_estimate(),
        "variation of information": posterior.vi_estimate(),
    }.items():
        print(f"{name}: {labels.max() + 1} clusters of {np.bincount(labels).tolist()} points")

    figure, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
    posterior.plot_clusters(x, model.labels_, axes[0])
    posterior.plot_n_clusters(axes[1])
    posterior.plot_coclustering(model.labels_, axes[2])
    figure.savefig(picture)
    plt.close(figure)
    return model


if __name__ == "__main__":
    main(Path(*sys.argv[1:] or ["uncertain_points.png"]))
