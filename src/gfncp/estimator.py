"""The scikit-learn interface."""

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils import check_random_state

from gfncp.checkpoints import load_kind
from gfncp.partitions import canonical_labels
from gfncp.posterior import Posterior
from gfncp.validation import check_points


class GFNCP(ClusterMixin, BaseEstimator):
    """Posterior over clusterings, by a pretrained network; nothing is fitted but the posterior itself.

    Args:
        checkpoint: name of a checkpoint that ships with the package, or a folder.
        n_samples: number of clusterings sampled from the posterior.
        random_state: seed of the samples; None for a different one each time.

    Attributes:
        labels_: the greedy clustering, ``(n_samples,)``.
        n_clusters_: its number of clusters.
        probabilities_: how sure each point's place is, see `Posterior.confidence`.
        posterior_: the sampled `Posterior`.

    Example:
        >>> import numpy as np
        >>> X = np.r_[np.zeros((5, 2)), np.full((5, 2), 20.0)]
        >>> GFNCP(checkpoint="mog-2d", random_state=0).fit(X).n_clusters_
        2

    References:
        Chelly, Uziel, Freifeld, Pakman. Consistent Amortized Clustering via Generative Flow Networks.
        AISTATS 2025.
    """

    def __init__(self, checkpoint="mog-2d", n_samples=100, random_state=None):
        self.checkpoint = checkpoint
        self.n_samples = n_samples
        self.random_state = random_state

    def fit(self, X, y=None) -> "GFNCP":
        """Cluster ``X``, ``(n_samples, n_features)`` or ``(n_samples, 28, 28)``; ``y`` is ignored.

        Raises:
            ValueError: ``X`` or a parameter is not what the checkpoint accepts.
        """
        if not isinstance(self.n_samples, int | np.integer) or self.n_samples < 1:
            raise ValueError(f"n_samples={self.n_samples!r}: accepted is an integer of at least 1")
        model = load_kind(self.checkpoint, "energy")
        x = check_points(X, model.encoder.point_shape, self.checkpoint)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        labels, _ = model.greedy(x)
        drawn, log_prob = model.sample(x, self.n_samples, torch.Generator().manual_seed(seed))
        self.posterior_ = Posterior.from_samples(drawn[0].numpy(), log_prob[0].numpy())
        self.labels_ = labels[0].numpy()
        self.n_clusters_ = int(self.labels_.max()) + 1
        self.probabilities_ = self.posterior_.confidence(self.labels_)
        self.n_features_in_ = int(np.prod(x.shape[2:]))
        return self

    def log_prob(
        self, X, labels: Int[np.ndarray, "*clusterings n_samples"]
    ) -> Float[np.ndarray, "*clusterings"]:
        """log p(labels | X) along the order of the rows; any integer or text labels, one or many rows.

        Raises:
            ValueError: ``labels`` does not have one label per row of ``X``.
        """
        model = load_kind(self.checkpoint, "energy")
        x = check_points(X, model.encoder.point_shape, self.checkpoint)
        labels = np.asarray(labels)
        if labels.ndim not in (1, 2) or labels.shape[-1] != x.shape[1]:
            raise ValueError(
                f"labels has shape {labels.shape}: accepted is ({x.shape[1]},) or (m, {x.shape[1]})"
            )
        _, names = np.unique(labels, return_inverse=True)
        canonical = canonical_labels(torch.from_numpy(names.reshape(-1, labels.shape[-1])))
        with torch.no_grad():
            values = model.log_prob(x, canonical[None])[0].numpy()
        return float(values[0]) if labels.ndim == 1 else values
