"""Pictures of the metrics of consistency, calibration and exactness."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from gfncp.evaluation.calibration import Reliability, Uniformity
from gfncp.files import write_atomically

BINS = 30


def plot_sdpp(by_model: Mapping[str, Float[np.ndarray, "sets"]], path: Path) -> None:
    """Draw histogram and empirical CDF of the SDPP of several models (Fig. 1, Fig. 5).

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
    """Draw predicted and observed shares of pairs that share a cluster, and the predictions in each bin."""
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


def plot_surprise(by_size: Mapping[str, Sequence[Float[np.ndarray, "sets"]]], path: Path) -> None:
    """Draw -log p of samples against that of the truth, a point per set; on average equal if calibrated.

    Args:
        by_size: -log p of the truth, and the mean of that of samples.
    """
    figure = Figure(figsize=(3.6 * len(by_size), 3.8), layout="constrained")
    row = figure.subplots(1, len(by_size), squeeze=False)[0]
    for axes, (name, (truth, samples)) in zip(row, by_size.items(), strict=True):
        finite = np.concatenate([each[np.isfinite(each)] for each in (truth, samples)])
        low, high = max(1e-2, finite.min(initial=1e-2)), max(1.0, finite.max(initial=1.0))
        axes.plot([low, high], [low, high], color="grey", linestyle=":")
        axes.scatter(np.maximum(truth, low), np.maximum(samples, low), s=10, alpha=0.6)
        axes.plot(np.nanmean(truth), np.nanmean(samples), "r+", markersize=12, label="means")
        axes.set(xscale="log", yscale="log", xlabel="-log p of the truth", title=name)
        axes.legend()
    row[0].set_ylabel("-log p of samples")
    _write(figure, path)


def plot_ranks(by_size: Mapping[str, Mapping[str, Uniformity]], path: Path) -> None:
    """Draw histograms of ranks, a row per size of sets: flat if calibrated, with the band of 99% of bins."""
    columns = len(next(iter(by_size.values())))
    figure = Figure(figsize=(3.6 * columns, 2.6 * len(by_size)), layout="constrained")
    grid = figure.subplots(len(by_size), columns, squeeze=False)
    for row, (size, histograms) in zip(grid, by_size.items(), strict=True):
        for axes, (name, one) in zip(row, histograms.items(), strict=True):
            sets = one.counts.sum()
            deviation = 2.58 * np.sqrt(one.expected * (1 - one.expected / sets))
            edges = np.arange(len(one.counts) + 1) - 0.5
            low, high = np.maximum(one.expected - deviation, 0), one.expected + deviation
            axes.stairs(one.counts, edges, fill=True)
            axes.stairs(high, edges, baseline=low, fill=True, color="grey", alpha=0.4)
            axes.set_title(f"{size}: {name}\np = {one.p_value:.2g}", fontsize=9)
    for axes in grid[-1]:
        axes.set_xlabel("rank of the true value, binned")
    _write(figure, path)


def plot_total_variation(by_points: Mapping[str, Mapping[str, float]], path: Path) -> None:
    """Draw the mean total variation from the exact posterior: one group of bars per set size."""
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
