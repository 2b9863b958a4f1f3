"""Variational inference for Dirichlet-process mixtures of Gaussians."""

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.mixture import BayesianGaussianMixture
from sklearn.utils.validation import validate_data

from gfncp.mixtures.conjugate import NormalInverseWishart
from gfncp.partitions import canonical_labels


class VariationalMixture(ClusterMixin, BaseEstimator):
    """Mean-field posterior of a truncated Dirichlet-process mixture, with the weak prior of the samplers.

    The model is `NormalInverseWishart.weak`, the computation scikit-learn's `BayesianGaussianMixture`.

    Args:
        alpha: concentration of the Dirichlet process.
        max_clusters: components of the truncated process; fewer points than that lower it.
        n_init: starts, of which the best is kept.
        max_iter: bound of the iterations of one start.
        random_state: seed of the starts.

    Attributes:
        labels_: the component that most likely made each point, in order of appearance, ``(n_samples,)``.
        n_clusters_: number of components that have a point.
        mixture_: the fitted `BayesianGaussianMixture`.
        n_iter_: iterations of the best start.

    References:
        Blei, Jordan. Variational methods for the Dirichlet process. ICML 2004.
    """

    def __init__(self, alpha=1.0, max_clusters=20, n_init=5, max_iter=1000, random_state=None):
        self.alpha = alpha
        self.max_clusters = max_clusters
        self.n_init = n_init
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X, y=None) -> "VariationalMixture":
        """Fit to ``X``, ``(n_samples, n_features)``; ``y`` is ignored.

        Raises:
            ValueError: ``X`` or a parameter is not accepted.
        """
        x = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        if not isinstance(self.max_clusters, int | np.integer) or self.max_clusters < 1:
            raise ValueError(f"max_clusters={self.max_clusters!r}: accepted is an integer of at least 1")
        prior = NormalInverseWishart.weak(torch.from_numpy(np.array(x, order="C")))
        self.mixture_ = BayesianGaussianMixture(
            n_components=min(self.max_clusters, len(x)),
            weight_concentration_prior_type="dirichlet_process",
            weight_concentration_prior=self.alpha,
            mean_prior=prior.mean.numpy(),
            mean_precision_prior=prior.kappa,
            degrees_of_freedom_prior=prior.dof,
            covariance_prior=prior.scale.numpy(),
            n_init=self.n_init,
            max_iter=self.max_iter,
            random_state=self.random_state,
        )
        self.labels_ = canonical_labels(torch.from_numpy(self.mixture_.fit_predict(x))).numpy()
        self.n_clusters_ = int(self.labels_.max()) + 1
        self.n_iter_ = self.mixture_.n_iter_
        return self
