"""Users' own tables to evaluate on, read as `gfncp cluster` reads them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from safetensors.torch import save_file

from gfncp.configuration import Configuration
from gfncp.configuration.embedding_files import EmbeddingFile
from gfncp.data.column_uses import describe_columns
from gfncp.data.columns import Columns
from gfncp.data.delimited import Reading
from gfncp.data.point_sets import Roles, read_sets


@contextmanager
def as_embeddings(
    configuration: Configuration, data: Path | None, roles: Roles, reading: Reading
) -> Iterator[Path | None]:
    """Yield the path of an embedding file made from a table, with missing values filled in as by `Columns`.

    A path that is not a file, or that the checkpoint does not read as embeddings, is yielded unchanged.

    Args:
        roles: roles of the table's columns; by default, the configuration names the column of classes.
        reading: notation of the table's cells.

    Raises:
        ValueError: the table cannot be read, its number of coordinates is not the one that the checkpoint
            takes, or ``roles`` or ``reading`` are given for a path that is yielded unchanged.
    """
    options = configuration.data
    if data is None or data.is_dir() or not isinstance(options, EmbeddingFile):
        said = [f"{name}={value!r}" for name, value in (asdict(roles) | asdict(reading)).items() if value]
        if said:
            raise ValueError(f"{', '.join(said)}: accepted with --data FILE, and a checkpoint of vectors")
        yield data
        return
    label = "y" if options.dataset == "clinc150" else options.label
    (found,) = read_sets([data], replace(roles, labels=roles.labels or label), reading)
    columns = Columns.of(found.points) if found.points.ndim == 2 else None
    if columns is None:
        raise ValueError(f"{data}: holds points of shape {found.points.shape[1:]}: accepted are vectors")
    columns.warn()
    x = columns.apply(found.points)
    if x.shape[1] != options.dim:
        used = "; ".join(describe_columns(found.columns or columns.used))
        raise ValueError(
            f"{data}: holds {x.shape[1]} coordinates ({used}), but the checkpoint takes {options.dim}"
        )
    held, metadata = {"x": torch.from_numpy(x.astype(np.float32)).contiguous()}, {}
    if label is not None and found.labels is not None:
        names, codes = np.unique([str(each) for each in found.labels.tolist()], return_inverse=True)
        held[label], metadata = torch.from_numpy(codes), {label: json.dumps(names.tolist())}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "points.safetensors"
        save_file(held, path, metadata)
        yield path
