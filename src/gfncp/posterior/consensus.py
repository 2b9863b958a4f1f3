"""Consensus of several clusterings of the same points.

Two points are together in some share of the clusterings. Average linkage of these shares gives the consensus
(Fred, Jain, 2005): clusters are joined while their points are together in half of the clusterings, on
average, and more than in the median clustering are left. (Clusterings may agree on a number of clusters, but
not on borders; then most pairs near these are together in half of all.) A cluster that hardly any of the
clusterings has, by the Jaccard index (Hennig, 2007), and far fewer than have the others, is noise of the
vote, and its points join the others. If only so many clusters are wanted, twice as many are left at first,
and those that the fewest clusterings have join the others: among exactly as many, some may be outliers.

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

Labels = Int[np.ndarray, "points"]


class Votes:
    """Clusterings of the same points, as votes on which of them are together.

    Args:
        labels: 0, 1, ... in each clustering.
        sizes: numbers of clusters, of which some may have none of these points.
    """

    def __init__(
        self, labels: Int[np.ndarray, "clusterings points"], sizes: Int[np.ndarray, "clusterings"]
    ) -> None:
        self.clusterings, self.points = labels.shape
        self.median = int(np.quantile(sizes, 0.5, method="lower"))  # number of clusters
        self.first = sizes.cumsum() - sizes  # column of the first cluster of each clustering
        columns = (labels + self.first[:, None]).T.ravel()
        ends = np.arange(0, labels.size + 1, self.clusterings)
        self.member = csr_matrix((np.ones(labels.size), columns, ends), (self.points, sizes.sum()))

    def consensus(self, low: int | float = 1, high: int | float = np.inf) -> Labels:
        """Return the consensus.

        Args:
            low, high: bounds on its number of clusters.
        """
        if self.points == 1:
            return np.zeros(1, int)
        tree = average_linkage((self.member @ self.member.T).toarray() / self.clusterings)
        apart = self.points - int((tree[:, 2] <= 1 - TOGETHER).sum())
        wanted = min(max(apart, self.median, low), high)
        first = wanted if high == np.inf else max(apart, 2 * wanted)
        labels = cut_tree(tree, int(min(first, self.points)))[:, 0]
        while (clusters := labels.max() + 1) > low:
            counts, sizes = self._counts(labels)
            stability = self._stability(counts, sizes)
            weakest = stability.argmin()
            stable = stability[weakest] >= min(STABLE, USUAL * stability[labels].mean())
            if stable and clusters <= wanted:
                break
            closeness = self.member @ (counts / sizes)
            closeness[:, weakest] = -1
            labels = np.where(labels == weakest, closeness.argmax(1), labels)
            labels[labels == clusters - 1] = weakest
        return labels

    def shared(self, labels: Labels) -> Float[np.ndarray, "voted clusters"]:
        """Return which share of the points of each cluster is in each cluster of a clustering."""
        counts, sizes = self._counts(labels)
        return counts / sizes

    def _counts(
        self, labels: Labels
    ) -> tuple[Float[np.ndarray, "voted clusters"], Float[np.ndarray, "clusters"]]:
        """Return how many points each cluster shares with each one of a clustering, and how many it has."""
        own = np.eye(labels.max() + 1)[labels]
        return self.member.T @ own, own.sum(0)

    def _stability(
        self, counts: Float[np.ndarray, "voted clusters"], sizes: Float[np.ndarray, "clusters"]
    ) -> Float[np.ndarray, "clusters"]:
        """Return the mean Jaccard index of each cluster with the most similar one of each clustering."""
        either = sizes[:, None] + np.asarray(self.member.sum(0)).ravel() - counts.T
        return np.maximum.reduceat(counts.T / either, self.first, axis=1).mean(1)
