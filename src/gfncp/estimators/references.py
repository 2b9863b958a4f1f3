"""Well-known clusterings from scikit-learn, as references."""

import numpy as np
import sklearn.cluster
import torch
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.mixture import GaussianMixture
from sklearn.utils.validation import validate_data

from gfncp.partitions import canonical_labels


class KMeansTrueK(sklearn.cluster.KMeans):
    """k-means, told the number of clusters, best of ``n_init`` starts; see `sklearn.cluster.KMeans`."""

    def __init__(self, n_clusters=8, n_init=10, random_state=None):
        # A number is accepted as well, which cannot be told from the default, "auto".
        super().__init__(n_clusters, n_init=n_init, random_state=random_state)  # pyright: ignore[reportArgumentType]

    @property
    def n_clusters_(self) -> int:
        return len(np.unique(np.asarray(self.labels_)))


class HDBSCAN(sklearn.cluster.HDBSCAN):
    """Density-based clustering; see `sklearn.cluster.HDBSCAN`. Label -1 means noise, in no cluster."""

    @property
    def n_clusters_(self) -> int:
        return int(self.labels_.max()) + 1


class GaussianMixtureBIC(ClusterMixin, BaseEstimator):
    """Gaussian mixture by expectation maximisation, its number of components chosen by BIC.

    Args:
        min_clusters: fewest components to try.
        max_clusters: most components to try; fewer points than that lower it.
        n_init: starts per number of components, of which the best is kept.
        random_state: seed of the starts.

    Attributes:
        labels_: the component that most likely made each point, in order of appearance, ``(n_samples,)``.
        n_clusters_: number of components that have a point.
        mixture_: the chosen `sklearn.mixture.GaussianMixture`.

    References:
        Fraley, Raftery. How many clusters? Which clustering method? The Computer Journal 1998.
    """

    def __init__(self, min_clusters=1, max_clusters=12, n_init=5, random_state=None):
        self.min_clusters = min_clusters
        self.max_clusters = max_clusters
        self.n_init = n_init
        self.random_state = random_state

    def fit(self, X, y=None) -> "GaussianMixtureBIC":
        """Fit to ``X``, ``(n_samples, n_features)``; ``y`` is ignored.

        Raises:
            ValueError: ``X`` or a parameter is not accepted.
        """
        x = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        low, high = self.min_clusters, min(self.max_clusters, len(x))
        if not 1 <= low <= high:
            raise ValueError(
                f"min_clusters={self.min_clusters!r}, max_clusters={self.max_clusters!r}: "
                f"accepted is 1 <= min_clusters <= max_clusters with min_clusters <= n_samples={len(x)}"
            )
        fits = [
            GaussianMixture(k, n_init=self.n_init, random_state=self.random_state).fit(x)
            for k in range(low, high + 1)
        ]
        self.mixture_ = min(fits, key=lambda fit: fit.bic(x))
        self.labels_ = canonical_labels(torch.from_numpy(self.mixture_.predict(x))).numpy()
        self.n_clusters_ = int(self.labels_.max()) + 1
        return self
