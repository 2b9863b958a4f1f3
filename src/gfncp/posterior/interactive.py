"""Interactive page to explore the sampled clusterings of one set in a browser, without a network.

The page holds the points in the plane and the labels of each sampled clustering; its script,
`templates/explore.js`, computes co-clustering probabilities from them.
"""

from base64 import b64encode
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, Num
from jinja2 import Environment, PackageLoader
from markupsafe import Markup
from matplotlib.colors import to_hex

from gfncp.files import write_text
from gfncp.posterior.expectations import second_choices
from gfncp.posterior.matching import matches
from gfncp.posterior.plots import COLOURS, NOISE_COLOUR, project_to_plane, thinned
from gfncp.posterior.posterior import Posterior
from gfncp.posterior.summary import format_odds

TEMPLATE = "explore.html"
MOST_POINTS = 2000  # points that are shown; of more, this many at equal steps
MOST_LABELS = 500_000  # bytes of sampled labels; with more samples fewer points are shown
LONGEST_NAME = 60  # characters of a point's name
DIGITS = 4


def write_page(
    path: Path | str,
    points: Num[np.ndarray, "n_samples *shape"],
    labels: Int[np.ndarray, "n_samples"],
    posterior: Posterior,
    title: str = "Clusterings",
    notes: Sequence[str] = (),
    unit: str = "",
) -> None:
    """Write an HTML page that shows a clustering and the samples around it; it loads nothing else.

    Args:
        points: they are shown in the plane as in `gfncp.posterior.plots.plot_clusters`.
        labels: the clustering that is shown first, such as ``labels_`` of the estimator; -1 for noise.
        posterior: its ``index`` names the points.
        notes: lines of text for the head of the page.
        unit: unit of the coordinates, named beside the axes.

    Raises:
        ValueError: points, labels and posterior are not of equally many points.

    Example:
        >>> model = GFNCP().fit(X)  # doctest: +SKIP
        >>> write_page("explore.html", model.X_, model.labels_, model.posterior_)  # doctest: +SKIP
    """
    script = files("plotly") / "package_data" / "plotly.min.js"  # plotly.offline would load all of plotly
    environment = Environment(loader=PackageLoader("gfncp", "templates"), autoescape=True)
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False}
    page = environment.get_template(TEMPLATE).render(
        data=page_data(points, labels, posterior, unit),
        title=title,
        notes=notes,
        plotly=Markup(script.read_text(encoding="utf-8")),
    )
    write_text(Path(path), page)


def page_data(
    points: Num[np.ndarray, "n_samples *shape"],
    labels: Int[np.ndarray, "n_samples"],
    posterior: Posterior,
    unit: str = "",
) -> dict[str, Any]:
    """Return the data that the page's script reads, in types that JSON has.

    Raises:
        ValueError: points, labels and posterior are not of equally many points.
    """
    sampled = posterior.labels.shape[1]
    if not len(points) == len(labels) == sampled:
        raise ValueError(
            f"points: {len(points)}, labels: {len(labels)}, posterior: of {sampled} points; accepted are "
            "equally many"
        )
    shown = thinned(labels, min(MOST_POINTS, max(1, MOST_LABELS // len(posterior.labels))))
    places, axes = project_to_plane(points)
    names = range(len(labels)) if posterior.index is None else posterior.index
    second, second_probabilities = second_choices(labels, posterior.labels, posterior.weights, shown)
    return {
        "points": len(labels),
        "clusters": len(np.unique(labels[labels >= 0])),
        "axes": [f"{name} ({unit})" if unit else name for name in axes],
        "places": [[_number(value) for value in axis] for axis in places[shown].T.tolist()],
        "names": [_shortened(str(names[i])) for i in np.flatnonzero(shown)],
        "labels": labels[shown].tolist(),
        "probabilities": posterior.confidence(labels)[shown].round(DIGITS).tolist(),
        "second": second.tolist(),
        "second_probabilities": second_probabilities.round(DIGITS).tolist(),
        "samples": _samples(labels, posterior, shown),
        "numbers": [[k, share] for k, share in posterior.n_clusters().items() if share > 0],
        "colours": [to_hex(colour) for colour in COLOURS],
        "noise_colour": to_hex(NOISE_COLOUR),
    }


def _samples(labels, posterior: Posterior, shown) -> dict[str, object]:
    """Return the sampled clusterings of the points that are shown, the most probable first.

    A cluster has the name of its match among ``labels``, so that it keeps its colour from one clustering to
    the next, or a number above all of these.
    """
    unmatched = labels.max() + 1
    rows = []
    for row, match in zip(posterior.labels, matches(labels, posterior.labels), strict=True):
        new = match == unmatched
        rows.append(np.where(new, unmatched - 1 + np.cumsum(new), match)[row[shown]])
    named = np.stack(rows)
    small = named.astype(np.min_scalar_type(named.max()).newbyteorder("<"))
    return {
        "labels": b64encode(small.tobytes()).decode(),
        "bytes": small.itemsize,
        "clusters": (posterior.labels.max(axis=1) + 1).tolist(),
        "weights": posterior.weights.tolist(),
        "odds": [format_odds(value) for value in posterior.log_prob - posterior.log_prob[0]],
    }


def _number(value: float) -> float | None:
    """Return a coordinate with the digits that a picture needs, or None if it is not finite."""
    return float(f"{value:.6g}") if np.isfinite(value) else None


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
