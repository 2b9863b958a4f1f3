"""Clusters within clusters, from the probabilities that two points share a cluster.

References:
    Sokal, Michener. A Statistical Method for Evaluating Systematic Relationships. 1958 (average linkage).
    Medvedovic, Sivaganesan. Bayesian Infinite Mixture Model Based Clustering of Gene Expression Profiles.
    Bioinformatics 18, 2002 (trees of pairwise posterior probabilities).
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from gfncp.partitions import canonical_labels

ROUNDING = 1e-9  # heights that differ by less are equal


def average_linkage(together: Float[np.ndarray, "points points"]) -> Float[np.ndarray, "merges 4"]:
    """Return the tree of average linkage of 1 - ``together``, in the format of `scipy.cluster.hierarchy`.

    Raises:
        ValueError: there are fewer than two points.
    """
    if len(together) < 2:
        raise ValueError(f"points: there are {len(together)} of them; accepted for a tree are at least 2")
    apart = squareform(1 - together, checks=False)
    tree = linkage(apart, "average")
    tree[:, 2] = tree[:, 2].clip(0.0, 1.0)
    return tree


def cut(tree: Float[np.ndarray, "merges 4"], height: float) -> Int[np.ndarray, "points"]:
    """Return the clusters that are joined up to a height, in order of appearance."""
    flat = fcluster(tree, height + ROUNDING, "distance").astype(np.int64)
    return canonical_labels(torch.from_numpy(flat)).numpy()
