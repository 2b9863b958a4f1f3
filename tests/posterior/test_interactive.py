"""The page on which sampled clusterings are explored: what it holds, and what it does in a browser."""

import base64
import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from plotly.offline import get_plotlyjs

from gfncp.partitions import canonical_labels
from gfncp.posterior.interactive import LONGEST_NAME, MOST_LABELS, MOST_POINTS, page_data, write_page
from gfncp.posterior.posterior import Posterior

HOSTILE = [
    "</script><script>hacked = 1</script>",
    "<!--<script>",
    '"><img src=x onerror="hacked = 1">',
    "%{x} ${hacked = 1} {{ 7 * 7 }}",
    "<b>bold</b> &lt; \u2028 \\ ' é",
]


def in_order_of_appearance(labels: np.ndarray) -> np.ndarray:
    return canonical_labels(torch.tensor(labels)).numpy()


def draw(count: int, draws: int = 40, clusters: int = 4) -> tuple[np.ndarray, np.ndarray, Posterior]:
    """Points, a clustering of them, and a posterior in which it is one of several."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % clusters
    rows = [labels]
    for _ in range(draws - 1):
        row = np.where(rng.random(count) < 0.1, rng.integers(0, clusters + 1, count), labels)
        rows.append(np.where(row == 3, 0, row) if rng.random() < 0.5 else row)
    sampled = in_order_of_appearance(np.stack(rows))
    log_prob = -np.arange(len(rows), dtype=float)
    return rng.normal(size=(count, 3)), labels, Posterior.from_samples(sampled, log_prob)


def embedded(page: str) -> dict:
    """The page's data, read as strictly as a browser does."""
    (block,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)

    def refuse(name: str):
        raise AssertionError(f"{name} is not JSON")

    return json.loads(block, parse_constant=refuse)


def decode(samples: dict, points: int) -> np.ndarray:
    kind = np.dtype(f"<u{samples['bytes']}")
    return np.frombuffer(base64.b64decode(samples["labels"]), kind).reshape(-1, points).astype(np.int64)


@pytest.mark.parametrize(("count", "clusters"), [(1, 1), (2, 1), (150, 4), (400, 300)])
def test_the_page_holds_the_posterior(tmp_path, count, clusters):
    x, labels, posterior = draw(count, clusters=clusters)
    write_page(tmp_path / "explore.html", x, labels, posterior)
    data = embedded((tmp_path / "explore.html").read_text())
    samples = data["samples"]
    found = decode(samples, count)
    np.testing.assert_array_equal(in_order_of_appearance(found), posterior.labels)
    np.testing.assert_array_equal(samples["weights"], posterior.weights)
    np.testing.assert_array_equal(samples["clusters"], posterior.labels.max(1) + 1)
    assert dict(data["numbers"]) == posterior.n_clusters()
    assert data["labels"] == labels.tolist()
    np.testing.assert_allclose(data["probabilities"], posterior.confidence(labels), atol=1e-4)
    assert np.shape(data["places"]) == (2, count)


def test_clusters_of_samples_have_the_names_of_those_they_match():
    x, labels, posterior = draw(200)
    found = decode(page_data(x, labels, posterior)["samples"], 200)
    assert (found == labels).mean() > 0.7
    assert (posterior.labels == labels).mean() < (found == labels).mean()


def test_second_choices_are_means_of_the_coclustering():
    x, labels, posterior = draw(60)
    labels = np.where(np.arange(60) < 5, -1, labels)  # noise
    data = page_data(x, labels, posterior)
    together = posterior.coclustering()
    means = np.stack([together[:, labels == k].mean(1) for k in range(4)], axis=1)
    means[labels >= 0, labels[labels >= 0]] = -1
    assert data["second"] == means.argmax(1).tolist()
    np.testing.assert_allclose(data["second_probabilities"], means.max(1), atol=1e-4)


def test_without_other_clusters_there_is_no_second_choice():
    x, _, posterior = draw(20)
    for label in (0, -1):
        data = page_data(x, np.full(20, label), posterior)
        if label == 0:
            assert set(data["second"]) == {-1}
        assert set(data["second_probabilities"]) == {0.0}


def test_large_sets_are_thinned_and_no_cluster_is_lost(tmp_path):
    x, labels, posterior = draw(30_001, draws=10)
    labels = np.where(np.arange(30_001) == 17, 9, labels)
    write_page(tmp_path / "explore.html", x, labels, posterior)
    page = (tmp_path / "explore.html").read_text()
    data = embedded(page)
    count = len(data["names"])
    assert MOST_POINTS / 2 < count <= MOST_POINTS + 5
    assert "17" in data["names"]
    assert f"{count} of the 30001 points are shown" in page
    shown = np.array(data["names"], dtype=int)
    expected = in_order_of_appearance(posterior.labels[:, shown])
    np.testing.assert_array_equal(in_order_of_appearance(decode(data["samples"], count)), expected)
    np.testing.assert_allclose(data["probabilities"], posterior.confidence(labels)[shown], atol=1e-4)


@pytest.mark.parametrize("draws", [100, 700])
def test_the_page_is_small(tmp_path, draws):
    x, labels, posterior = draw(2000, draws)
    index = pd.Index([f"{i} {'long ' * 100}" for i in range(2000)])
    write_page(tmp_path / "explore.html", x, labels, posterior.named(index))
    assert (tmp_path / "explore.html").stat().st_size < 6_000_000
    data = embedded((tmp_path / "explore.html").read_text())
    assert max(map(len, data["names"])) == LONGEST_NAME
    assert len(base64.b64decode(data["samples"]["labels"])) <= MOST_LABELS * 1.01
    if draws == 100:
        assert len(data["names"]) == 2000


def test_values_that_are_not_finite_are_valid_json(tmp_path):
    x, labels, posterior = draw(10)
    x = x[:, :2].copy()
    x[0, 0], x[1, 1] = np.nan, np.inf
    write_page(tmp_path / "explore.html", x, labels, posterior)
    places = embedded((tmp_path / "explore.html").read_text())["places"]
    assert places[0][0] is None and places[1][1] is None


def test_names_are_data_and_the_page_loads_nothing(tmp_path):
    x, labels, posterior = draw(len(HOSTILE))
    named = posterior.named(pd.Index(HOSTILE))
    write_page(tmp_path / "explore.html", x, labels, named, "</title><script>1", ["<i>a"])
    page = (tmp_path / "explore.html").read_text()
    assert embedded(page)["names"] == HOSTILE
    ours = page.replace(get_plotlyjs(), "")
    assert len(ours) < len(page)
    assert ours.lower().count("<script") == ours.lower().count("</script") == 3
    assert "<!--" not in ours and "<img" not in ours and "<i>" not in ours
    assert "&lt;/title&gt;&lt;script&gt;1: 5 points" in ours
    outside_data = re.sub(r'id="data">.*?</script>', "", ours, flags=re.DOTALL)
    assert not re.search(r"https?:|//[a-z]|\b(src|href)\s*=|@import|url\(|fetch\(", outside_data)
    assert "default-src 'none'" in ours


def test_sizes_must_agree():
    x, labels, _ = draw(9)
    with pytest.raises(ValueError, match="points: 9, labels: 9, posterior: of 10 points; accepted"):
        page_data(x, labels, draw(10)[2])


# In a browser.


@pytest.fixture
def browse(tmp_path):
    """Open a page, run lines of JavaScript in it, and return what these put into ``result``."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("needs Chromium")

    def run(page: Path, lines: str) -> dict:
        script = f"""<script>setTimeout(async () => {{
            const result = {{}};
            {lines}
            const element = document.createElement("pre");
            element.id = "result";
            element.textContent = JSON.stringify(result);
            document.body.replaceChildren(element);
        }}, 500)</script></body>"""
        page.write_text(page.read_text().replace("</body>", script))
        options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'user'}"]
        options += ["--enable-logging=stderr", "--virtual-time-budget=5000", "--dump-dom"]
        command = [chromium, *options, page.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert "CONSOLE" not in done.stderr
        (found,) = re.findall(r'<pre id="result">(.*?)</pre>', done.stdout, re.DOTALL)
        return json.loads(html.unescape(found))

    return run


def test_the_page_works_in_a_browser(tmp_path, browse):
    x, labels, posterior = draw(150)
    write_page(tmp_path / "explore.html", x, labels, posterior)
    k = int(posterior.labels[-1].max()) + 1
    found = browse(
        tmp_path / "explore.html",
        f"""
        const plot = find("plot");
        const change = (id, value, kind) => {{
            find(id).value = value;
            find(id).dispatchEvent(new Event(kind));
        }};
        const press = (key) => document.dispatchEvent(new KeyboardEvent("keydown", {{ key }}));
        result.first = find("caption").textContent;
        result.colours = plot.data[0].marker.color;
        plot.emit("plotly_click", {{ points: [{{ customdata: 7 }}] }});
        result.shares = plot.data[0].marker.color;
        result.ring = [plot.data[1].x[0], plot.data[1].y[0]];
        result.place = [data.places[0][7], data.places[1][7]];
        change("number", "{k}", "change");
        result.given = sharing(7);
        result.captions = [];
        for (let i = 1; i <= Number(find("view").max); i++) {{
            change("view", i, "input");
            result.captions.push(find("caption").textContent);
        }}
        press("Escape");
        result.after = [state.point, state.colour];
        change("number", "", "change");
        document.querySelector("[value=probability]").click();
        result.probabilities = plot.data[0].marker.color;
        find("unsure").click();
        result.unsure = state.point;
        change("name", "12", "change");
        result.named = [state.point, find("chosen").textContent];
        change("name", "nobody", "change");
        result.unknown = find("chosen").textContent;
        result.buttons = [...document.querySelectorAll(".modebar-btn")].map((b) => b.dataset.title);
        result.loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
        """,
    )
    assert found["first"] == "the answer: K = 4"
    assert len(set(found["colours"])) == 4
    np.testing.assert_allclose(found["shares"], posterior.coclustering()[7], atol=1e-9)
    assert found["ring"] == found["place"]
    kept = posterior.labels.max(1) + 1 == k
    weights = posterior.weights * kept
    together = (posterior.labels == posterior.labels[:, [7]]).T @ weights / weights.sum()
    np.testing.assert_allclose(found["given"], together, atol=1e-9)
    assert len(found["captions"]) == kept.sum()
    assert all(f"K = {k}, " in caption for caption in found["captions"])
    assert found["after"] == [None, "cluster"]
    np.testing.assert_allclose(found["probabilities"], posterior.confidence(labels), atol=1e-4)
    assert found["unsure"] == np.argmin(posterior.confidence(labels).round(4))
    assert found["named"][0] == 12 and found["named"][1].startswith("point 12 · cluster 0, probability 0.")
    assert found["unknown"] == "There is no point nobody here."
    assert len(found["buttons"]) == 6
    assert not any("hare" in title or "loud" in title for title in found["buttons"])
    assert found["loaded"] == []


def test_names_are_shown_as_they_are_and_not_run(tmp_path, browse):
    x, labels, posterior = draw(len(HOSTILE))
    write_page(tmp_path / "explore.html", x, labels, posterior.named(pd.Index(HOSTILE)))
    found = browse(
        tmp_path / "explore.html",
        """
        result.shown = [];
        for (const i of data.names.keys()) {
            await choose(i);
            Plotly.Fx.hover("plot", [{ curveNumber: 0, pointNumber: i }]);
            await new Promise((done) => setTimeout(done, 200));
            const hover = document.querySelector(".hoverlayer");
            result.shown.push([find("chosen").textContent, hover.textContent]);
        }
        result.hacked = typeof hacked;
        result.images = document.images.length;
        """,
    )
    assert found["hacked"] == "undefined" and found["images"] == 0
    for name, (chosen, hover) in zip(HOSTILE, found["shown"], strict=True):
        assert chosen.startswith(f"point {name} · ")
        assert f"point {name}"[:15] in hover
