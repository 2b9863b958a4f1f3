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
from gfncp.data.column_uses import describe
from gfncp.data.columns import Columns
from gfncp.data.delimited import Reading
from gfncp.data.point_sets import Roles, read_sets


@contextmanager
def as_embeddings(
    configuration: Configuration, data: Path | None, roles: Roles, reading: Reading
) -> Iterator[Path | None]:
    """Give the file of vectors and classes that a table is, with what is missing filled in; see `Columns`.

    What is no file, or for checkpoints of other data, is given as it is.

    Args:
        roles: of the table's columns; classes are by default in the column that the configuration names.
        reading: how the table's cells are written.

    Raises:
        ValueError: the table cannot be read, it has another number of coordinates than the checkpoint takes,
            or something is said of the columns or cells of what is no file of vectors.
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
        used = "; ".join(describe(found.columns or columns.used))
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
