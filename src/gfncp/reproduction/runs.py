"""One run of a cell: train with one seed, measure, leave a record. What is done is not done again."""

import hashlib
import json
import math
import re
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import torch
from accelerate import Accelerator
from pydantic import BaseModel
from torch import nn

from gfncp.checkpoints import PRETRAINED, load, load_configuration
from gfncp.configuration import Configuration, parse_stored
from gfncp.estimators.registry import METHODS
from gfncp.evaluation.evaluate import describe_device
from gfncp.evaluation.sets import DRAWN, make_test_simulator
from gfncp.files import write_text
from gfncp.reproduction.declarations import Measure, used
from gfncp.reproduction.measures import MEASURES, draw_sets, greedy_by
from gfncp.training.run_state import iterations_done
from gfncp.training.train import train


@dataclass(frozen=True)
class Run:
    """What a record is the record of.

    Args:
        configuration: of the training, with its seed and iterations; an estimator uses the data and the seed.
        estimator: name of one that needs no training, or None.
        draw: seed of the test sets.
    """

    dataset: str
    method: str
    measure: Measure
    configuration: Configuration
    estimator: str | None
    sets: int
    points: int
    draw: int

    @property
    def iterations(self) -> int | None:
        return None if self.estimator else self.configuration.training.iterations

    def describe(self) -> dict:
        """The part of a record that says what was run."""
        return {
            "kind": "result",
            "dataset": self.dataset,
            "method": self.method,
            "measure": self.measure,
            "estimator": self.estimator,
            "seed": self.configuration.seed,
            "iterations": self.iterations,
            "sets": self.sets,
            "points": self.points,
            "draw": self.draw,
            "configuration": self.configuration.model_dump(mode="json"),
        }

    def path(self, records: Path) -> Path:
        """Where the record lies: another configuration or protocol has another place."""
        options = _digest(used(self.configuration, self.estimator))
        protocol = f"{self.sets}-{self.points}-{self.draw}-{options}"
        place = hashlib.sha256(protocol.encode()).hexdigest()[:8]
        name = f"{self.method}-{self.measure}-seed{self.configuration.seed}-{place}.json"
        return records / self.dataset / name


def _digest(options: BaseModel) -> str:
    """The same, when options are added to configurations later."""
    return hashlib.sha256(options.model_dump_json(exclude_defaults=True).encode()).hexdigest()[:12]


def recorded(run: Run, records: Path) -> dict | None:
    """The record of a run, if it was run."""
    path = run.path(records)
    if not path.exists():
        return None
    record = json.loads(path.read_text(encoding="utf-8"))
    described = run.describe()
    del described["configuration"]  # the record's may lack options that were added since
    ran = parse_stored(record["configuration"])
    same = ran is not None and used(ran, run.estimator) == used(run.configuration, run.estimator)
    return record if same and all(record.get(name) == value for name, value in described.items()) else None


def run_and_record(run: Run, records: Path, runs: Path, data: Path | None, device: str | None) -> dict:
    """Do a run and write its record, which is returned.

    Args:
        runs: folder for training; a run that was stopped goes on there.
        data: folder with a folder per data set, or of the data set itself; None downloads.
        device: ``"cpu"``, ``"cuda"`` ...; None takes an accelerator if there is one.

    Raises:
        ValueError: data or device are not there, or the configuration does not suit the measure.
        FloatingPointError: training diverged.
    """
    own = data_folder(run.configuration, data)
    if run.estimator:
        place, about = torch.device("cpu"), {"training": None}
        simulate = make_test_simulator(run.configuration, nn.Identity(), own)
        estimator = METHODS[run.estimator]()
        if "random_state" in estimator.get_params():
            estimator.set_params(random_state=run.configuration.seed)
        start = perf_counter()
        metrics = greedy_by(estimator, draw_sets(simulate, run.sets, run.points, run.draw))
    else:
        place = accelerator(device).device
        model, about = trained(run.configuration, runs, own, device)
        simulate = make_test_simulator(run.configuration, model.encoder, own)
        batches = draw_sets(simulate, run.sets, run.points, run.draw)
        start = perf_counter()
        metrics = MEASURES[run.measure](model.to(place), batches, place)
    details = {name: metrics.pop(name) for name in ("per_set", "shown") if name in metrics}
    record = {
        **run.describe(),
        "metrics": {name: value if math.isfinite(value) else None for name, value in metrics.items()},
        **about,
        "drawn": DRAWN,
        "seconds": perf_counter() - start,
        "device": describe_device(place),
        "torch": torch.__version__,
        "version": version("gfncp"),
        **details,
    }
    write_text(run.path(records), compact(json.dumps(record, indent=2, allow_nan=False)) + "\n")
    return record


def trained(
    configuration: Configuration, runs: Path, data: Path | None, device: str | None
) -> tuple[nn.Module, dict]:
    """A network with this configuration, and how it came about: shipped, trained before, or trained now."""
    for path in sorted(PRETRAINED.glob("*/config.json")):
        if load_configuration(path.parent) == configuration:
            return load(path.parent), {"training": {"checkpoint": path.parent.name}}
    source = getattr(configuration.data, "dataset", configuration.data.kind)
    folder = runs / f"{source}-{configuration.objective.name}-{_digest(configuration)}"
    before, start = iterations_done(folder), perf_counter()
    if before < configuration.training.iterations or load_configuration(folder) != configuration:
        train(configuration, folder, data, accelerator(device))
    here = {"iterations": configuration.training.iterations - before, "seconds": perf_counter() - start}
    return load(folder), {"training": {"folder": folder.name, "in_this_command": here}}


def accelerator(device: str | None) -> Accelerator:
    """What trains, on the named kind of device.

    Raises:
        ValueError: this machine has no such device.
    """
    made = Accelerator(cpu=device == "cpu")
    if device not in (None, made.device.type):
        raise ValueError(f"device={device!r}: accepted are 'cpu' and {made.device.type!r} on this machine")
    return made


def data_folder(configuration: Configuration, data: Path | None) -> Path | None:
    """The folder of a configuration's data set: the one with its name inside ``data``, or that itself."""
    if data is None:
        return None
    own = data / str(getattr(configuration.data, "dataset", ""))
    return own if own.is_dir() else data


def compact(text: str) -> str:
    """JSON text with its lists of numbers on one line each."""
    return re.sub(r"\[\n[\s\d.,eE+-]+\]", lambda found: " ".join(found[0].split()), text)
