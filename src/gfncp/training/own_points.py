"""Configuration of a run on a user's own points, without labels.

Vectors are clustered in the principal axes of their set, images through an embedding that instance
discrimination trains first; the training clusters of both are neighbours along the data. A tenth of the
points is held out for validation.
"""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Num, Shaped
from safetensors.torch import load_file, save_file
from torch import Tensor

from gfncp.configuration import Configuration, parse
from gfncp.configuration.image_data import FEWEST_OWN
from gfncp.data import own_images, read_points
from gfncp.data.checks import as_array, check_points
from gfncp.data.delimited import Reading
from gfncp.data.tables import points_of_table
from gfncp.files import write_atomically

FILE = "points.safetensors"
ITERATIONS = 1600
HELD_OUT = 0.1
COMPONENTS = 48
MEASURED = 5000  # points, about, on which the widest component is measured
REACH = 0.01  # share of the points that a cluster is drawn from, but ...
MEMBERS = 50  # at least this number, ...
WIDEST = 0.05  # unless that is more than this share
LARGEST_SET = 150
SMALLEST_SET = 20
LARGEST_TEST = 100
CONTEXT = {"width": 64, "heads": 4, "blocks": 2}
OF_IMAGES = {
    "encoder": {"kind": "embedded-images", "context": CONTEXT},
    "data": {"kind": "neighbour-embeddings", "dataset": "own", "n_clusters": None},
}


def configure(path: Path, iterations: int | None = None, seed: int = 0) -> Configuration:
    """Return a configuration for training on a file of points or a folder of images, from these alone.

    Raises:
        ValueError: they cannot be read, are too few, or all the same.
    """
    return describe_run(read_own_points(path), str(path), iterations, seed)


def describe_run(
    points: Num[Tensor, "points *shape"], name: str, iterations: int | None = None, seed: int = 0
) -> Configuration:
    """Return a configuration for training on points; messages call them by ``name``.

    Raises:
        ValueError: they are too few, or all the same.
    """
    if len(points) < FEWEST_OWN:
        raise ValueError(f"{name}: holds {len(points)} points: training accepts at least {FEWEST_OWN}")
    largest = max(SMALLEST_SET, min(LARGEST_SET, len(points) // 10))
    described = _of_vectors(points, name) if points.ndim == 2 else OF_IMAGES
    values = {
        "seed": seed,
        "network": {"kind": "interacting-energy", "body": "gated", "depth": 3, "cluster_width": 128},
        "objective": {"name": "gfncp"},
        "training": {
            "iterations": ITERATIONS if iterations is None else iterations,
            "batch": 64,
            "batch_points": 1200,
            "points": [SMALLEST_SET, largest],
            "points_drawn": "log-uniformly",
            "learning_rate": 1e-3,
            "clip": 1.0,
            "save_every": 400,
        },
    }
    return parse(values | described, name)


def _of_vectors(x: Float[Tensor, "points dim"], name: str) -> dict:
    dim = x.shape[1]
    some = x[:: 1 + len(x) // MEASURED].double()
    widest = float(torch.linalg.matrix_norm(some - some.mean(0), 2)) / len(some) ** 0.5
    if not widest > 0:
        raise ValueError(f"{name}: all {len(x)} points are the same")
    return {
        "encoder": {
            "kind": "principal-components",
            "dim": dim,
            "components": min(COMPONENTS, dim),
            "scale": float(f"{widest:.2g}"),
            "context": CONTEXT,
        },
        "data": {
            "kind": "neighbour-embeddings",
            "dataset": "file",
            "dim": dim,
            "held_out": HELD_OUT,
            "test_points": min(LARGEST_TEST, int(HELD_OUT * len(x))),
            "reach": round(max(REACH, min(WIDEST, MEMBERS / len(x))), 4),
        },
    }


def read_own_points(path: Path, reading: Reading | None = None) -> Num[Tensor, "points *shape"]:
    """Return the vectors in a file, or the images in a file or a folder.

    Args:
        reading: format of the file, from the options of `gfncp train`; None for the default.

    Raises:
        ValueError: they cannot be read, or are neither vectors nor images.
    """
    path = Path(path)
    if path.is_dir():
        return own_images.read_images(path)
    x, _ = read_points(path, reading=reading)
    return torch.from_numpy(x.astype(np.float32)) if x.ndim == 2 else own_images.as_bytes(x, str(path))


def store(X: Shaped[np.ndarray, "points *shape"] | pd.DataFrame, folder: Path) -> Path:
    """Write points into the folder of their run, for `configure` and `gfncp.training.train.train`.

    Raises:
        ValueError: ``X`` is not what is accepted, or the folder holds other points.
    """
    shape = np.shape(X)
    if len(shape) not in (2, 3):
        raise ValueError(f"X has shape {shape}: accepted are (points, dim) and (points, 28, 28)")
    if len(shape) == 3:
        x = own_images.as_bytes(np.asarray(X), "X")
    else:
        held = as_array(X, (None,), "X")
        table = isinstance(held, pd.DataFrame)
        x = (
            torch.from_numpy(points_of_table(held).astype(np.float32))
            if table
            else check_points(held, (None,), "X")[0].float()
        )
    path = Path(folder) / FILE
    if not path.exists():
        write_atomically(path, partial(save_file, {"x": x.contiguous()}))
    elif not torch.equal(load_file(path)["x"], x):
        raise ValueError(f"{path}: holds other points than X; choose another folder")
    return path
