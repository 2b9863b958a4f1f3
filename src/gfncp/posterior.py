"""The posterior over clusterings of one set, from samples.

What shows it (`gfncp.figures`, `gfncp.summary`) builds on this module and is imported when it is asked for.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int, Num
from matplotlib.axes import Axes
from scipy.special import logsumexp
from scipy.stats import entropy

from gfncp import partitions, point_estimates
from gfncp.membership import membership


@dataclass(frozen=True, eq=False)
class Posterior:
    """Distinct sampled clusterings, most likely first.

    Attributes:
        labels: clusters in order of appearance.
        log_prob: log-probability of each clustering, along the order of the points.
        counts: how often each was sampled.
        log_importance: log of what a draw counts for, see `reweighted`; None if all draws count the same.
        index: names of the points, for `to_frame`; None for 0, 1, 2, ...
    """

    labels: Int[np.ndarray, "n_distinct n_samples"]
    log_prob: Float[np.ndarray, "n_distinct"]
    counts: Int[np.ndarray, "n_distinct"]
    log_importance: Float[np.ndarray, "n_distinct"] | None = None
    index: pd.Index | None = None

    @classmethod
    def from_samples(
        cls,
        labels: Int[np.ndarray, "draws n_samples"],
        log_prob: Float[np.ndarray, "draws"],
    ) -> "Posterior":
        names: dict[bytes, int] = {}  # np.unique of rows takes seconds where they are long
        kinds = np.array([names.setdefault(row.tobytes(), len(names)) for row in labels])
        _, first, counts = np.unique(kinds, return_index=True, return_counts=True)
        order = np.argsort(-log_prob[first], kind="stable")
        return cls(labels[first[order]], log_prob[first[order]], counts[order])

    def named(self, index: pd.Index | None) -> "Posterior":
        """The same, with names of the points."""
        return replace(self, index=index)

    # Probabilities.

    @property
    def weights(self) -> Float[np.ndarray, "n_distinct"]:
        """Share of each clustering in expectations."""
        if self.log_importance is None:
            return self.counts / self.counts.sum()
        weights = self.counts * np.exp(self.log_importance - self.log_importance.max())
        return weights / weights.sum()

    @property
    def effective_samples(self) -> float:
        """How many equally weighted draws tell as much (Kish): the number of draws, unless reweighted."""
        per_draw = self.weights / self.counts
        return float(1 / (self.counts @ per_draw**2))

    def coclustering(
        self, points: Int[np.ndarray, "chosen"] | None = None
    ) -> Float[np.ndarray, "chosen chosen"]:
        """Probability that two points share a cluster; of all points, or of those with the given indices."""
        labels = self.labels if points is None else self.labels[:, points]
        pairs = partitions.coclustering(torch.from_numpy(labels), torch.from_numpy(self.weights))
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

    def entropy(self, labels: Int[np.ndarray, "n_samples"]) -> Float[np.ndarray, "n_samples"]:
        """Entropy in nats of each point's place among the clusters of a clustering; 0 where it is sure.

        See `gfncp.membership.membership` for how clusters of the samples are matched with these.
        """
        return np.asarray(entropy(membership(labels, self.labels, self.weights), axis=1))

    def reweighted(self, log_prob: Float[np.ndarray, "n_distinct"]) -> "Posterior":
        """The same clusterings as a sample of another distribution (self-normalised importance sampling).

        With draws under bounds on the number of clusters and ``log_prob`` without them, this is the exact
        conditional posterior, up to sampling error; `effective_samples` says how much of that there is.

        Args:
            log_prob: of each of ``labels`` under the other distribution, up to a constant.

        Returns:
            A posterior whose ``log_prob`` is normalised by the estimated constant.

        Raises:
            ValueError: ``log_prob`` does not have one value per clustering, or all are -inf.

        Example:
            >>> bound = GFNCP(n_clusters=3).fit(X).posterior_  # doctest: +SKIP
            >>> exact = bound.reweighted(GFNCP().log_prob(X, bound.labels))  # doctest: +SKIP
        """
        log_prob = np.asarray(log_prob, dtype=np.float64)
        if log_prob.shape != self.log_prob.shape or not np.isfinite(log_prob.max()):
            raise ValueError(
                f"log_prob has shape {log_prob.shape}: accepted is one value for each of the "
                f"{len(self.log_prob)} clusterings, and not all of them -inf"
            )
        ratio = log_prob - self.log_prob
        normaliser = logsumexp(ratio, b=self.counts) - np.log(self.counts.sum())
        order = np.argsort(-log_prob, kind="stable")
        return replace(
            self,
            labels=self.labels[order],
            log_prob=(log_prob - normaliser)[order],
            counts=self.counts[order],
            log_importance=ratio[order],
        )

    # Point estimates.

    def most_likely(self) -> Int[np.ndarray, "n_samples"]:
        """The most probable clustering among the samples."""
        return self.labels[0].copy()

    def binder_estimate(self) -> Int[np.ndarray, "n_samples"]:
        """The clustering of least expected Binder loss: that agrees on most pairs of points, on average.

        The best of the samples, improved by moving single points; see `gfncp.point_estimates`.
        """
        return point_estimates.least_expected_loss(self.labels, self.weights, point_estimates.pairs)

    def vi_estimate(self) -> Int[np.ndarray, "n_samples"]:
        """The clustering of least expected variation of information; as `binder_estimate` otherwise.

        It makes fewer small clusters than Binder's loss does.
        """
        growth = point_estimates.information(self.labels.shape[1])
        return point_estimates.least_expected_loss(self.labels, self.weights, growth)

    # Tables and text.

    def to_frame(self, labels: Int[np.ndarray, "n_samples"] | None = None) -> pd.DataFrame:
        """One row per point: its ``label``, the ``probability`` of its place there, and its ``entropy``.

        Args:
            labels: the clustering to describe, such as ``labels_`` of the estimator or a point estimate;
                default: `most_likely`.

        See `confidence` for the probability and `entropy` for the entropy, in nats.
        """
        labels = self.most_likely() if labels is None else np.asarray(labels)
        columns = {
            "label": labels,
            "probability": self.confidence(labels),
            "entropy": self.entropy(labels),
        }
        return pd.DataFrame(columns, index=self.index)

    def top(self, k: int = 5) -> pd.DataFrame:
        """The ``k`` most likely clusterings found; row i is about ``labels[i]``.

        Columns: ``log_prob``, of all labels together; ``share`` of the samples; ``n_clusters``; ``sizes`` of
        the clusters, the largest first.
        """
        sizes = [tuple(np.sort(np.bincount(row))[::-1].tolist()) for row in self.labels[:k]]
        return pd.DataFrame(
            {
                "log_prob": self.log_prob[:k],
                "share": self.weights[:k],
                "n_clusters": [len(each) for each in sizes],
                "sizes": sizes,
            }
        )

    def summary(self) -> str:
        """A few lines of text: the number of clusters, the most likely clusterings, the least sure points."""
        from gfncp.summary import describe

        return describe(self)

    def _repr_html_(self) -> str:
        from gfncp.summary import describe_html

        return describe_html(self)

    # Pictures.

    def plot_clusters(
        self,
        points: Num[np.ndarray, "n_samples *shape"] | pd.DataFrame,
        labels: Int[np.ndarray, "n_samples"] | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """The points, coloured by cluster and paler where the cluster is less sure; images in rows.

        Points of more than two coordinates are shown by their first two principal components.

        Args:
            labels: the clustering to draw; default: `most_likely`.
            ax: where to draw; default: the current axes of pyplot.
        """
        from gfncp.figures import clusters

        labels = self.most_likely() if labels is None else np.asarray(labels)
        return clusters(_axes(ax), np.asarray(points), labels, self.confidence(labels))

    def plot_coclustering(
        self, labels: Int[np.ndarray, "n_samples"] | None = None, ax: Axes | None = None
    ) -> Axes:
        """The probability that two points share a cluster, with the points sorted by ``labels``."""
        from gfncp.figures import pairs

        labels = self.most_likely() if labels is None else np.asarray(labels)
        return pairs(_axes(ax), self, labels, self.confidence(labels))

    def plot_n_clusters(self, ax: Axes | None = None) -> Axes:
        """The probability of each number of clusters."""
        from gfncp.figures import numbers

        return numbers(_axes(ax), self)


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt  # takes a second, and a display where there is one

    return plt.gca()


def _sizes(labels: Int[np.ndarray, "n_samples"]) -> Int[np.ndarray, "n_samples"]:
    """The size of each point's cluster."""
    _, names, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return counts[names]
