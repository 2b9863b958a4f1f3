"""The baselines behind scikit-learn's interface."""

from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin

from gfncp.checkpoints import read_checkpoint
from gfncp.data.checks import check_points


class TrainedClusterer(ClusterMixin, BaseEstimator):
    """Clusters points by a trained network; nothing is fitted.

    Args:
        checkpoint: folder of a run of `gfncp train`.

    Attributes:
        labels_: the clustering, ``(n_samples,)``, in order of appearance.
        n_clusters_: its number of clusters.
    """

    kinds: ClassVar[tuple[str, ...]]  # networks that the class accepts

    def __init__(self, checkpoint):
        self.checkpoint = checkpoint

    def fit(self, X, y=None) -> "TrainedClusterer":
        """Cluster ``X``, ``(n_samples, n_features)`` or ``(n_samples, 28, 28)``; ``y`` is ignored.

        Raises:
            ValueError: ``X`` is not what the checkpoint was trained on, or the checkpoint is of another
                method.
        """
        model = read_checkpoint(self.checkpoint, *self.kinds).network
        x = check_points(X, model.encoder.point_shape, self.checkpoint)
        self.labels_ = model.predict(x)[0].numpy()
        self.n_clusters_ = int(self.labels_.max()) + 1
        self.n_features_in_ = int(np.prod(x.shape[2:]))
        return self


class CCP(TrainedClusterer):
    """Clusterwise clustering process, see `gfncp.methods.ccp`."""

    kinds = ("ccp",)


class DAC(TrainedClusterer):
    """Deep amortized clustering, min-filtering or anchored, see `gfncp.methods.dac`."""

    kinds = ("dac", "dac-anchored")


class SetTransformer(TrainedClusterer):
    """Set Transformer for a fixed number of components, see `gfncp.methods.set_transformer`.

    Args:
        checkpoint: folder of a run of `gfncp train`.
        n_clusters: the number of components to use, which must be the network's; None takes it as it is.
    """

    kinds = ("set-transformer",)

    def __init__(self, checkpoint, n_clusters=None):
        super().__init__(checkpoint)
        self.n_clusters = n_clusters

    def fit(self, X, y=None) -> "SetTransformer":
        """Cluster ``X``, ``(n_samples, n_features)`` or ``(n_samples, 28, 28)``; ``y`` is ignored.

        Raises:
            ValueError: ``n_clusters`` is not what the checkpoint was trained for; see also
                `TrainedClusterer.fit`.
        """
        trained = read_checkpoint(self.checkpoint, *self.kinds).network.n_components
        if self.n_clusters not in (None, trained):
            raise ValueError(
                f"n_clusters={self.n_clusters!r}: {str(self.checkpoint)!r} has {trained} components, "
                "their number is fixed in training"
            )
        super().fit(X)
        return self
