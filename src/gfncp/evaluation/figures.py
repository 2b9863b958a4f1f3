"""Pictures of the metrics of consistency, calibration and exactness."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from gfncp.checkpoints import write_atomically
from gfncp.evaluation.calibration import PriorMatch, Reliability, Uniformity

BINS = 30


def plot_sdpp(by_model: Mapping[str, Float[np.ndarray, "sets"]], path: Path) -> None:
    """Histogram and empirical CDF of the SDPP of several models (Fig. 1, Fig. 5).

    Raises:
        ValueError: there are no models, or values that are not finite.
    """
    values = {name: np.asarray(one, dtype=np.float64) for name, one in by_model.items()}
    if not values or not all(one.size and np.isfinite(one).all() for one in values.values()):
        raise ValueError(f"by_model={by_model!r}: accepted are finite values of one model or more")
    edges = np.histogram_bin_edges(np.concatenate(list(values.values())), BINS)
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    histogram, cdf = figure.subplots(1, 2)
    for name, one in values.items():
        histogram.hist(one, edges, weights=np.full(one.shape, 1 / one.size), alpha=0.55, label=name)
        cdf.ecdf(one, label=f"{name} (median {np.median(one):.2f})")
    histogram.set(xlabel="SDPP", ylabel="share of sets")
    cdf.set(xlabel="SDPP", ylabel="empirical CDF", ylim=(0, 1.02))
    histogram.legend()
    cdf.legend(loc="lower right")
    _write(figure, path)


def plot_reliability(curves: Mapping[str, Reliability], path: Path) -> None:
    """Predicted and observed shares of pairs that share a cluster, and how many predictions each bin has."""
    figure = Figure(figsize=(4.5, 5.5), layout="constrained")
    curve, count = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    curve.plot([0, 1], [0, 1], color="grey", linestyle=":", label="perfect")
    for index, (name, one) in enumerate(curves.items()):
        error = one.expected_calibration_error
        curve.plot(one.predicted, one.observed, marker="o", label=f"{name} (error {error:.3f})")
        left = (np.arange(len(one.counts)) + index / len(curves)) / len(one.counts)
        count.bar(left, one.counts, 1 / len(one.counts) / len(curves), align="edge")
    curve.set(ylabel="observed", title="Pairs of points in one cluster")
    count.set(xlabel="predicted probability", ylabel="pairs", yscale="log")
    curve.legend()
    _write(figure, path)


def plot_ranks(histograms: Mapping[str, Uniformity], path: Path) -> None:
    """Rank histograms of simulation-based calibration; flat if calibrated, with the band of 99% of bins."""
    figure = Figure(figsize=(4 * len(histograms), 3.2), layout="constrained")
    row = figure.subplots(1, len(histograms), squeeze=False)[0]
    for axes, (name, one) in zip(row, histograms.items(), strict=True):
        sets = one.counts.sum()
        deviation = 2.58 * np.sqrt(one.expected * (1 - one.expected / sets))
        edges = np.arange(len(one.counts) + 1) - 0.5
        low, high = np.maximum(one.expected - deviation, 0), one.expected + deviation
        axes.stairs(one.counts, edges, fill=True)
        axes.stairs(high, edges, baseline=low, fill=True, color="grey", alpha=0.4)
        axes.set(xlabel="rank of the true value, binned", title=f"{name}\np = {one.p_value:.2g}")
    _write(figure, path)


def plot_n_clusters(match: PriorMatch, path: Path) -> None:
    """K under the model, averaged over simulated sets, beside the prior's."""
    figure = Figure(figsize=(5, 3.2), layout="constrained")
    axes = figure.add_subplot()
    k = np.arange(1, len(match.prior))
    axes.bar(k - 0.2, match.prior[1:], 0.4, label="prior")
    axes.bar(k + 0.2, match.model[1:], 0.4, label="model")
    axes.set(xlabel="number of clusters", ylabel="probability")
    axes.set_title(f"total variation {match.total_variation:.3f}, p = {match.p_value:.2g}")
    axes.legend()
    _write(figure, path)


def plot_total_variation(by_points: Mapping[str, Mapping[str, float]], path: Path) -> None:
    """Mean total variation from the exact posterior: one group of bars per set size."""
    figure = Figure(figsize=(6, 3.2), layout="constrained")
    axes = figure.add_subplot()
    methods = list(next(iter(by_points.values())))
    width = 0.8 / len(methods)
    for index, method in enumerate(methods):
        heights = [values[method] for values in by_points.values()]
        bars = axes.bar(np.arange(len(heights)) + index * width, heights, width, label=method)
        axes.bar_label(bars, fmt="%.3f", fontsize=7)
    axes.set_xticks(np.arange(len(by_points)) + 0.4 - width / 2, [f"N = {n}" for n in by_points])
    axes.set_ylabel("total variation")
    axes.legend()
    _write(figure, path)


def _write(figure: Figure, path: Path) -> None:
    write_atomically(path, lambda file: figure.savefig(file, format="png", dpi=120))
