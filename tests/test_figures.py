"""Pictures and summaries of posteriors."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure
from rich.console import Console

from gfncp.figures import plot_clusters
from gfncp.posterior import Posterior
from gfncp.summary import format_probability, summarise


def draw(points: int, clusters: int) -> tuple[np.ndarray, Posterior]:
    """Labels with each of so many clusters, and a posterior around them."""
    labels = np.arange(points) % clusters
    other = np.minimum(labels, max(clusters - 2, 0))
    return labels, Posterior.from_samples(np.stack([labels, labels, other]), np.array([-1.0, -1.0, -2.0]))


@pytest.mark.parametrize("shape", [(1,), (2,), (7,), (28, 28)], ids=str)
@pytest.mark.parametrize(("points", "clusters"), [(1, 1), (2, 2), (60, 1), (60, 45)])
def test_every_clustering_has_a_picture(tmp_path, shape, points, clusters):
    labels, posterior = draw(points, clusters)
    x = np.random.default_rng(0).random((points, *shape))
    path = tmp_path / "clusters.png"
    plot_clusters(x, labels, posterior.confidence(labels), posterior, path)
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG")
    plot_clusters(x, labels, posterior.confidence(labels), posterior, path)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("log_prob", "text"),
    [
        (0.0, "1.000"),
        (math.log(0.25), "0.250"),
        (math.log(2e-5), "2.0e-5"),
        (-1000 * math.log(10), "1.0e-1000"),
    ],
)
def test_probabilities_are_readable_however_small(log_prob, text):
    assert format_probability(log_prob) == text


def rows_of(renderable) -> list[list[str]]:
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(renderable)
    return [line.split() for line in console.export_text().splitlines()]


def test_the_summary_lists_the_most_likely_clusterings_once_each():
    labels, posterior = draw(10, 5)
    rows = rows_of(summarise(posterior, labels, -1.0))
    found = [row for row in rows if row and row[0] in ("0.368", "0.135")]
    assert found == [
        ["0.368", "1.000", "greedy", "and", "2", "of", "3", "samples", "5", "2", "2", "2", "2", "2"],
        ["0.135", "0.368", "1", "of", "3", "samples", "4", "4", "2", "2", "2"],
    ]


def test_the_summary_ranks_the_greedy_clustering_among_the_samples():
    _, posterior = draw(10, 5)
    rows = rows_of(summarise(posterior, np.zeros(10, dtype=int), -1.5))
    assert [row[0] for row in rows if row and row[0] in ("0.368", "0.223", "0.135")] == [
        "0.368",
        "0.223",
        "0.135",
    ]
    assert ["0.223", "0.607", "greedy", "1", "10"] in rows


def test_a_posterior_draws_itself_on_given_axes():
    labels, posterior = draw(40, 3)
    x = np.random.default_rng(0).random((40, 5))
    first, second, third = Figure().subplots(3)
    assert posterior.plot_clusters(x, ax=first) is first
    assert len(first.collections) == 3
    assert posterior.plot_coclustering(labels, ax=second) is second
    assert second.images[0].get_array().shape == (40, 40)
    assert posterior.plot_n_clusters(ax=third) is third
    assert [bar.get_height() for bar in third.patches] == pytest.approx(list(posterior.n_clusters().values()))


def test_pairs_of_many_points_are_thinned(monkeypatch):
    monkeypatch.setattr("gfncp.figures.PAIRED", 10)
    _, posterior = draw(95, 3)
    axes = posterior.plot_coclustering(ax=Figure().subplots())
    assert axes.images[0].get_array().shape == (10, 10)
