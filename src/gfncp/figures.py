"""Pictures of clusterings."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from sklearn.decomposition import PCA

from gfncp.checkpoints import write_atomically

IMAGES_PER_CLUSTER = 20


def plot_clusters(points: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, path: Path) -> None:
    """Images: a row per cluster, the surest first. Vectors: a scatter plot, unsure points pale."""
    figure = (
        _image_rows(points, labels, probabilities)
        if points.ndim == 3
        else _scatter(points, labels, probabilities)
    )
    write_atomically(path, lambda file: figure.savefig(file, format="png", dpi=100))


def _image_rows(points, labels, probabilities) -> Figure:
    clusters = labels.max() + 1
    height, width = points.shape[1:]
    canvas = np.zeros((clusters * (height + 2), IMAGES_PER_CLUSTER * (width + 2)))
    for k in range(clusters):
        members = np.flatnonzero(labels == k)
        members = members[np.argsort(-probabilities[members], kind="stable")][:IMAGES_PER_CLUSTER]
        for column, member in enumerate(members):
            top, left = k * (height + 2), column * (width + 2)
            canvas[top : top + height, left : left + width] = points[member] / max(points.max(), 1)
    figure = Figure(figsize=(8, max(0.5 + 0.4 * clusters, 1.5)), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(canvas, cmap="gray", aspect="equal")
    axes.set_yticks(
        np.arange(clusters) * (height + 2) + height / 2,
        [f"{k + 1} ({(labels == k).sum()} points)" for k in range(clusters)],
    )
    axes.set_xticks([])
    axes.set_title("Clusters, surest members first")
    return figure


def _scatter(points, labels, probabilities) -> Figure:
    flat = points.reshape(len(points), -1)
    if flat.shape[1] > 2 and len(flat) > 2:
        flat = PCA(2).fit_transform(flat)
    second = flat[:, 1] if flat.shape[1] > 1 else np.zeros(len(flat))
    figure = Figure(figsize=(6, 5), layout="constrained")
    axes = figure.add_subplot()
    colours = matplotlib.colormaps["tab20"](labels % 20)
    axes.scatter(flat[:, 0], second, c=colours, alpha=0.15 + 0.85 * probabilities, s=18)
    axes.set_title(f"{labels.max() + 1} clusters; pale points are unsure")
    return figure
