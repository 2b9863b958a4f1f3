"""Runs of cells: train with one seed, measure, and write a record; a recorded run is not repeated."""

import hashlib
import json
import math
import re
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import cast

import torch
from accelerate import Accelerator
from pydantic import BaseModel
from torch import nn

from gfncp.checkpoints import PRETRAINED, load, load_configuration
from gfncp.configuration import Configuration, parse_stored
from gfncp.configuration.embedding_files import EmbeddingFile
from gfncp.configuration.encoder import EmbeddedPictures
from gfncp.configuration.image_data import EmbeddingData
from gfncp.data.embeddings import CLINC150
from gfncp.data.tables import READERS, TEXTS
from gfncp.estimators.gfncp import GFNCP
from gfncp.estimators.registry import METHODS
from gfncp.evaluation.evaluate import describe_device
from gfncp.evaluation.sets import DRAWN, make_test_simulator
from gfncp.evaluation.subjects import has_energies
from gfncp.files import write_text
from gfncp.networks.energy import EnergyNetwork
from gfncp.reproduction.coreset_methods import CoresetClusterer, check_measure, is_of_coresets, of_any_number
from gfncp.reproduction.declarations import Declarations, Measure, used
from gfncp.reproduction.measures import MEASURES, along_orders, draw_sets, greedy_by
from gfncp.training.preparation import EMBEDDING
from gfncp.training.run_state import iterations_done
from gfncp.training.train import train


@dataclass(frozen=True)
class Run:
    """Run of a cell: all that its record depends on.

    Args:
        configuration: of the training, with its seed and iterations; an estimator uses the data and the seed.
        estimator: name of one that needs no training, or None.
        draw: seed of the test sets.
        orders, temperature: see `gfncp.reproduction.declarations.Method`.
    """

    dataset: str
    method: str
    measure: Measure
    configuration: Configuration
    estimator: str | None
    sets: int
    points: int
    draw: int
    orders: int = 1
    temperature: float | None = None

    @property
    def iterations(self) -> int | None:
        return None if self.estimator else self.configuration.training.iterations

    def describe(self) -> dict:
        """Return the part of a record that describes the run."""
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
            "orders": self.orders,
            "temperature": self.temperature,
            "configuration": self.configuration.model_dump(mode="json"),
        }

    def path(self, records: Path) -> Path:
        """Return the path of the record, which differs by configuration and protocol."""
        options = _digest(used(self.configuration, self.estimator))
        protocol = f"{self.sets}-{self.points}-{self.draw}-{options}"
        place = hashlib.sha256(protocol.encode()).hexdigest()[:8]
        name = f"{self.method}-{self.measure}-seed{self.configuration.seed}-{place}.json"
        return records / self.dataset / name


def make_run(
    declarations: Declarations,
    table: str,
    dataset: str,
    method: str,
    seed: int,
    iterations: int | None = None,
    sets: int | None = None,
) -> Run:
    """Return the run of a cell with one seed; iterations and sets default to the declared numbers."""
    configuration = declarations.configuration(dataset, method).model_copy(update={"seed": seed})
    estimator = declarations.methods[method].estimator
    if iterations is not None and estimator is None:
        configuration = configuration.with_iterations(iterations)
    declared, points = declarations.protocol(table, dataset)
    row = declarations.methods[method]
    shown = declarations.tables[table]
    return Run(
        dataset,
        method,
        shown.measure,
        configuration,
        estimator,
        sets or declared,
        points,
        shown.draw,
        row.orders,
        row.temperature,
    )


def _digest(options: BaseModel) -> str:
    """Return a digest that stays the same when options are added to configurations."""
    return hashlib.sha256(options.model_dump_json(exclude_defaults=True).encode()).hexdigest()[:12]


def recorded(run: Run, records: Path) -> dict | None:
    """Return the record of a run; None if it was not run."""
    path = run.path(records)
    if not path.exists():
        return None
    record = json.loads(path.read_text(encoding="utf-8"))
    described = run.describe()
    del described["configuration"]  # the record may lack options that were added since
    ran = parse_stored(record["configuration"])
    same = ran is not None and used(ran, run.estimator) == used(run.configuration, run.estimator)
    return record if same and all(field(record, name) == value for name, value in described.items()) else None


def field(record: dict, name: str) -> object:
    """Return what a record says of its run; one without orders is older than they are."""
    return record.get(name, 1 if name == "orders" else None)


def run_and_record(run: Run, records: Path, runs: Path, data: Path | None, device: str | None) -> dict:
    """Carry out a run, write its record, and return it.

    Args:
        runs: folder for training, in which a stopped run resumes.
        data: see `data_folder`; None downloads.
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
        folder, about = trained_for(run, runs, own, device)
        network = load(folder)
        if run.temperature is not None:
            cast(EnergyNetwork, network).temperature = run.temperature
        simulate = make_test_simulator(run.configuration, network.encoder, own)
        batches = draw_sets(simulate, run.sets, run.points, run.draw)
        if is_of_coresets(run.configuration):
            seed = run.configuration.seed
            model = CoresetClusterer(GFNCP(str(folder), random_state=seed, device=place))
        else:
            model = along_orders(network.to(place), run.orders)
        start = perf_counter()
        metrics = MEASURES[run.measure](model, batches, place)
    if "errors" in metrics:
        metrics["errors"] = finite(metrics["errors"])
    details = {name: metrics.pop(name) for name in ("per_set", "shown", "errors") if name in metrics}
    record = {
        **run.describe(),
        "metrics": finite(metrics),
        **about,
        "drawn": DRAWN,
        "seconds": perf_counter() - start,
        "device": describe_device(place),
        "torch": torch.__version__,
        "version": version("gfncp"),
        **details,
    }
    write_text(run.path(records), compact_json(json.dumps(record, indent=2, allow_nan=False)) + "\n")
    return record


def finite(values: dict[str, float]) -> dict[str, float | None]:
    """Return values with None for those that are not finite, which JSON does not have."""
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def trained_for(run: Run, runs: Path, data: Path | None, device: str | None) -> tuple[Path, dict]:
    """Return the checkpoint of a run's network, see `trained`.

    Raises:
        ValueError: the network does not have the run's measure, orders or temperature.
    """
    configuration = run.configuration
    of_energies = has_energies(configuration) and not is_of_coresets(configuration)
    if (run.orders, run.temperature) != (1, None) and not of_energies:
        raise ValueError(
            f"orders={run.orders}, temperature={run.temperature}: accepted are 1 and none for a network "
            "without energies of points"
        )
    if is_of_coresets(configuration):
        check_measure(run.measure)
        configuration = of_any_number(configuration)
    return trained(configuration, runs, data, device)


def trained(
    configuration: Configuration, runs: Path, data: Path | None, device: str | None
) -> tuple[Path, dict]:
    """Return a checkpoint with this configuration, and its origin: shipped, trained before, or trained now.

    One that ships keeps its temperature, which was found after training.
    """
    for path in sorted(PRETRAINED.glob("*/config.json")):
        found = load_configuration(path.parent)
        if found.model_copy(update={"temperature": configuration.temperature}) == configuration:
            about = {"checkpoint": path.parent.name, "temperature": found.temperature}
            return path.parent, {"training": about}
    source = getattr(configuration.data, "dataset", configuration.data.kind)
    folder = runs / f"{source}-{configuration.objective.name}-{_digest(configuration)}"
    share_embedding(configuration, runs, folder)
    before, start = iterations_done(folder), perf_counter()
    if before < configuration.training.iterations or load_configuration(folder) != configuration:
        train(configuration, folder, data, accelerator(device))
    here = {"iterations": configuration.training.iterations - before, "seconds": perf_counter() - start}
    return folder, {"training": {"folder": folder.name, "in_this_command": here}}


def share_embedding(configuration: Configuration, runs: Path, folder: Path) -> None:
    """Copy the embedding of another run, if it is the same, so that several methods train it once."""
    wanted = embedding_of(configuration)
    if wanted is None or (folder / EMBEDDING).exists():
        return
    for path in sorted(runs.glob(f"*/{EMBEDDING}")):
        if (path.parent / "config.json").exists() and embedding_of(load_configuration(path.parent)) == wanted:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / EMBEDDING)
            return


def embedding_of(configuration: Configuration) -> tuple | None:
    """Return the options that decide a run's embedding of images; None if it has none."""
    encoder, data = configuration.encoder, configuration.data
    if not isinstance(encoder, EmbeddedPictures) or not isinstance(data, EmbeddingData):
        return None
    return configuration.seed, data.dataset, data.images, encoder.model_copy(update={"context": None})


def accelerator(device: str | None) -> Accelerator:
    """Return an accelerator on the named kind of device.

    Raises:
        ValueError: this machine has no such device.
    """
    made = Accelerator(cpu=device == "cpu")
    if device not in (None, made.device.type):
        raise ValueError(f"device={device!r}: accepted are 'cpu' and {made.device.type!r} on this machine")
    return made


def data_folder(configuration: Configuration, data: Path | None) -> Path | None:
    """Return the folder of a configuration's data set: the one with its name inside ``data``, or ``data``.

    Functions that read it check that it is this data set, by a hash or by the names of its classes. A named
    folder of embeddings holds one file, that of CLINC150 maybe its arrays.

    Raises:
        ValueError: a named folder of embeddings holds no such file, or several.
    """
    name = folder_name(configuration)
    if data is None or not name:  # simulated sets need none
        return None
    own = data / name
    if not own.is_dir():
        return data
    if not isinstance(configuration.data, EmbeddingFile) or (own / CLINC150).is_file():
        return own
    files = [path for path in sorted(own.iterdir()) if path.suffix in (*TEXTS, *READERS)]
    if len(files) != 1:
        raise ValueError(f"{own}: holds {len(files)} files of embeddings: accepted is one")
    return files[0]


def folder_name(configuration: Configuration) -> str:
    """Return the name of a data set's folder: ``mnist``, ``clinc150`` ...; ``imagenet`` for all its lists."""
    listed = getattr(configuration.data, "classes", None)
    if isinstance(listed, str):
        return listed.partition("-")[0]
    return str(getattr(configuration.data, "dataset", ""))


def compact_json(text: str) -> str:
    """Return JSON text with its lists of numbers on one line each."""
    return re.sub(r"\[\n[\s\d.,eE+-]+\]", lambda found: " ".join(found[0].split()), text)
