"""The posterior over clusterings of one set, from samples.

Plots and summaries (`gfncp.posterior.plots`, `gfncp.posterior.summary`) build on this module and are imported
on first use.
"""

from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int, Num
from scipy.special import logsumexp
from scipy.stats import entropy

from gfncp import partitions
from gfncp.extras import extra
from gfncp.posterior import hierarchy, point_estimates
from gfncp.posterior.matching import matches, shares

if TYPE_CHECKING:
    import matplotlib.axes

PAIRED = 10_000  # points whose pairs are held at a time: 0.8 GB
POINTS_PER_BLOCK = 8192
NOISE = -1  # label of a point that is in no cluster
NOISE_SHARE = 0.01  # least share of the points in a cluster that is not noise


class Found(NamedTuple):
    """Clustering that was found in another way than by sampling, such as the greedy one."""

    labels: Int[np.ndarray, "n_samples"]
    log_prob: float


class Candidate(NamedTuple):
    """Clustering with its probability and origin.

    Attributes:
        labels: clusters in order of appearance.
        log_prob: log-probability of all labels together.
        draws: how often it was sampled.
        share: its weight among the samples; 0 for one that was not sampled.
        found: whether it was found in another way than by sampling, too.
    """

    labels: Int[np.ndarray, "n_samples"]
    log_prob: float
    draws: int
    share: float
    found: bool


@dataclass(frozen=True, eq=False)
class Posterior:
    """Distinct sampled clusterings, most likely first.

    All probabilities, `weights` and point estimates come from the samples alone. Clusterings that were found
    in another way, such as the greedy one, may be among the most likely: see `including` and `candidates`.

    Attributes:
        labels: clusters in order of appearance.
        log_prob: log-probability of each clustering, along the order of the points.
        counts: how often each was sampled.
        log_importance: log of what a draw counts for, see `reweighted`; None if all draws count the same.
        index: names of the points, for `to_frame`; None for 0, 1, 2, ...
        found: clusterings that were found in another way than by sampling.
    """

    labels: Int[np.ndarray, "n_distinct n_samples"]
    log_prob: Float[np.ndarray, "n_distinct"]
    counts: Int[np.ndarray, "n_distinct"]
    log_importance: Float[np.ndarray, "n_distinct"] | None = None
    index: pd.Index | None = None
    found: tuple[Found, ...] = ()

    @classmethod
    def from_samples(
        cls,
        labels: Int[np.ndarray, "draws n_samples"],
        log_prob: Float[np.ndarray, "draws"],
    ) -> "Posterior":
        labels = np.ascontiguousarray(labels)
        names: dict[bytes, int] = {}  # np.unique of rows takes seconds where they are long
        kinds = np.array([names.setdefault(blake2b(row).digest(), len(names)) for row in labels])
        _, first, counts = np.unique(kinds, return_index=True, return_counts=True)
        order = np.argsort(-log_prob[first], kind="stable")
        return cls(labels[first[order]], log_prob[first[order]], counts[order])

    def named(self, index: pd.Index | None) -> "Posterior":
        """Return the same posterior with names of the points."""
        return replace(self, index=index)

    # Clusterings.

    def including(self, labels: Int[np.ndarray, "n_samples"], log_prob: float) -> "Posterior":
        """Return the same samples, with one more clustering among the `candidates`.

        Args:
            labels: clusters in order of appearance.
            log_prob: log-probability of all labels together, as for the samples.
        """
        if any(np.array_equal(each.labels, labels) for each in self.found):
            return self
        return replace(self, found=(*self.found, Found(labels, log_prob)))

    def candidates(self) -> list[Candidate]:
        """Return all clusterings that are known, most likely first: those sampled, and those `found`."""
        places = [self._place(each.labels) for each in self.found]
        sampled = zip(self.labels, self.log_prob, self.counts, self.weights, strict=True)
        known = [
            Candidate(row, float(value), int(count), float(share), place in places)
            for place, (row, value, count, share) in enumerate(sampled)
        ]
        known += [
            Candidate(*each, 0, 0.0, True)
            for each, place in zip(self.found, places, strict=True)
            if place is None
        ]
        return sorted(known, key=lambda each: -each.log_prob)

    def log_prob_of(self, labels: Int[np.ndarray, "n_samples"]) -> float | None:
        """Return the log-probability of one of the `candidates`; None for any other clustering."""
        place = self._place(labels)
        if place is not None:
            return float(self.log_prob[place])
        return next((each.log_prob for each in self.found if np.array_equal(each.labels, labels)), None)

    def _place(self, labels: Int[np.ndarray, "n_samples"]) -> int | None:
        """Return the place of a clustering among the samples, None where it was not sampled."""
        places = (self.labels == labels).all(1).nonzero()[0]
        return int(places[0]) if len(places) else None

    # Probabilities.

    @property
    def weights(self) -> Float[np.ndarray, "n_distinct"]:
        """Weight of each clustering in expectations; weights sum to one."""
        if self.log_importance is None:
            return self.counts / self.counts.sum()
        weights = self.counts * np.exp(self.log_importance - self.log_importance.max())
        return weights / weights.sum()

    @property
    def effective_samples(self) -> float:
        """Effective number of samples (Kish): the number of draws, unless reweighted."""
        per_draw = self.weights / self.counts
        return float(1 / (self.counts @ per_draw**2))

    def coclustering(
        self, points: Int[np.ndarray, "chosen"] | None = None
    ) -> Float[np.ndarray, "chosen chosen"]:
        """Return the probability that two points share a cluster, for all points or those with given indices.

        Raises:
            ValueError: these are more than 10,000 points: their pairs would fill the memory.
        """
        count = self.labels.shape[1] if points is None else len(points)
        if count > PAIRED:
            raise ValueError(
                f"points: {count} of them have {count}^2 co-clustering probabilities; accepted are indices "
                f"of at most {PAIRED} points"
            )
        labels = self.labels if points is None else self.labels[:, points]
        pairs = partitions.coclustering(torch.from_numpy(labels), torch.from_numpy(self.weights))
        return pairs.numpy().clip(0.0, 1.0)

    def n_clusters(self) -> dict[int, float]:
        """Return the probability of each number of clusters."""
        found = self.labels.max(axis=1) + 1
        return {int(k): float(self.weights[found == k].sum()) for k in np.unique(found)}

    def confidence(self, labels: Int[np.ndarray, "n_samples"]) -> Float[np.ndarray, "n_samples"]:
        """Return the probability of each point's place in a clustering.

        It is the mean co-clustering probability with the other members of its cluster; for a singleton, the
        probability of being alone; for noise (label -1), `noise_probability`.
        """
        names = np.unique(labels, return_inverse=True)[1]
        others = _sizes(names) - 1
        together, alone = np.zeros(len(labels)), np.zeros(len(labels))
        for row, weight in zip(self.labels, self.weights, strict=True):
            together += weight * (_sizes(names * (int(row.max()) + 1) + row) - 1)  # sharing both clusters
            alone += weight * (_sizes(row) == 1)
        sure = np.where(others > 0, together / np.maximum(others, 1), alone)
        if (labels == NOISE).any():
            sure = np.where(labels == NOISE, self.noise_probability(), sure)
        return sure.clip(0.0, 1.0)

    def noise_probability(self, share: float = NOISE_SHARE) -> Float[np.ndarray, "n_samples"]:
        """Return the probability that a point is noise: alone, or in a cluster that is very small.

        It is the share of the samples in which the point's cluster has fewer than ``max(2, share *
        n_samples)`` points.

        Args:
            share: of all points, that a cluster has at least; 0 counts points that are alone and no others.

        Raises:
            ValueError: ``share`` is not from 0 to 1.
        """
        _check_from_0_to_1("share", share)
        least = max(2, share * self.labels.shape[1])
        small = np.zeros(self.labels.shape[1])
        for row, weight in zip(self.labels, self.weights, strict=True):
            small += weight * (_sizes(row) < least)
        return small.clip(0.0, 1.0)

    def entropy(self, labels: Int[np.ndarray, "n_samples"]) -> Float[np.ndarray, "n_samples"]:
        """Return the entropy in nats of each point's place among the clusters of a clustering.

        It is 0 where all samples agree. Clusters of the samples are matched with those of the clustering by
        `gfncp.posterior.matching.membership`. Noise (label -1) is no cluster.
        """
        matched = matches(labels, self.labels)
        blocks = np.split(self.labels, range(POINTS_PER_BLOCK, len(labels), POINTS_PER_BLOCK), axis=1)
        places = (shares(matched, block, self.weights, labels.max() + 1) for block in blocks)
        return np.concatenate([entropy(place, axis=1) for place in places])

    def reweighted(self, log_prob: Float[np.ndarray, "n_distinct"]) -> "Posterior":
        """Return the same clusterings as a sample of another distribution, by importance sampling.

        Weights are self-normalised.

        With draws under bounds on the number of clusters and ``log_prob`` without them, this is the exact
        conditional posterior, up to sampling error; `effective_samples` says how much of that there is.

        Args:
            log_prob: of each of ``labels`` under the other distribution, up to a constant.

        Returns:
            A posterior whose ``log_prob`` is normalised by the estimated constant; what was `found`
            besides the samples is left out.

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
            found=(),
        )

    # Point estimates.

    def most_likely(self) -> Int[np.ndarray, "n_samples"]:
        """Return the most probable of the `candidates`."""
        return self.candidates()[0].labels.copy()

    def binder_estimate(self) -> Int[np.ndarray, "n_samples"]:
        """Return the clustering of least expected Binder loss: it agrees on most pairs of points, on average.

        It is the best sample, improved by moving single points; see `gfncp.posterior.point_estimates`.
        """
        return point_estimates.least_expected_loss(self.labels, self.weights, point_estimates.pairs)

    def vi_estimate(self) -> Int[np.ndarray, "n_samples"]:
        """Return the clustering of least expected variation of information, found like `binder_estimate`.

        It makes fewer small clusters than Binder's loss does.
        """
        growth = point_estimates.information(self.labels.shape[1])
        return point_estimates.least_expected_loss(self.labels, self.weights, growth)

    # The hierarchy.

    def linkage(self, points: Int[np.ndarray, "chosen"] | None = None) -> Float[np.ndarray, "merges 4"]:
        """Return the tree of clusters within clusters, in the format of `scipy.cluster.hierarchy`.

        Clusters are joined by average linkage of 1 - `coclustering`: two of them at the height of 1 less the
        mean probability that a point of one and a point of the other share a cluster. All heights are in
        [0, 1].

        Args:
            points: indices of those that are in the tree; default: all.

        Raises:
            ValueError: there are fewer than two points, or more than 10,000, as for `coclustering`.
        """
        return hierarchy.average_linkage(self.coclustering(points))

    def cut(self, probability: float) -> Int[np.ndarray, "n_samples"]:
        """Return the clustering that the tree of `linkage` has at a height of 1 - ``probability``.

        Clusters that share points with at least this probability on average are one: 0 makes one cluster of
        all, 1 separates all points that any sample separates.

        Raises:
            ValueError: ``probability`` is not from 0 to 1, or there are more than 10,000 points.
        """
        _check_from_0_to_1("probability", probability)
        if self.labels.shape[1] == 1:
            return np.zeros(1, dtype=np.int64)
        return hierarchy.cut(self.linkage(), 1 - probability)

    # Tables and text.

    def to_frame(self, labels: Int[np.ndarray, "n_samples"] | None = None) -> pd.DataFrame:
        """Return a row per point: its ``label``, the ``probability`` of its place there, and its ``entropy``.

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
        """Return a row for each of the ``k`` most likely `candidates`.

        Columns: ``log_prob``, of all labels together; ``share`` of the samples, 0 for a clustering that was
        not sampled; ``n_clusters``; ``sizes`` of the clusters, the largest first.
        """
        chosen = self.candidates()[:k]
        sizes = [tuple(np.sort(np.bincount(each.labels))[::-1].tolist()) for each in chosen]
        return pd.DataFrame(
            {
                "log_prob": [each.log_prob for each in chosen],
                "share": [each.share for each in chosen],
                "n_clusters": [len(each) for each in sizes],
                "sizes": sizes,
            }
        )

    def summary(self, points: pd.DataFrame | None = None) -> str:
        """Return lines of text on the number of clusters, the likeliest clustering and the least sure points.

        Args:
            points: the table that was clustered; with it, the columns that set the clusters apart are named,
                see `gfncp.posterior.explanation.describe_clusters`.
        """
        from gfncp.posterior.summary import describe

        return describe(self, points)

    def _repr_html_(self) -> str:
        from gfncp.posterior.summary import describe_html

        return describe_html(self)

    # Pictures.

    def plot_clusters(
        self,
        points: Num[np.ndarray, "n_samples *shape"] | pd.DataFrame,
        labels: Int[np.ndarray, "n_samples"] | None = None,
        ax: "matplotlib.axes.Axes | None" = None,
    ) -> "matplotlib.axes.Axes":
        """Draw the points, coloured by cluster and paler where the cluster is less sure; images in rows.

        Points of more than two coordinates are shown by their first two principal components.

        Args:
            labels: the clustering to draw; default: `most_likely`.
            ax: where to draw; default: the current axes of pyplot.
        """
        with extra("plots", "plot_clusters"):
            from gfncp.posterior.plots import clusters

        labels = self.most_likely() if labels is None else np.asarray(labels)
        return clusters(_axes(ax), np.asarray(points), labels, self.confidence(labels))

    def plot_coclustering(
        self, labels: Int[np.ndarray, "n_samples"] | None = None, ax: "matplotlib.axes.Axes | None" = None
    ) -> "matplotlib.axes.Axes":
        """Draw the probability that two points share a cluster, with the points sorted by ``labels``."""
        with extra("plots", "plot_coclustering"):
            from gfncp.posterior.plots import pairs

        labels = self.most_likely() if labels is None else np.asarray(labels)
        return pairs(_axes(ax), self, labels, self.confidence(labels))

    def plot_n_clusters(self, ax: "matplotlib.axes.Axes | None" = None) -> "matplotlib.axes.Axes":
        """Draw the probability of each number of clusters."""
        with extra("plots", "plot_n_clusters"):
            from gfncp.posterior.plots import numbers

        return numbers(_axes(ax), self)

    def plot_dendrogram(
        self, labels: Int[np.ndarray, "n_samples"] | None = None, ax: "matplotlib.axes.Axes | None" = None
    ) -> "matplotlib.axes.Axes":
        """Draw the tree of `linkage`, its leaves coloured by cluster; of many points, 300 at equal steps.

        Args:
            labels: the clustering to colour by; default: `most_likely`.
            ax: where to draw; default: the current axes of pyplot.
        """
        with extra("plots", "plot_dendrogram"):
            from gfncp.posterior.plots import tree

        return tree(_axes(ax), self, self.most_likely() if labels is None else np.asarray(labels))


def _axes(ax: "matplotlib.axes.Axes | None") -> "matplotlib.axes.Axes":
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt  # takes a second, and a display where there is one

    return plt.gca()


def _check_from_0_to_1(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{name}={value!r}: accepted is a number from 0 to 1")


def _sizes(names: Int[np.ndarray, "n_samples"]) -> Int[np.ndarray, "n_samples"]:
    """Return the size of each point's cluster, for names from 0."""
    if names.max() < 4 * len(names):
        return np.bincount(names)[names]
    _, places, counts = np.unique(names, return_inverse=True, return_counts=True)
    return counts[places]
