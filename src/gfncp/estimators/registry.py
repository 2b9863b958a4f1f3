"""Every method by name: estimators with ``fit``, ``fit_predict``, ``labels_`` and ``n_clusters_``.

The first three cluster by the checkpoint of a network that `gfncp train` has trained.
"""

from typing import Any, Protocol, runtime_checkable

import numpy as np

from gfncp.estimators.clusterer import CCP, DAC, SetTransformer
from gfncp.estimators.references import HDBSCAN, GaussianMixtureBIC, KMeansTrueK
from gfncp.mixtures.collapsed_gibbs import CollapsedGibbs
from gfncp.mixtures.subcluster_splits import SubclusterSampler
from gfncp.mixtures.variational import VariationalMixture


@runtime_checkable
class Clusterer(Protocol):
    """Estimator of scikit-learn that clusters."""

    def get_params(self) -> dict[str, Any]: ...

    def set_params(self, **params) -> Any: ...

    def fit_predict(self, X, /) -> np.ndarray: ...


METHODS: dict[str, type[Clusterer]] = {
    "Set Transformer": SetTransformer,
    "DAC": DAC,
    "CCP": CCP,
    "Collapsed Gibbs": CollapsedGibbs,
    "Split-merge": SubclusterSampler,
    "Variational": VariationalMixture,
    "GMM + BIC": GaussianMixtureBIC,
    "k-means": KMeansTrueK,
    "HDBSCAN": HDBSCAN,
}
