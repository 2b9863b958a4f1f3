"""Every method by name: estimators with ``fit``, ``fit_predict``, ``labels_`` and ``n_clusters_``.

The first three cluster by the checkpoint of a network that `gfncp train` has trained.
"""

from sklearn.base import ClusterMixin

from gfncp.estimators.clusterer import CCP, DAC, SetTransformer
from gfncp.estimators.references import HDBSCAN, GaussianMixtureBIC, KMeansTrueK
from gfncp.mixtures.collapsed_gibbs import CollapsedGibbs
from gfncp.mixtures.subcluster_splits import SubclusterSampler
from gfncp.mixtures.variational import VariationalMixture

METHODS: dict[str, type[ClusterMixin]] = {
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
