"""Declarations of tables and figures: data sets (columns), methods (rows) and the paper's own values.

    experiments/tables/datasets.toml    data sets by name, with the protocol of their tests
    experiments/tables/methods.toml     methods by name
    experiments/tables/table2.toml ...  which of them a table shows, and the paper's values
    experiments/tables/mixtures.toml    the same beyond the paper

A cell's training configuration is a base file in ``experiments/`` with changes, so that variants of one
configuration are not many files.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from gfncp.configuration import Configuration, parse
from gfncp.configuration.toml_files import changed, read_toml, read_values
from gfncp.estimators.registry import METHODS

Measure = Literal["greedy", "average", "sdpp", "most-likely", "two-orders"]
OF_CLUSTERINGS: tuple[Measure, ...] = ("greedy", "average", "two-orders")
Changes = dict[str, dict | int]  # by section of a configuration
Paper = dict[str, dict[str, dict[str, Annotated[list[float], Field(min_length=1, max_length=2)]]]]


class Declared(BaseModel):
    """Part of what a TOML file declares; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DataSet(Declared):
    """Source of points, and number and size of the test sets.

    Args:
        configuration: a file in ``experiments/``, without its suffix.
        changes: to that configuration, or to another one that a method uses in its place.
    """

    title: str
    configuration: str
    changes: Changes = {}
    sets: Annotated[int, Field(ge=1)]
    points: Annotated[int, Field(ge=2)] = 300


class Method(Declared):
    """Method of clustering: a network that is trained, or an estimator of `gfncp.estimators.registry`.

    Args:
        estimator: its name; None for a network. One that takes ``n_clusters`` is told the true number.
        like: another method, declared before, whose configurations and changes come first.
        compared_with: the method whose printed figures stand beside its own; None for itself, or that of the
            method in ``like``.
        configurations: in place of the data set's own, by data set.
        changes: to the configuration, for all data sets.
        changes_for: more of them, by data set.
        datasets: the only ones that the method is for; None for all.
        orders: of the points; the most typical of the greedy clusterings along them counts, and samples are
            those that users get.
        temperature: of samples, in place of the network's own.
        seeds: of training, in place of the table's, by data set: of networks that several commands train.
    """

    title: str
    # Names that are known only when this runs.
    estimator: Literal[tuple(METHODS)] | None = None  # pyright: ignore[reportInvalidTypeForm]
    like: str | None = None
    compared_with: str | None = None
    configurations: dict[str, str] = {}
    changes: Changes = {}
    changes_for: dict[str, Changes] = {}
    datasets: list[str] | None = None
    orders: Annotated[int, Field(ge=1)] = 1
    temperature: Annotated[float, Field(gt=0)] | None = None
    seeds: dict[str, list[int]] = {}


class Table(Declared):
    """A table or a figure of the paper.

    Args:
        measure: function that is applied to the test sets, see `gfncp.reproduction.measures`.
        metrics: names of the measured numbers that are shown.
        sets, points: of the tests, in place of the data set's own.
        draw: seed of the test sets.
        paper: the paper's mean and standard deviation, by data set, method and metric.
    """

    title: str
    measure: Measure
    metrics: list[str]
    datasets: list[str]
    methods: list[str]
    seeds: list[int] = [0, 1, 2]
    sets: int | None = None
    points: int | None = None
    draw: int = 0
    note: str = ""
    paper: Paper = {}


@dataclass(frozen=True)
class Declarations:
    """All tables and figures.

    Args:
        folder: ``experiments/``, where the training configurations lie.
    """

    folder: Path
    datasets: Mapping[str, DataSet]
    methods: Mapping[str, Method]
    tables: Mapping[str, Table]

    def cells(self, table: str) -> list[tuple[str, str]]:
        """Return data set and method of each cell, in the order of the table."""
        shown = self.tables[table]
        return [
            (dataset, method)
            for dataset in shown.datasets
            for method in shown.methods
            if (only := self.methods[method].datasets) is None or dataset in only
        ]

    def protocol(self, table: str, dataset: str) -> tuple[int, int]:
        """Return the number of test sets, and of points in each."""
        shown, column = self.tables[table], self.datasets[dataset]
        return shown.sets or column.sets, shown.points or column.points

    def lineage(self, method: str) -> list[str]:
        """Return a method and those that it is like, the method itself last."""
        like = self.methods[method].like
        return [*([] if like is None else self.lineage(like)), method]

    def compared_with(self, method: str) -> str:
        """Return the method whose printed figures stand beside a method's own."""
        printed = method
        for name in self.lineage(method):
            row = self.methods[name]
            printed = row.compared_with or (name if row.like is None else printed)
        return printed

    def seeds(self, table: str, dataset: str, method: str) -> list[int]:
        """Return the training seeds of a cell."""
        seeds = self.tables[table].seeds
        for name in self.lineage(method):
            seeds = self.methods[name].seeds.get(dataset, seeds)
        return seeds

    def configuration(self, dataset: str, method: str) -> Configuration:
        """Return the training configuration of a cell; for an estimator, only its data are used.

        Raises:
            ValueError: there is no such file, or the result is not a configuration.
        """
        column = self.datasets[dataset]
        name, every = column.configuration, []
        for row in map(self.methods.__getitem__, self.lineage(method)):
            name = row.configurations.get(dataset, name)
            every += [row.changes, row.changes_for.get(dataset, {})]
        values = read_values(self.folder / f"{name}.toml")
        for changes in (*every, column.changes):
            values = changed(values, changes)
        return parse(values, f"{method} on {dataset} ({name}.toml)")


def used(configuration: Configuration, estimator: str | None) -> BaseModel:
    """Return what decides a result, beside the seed: the configuration, or an estimator's data."""
    return configuration if estimator is None else configuration.data


def read_declarations(experiments: Path) -> Declarations:
    """Read all declarations in ``experiments/tables/``.

    Raises:
        ValueError: a file is missing or wrong; it names a data set or method that is not declared.
    """
    folder = experiments / "tables"
    datasets = _parsed(TypeAdapter(dict[str, DataSet]), folder / "datasets.toml")
    methods = _parsed(TypeAdapter(dict[str, Method]), folder / "methods.toml")
    paths = sorted(folder.glob("*.toml"), key=_place)
    tables = {
        path.stem: _parsed(TypeAdapter(Table), path)
        for path in paths
        if path.stem not in ("datasets", "methods")
    }
    for name, table in tables.items():
        _check_names(f"{name}: datasets", [*table.datasets, *table.paper], datasets)
        rows = [method for of_dataset in table.paper.values() for method in of_dataset]
        _check_names(f"{name}: methods", [*table.methods, *rows], methods)
        along = [method for method in table.methods if methods[method].orders > 1]
        if along and table.measure not in OF_CLUSTERINGS:
            raise ValueError(
                f"{name}: measure={table.measure!r}: {along[0]!r} clusters along several orders: accepted "
                f"are {list(OF_CLUSTERINGS)}"
            )
    for place, (name, method) in enumerate(methods.items()):
        if method.like is not None:
            _check_names(f"{name}: like", [method.like], list(methods)[:place])
        if method.compared_with is not None:
            _check_names(f"{name}: compared_with", [method.compared_with], methods)
        named = [*(method.datasets or []), *method.configurations, *method.changes_for, *method.seeds]
        _check_names(f"{name}: datasets", named, datasets)
    return Declarations(experiments, datasets, methods, tables)


def _place(path: Path) -> tuple[bool, bool, str]:
    return (
        path.stem.startswith("fig"),
        not path.stem.startswith("table"),
        path.stem,
    )  # the paper's tables first


def _check_names(where: str, given: list[str], accepted: Collection[str]) -> None:
    unknown = [name for name in given if name not in accepted]
    if unknown:
        raise ValueError(f"{where}={unknown[0]!r}: accepted are {list(accepted)}")


def _parsed(kind: TypeAdapter, path: Path):
    try:
        return kind.validate_python(read_toml(path))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{path}: {place}={first['input']!r}: {first['msg']}") from None
