"""Pictures of measured cells (Fig. 1, 3, 4 and 5); a record holds what is drawn, apart from the points."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from gfncp.evaluation.figures import plot_sdpp
from gfncp.files import write_atomically
from gfncp.posterior.plots import COLOURS
from gfncp.reproduction.measures import matched

COLUMNS = 10  # images in a row of a grid
GAP = 0.22  # gap between images, in widths of one
COLUMN, ROW = 1 + GAP, 1 + 1.6 * GAP  # from one image to the next
Images = Float[np.ndarray, "points height width"]
Records = Mapping[str, dict]  # by the title of the method


def draw_sdpp(records: Records, images: Images | None, path: Path) -> None:
    """Draw histogram and empirical CDF of the SDPP of each method (Fig. 1, 5)."""
    plot_sdpp({title: np.array(record["per_set"]) for title, record in records.items()}, path)


def draw_most_likely(records: Records, images: Images, path: Path) -> None:
    """Draw the most likely clusterings of one set, the images at the same places (Fig. 3).

    A row per method. Frames have a colour per cluster; images that differ from the first one are marked.
    """
    most = max(len(record["shown"]["labels"]) for record in records.values())
    figure, grid = _grid(len(records), most, len(images))
    for row, (title, record) in zip(grid, records.items(), strict=True):
        clusterings = [np.array(labels) for labels in record["shown"]["labels"]]
        order = _by_cluster(clusterings[0])
        for axes, labels, probability in zip(
            row, clusterings, record["shown"]["probabilities"], strict=False
        ):
            labels = matched(labels, clusterings[0])
            draw_images(axes, images[order], labels[order], (labels != clusterings[0])[order])
            axes.set_title(f"{title}: p = {probability:.3g}, {_count(labels)}", fontsize=10)
    write_atomically(path, lambda file: figure.savefig(file, format="png", dpi=110))


def draw_two_orders(records: Records, images: Images, path: Path) -> None:
    """Draw greedy clusterings along two orders of one set, the images at the same places (Fig. 4).

    A row per method. Numbers are the steps in which points were assigned; images that differ between
    the orders are marked.
    """
    figure, grid = _grid(len(records), 2, len(images))
    for row, (title, record) in zip(grid, records.items(), strict=True):
        first, second = (np.array(labels) for labels in record["shown"]["labels"])
        second = matched(second, first)
        place = _by_cluster(first)
        when = np.argsort(record["shown"]["order"])
        same = np.zeros(len(first), dtype=bool)
        draw_images(row[0], images[place], first[place], same, place)
        draw_images(row[1], images[place], second[place], (second != first)[place], when[place])
        row[0].set_title(f"{title}, one order: {_count(first)}", fontsize=10)
        differing = np.sum(second != first)
        found = f"{_count(second)}, {differing} of {len(first)} points differ"
        row[1].set_title(
            f"{title}, another: {found}", fontsize=10, color="tab:red" if differing else "tab:green"
        )
    write_atomically(path, lambda file: figure.savefig(file, format="png", dpi=110))


PICTURES: dict[str, Callable[[Records, Any, Path], None]] = {  # with images, or None, as `OF_IMAGES` says
    "sdpp": draw_sdpp,
    "most-likely": draw_most_likely,
    "two-orders": draw_two_orders,
}
OF_IMAGES = ("most-likely", "two-orders")


def draw_images(
    axes: Axes,
    images: Images,
    labels: Int[np.ndarray, "points"],
    marked: Bool[np.ndarray, "points"],
    numbers: Int[np.ndarray, "points"] | None = None,
) -> None:
    """Draw a grid of images in frames that are coloured by cluster.

    Args:
        marked: images that get a cross in their corner and a black line around the frame.
        numbers: numbers to write under the images, counted from 0; None for none.
    """
    bright = max(float(images.max()), 1e-12)
    for i, (image, label, mark) in enumerate(zip(images, labels, marked, strict=True)):
        left, top = i % COLUMNS * COLUMN, i // COLUMNS * ROW
        colour = COLOURS[label % len(COLOURS)]
        if mark:
            around = Rectangle(
                (left - 0.08, top - 0.08), 1.16, 1.16, fill=False, color="black", linewidth=1.2
            )
            axes.add_patch(around)
        axes.imshow(image / bright, cmap="Greys", vmin=0, vmax=1, extent=(left, left + 1, top + 1, top))
        frame = Rectangle((left, top), 1, 1, fill=False, edgecolor=colour, linewidth=2.5)
        frame.set_linestyle("-" if label < len(COLOURS) else "--")
        axes.add_patch(frame)
        if mark:
            axes.text(left + 0.82, top + 0.3, "×", color="tab:red", weight="bold", fontsize=12, ha="center")
        if numbers is not None:
            axes.text(left + 0.5, top + 1.25, f"{numbers[i] + 1}", fontsize=6, ha="center", color="0.4")
    rows = -(-len(images) // COLUMNS)
    axes.set(xlim=(-0.15, min(COLUMNS, len(images)) * COLUMN), ylim=(rows * ROW, -0.15))
    axes.set_aspect("equal")


def _count(labels: Int[np.ndarray, "points"]) -> str:
    number = len(np.unique(labels))
    return f"{number} cluster" if number == 1 else f"{number} clusters"


def _by_cluster(labels: Int[np.ndarray, "points"]) -> Int[np.ndarray, "points"]:
    return np.argsort(labels, kind="stable")


def _grid(rows: int, columns: int, points: int) -> tuple[Figure, np.ndarray]:
    height = -(-points // COLUMNS) * ROW / (COLUMNS * COLUMN)
    figure = Figure(figsize=(4.8 * columns, rows * (4.6 * height + 0.5)), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    return figure, grid
