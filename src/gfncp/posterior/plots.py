"""Pictures of clusterings."""

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from jaxtyping import Bool, Float, Int, Num
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.spatial import KDTree

from gfncp.files import write_atomically
from gfncp.posterior.posterior import Posterior

ROWS = 25  # clusters that are drawn as rows of images
COLUMNS = 20  # images per cluster
LISTED = 25  # clusters in the legend
NUMBERED = 150  # clusters whose numbers are written beside their points
CLEAR = 11  # pixels from a number to the points around it
RADII = (12, 16, 22, 30, 42, 58, 80, 110, 150)  # pixels from the middle of a cluster to its number
FAR = 0.1  # share of the points, at both ends together, that do not decide the range of the axes
REACH = 1.5  # distance that the axes reach beyond the other points, in ranges of these
GAP = 3  # pixels between images
BAR = 3  # height in pixels of the bar under an image
PAIRED = 1500  # points whose pairs are drawn; of more, this many at equal steps
SCATTERED = 20_000  # points that are drawn; of more, this many at equal steps
LEAVES = 300  # leaves of a tree; of more points, this many at equal steps
NOISE_COLOUR = "0.6"
COLOURS = np.array(matplotlib.color_sequences["tab10"])
MARKERS = "os^Dv"  # each in ten colours


def plot_clusters(
    points: Num[np.ndarray, "n_samples *shape"],
    labels: Int[np.ndarray, "n_samples"],
    probabilities: Float[np.ndarray, "n_samples"],
    posterior: Posterior,
    path: Path,
    unit: str = "",
) -> None:
    """Write a PNG: the clusters on the left, the posterior of K and of pairs of points on the right.

    Images: a row per cluster, from its surest to its least sure member, each with a bar as long as its
    place is sure. Vectors: a scatter plot (of two principal components, if there are more than two
    coordinates), in which unsure points are pale. Noise is grey, and left out of the rows of images.

    Args:
        unit: unit of the coordinates, named beside the axes.
    """
    height = max(4.5, 0.8 + 0.46 * min(labels.max() + 1, ROWS)) if points.ndim == 3 else 5.5
    figure = Figure(figsize=(12, height), dpi=100, layout="constrained")
    axes = figure.subplot_mosaic(
        [["clusters", "numbers"], ["clusters", "pairs"]], width_ratios=(3, 1), height_ratios=(1, 1.7)
    )
    clusters(axes["clusters"], points, labels, probabilities, unit)
    numbers(axes["numbers"], posterior)
    pairs(axes["pairs"], posterior, labels, probabilities)
    write_atomically(path, FigureCanvasAgg(figure).print_png)  # `Figure.savefig` draws all of it twice


def clusters(
    axes: Axes,
    points: Num[np.ndarray, "n_samples *shape"],
    labels: Int[np.ndarray, "n_samples"],
    probabilities: Float[np.ndarray, "n_samples"],
    unit: str = "",
) -> Axes:
    """Draw the points of each cluster, images in rows and vectors scattered; see `plot_clusters`."""
    if points.ndim == 3:
        _images(axes, points, labels, probabilities)
    else:
        _scatter(axes, points, labels, probabilities, unit)
    return axes


def numbers(axes: Axes, posterior: Posterior) -> Axes:
    """Draw the probability of each number of clusters."""
    found = posterior.n_clusters()
    axes.bar(list(found), list(found.values()), color="0.45", width=0.7)
    axes.set_xticks(list(found)[:: -(-len(found) // 12)])
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("Probability of K clusters", fontsize=10)
    return axes


def pairs(
    axes: Axes,
    posterior: Posterior,
    labels: Int[np.ndarray, "n_samples"],
    probabilities: Float[np.ndarray, "n_samples"],
) -> Axes:
    """Draw the co-clustering probabilities, with points sorted by cluster and certainty."""
    places = np.append(np.argsort(_by_size(labels)), labels.max() + 1)  # noise, -1, comes last
    order = np.lexsort((-probabilities, places[labels]))
    shown = order[:: -(-len(order) // PAIRED)]
    axes.imshow(posterior.coclustering(shown), cmap="Greys", vmin=0, vmax=1)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title("Probability that two points share a\ncluster; points sorted by cluster", fontsize=10)
    return axes


def tree(axes: Axes, posterior: Posterior, labels: Int[np.ndarray, "n_samples"]) -> Axes:
    """Draw the tree of clusters within clusters, see `Posterior.linkage`, its leaves coloured by cluster."""
    shown = np.arange(0, len(labels), -(-len(labels) // LEAVES))
    leaves = np.arange(len(shown))
    if len(shown) > 1:
        from scipy.cluster.hierarchy import dendrogram  # takes a while, and only trees need it

        drawn = dendrogram(
            posterior.linkage(shown),
            ax=axes,
            no_labels=True,
            color_threshold=0,
            above_threshold_color="0.45",
        )
        leaves = np.array(drawn["leaves"])
    clusters = labels[shown[leaves]]
    colours = np.where(clusters[:, None] < 0, to_rgb(NOISE_COLOUR), COLOURS[clusters % len(COLOURS)])
    axes.scatter(5 + 10 * np.arange(len(leaves)), np.full(len(leaves), -0.03), c=colours, s=14, marker="s")
    axes.set_xlim(0, 10 * len(leaves))
    axes.set_ylim(-0.06, 1.03)
    axes.set_xticks([])
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["1", "0.75", "0.5", "0.25", "0"])
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.set_title("Probability of sharing a cluster at which branches join", fontsize=10)
    return axes


def project_to_plane(
    points: Num[np.ndarray, "n_samples *shape"],
) -> tuple[Num[np.ndarray, "n_samples 2"], list[str]]:
    """Return places of points in the plane, and the names of its axes.

    These are the points' coordinates, or the first two principal components of more than two.
    """
    flat = points.reshape(len(points), -1)
    if flat.shape[1] > 2 and len(flat) > 2:
        with np.errstate(invalid="ignore"):  # points that are all equal have no variance to share out
            from sklearn.decomposition import PCA  # takes a while, and points in the plane need none

            return PCA(2).fit_transform(flat), ["first principal component", "second principal component"]
    second = flat[:, 1] if flat.shape[1] > 1 else np.zeros_like(flat[:, 0])
    return np.stack([flat[:, 0], second], axis=1), ["first coordinate", "second coordinate"]


def thinned(labels: Int[np.ndarray, "n_samples"], most: int) -> Bool[np.ndarray, "n_samples"]:
    """Choose about ``most`` points at equal steps, and of each cluster at least one."""
    shown = np.zeros(len(labels), dtype=bool)
    shown[:: -(-len(labels) // most)] = True
    shown[np.unique(labels, return_index=True)[1]] = True
    return shown


def _by_size(labels: Int[np.ndarray, "n_samples"]) -> Int[np.ndarray, "clusters"]:
    return np.argsort(-np.bincount(labels[labels >= 0]), kind="stable")


def _images(axes: Axes, points, labels, probabilities) -> None:
    by_size = _by_size(labels)
    height, width = points.shape[1:]
    row, column = height + BAR + 2 * GAP, width + GAP
    shown = by_size[:ROWS]
    white = max(points.max(), 1)
    canvas = np.ones((max(1, len(shown)) * row, COLUMNS * column, 3))
    for place, k in enumerate(shown):
        members = np.flatnonzero(labels == k)
        members = members[np.argsort(-probabilities[members], kind="stable")]
        kept = members[np.linspace(0, len(members) - 1, min(COLUMNS, len(members))).round().astype(int)]
        for i, member in enumerate(kept):
            top, left = place * row, i * column
            picture = points[member] / white
            canvas[top : top + height, left : left + width] = picture[..., None]
            bar = canvas[top + height + 1 : top + height + 1 + BAR, left : left + width]
            bar[:] = 0.88
            bar[:, : round(width * probabilities[member])] = COLOURS[k % len(COLOURS)]
    axes.imshow(canvas)
    axes.set_anchor("N")
    names = [f"cluster {k}\nsize {(labels == k).sum()}" for k in shown]
    axes.set_yticks(np.arange(len(shown)) * row + height / 2, names, fontsize=8)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    which = f"{len(by_size)} clusters" + (f" (the {ROWS} largest)" if len(by_size) > ROWS else "")
    axes.set_title(f"{which}: from the surest to the least sure member; bars show how sure")


def _scatter(axes: Axes, points, labels, probabilities, unit: str = "") -> None:
    flat, names = project_to_plane(points)
    limits = [edges(values) for values in flat.T]
    places = np.stack([values.clip(*ends) for values, ends in zip(flat.T, limits, strict=True)], axis=1)
    shown = thinned(labels, SCATTERED)
    noise = np.flatnonzero(shown & (labels < 0))
    if len(noise):
        axes.scatter(*places[noise].T, color=NOISE_COLOUR, marker="x", s=18, linewidths=0.8)
    for k in range(labels.max() + 1):
        here = np.flatnonzero(shown & (labels == k))
        axes.scatter(
            *places[here].T,
            **_mark(k),
            alpha=0.15 + 0.85 * probabilities[here],
            s=22,
            linewidths=0,
        )
    _number(axes, places[shown], labels[shown])
    _list(axes, labels)
    aside = f" ({unit})" if unit else ""
    beyond = int((places != flat).any(axis=1).sum())
    axes.set_xlabel(names[0] + aside + (f"\n{beyond} points at the edge lie farther out" if beyond else ""))
    axes.set_ylabel(names[1] + aside)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(f"{labels.max() + 1} clusters; the paler a point, the less sure is its cluster")


def edges(values: Num[np.ndarray, "n_samples"]) -> tuple[float, float]:
    """Return the range of values that is drawn to scale; points beyond it are drawn at its edges.

    It holds all points, unless a few in a hundred lie so far out that the others could not be told apart.
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return -np.inf, np.inf
    low, high = np.quantile(finite, [FAR / 2, 1 - FAR / 2]).tolist()
    first, last = low - REACH * (high - low), high + REACH * (high - low)
    return (first if finite.min() < first else -np.inf), (last if finite.max() > last else np.inf)


def _number(axes: Axes, places: Num[np.ndarray, "shown 2"], labels: Int[np.ndarray, "shown"]) -> None:
    """Write the number of each cluster where no point is, as near to one of its points as can be.

    Numbers without such a place are left out.
    """
    low, high = places.min(axis=0), places.max(axis=0)
    box = axes.get_window_extent()
    pixels = (places - low) / np.where(high > low, high - low, 1) * (0.9 * box.width, 0.9 * box.height)
    if not np.isfinite(pixels).all():
        return
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points, written = KDTree(pixels), np.empty((0, 2))
    for k in _by_size(labels)[:NUMBERED]:
        own = pixels[labels == k]
        middle = np.median(own, axis=0)
        free = np.concatenate([middle[None], *(middle + radius * circle for radius in RADII)])
        free = free[points.query(free)[0] > CLEAR]
        if len(written) and len(free):
            free = free[KDTree(written).query(free)[0] > 2 * CLEAR]
        if not len(free):
            continue
        apart = KDTree(own).query(free)[0]
        best = free[apart.argmin()]
        written = np.concatenate([written, best[None]])
        nearest = places[labels == k][KDTree(own).query(best)[1]]
        offset = (best - pixels[labels == k][KDTree(own).query(best)[1]]) * 72 / axes.figure.dpi
        axes.annotate(
            str(k),
            nearest,
            xytext=tuple(offset),
            textcoords="offset points",
            fontsize=9,
            weight="bold",
            ha="center",
            va="center",
            zorder=1,
        )


def _list(axes: Axes, labels: Int[np.ndarray, "n_samples"]) -> None:
    """List the largest clusters with their sizes beside the axes, where they hide no point."""
    marks = [
        Line2D([], [], **_mark(k), linestyle="", markersize=5, label=f"{k} ({(labels == k).sum()})")
        for k in _by_size(labels)[:LISTED].tolist()
    ]
    if (labels < 0).any():
        noise = f"noise ({(labels < 0).sum()})"
        marks.append(Line2D([], [], color=NOISE_COLOUR, marker="x", linestyle="", markersize=5, label=noise))
    more = labels.max() + 1 - LISTED
    axes.legend(
        handles=marks,
        title="cluster (size)" + (f",\nthe {LISTED} largest;\n{more} more" if more > 0 else ""),
        loc="upper left",
        bbox_to_anchor=(1, 1),
        frameon=False,
        fontsize=8,
        title_fontsize=8,
        handletextpad=0.1,
    )


def _mark(k: int) -> dict[str, Any]:
    """Return colour and marker of a cluster: fifty combinations, which then repeat."""
    return {"color": COLOURS[k % len(COLOURS)], "marker": MARKERS[k // len(COLOURS) % len(MARKERS)]}
