"""Costs of runs that were not made, estimated from the records of the others."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from gfncp.configuration import Configuration, parse_stored
from gfncp.configuration.training import Training
from gfncp.reproduction.runs import Run


def training_points(options: Training) -> float:
    """Return the expected number of points in all batches of a training."""
    sizes = np.arange(options.points[0], options.points[1] + 1)
    weights = 1 / sizes if options.points_drawn == "log-uniformly" else np.ones(len(sizes))
    most = options.batch_points or options.batch * options.points[1]
    sets = np.clip(most // sizes, 1, options.batch)
    return options.iterations * options.accumulate * float(np.average(sets * sizes, weights=weights))


def training_seconds(record: dict) -> float | None:
    """Return the time of the training behind a record; None if several commands did it."""
    here = (record["training"] or {}).get("in_this_command", {})
    return here["seconds"] if here.get("iterations") == record["iterations"] else None


class Cost(NamedTuple):
    """Time of runs, where it can be estimated, and the methods of the others."""

    hours: float
    untimed: list[str]


def estimate(missing: Iterable[Run], records: list[dict]) -> Cost:
    """Estimate the time of runs, from the time per point of trainings of the same method and data set.

    Without these, the mean over data sets counts, then the mean over all networks of that kind. The time per
    point of tests is that of the same method, if it is known.
    """
    trained, tested = _rates(records)
    total, done, untimed = 0.0, set(), []
    for run in missing:
        keys = list(_keys(run.dataset, run.method, run.configuration, run.estimator))
        testing = next((tested[run.measure, *key] for key in keys if (run.measure, *key) in tested), None)
        training = [0.0] if run.estimator else next((trained[key] for key in keys if key in trained), None)
        if training is None or (testing is None and run.estimator):
            if run.method not in untimed:
                untimed.append(run.method)
            continue
        total += float(np.mean(testing or [0.0])) * run.sets * run.points
        if run.estimator is None and run.configuration not in done:
            done.add(run.configuration)
            total += float(np.mean(training)) * training_points(run.configuration.training)
    return Cost(total / 3600, untimed)


def _rates(records: list[dict]) -> tuple[dict[tuple, list[float]], dict[tuple, list[float]]]:
    """Return seconds per point of training, and of tests, by keys that similar runs share."""
    trained, tested = defaultdict(list), defaultdict(list)
    for record in records:
        configuration = parse_stored(record["configuration"])
        if configuration is None:
            continue
        for key in _keys(record["dataset"], record["method"], configuration, record["estimator"]):
            tested[record["measure"], *key].append(record["seconds"] / record["sets"] / record["points"])
            seconds = None if record["estimator"] else training_seconds(record)
            if seconds is not None:
                trained[key].append(seconds / training_points(configuration.training))
    return trained, tested


def _keys(dataset: str, method: str, configuration: Configuration, estimator: str | None) -> Iterator[tuple]:
    """Yield keys that runs of similar cost share, the most similar first."""
    yield dataset, method
    yield "", method
    if estimator is None:
        yield "", configuration.network.kind, configuration.objective.name
        yield "", configuration.network.kind
