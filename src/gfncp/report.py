"""What clustering leaves in a folder: labels, posteriors, pictures, and a report on one page."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from gfncp.data.column_uses import describe
from gfncp.data.point_sets import PointSet
from gfncp.estimators.gfncp import GFNCP
from gfncp.extras import extra
from gfncp.files import write_atomically, write_text
from gfncp.posterior.posterior import Posterior
from gfncp.posterior.summary import SCALES, explanations, format_odds

REPORT = "report.html"
EXPLORE = "explore.html"
WRITERS = {
    ".csv": partial(pd.DataFrame.to_csv, index=False),
    ".parquet": partial(pd.DataFrame.to_parquet, index=False),
}


@dataclass(frozen=True, eq=False)
class Result:
    """A set, and the estimator that was fitted to it."""

    set: PointSet
    model: GFNCP

    def labels(self) -> pd.DataFrame:
        """Name, label, probability and entropy of each point."""
        frame = self.model.posterior_.named(self.set.ids).to_frame(self.model.labels_)
        return frame.rename_axis(frame.index.name or "point").reset_index()

    def notes(self) -> list[str]:
        """Say what the columns were used as, and how they were brought to one unit."""
        scale = [] if self.model.scale_ is None else [SCALES[self.model.scale_]]
        return [*describe(self.set.columns or self.model.columns_), *scale]

    def log_prob(self) -> float:
        """Log-probability of the clustering, noise included, given the known labels and weights, if any."""
        return cast(float, self.model.posterior_.log_prob_of(self.model._clustering))

    def agreement(self) -> dict[str, float] | None:
        """NMI and ARI with the known labels, if there are such."""
        if self.set.labels is None:
            return None
        known = pd.factorize(self.set.labels)[0]  # labels may be of any type
        return {
            "NMI": float(normalized_mutual_info_score(known, self.model.labels_)),
            "ARI": float(adjusted_rand_score(known, self.model.labels_)),
        }


def check_labels_file(name: str) -> None:
    """Refuse what is no name of a file for labels.

    Raises:
        ValueError: ``name`` does not end in .csv or .parquet, or it names a folder, too.
    """
    if Path(name).suffix not in WRITERS or Path(name).name != name:
        raise ValueError(f"labels={name!r}: accepted is a file name that ends in .csv or .parquet")


def write_results(results: Sequence[Result], folder: Path, labels_file: str) -> list[str]:
    """Write the labels of some sets into one file, and the posterior of each.

    A single set's posterior and picture lie in the folder itself, those of many in numbered folders below.

    Args:
        labels_file: see `check_labels_file`.

    Returns:
        The names of what was written.
    """
    for result, place in zip(results, _places(results, folder), strict=True):
        write_atomically(place / "posterior.npz", partial(_write_posterior, result.model.posterior_))
    frames = [result.labels() for result in results]
    if len(results) > 1:
        for result, frame in zip(results, frames, strict=True):
            frame.insert(0, "set", result.set.name)
    table = pd.concat(frames)
    write_atomically(folder / labels_file, partial(WRITERS[Path(labels_file).suffix], table))
    return [labels_file, _named("posterior.npz", results)]


def write_pages(results: Sequence[Result], folder: Path, settings: dict[str, object]) -> list[str]:
    """Write the pictures and the report of some sets; a single set also has a page to explore it, of 5 MB.

    Args:
        folder: that of `write_results`.
        settings: what the report names as such.

    Returns:
        The names of what was written.

    Raises:
        MissingExtra: what draws is not installed; nothing was written.
    """
    with extra("plots", "pictures and report.html"):
        from gfncp.posterior.interactive import write_page
        from gfncp.posterior.plots import plot_clusters

    places = _places(results, folder)
    for model, place in zip((result.model for result in results), places, strict=True):
        plot_clusters(model.X_, model.labels_, model.probabilities_, model.posterior_, place / "clusters.png")
    write_text(folder / REPORT, _page(results, places, settings))
    pictures = _named("clusters.png", results)
    if len(results) > 1:
        return [pictures, REPORT]
    (result,) = results
    named = result.model.posterior_.named(result.set.ids)
    points, labels = result.model.X_, result.model.labels_
    write_page(folder / EXPLORE, points, labels, named, result.set.name, result.notes())
    return [pictures, REPORT, EXPLORE]


def _places(results: Sequence[Result], folder: Path) -> list[Path]:
    """Return the folder of each set."""
    if len(results) == 1:
        return [folder]
    names = (re.sub(r"[^A-Za-z0-9_-]+", "_", result.set.name)[:60] for result in results)
    return [folder / f"{number:03d}-{name}" for number, name in enumerate(names, start=1)]


def _named(file: str, results: Sequence[Result]) -> str:
    """Return how a list of files names one that each set has."""
    return file if len(results) == 1 else f"NUMBER-SET/{file}"


def _write_posterior(posterior: Posterior, path: Path) -> None:
    with path.open("wb") as archive:
        np.savez_compressed(
            archive, labels=posterior.labels, log_prob=posterior.log_prob, counts=posterior.counts
        )


def _page(results: Sequence[Result], places: Sequence[Path], settings: dict[str, object]) -> str:
    """The report, with its pictures inside and all that comes from users' files escaped."""
    sections = []
    for result, place in zip(results, places, strict=True):
        model, frame, points = result.model, result.labels(), result.set.points
        by_cluster = frame.groupby("label")["probability"]
        top = model.posterior_.top(5)
        odds = [format_odds(value) for value in top["log_prob"] - top["log_prob"].iloc[0]]
        sections.append(
            {
                "name": result.set.name,
                "points": len(frame),
                "clusters": model.n_clusters_,
                "notes": result.notes(),
                "agreement": result.agreement(),
                "numbers": model.posterior_.n_clusters(),
                "members": list(zip(by_cluster.size().items(), by_cluster.mean(), strict=True)),
                "top": list(top.assign(log_prob=odds).itertuples(index=False)),
                "apart": explanations(model.describe_clusters(points))
                if isinstance(points, pd.DataFrame)
                else [],
                "unsure": frame.set_index(frame.columns[0]).nsmallest(10, "probability").itertuples(),
                "picture": base64.b64encode((place / "clusters.png").read_bytes()).decode(),
            }
        )
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("gfncp", "templates"), autoescape=True)
    return environment.get_template(REPORT).render(sections=sections, settings=settings)
