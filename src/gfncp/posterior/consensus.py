"""Consensus of several clusterings of the same points.

Two points are together in some share of the clusterings. Average linkage of these shares gives the consensus
(Fred, Jain, 2005): clusters are joined while their points are together in half of the clusterings, on
average, and more than in the median clustering are left. (Clusterings may agree on a number of clusters, but
not on borders; then most pairs near these are together in half of all.) A cluster that hardly any of the
clusterings has, by the Jaccard index (Hennig, 2007), and far fewer than have the others, is noise of the
vote, and its points join the others.

References:
    Fred, Jain. Combining Multiple Clusterings Using Evidence Accumulation. IEEE TPAMI 27, 2005.
    Hennig. Cluster-wise Assessment of Cluster Stability. Computational Statistics and Data Analysis 52, 2007.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.cluster.hierarchy import cut_tree
from scipy.sparse import csr_matrix

from gfncp.posterior.hierarchy import average_linkage

TOGETHER = 0.5  # share of the clusterings in which the points of two clusters are together, to join these
STABLE = 0.35  # mean Jaccard index of a cluster with the most similar one of each clustering, at least,
USUAL = 0.7  # or this share of what that of the points' clusters is on average

Rows = Int[np.ndarray, "rows"]


class Votes:
    """Clusterings of the same points, as votes on which of them are together.

    Args:
        labels: 0, 1, ... in each clustering, of which all occur.
    """

    def __init__(self, labels: Int[np.ndarray, "clusterings points"]) -> None:
        self.clusterings, self.points = labels.shape
        sizes = labels.max(1) + 1
        self.median = int(np.quantile(sizes, 0.5, method="lower"))  # number of clusters
        self.first = sizes.cumsum() - sizes  # column of the first cluster of each clustering
        columns = (labels + self.first[:, None]).T.ravel()
        ends = np.arange(0, labels.size + 1, self.clusterings)
        self.member = csr_matrix((np.ones(labels.size), columns, ends), (self.points, sizes.sum()))

    def consensus(self, rows: Rows, low: int | float = 1, high: int | float = np.inf) -> Rows:
        """Return the consensus on some points.

        Args:
            low, high: bounds on its number of clusters.
        """
        if len(rows) == 1:
            return np.zeros(1, int)
        member = self.member[rows]
        tree = average_linkage((member @ member.T).toarray() / self.clusterings)
        apart = len(rows) - int((tree[:, 2] <= 1 - TOGETHER).sum())
        labels = cut_tree(tree, int(min(max(apart, self.median, low), high, len(rows))))[:, 0]
        while (clusters := labels.max() + 1) > low:
            stability = self._stability(labels, rows)
            weakest = stability.argmin()
            if stability[weakest] >= min(STABLE, USUAL * stability[labels].mean()):
                break
            closeness = self.closeness(labels, rows)[rows]
            closeness[:, weakest] = -1
            labels = np.where(labels == weakest, closeness.argmax(1), labels)
            labels[labels == clusters - 1] = weakest
        return labels

    def closeness(self, labels: Rows, rows: Rows) -> Float[np.ndarray, "points clusters"]:
        """Return in which share of the clusterings a point is together with those of a cluster, on average.

        Args:
            labels: clusters of some points, ``rows``.
        """
        own = np.eye(labels.max() + 1)[labels]
        return self.member @ (self.member[rows].T @ own) / (self.clusterings * own.sum(0))

    def _stability(self, labels: Rows, rows: Rows) -> Float[np.ndarray, "clusters"]:
        """Return the mean Jaccard index of each cluster with the most similar one of each clustering."""
        member = self.member[rows]
        own = np.eye(labels.max() + 1)[labels]
        shared = (member.T @ own).T
        either = own.sum(0)[:, None] + member.sum(0).A1 - shared
        return np.maximum.reduceat(shared / either, self.first, axis=1).mean(1)
