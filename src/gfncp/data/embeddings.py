"""Embeddings of labelled or unlabelled points: users' files, and CLINC150's sentences."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from gfncp.data.splits import class_list
from gfncp.data.tables import read_points

CLINC150 = "minilm_l6_embeddings.npz"
SPLITS = ("train", "val", "test")


class Embeddings(NamedTuple):
    """Vectors, and the names of their classes where they are known."""

    x: Float[Tensor, "points dim"]
    classes: Shaped[np.ndarray, "points"] | None


def read_embeddings(path: Path, label_column: str | None = None) -> Embeddings:
    """Read vectors from a Parquet, CSV, NPY, NPZ or safetensors file, as `read_points` reads it.

    Raises:
        ValueError: `read_points` fails, or the points are not vectors.
    """
    x, labels = read_points(path, label_column)
    if x.ndim != 2:
        raise ValueError(f"{path}: holds points of shape {x.shape[1:]}: accepted are vectors")
    if labels is not None and labels.dtype == object:  # where one long name must not widen all of them
        labels = np.array([str(label) for label in labels.tolist()], dtype=object)
    elif labels is not None:
        labels = labels.astype(str)
    return Embeddings(torch.from_numpy(x.astype(np.float32)), labels)


def clinc150(folder: Path) -> Embeddings:
    """Return all sentences of CLINC150 (Larson et al. 2019), 150 of each of 150 intents, as MiniLM vectors.

    Args:
        folder: with ``minilm_l6_embeddings.npz``, which holds ``classes`` and, for each of the splits train,
            val and test, ``train_x`` (384-d vectors) and ``train_y``.

    Raises:
        ValueError: the file is missing, damaged, or lacks an array.
    """
    path = Path(folder) / CLINC150
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file")
    try:
        with np.load(path, allow_pickle=False) as held:
            x = np.concatenate([held[f"{split}_x"] for split in SPLITS])
            classes = held["classes"][np.concatenate([held[f"{split}_y"] for split in SPLITS])]
    except Exception as error:  # parsers raise nearly anything on damaged files
        raise ValueError(f"{path}: cannot be read ({error or type(error).__name__})") from None
    return Embeddings(torch.from_numpy(x.astype(np.float32)), classes.astype(str))


def named_embeddings(dataset: str, path: Path, label_column: str | None, dim: int) -> Embeddings:
    """Read the embeddings of a data set by name, and check that they are its own.

    Args:
        dataset: ``"clinc150"``, of which ``path`` may be the folder, or ``"file"``.
        dim: width of the vectors.

    Raises:
        ValueError: they cannot be read, their vectors are of another width, or they are to be CLINC150's and
            have other classes.
    """
    if dataset == "clinc150" and path.is_dir():
        found = clinc150(path)
    else:
        found = read_embeddings(path, "y" if dataset == "clinc150" else label_column)
    if found.x.shape[1] != dim:
        raise ValueError(f"{path}: vectors have {found.x.shape[1]} entries, but data.dim={dim}")
    if dataset == "clinc150":
        check_classes(found.classes, class_list("clinc150"), path)
    return found


def check_classes(found: Shaped[np.ndarray, "points"] | None, expected: list[str], path: Path) -> None:
    """Refuse embeddings that are not of the expected data set.

    Raises:
        ValueError: the classes are not those of the data set that is expected.
    """
    names = set() if found is None else set(found.tolist())
    wrong = sorted(names ^ set(expected))
    if wrong:
        says = "has" if wrong[0] in names else "lacks"
        raise ValueError(
            f"{path}: is not the data set that is named: it {says} the class {wrong[0]!r}, "
            f"and {len(wrong)} classes differ; accepted are {expected[0]!r} ... {expected[-1]!r}"
        )
