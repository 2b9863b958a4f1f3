"""Posterior over clusterings of one set, from samples.

The mathematics is in plain functions: `gfncp.posterior.expectations`, `gfncp.posterior.importance`,
`gfncp.posterior.point_estimates`, `gfncp.posterior.hierarchy`. Plots and summaries (`gfncp.posterior.plots`,
`gfncp.posterior.summary`) build on this module and are imported on first use.
"""

from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Num

from gfncp.extras import extra
from gfncp.posterior import expectations, hierarchy, importance, point_estimates
from gfncp.posterior.expectations import NOISE_SHARE

if TYPE_CHECKING:
    import matplotlib.axes


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
        found: True if it was found in another way than by sampling, too.
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
        log_prob: log-probability of each clustering, in nats, pooled over orders as the estimator does.
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
        """Return the posterior of draws, of which equal ones are counted.

        Args:
            labels: clusters in order of appearance.
            log_prob: log-probability of all labels of a draw together.
        """
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
        return importance.weights(self.counts, self.log_importance)

    @property
    def effective_samples(self) -> float:
        """Effective number of samples (Kish): the number of draws, unless reweighted."""
        return importance.effective_samples(self.counts, self.weights)

    def coclustering(
        self, points: Int[np.ndarray, "chosen"] | None = None
    ) -> Float[np.ndarray, "chosen chosen"]:
        """Return the probability that two points share a cluster, for all points or those with given indices.

        Raises:
            ValueError: these are more than 10,000 points: their pairs would fill the memory.
        """
        labels = self.labels if points is None else self.labels[:, points]
        return expectations.coclustering_probabilities(labels, self.weights)

    def n_clusters(self) -> dict[int, float]:
        """Return the probability of each number of clusters."""
        return expectations.n_clusters_probabilities(self.labels, self.weights)

    def confidence(self, labels: Int[np.ndarray, "n_samples"]) -> Float[np.ndarray, "n_samples"]:
        """Return the probability of each point's place in a clustering.

        It is the mean co-clustering probability with the other members of its cluster, which is no lower if
        samples join the cluster to others; for a singleton, the probability of being alone; for noise (label
        -1), `noise_probability`.
        """
        return expectations.confidence(labels, self.labels, self.weights)

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
        return expectations.noise_probability(self.labels, self.weights, share)

    def entropy(self, labels: Int[np.ndarray, "n_samples"]) -> Float[np.ndarray, "n_samples"]:
        """Return the entropy in nats of each point's place among the clusters of a clustering.

        It is 0 where all samples agree. Clusters of the samples are matched with those of the clustering by
        `gfncp.posterior.matching.match_probabilities`. Noise (label -1) is no cluster.
        """
        return expectations.place_entropy(labels, self.labels, self.weights)

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
        if self.log_importance is not None:  # draws are of the distribution that was first
            ratio += self.log_importance - importance.log_normaliser(self.counts, self.log_importance)
        normaliser = importance.log_normaliser(self.counts, ratio)
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
        return point_estimates.least_expected_loss(self.labels, self.weights, point_estimates.binder_growth)

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
        labels = self._or_most_likely(labels)
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
        from gfncp.posterior.summary import describe_posterior

        return describe_posterior(self, points)

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

        labels = self._or_most_likely(labels)
        return clusters(_axes(ax), np.asarray(points), labels, self.confidence(labels))

    def plot_coclustering(
        self, labels: Int[np.ndarray, "n_samples"] | None = None, ax: "matplotlib.axes.Axes | None" = None
    ) -> "matplotlib.axes.Axes":
        """Draw the probability that two points share a cluster, with the points sorted by ``labels``."""
        with extra("plots", "plot_coclustering"):
            from gfncp.posterior.plots import pairs

        labels = self._or_most_likely(labels)
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

        return tree(_axes(ax), self, self._or_most_likely(labels))

    def _or_most_likely(self, labels: Int[np.ndarray, "n_samples"] | None) -> Int[np.ndarray, "n_samples"]:
        """Return a clustering to show: the given one, or else the most likely."""
        return self.most_likely() if labels is None else np.asarray(labels)


def _axes(ax: "matplotlib.axes.Axes | None") -> "matplotlib.axes.Axes":
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt  # takes a second, and a display where there is one

    return plt.gca()


def _check_from_0_to_1(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{name}={value!r}: accepted is a number from 0 to 1")
