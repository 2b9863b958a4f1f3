"""Pictures are written whole, whatever is in the records."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from gfncp.reproduction.drawings import PICTURES, draw_images

IMAGES = np.random.default_rng(0).random((23, 28, 28))


def clusterings(*numbers: int) -> list[list[int]]:
    return [np.minimum(np.arange(23) // 3, number - 1).tolist() for number in numbers]


RECORDS = {
    "sdpp": {"GFNCP": {"per_set": [0.1, 0.3]}, "NCP": {"per_set": [0.5, 2.0]}},
    "most-likely": {
        "three": {"shown": {"labels": clusterings(3, 4, 5), "probabilities": [0.5, 0.2, 1e-9]}},
        "one": {"shown": {"labels": clusterings(8), "probabilities": [1.0]}},
    },
    "two-orders": {
        "differ": {"shown": {"labels": clusterings(4, 6), "order": list(range(22, -1, -1))}},
        "agree": {"shown": {"labels": clusterings(2, 2), "order": list(range(23))}},
    },
}


@pytest.mark.parametrize("measure", PICTURES)
def test_pictures_are_written_and_nothing_else(measure, tmp_path, pixels):
    path = tmp_path / "folder" / "picture.png"
    PICTURES[measure](RECORDS[measure], IMAGES, path)
    pixels(path)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("points", [1, 10, 23])
def test_every_image_has_a_frame_of_its_clusters_colour(points):
    axes = Figure().subplots()
    labels = np.arange(points) % 3
    marked = np.arange(points) == 0
    draw_images(axes, 0 * IMAGES[:points], labels, marked, np.arange(points))
    assert len(axes.images) == points
    frames = [patch for patch in axes.patches if patch.get_linewidth() == 2.5]
    colours = [tuple(frame.get_edgecolor()) for frame in frames]
    assert len(colours) == points and len(set(colours)) == min(points, 3)
    assert [colours.index(colour) for colour in colours] == labels.tolist()
    assert [text.get_text() for text in axes.texts] == ["×", *map(str, range(1, points + 1))]
    low, high = sorted(axes.get_ylim())
    assert all(low <= frame.get_y() and frame.get_y() + 1 <= high for frame in frames)
