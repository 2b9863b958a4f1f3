"""Clustering of many sets on a Ray cluster: rows are grouped by set, and actors cluster each set.

Each set leaves one Parquet file as soon as it is clustered, so a run that was stopped goes on where it was.
Sets are clustered each with the same seed: a set's result depends on nothing but its points and the settings,
not on the number of actors, nor on the other sets. Results lie in a folder that all machines have to see.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset

from gfncp.checkpoints import WEIGHTS, find
from gfncp.clustering_report import Result
from gfncp.data.point_sets import Roles, check_columns, set_of_rows
from gfncp.estimators.gfncp import GFNCP
from gfncp.extras import extra
from gfncp.files import write_atomically, write_text

with extra("ray", "engine='ray'"):
    import ray  # pyright: ignore[reportMissingImports]  # an extra
    from ray.data import ActorPoolStrategy, from_items  # pyright: ignore[reportMissingImports]

PARTS_PER_WORKER = 4  # groups of rows for each worker
SETTINGS = "settings.json"


def cluster_sets(
    files: Sequence[Path],
    roles: Roles,
    parameters: dict[str, Any],
    folder: Path,
    *,
    workers: int,
    address: str | None = None,
    done: Callable[[dict[str, object]], object] = lambda row: None,
) -> int:
    """Cluster the sets in Parquet files, and write `Result.labels` of each to a file in ``folder``.

    Points of a set are taken in the order of their names.

    Args:
        files: Parquet files, or folders of such; one set may be in several.
        roles: with columns that name the points and the sets.
        parameters: of `GFNCP`'s constructor.
        workers: actors, each with one core, or one GPU if that is where the network runs.
        address: of a Ray cluster; None for this machine, or the cluster that the process is connected to.
        done: is called with a row on each set that was clustered: ``set``, ``points``, ``clusters``, and the
            agreement with known labels.

    Returns:
        Number of sets that were clustered, without those whose file existed.

    Raises:
        ValueError: files or columns are not there, ``folder`` holds results of other settings, or sets could
            not be clustered; all others were.
    """
    if roles.sets is None or roles.ids is None:
        raise ValueError("engine='ray': it needs the columns that name the sets and the points")
    folder, paths = Path(folder).resolve(), _check(files, roles)
    _settle(folder, {"parameters": parameters, "roles": asdict(roles)})
    written = {path.name for path in folder.glob("*.parquet")}
    pending = [name for name in _names(paths, roles.sets) if file_name(name) not in written]
    if not pending:
        return 0
    finished, failed = 0, []
    with _connected(address, workers):
        # Not Ray's own reader: without aiohttp, which it does not ask for, it fails at times (Ray 2.60).
        rows = from_items([{"path": path} for path in paths], override_num_blocks=len(paths)).map_batches(
            partial(_read, column=roles.sets, names=pending), batch_size=1, batch_format="pandas"
        )
        results = rows.groupby(roles.sets, num_partitions=PARTS_PER_WORKER * workers).map_groups(
            ClusteringActor,
            batch_format="pandas",
            compute=ActorPoolStrategy(size=workers),
            num_gpus=1 if str(parameters.get("device")).startswith("cuda") else None,
            fn_constructor_kwargs={"roles": roles, "parameters": parameters, "folder": folder},
        )
        for row in results.iter_rows():
            error = row.pop("error")
            if error is None:
                finished += 1
                done(row)
            else:
                failed.append(f"{row['set']}: {error}")
    if failed:
        raise ValueError(f"{len(failed)} sets could not be clustered, {finished} were; first {failed[0]}")
    return finished


class ClusteringActor:
    """Actor that holds the model and clusters the rows of one set after the other."""

    def __init__(self, roles: Roles, parameters: dict[str, Any], folder: Path) -> None:
        self.roles = roles
        self.folder = folder
        self.fit = GFNCP(**parameters).prepare()

    def __call__(self, rows: pd.DataFrame) -> pd.DataFrame:
        name = rows[self.roles.sets].iloc[0]
        told = {"set": str(name), "points": len(rows), "clusters": None, "NMI": None, "ARI": None}
        try:
            each = set_of_rows(rows.sort_values(self.roles.ids, kind="stable"), str(name), self.roles)
            result = Result(each, self.fit(each.points))
        except (ValueError, TypeError) as error:
            return pd.DataFrame([told | {"error": str(error)}])
        labels = result.labels()
        labels.insert(0, "set", name)
        write_atomically(self.folder / file_name(name), partial(labels.to_parquet, index=False))
        told |= {"clusters": result.model.n_clusters_} | (result.agreement() or {})
        return pd.DataFrame([told | {"error": None}])


def file_name(name: object) -> str:
    """Return the name of a set's file of results: readable, and different for different names of sets."""
    digest = hashlib.sha256(str(name).encode()).hexdigest()[:12]
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '_', str(name))[:60]}-{digest}.parquet"


def _read(files: pd.DataFrame, column: str, names: list) -> Iterator[pd.DataFrame]:
    """Yield the rows of some of the sets, without pandas' index, which is no coordinate."""
    for part in pyarrow.dataset.dataset(list(files["path"])).to_batches():
        rows = part.to_pandas(ignore_metadata=True)
        index = [each for each in rows.columns if each.startswith("__index_level_")]
        yield rows[rows[column].isin(names)].drop(columns=index)


def _names(paths: list[str], column: str) -> list:
    """Return the names of all sets."""
    names: dict[object, None] = {}
    for part in pyarrow.dataset.dataset(paths).to_batches(columns=[column]):
        names |= dict.fromkeys(part.column(0).unique().to_pylist())
    if any(pd.isna(name) for name in names):
        raise ValueError(f"column {column!r} has rows that name no set; accepted is a name in every row")
    return list(names)


def _check(files: Sequence[Path], roles: Roles) -> list[str]:
    """Return the Parquet files in ``files``, all of which have the columns."""
    paths = []
    for file in map(Path, files):
        found = sorted(file.rglob("*.parquet")) if file.is_dir() else [file]
        if not found or not all(path.suffix == ".parquet" and path.is_file() for path in found):
            raise ValueError(f"{file}: accepted by engine='ray' are Parquet files, and folders of such")
        for path in found:
            try:
                check_columns(pyarrow.dataset.dataset(path).schema.names, roles)
            except (OSError, pa.ArrowException) as error:
                raise ValueError(f"{path}: cannot be read ({error})") from None
            except ValueError as error:
                raise ValueError(f"{path}: {error}") from None
        paths += [str(path.resolve()) for path in found]
    return paths


def _settle(folder: Path, settings: dict[str, Any]) -> None:
    """Write down the settings, and refuse a folder with results of other settings."""
    model = find(settings["parameters"]["checkpoint"]) / WEIGHTS
    held = settings | {"model": hashlib.sha256(model.read_bytes()).hexdigest()}
    text = json.dumps(held, indent=2, default=list) + "\n"
    path = folder / SETTINGS
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise ValueError(f"{folder}: holds results of other settings; choose another folder")
    write_text(path, text)


@contextmanager
def _connected(address: str | None, workers: int) -> Iterator[None]:
    """Connect to Ray while the context lasts; an existing connection stays."""
    ray.data.DataContext.get_current().enable_progress_bars = False
    if ray.is_initialized():
        yield
        return
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent from here
        ray.init(num_cpus=workers + 1, include_dashboard=False, **quiet)  # one more to read and group rows
    else:
        try:
            ray.init(address, **quiet)
        except (ConnectionError, RuntimeError) as error:
            raise ValueError(f"address={address!r}: there is no Ray cluster ({error})") from None
    try:
        yield
    finally:
        ray.shutdown()
