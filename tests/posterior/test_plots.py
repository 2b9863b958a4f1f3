"""Pictures and summaries of posteriors."""

import math
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from rich.console import Console

from gfncp.posterior.explanation import describe_clusters
from gfncp.posterior.plots import clusters, plot_clusters
from gfncp.posterior.posterior import Posterior
from gfncp.posterior.summary import format_odds, format_summary


def draw(points: int, clusters: int) -> tuple[np.ndarray, Posterior]:
    """Labels with each of so many clusters, and a posterior around them."""
    labels = np.arange(points) % clusters
    other = np.minimum(labels, max(clusters - 2, 0))
    return labels, Posterior.from_samples(np.stack([labels, labels, other]), np.array([-1.0, -1.0, -2.0]))


@pytest.mark.parametrize("shape", [(1,), (2,), (7,), (28, 28)], ids=str)
@pytest.mark.parametrize(("points", "clusters"), [(1, 1), (2, 2), (24, 1), (24, 18)])
def test_every_clustering_has_a_picture(tmp_path, shape, points, clusters, pixels):
    labels, posterior = draw(points, clusters)
    x = np.random.default_rng(0).random((points, *shape))
    path = tmp_path / "clusters.png"
    plot_clusters(x, labels, posterior.confidence(labels), posterior, path)
    pixels(path)
    content = path.read_bytes()
    plot_clusters(x, labels, posterior.confidence(labels), posterior, path)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("log_ratio", "text"),
    [
        (0.0, "1 : 1"),
        (-math.log(2.7), "1 : 2.7"),
        (-math.log(9.96), "1 : 10"),
        (-math.log(5400), "1 : 5400"),
        (-math.log(5e4), "1 : 10^5"),
        (-1000 * math.log(10), "1 : 10^1000"),
        (-math.inf, "0"),
    ],
)
def test_odds_are_readable_however_small(log_ratio, text):
    assert format_odds(log_ratio) == text


def rows_of(renderable) -> list[list[str]]:
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(renderable)
    return [line.split() for line in console.export_text().splitlines()]


def test_the_summary_lists_the_most_likely_clusterings_once_each():
    labels, posterior = draw(10, 5)
    rows = rows_of(format_summary(posterior, labels, -1.0))
    found = [row for row in rows if row[1:2] == [":"]]
    assert found == [
        ["1", ":", "1", "chosen", "and", "2", "of", "3", "samples", "5", "2", "2", "2", "2", "2"],
        ["1", ":", "2.7", "1", "of", "3", "samples", "4", "4", "2", "2", "2"],
    ]


def test_the_summary_ranks_the_chosen_and_the_greedy_clustering_among_the_samples():
    labels, posterior = draw(10, 5)
    one, halves = np.zeros(10, dtype=int), np.arange(10) % 2
    rows = rows_of(format_summary(posterior.including(halves, -0.5), one, -1.5))
    assert [row for row in rows if row[1:2] == [":"]] == [
        ["1", ":", "1", "greedy", "2", "5", "5"],
        ["1", ":", "1.6", "2", "of", "3", "samples", "5", "2", "2", "2", "2", "2"],
        ["1", ":", "2.7", "chosen", "1", "10"],
    ]
    noisy = np.where(labels == 4, -1, labels)
    assert not any("chosen" in row for row in rows_of(format_summary(posterior, noisy, -1.0)))


def test_the_summary_names_what_sets_the_clusters_of_a_table_apart():
    labels, posterior = draw(40, 2)
    table = pd.DataFrame(
        {
            "age": np.where(labels == 0, 30, 60) + np.arange(40) // 2 % 2,
            "plan": np.where(labels == 0, "free", "paid"),
            "constant": 1.0,
        }
    )
    expected = "Cluster 0 (20 points): plan more often free (100%, others 0%), age lower (30.5, others 60.5)"
    assert expected in posterior.summary(table)
    assert expected.split() in rows_of(
        format_summary(posterior, labels, -1.0, described=describe_clusters(table, labels))
    )
    assert "constant" not in posterior.summary(table)
    assert "Cluster 0" not in posterior.summary()


def test_no_tiny_probability_is_shown():
    labels = np.arange(20) % 4
    posterior = Posterior.from_samples(np.stack([labels, np.zeros_like(labels)]), np.array([-300.0, -500.0]))
    shown = [
        posterior.summary(),
        posterior._repr_html_(),
        str(rows_of(format_summary(posterior, labels, -300.0))),
    ]
    assert not any(re.search(r"\de-\d", text) for text in shown)
    assert "1 : 10^87" in shown[1]


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


@pytest.mark.parametrize("shape", [(2,), (28, 28)], ids=str)
@pytest.mark.parametrize("noise", [slice(3), slice(None)], ids=["some", "all"])
def test_noise_has_a_picture(tmp_path, shape, noise, pixels):
    labels, posterior = draw(60, 3)
    labels = labels.copy()
    labels[noise] = -1
    x = np.random.default_rng(0).random((60, *shape))
    plot_clusters(x, labels, posterior.confidence(labels), posterior, tmp_path / "clusters.png")
    pixels(tmp_path / "clusters.png")
    axes = clusters(Figure().subplots(), x, labels, posterior.confidence(labels))
    if len(shape) == 1:  # crosses come first, then a scatter for each cluster
        crosses, *others = axes.collections
        assert np.array_equal(crosses.get_offsets(), x[noise])
        assert sum(len(each.get_offsets()) for each in others) == (labels >= 0).sum()
    else:
        names = [text.get_text() for text in axes.get_yticklabels()]
        assert names == [
            f"cluster {k}\nsize {size}" for k, size in enumerate(np.bincount(labels[labels >= 0]))
        ]


@pytest.mark.parametrize("points", [1, 2, 40])
def test_a_dendrogram_has_a_leaf_per_point_and_a_branch_per_merge(points):
    labels, posterior = draw(points, min(points, 3))
    axes = posterior.plot_dendrogram(labels, ax=Figure().subplots())
    leaves = axes.collections[-1]
    assert len(leaves.get_offsets()) == points
    branches = sum(len(each.get_paths()) for each in axes.collections[:-1])
    assert branches == points - 1
    low, high = axes.get_ylim()
    assert low < 0 and high > 1


def test_the_leaves_of_a_dendrogram_have_the_colours_of_their_clusters():
    labels, posterior = draw(9, 3)
    axes = posterior.plot_dendrogram(np.where(labels == 2, -1, labels), ax=Figure().subplots())
    colours = {tuple(colour) for colour in axes.collections[-1].get_facecolors().round(3).tolist()}
    assert colours == {(0.122, 0.467, 0.706, 1.0), (1.0, 0.498, 0.055, 1.0), (0.6, 0.6, 0.6, 1.0)}


def test_dendrograms_of_many_points_are_thinned():
    labels, posterior = draw(3000, 3)
    axes = posterior.plot_dendrogram(labels, ax=Figure().subplots())
    assert len(axes.collections[-1].get_offsets()) == 300


def test_pairs_of_many_points_are_thinned(monkeypatch):
    monkeypatch.setattr("gfncp.posterior.plots.PAIRED", 10)
    _, posterior = draw(95, 3)
    axes = posterior.plot_coclustering(ax=Figure().subplots())
    assert axes.images[0].get_array().shape == (10, 10)


def test_numbers_of_clusters_hide_no_point():
    """The places of numbers, in pixels, are clear of all points; each number stands near its cluster."""
    rng = np.random.default_rng(0)
    centres = rng.uniform(-60, 60, (40, 2))
    x = np.concatenate([rng.normal(centre, 1, (20, 2)) for centre in centres])
    labels = np.repeat(np.arange(40), 20)
    figure = Figure(figsize=(9, 6))
    axes = clusters(figure.subplots(), x, labels, np.ones(len(x)))
    figure.canvas.draw()
    pixels = axes.transData.transform(x)
    assert len(axes.texts) > 30
    for text in axes.texts:
        box = text.get_window_extent()
        inside = (pixels > (box.x0, box.y0)).all(1) & (pixels < (box.x1, box.y1)).all(1)
        assert not inside.any()
        middle = np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2])
        own = labels == int(text.get_text())
        assert np.linalg.norm(pixels[own] - middle, axis=1).min() < 60


def test_a_few_points_far_out_do_not_rule_the_axes():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 1, (95, 2)), np.full((3, 2), -999.0)])
    axes = clusters(Figure().subplots(), x, np.zeros(98, dtype=int), np.ones(98))
    low, high = axes.get_xlim()
    assert high - low < 30
    assert "3 points at the edge lie farther out" in axes.get_xlabel()
    assert len(axes.collections[0].get_offsets()) == 98
    axes = clusters(Figure().subplots(), x[:95], np.zeros(95, dtype=int), np.ones(95))
    np.testing.assert_array_equal(axes.collections[0].get_offsets(), x[:95])
    assert "edge" not in axes.get_xlabel()


def test_the_legend_lists_the_largest_clusters_and_says_how_many_more():
    labels = np.concatenate([np.arange(60), np.full(5, 59)])
    axes = clusters(Figure().subplots(), np.random.default_rng(0).random((65, 2)), labels, np.ones(65))
    lines = [text.get_text() for text in axes.get_legend().get_texts()]
    assert lines[0] == "59 (6)" and len(lines) == 25
    assert "35 more" in axes.get_legend().get_title().get_text()
