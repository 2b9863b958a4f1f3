"""The posterior over clusterings of one set, from samples."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from gfncp import partitions


@dataclass(frozen=True, eq=False)
class Posterior:
    """Distinct sampled clusterings, most likely first.

    Attributes:
        labels: clusters in order of appearance.
        log_prob: log-probability of each clustering, along the order of the points.
        counts: how often each was sampled; expectations weigh clusterings by these.
    """

    labels: Int[np.ndarray, "n_distinct n_samples"]
    log_prob: Float[np.ndarray, "n_distinct"]
    counts: Int[np.ndarray, "n_distinct"]

    @classmethod
    def from_samples(
        cls, labels: Int[np.ndarray, "draws n_samples"], log_prob: Float[np.ndarray, "draws"]
    ) -> "Posterior":
        names: dict[bytes, int] = {}  # np.unique of rows takes seconds where they are long
        kinds = np.array([names.setdefault(row.tobytes(), len(names)) for row in labels])
        _, first, counts = np.unique(kinds, return_index=True, return_counts=True)
        order = np.argsort(-log_prob[first], kind="stable")
        return cls(labels[first[order]], log_prob[first[order]], counts[order])

    @property
    def weights(self) -> Float[np.ndarray, "n_distinct"]:
        return self.counts / self.counts.sum()

    def coclustering(self) -> Float[np.ndarray, "n_samples n_samples"]:
        """Probability that two points share a cluster."""
        pairs = partitions.coclustering(torch.from_numpy(self.labels), torch.from_numpy(self.weights))
        return pairs.numpy().clip(0.0, 1.0)

    def n_clusters(self) -> dict[int, float]:
        """Probability of each number of clusters."""
        found = self.labels.max(axis=1) + 1
        return {int(k): float(self.weights[found == k].sum()) for k in np.unique(found)}

    def confidence(self, labels: Int[np.ndarray, "n_samples"]) -> Float[np.ndarray, "n_samples"]:
        """How sure each point's place in a clustering is.

        The mean co-clustering probability with the other members of its cluster; for a singleton, the
        probability of being alone.
        """
        others = _sizes(labels) - 1
        together, alone = np.zeros(len(labels)), np.zeros(len(labels))
        for row, weight in zip(self.labels, self.weights, strict=True):
            together += weight * (_sizes(labels * (row.max() + 1) + row) - 1)  # sharing both clusters
            alone += weight * (_sizes(row) == 1)
        return np.where(others > 0, together / np.maximum(others, 1), alone).clip(0.0, 1.0)


def _sizes(labels: Int[np.ndarray, "n_samples"]) -> Int[np.ndarray, "n_samples"]:
    """The size of each point's cluster."""
    _, names, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return counts[names]
