"""Results of clustering in a folder: labels, posteriors, pictures, and a report on one page."""

import base64
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
import torch
from jaxtyping import Num

from gfncp.coresets.units import in_units
from gfncp.data.column_notes import notes_of_cells, notes_of_numbers
from gfncp.data.column_uses import Column, describe_columns
from gfncp.data.point_sets import PointSet
from gfncp.estimators.gfncp import GFNCP
from gfncp.extras import extra
from gfncp.files import write_atomically, write_text
from gfncp.output_folder import EXPLORE, LABELS, PICTURE, POSTERIOR, REPORT, write_all
from gfncp.posterior.summary import SCALES, explanations, format_odds

UNITS = {  # of the axes of pictures
    "columns": "columns standardised, far points drawn in",
    "none": "in their common unit, far points drawn in",
    "unit-length": "rows of unit length, far points drawn in",
}
MOST_PICTURES = 100  # largest number of sets that have pictures, which take half a second each
WRITERS = {
    suffix: partial(write, index=False)
    for suffix, write in zip(LABELS, (pd.DataFrame.to_csv, pd.DataFrame.to_parquet), strict=True)
}


@dataclass(frozen=True, eq=False)
class Result:
    """Set of points with the estimator that was fitted to it."""

    set: PointSet
    model: GFNCP

    def labels(self) -> pd.DataFrame:
        """Return name, label, probability and entropy of each point.

        The first column has the name of the set's index, or ``point`` if that has none, or another column's.
        """
        frame = self.model.posterior_.named(self.set.ids).to_frame(self.model.labels_)
        name = frame.index.name
        return frame.rename_axis("point" if name in (None, "", "set", *frame) else name).reset_index()

    @property
    def columns(self) -> list[Column]:
        """Use of each column of the set; the estimator may leave out some that were read."""
        of_model = {each.name: each for each in self.model.columns_ if each.used == "left out"}
        return [of_model.get(each.name, each) for each in self.set.columns] or self.model.columns_

    def notes(self) -> list[str]:
        """Return notes on what was read, what is unlike training, and how columns were used and scaled."""
        scale = [] if self.model.scale_ is None else [SCALES[self.model.scale_]]
        pointed_out = [*notes_of_cells(self.columns), *notes_of_numbers(self.columns)]
        return [*self.set.notes, *self.model.outside_, *describe_columns(self.columns), *pointed_out, *scale]

    def shown(self) -> tuple[Num[np.ndarray, "points *shape"], str]:
        """Return the points as the network takes them, for pictures, and in which unit they are."""
        model = self.model
        if model.scale_ is None:
            return model.X_, ""
        x, weights = torch.from_numpy(model.X_), model._given.weights
        each = torch.ones(len(x), dtype=torch.double) if weights is None else torch.from_numpy(weights)
        return in_units(x, each, model.scale_).numpy(), UNITS[model.scale_]

    def log_prob(self) -> float:
        """Return the log-probability of the clustering, noise included, given known labels and weights."""
        return cast(float, self.model.posterior_.log_prob_of(self.model._clustering))

    def agreement(self) -> dict[str, float] | None:
        """Return NMI and ARI with the known labels; None without these."""
        if self.set.labels is None:
            return None
        from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score  # seldom needed, slow

        known = pd.factorize(self.set.labels)[0]  # labels may be of any type
        return {
            "NMI": float(normalized_mutual_info_score(known, self.model.labels_)),
            "ARI": float(adjusted_rand_score(known, self.model.labels_)),
        }


@dataclass(frozen=True, eq=False)
class Report:
    """Files of results of some clustered sets.

    A single set's posterior and picture lie in the folder itself, those of many in numbered folders below.

    Attributes:
        settings: settings by name, for the page.
        labels_file: name of the file of labels; it ends in .csv or .parquet.
        pictured: number of the first sets that have pictures; with 0, the only set has no page to explore it.
        paged: whether there is a page.
    """

    results: Sequence[Result]
    settings: dict[str, object]
    labels_file: str
    pictured: int = MOST_PICTURES
    paged: bool = True

    @property
    def single(self) -> bool:
        return len(self.results) == 1

    @property
    def names(self) -> list[str]:
        """Names of the files; those that each of many sets has are named once."""
        per_set = [POSTERIOR, *([PICTURE] if self.pictured else [])]
        pages = [*([REPORT] if self.paged else []), *([EXPLORE] if self.single and self.pictured else [])]
        return [self.labels_file, *(self._place("NUMBER-SET") + name for name in per_set), *pages]

    def write(
        self, folder: Path, kept: Collection[Path] = (), done: Callable[[], object] = lambda: None
    ) -> None:
        """Write the files, and remove those of an earlier run, see `gfncp.output_folder.write_all`.

        Args:
            kept: files that are not removed.
            done: is called after each set.
        """
        writers: dict[str, Callable[[Path], object]] = {}
        pictures: list[str | None] = []
        for number, result in enumerate(self.results):
            place = self._place(f"{number + 1:03d}-{_plain(result.set.name)}")
            pictures.append(place + PICTURE if number < self.pictured else None)
            if pictures[-1] is not None:
                writers[pictures[-1]] = partial(_draw, result)
            writers[place + POSTERIOR] = partial(_write_posterior, result, done)
        writers[self.labels_file] = self._write_labels
        if self.paged:
            writers[REPORT] = partial(self._write_page, pictures)
        if self.single and self.pictured:
            writers[EXPLORE] = partial(_write_explorer, self.results[0])
        write_all(folder, writers, kept)

    def _place(self, name: str) -> str:
        return "" if self.single else f"{name}/"

    def _write_labels(self, path: Path) -> None:
        frames = [result.labels() for result in self.results]
        if not self.single:
            for result, frame in zip(self.results, frames, strict=True):
                frame.insert(0, "set", result.set.name)
        write_atomically(path, partial(WRITERS[path.suffix], pd.concat(frames)))

    def _write_page(self, pictures: Sequence[str | None], path: Path) -> None:
        """Write the report, with everything escaped that comes from users' files.

        The picture of a single set is inside; those of many are beside it, or the page would be large.
        """
        from jinja2 import Environment, PackageLoader

        sections = []
        for result, picture in zip(self.results, pictures, strict=True):
            shown = _embedded(path.parent / picture) if self.single and picture else picture
            sections.append(_section(result) | {"picture": shown})
        environment = Environment(loader=PackageLoader("gfncp", "templates"), autoescape=True)
        page = environment.get_template(REPORT).render(
            sections=sections, settings=self.settings, pictured=self.pictured, explored=EXPLORE
        )
        write_text(path, page)


def check_drawing() -> None:
    """Check that the packages that draw pictures and pages are installed, without importing them.

    Raises:
        MissingExtra: they are not.
    """
    with extra("plots", "pictures and report.html"):
        for name in ("jinja2", "matplotlib", "plotly"):
            if find_spec(name) is None:
                raise ModuleNotFoundError(name=name)


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:60]


def _draw(result: Result, path: Path) -> None:
    from gfncp.posterior.plots import plot_clusters  # matplotlib takes half a second

    model, (points, unit) = result.model, result.shown()
    plot_clusters(points, model.labels_, model.probabilities_, model.posterior_, path, unit)


def _write_posterior(result: Result, done: Callable[[], object], path: Path) -> None:
    posterior = result.model.posterior_

    def write(temporary: Path) -> None:
        with temporary.open("wb") as archive:
            np.savez_compressed(
                archive, labels=posterior.labels, log_prob=posterior.log_prob, counts=posterior.counts
            )

    write_atomically(path, write)
    done()


def _write_explorer(result: Result, path: Path) -> None:
    from gfncp.posterior.interactive import write_page

    model, (points, unit) = result.model, result.shown()
    posterior = model.posterior_.named(result.set.ids)
    write_page(path, points, model.labels_, posterior, result.set.name, result.notes(), unit)


def _embedded(picture: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()}"


def _section(result: Result) -> dict[str, object]:
    """Return the values that the page shows of a set."""
    model, frame, points = result.model, result.labels(), result.set.points
    by_cluster = frame.groupby("label")["probability"]
    top = model.posterior_.top(5)
    odds = [format_odds(value) for value in top["log_prob"] - top["log_prob"].iloc[0]]
    table = isinstance(points, pd.DataFrame)
    return {
        "name": result.set.name,
        "points": len(frame),
        "clusters": model.n_clusters_,
        "notes": result.notes(),
        "agreement": result.agreement(),
        "numbers": model.posterior_.n_clusters(),
        "members": list(zip(by_cluster.size().items(), np.asarray(by_cluster.mean()), strict=True)),
        "top": list(top.assign(log_prob=odds).itertuples(index=False)),
        "apart": explanations(model.describe_clusters(points)) if table else [],
        "unsure": frame.set_index(frame.columns[0]).nsmallest(10, "probability").itertuples(),
    }
