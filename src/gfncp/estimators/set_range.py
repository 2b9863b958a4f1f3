"""Clustered sets beside those that a checkpoint was trained on: do they have such a form, is it as sure?

Seven statistics of a set and its clustering have, given the number of points, a mean and a covariance in sets
that are simulated as for training. A set whose statistics are farther from the mean than nearly all of these
are (in Mahalanobis distance) is outside of what the checkpoint knows. That tells curves and grids from
mixtures of Gaussians.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.distance import cdist

from gfncp.estimators.ranges import SetRanges, load_ranges

STATISTICS = {
    "dimensions": "effective dimensions",
    "gap": "distances to the nearest point",
    "reach": "distance of the farthest point",
    "width": "radius of clusters beside the set's",
    "elongation": "elongation of clusters",
    "tails": "kurtosis within clusters",
    "doubt": "-log p of the clustering, per point",
}
MOST_POINTS = 500  # evenly spaced rows, where there are more
FEWEST_POINTS = 8  # of a set, and of a cluster whose form counts
SMALL = 1e-3  # added before the logarithm
INSIDE = 0.99  # share of the simulated sets within the limit
NAMED = 2  # statistics in a message
UNLIKE = "X is outside of what"


def evenly(points: int) -> Int[np.ndarray, "some"]:
    """Return the rows of a set that are looked at."""
    return np.linspace(0, points - 1, min(points, MOST_POINTS)).astype(int)


def set_statistics(
    x: Float[np.ndarray, "points dim"], labels: Int[np.ndarray, "points"], log_prob: float
) -> Float[np.ndarray, "statistics"] | None:
    """Return logarithms of `STATISTICS` of a clustered set; None of one of few distinct points.

    Effective dimensions are the participation ratio of the principal components' variances. A radius is the
    root mean square of distances from a mean; distances are in radii of the set. Elongation is a cluster's
    largest variance along a direction over the mean of all.

    Args:
        log_prob: log p(labels | x) per point, in nats.
    """
    x = x - np.median(x, axis=0)
    x = x / max(float(np.abs(x).max()), np.finfo(float).tiny)
    x = x - x.mean(0)
    distinct = np.unique(x, axis=0)
    if len(distinct) < FEWEST_POINTS:
        return None
    variances = np.linalg.svd(x, compute_uv=False) ** 2
    radius = np.sqrt(variances.sum() / len(x))
    apart = cdist(distinct, distinct)
    np.fill_diagonal(apart, np.inf)
    clusters = [x[labels == name] for name in np.unique(labels)]
    clusters = [own - own.mean(0) for own in clusters]
    inside = np.sqrt(sum(np.square(own).sum() for own in clusters) / len(x))
    found = [
        variances.sum() ** 2 / np.square(variances).sum(),
        np.median(apart.min(1)) / radius,
        np.linalg.norm(x, axis=1).max() / radius,
        inside / radius,
        *_forms([own for own in clusters if len(own) >= FEWEST_POINTS and own.any()]),
        -log_prob,
    ]
    return np.log(np.array(found) + SMALL)


def _forms(clusters: list[Float[np.ndarray, "_ dim"]]) -> Float[np.ndarray, "2"]:
    """Return means over centred clusters, weighted by size, of their elongation and kurtosis; 1 for none."""
    if not clusters:
        return np.ones(2)
    forms = []
    for own in clusters:
        variances = np.linalg.svd(own, compute_uv=False) ** 2
        square = np.square(own).sum(1)
        forms.append((variances[0] / variances.mean(), np.square(square).mean() / square.mean() ** 2))
    return np.average(forms, axis=0, weights=[len(own) for own in clusters])


def fit_ranges(
    statistics: Float[np.ndarray, "sets 7"], points: Int[np.ndarray, "sets"], command: str
) -> SetRanges:
    """Fit mean, as a quadratic function of log N, and covariance of the statistics of simulated sets.

    Args:
        command: by which the sets were simulated.
    """
    coefficients = np.linalg.lstsq(_terms(points), statistics)[0]
    precision = np.linalg.inv(np.cov(_residuals(statistics, points, coefficients).T))
    fitted = SetRanges(
        command=command, coefficients=coefficients.tolist(), precision=precision.tolist(), limit=0
    )
    limit = np.quantile(distances(statistics, points, fitted), INSIDE)
    return fitted.model_copy(update={"limit": float(limit)})


def distances(
    statistics: Float[np.ndarray, "sets 7"], points: Int[np.ndarray, "sets"], ranges: SetRanges
) -> Float[np.ndarray, "sets"]:
    """Return the Mahalanobis distance of each set's statistics from their mean in simulated sets."""
    apart = _residuals(statistics, points, np.array(ranges.coefficients))
    return np.sqrt(np.einsum("ni,ij,nj->n", apart, np.array(ranges.precision), apart))


def _residuals(
    statistics: Float[np.ndarray, "sets 7"],
    points: Int[np.ndarray, "sets"],
    coefficients: Float[np.ndarray, "3 7"],
) -> Float[np.ndarray, "sets 7"]:
    """Return the deviations of statistics from their mean in simulated sets of as many points."""
    return statistics - _terms(points) @ coefficients


def _terms(points: Int[np.ndarray, "sets"]) -> Float[np.ndarray, "sets 3"]:
    log = np.log(points)
    return np.stack([np.ones_like(log), log, log**2], 1)


def set_ranges(checkpoint: str | Path) -> SetRanges | None:
    """Return a checkpoint's ranges of sets, None if it has none."""
    ranges = load_ranges(checkpoint)
    return ranges if isinstance(ranges, SetRanges) else None


def describe_unlike_set(
    statistics: Float[np.ndarray, "statistics"], points: int, ranges: SetRanges, checkpoint: str
) -> str | None:
    """Return how a clustered set differs from those that a checkpoint was trained on; None if it does not."""
    distance = float(distances(statistics[None], np.array([points]), ranges)[0])
    if distance <= ranges.limit:
        return None
    deviations = np.sqrt(np.diag(np.linalg.inv(ranges.precision)))
    (apart,) = _residuals(statistics[None], np.array([points]), np.array(ranges.coefficients)) / deviations
    names = list(STATISTICS.values())
    said = [
        f"{names[at]} {'larger' if apart[at] > 0 else 'smaller'}" for at in np.argsort(-np.abs(apart))[:NAMED]
    ]
    return (
        f"{UNLIKE} {checkpoint!r} knows: {' and '.join(said)} than in sets of as many points in "
        f"training (distance {distance:.1f}, of which {INSIDE:.0%} are within {ranges.limit:.1f})"
    )
