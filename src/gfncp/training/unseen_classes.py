"""Embeddings whose classes are split: train on half of them without labels, test on the rest (Sec. 5.4)."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from gfncp.configuration.data import AugmentedEmbeddingFile, EmbeddingFile, NeighbourEmbeddingFile
from gfncp.data.embeddings import Embeddings, clinc150, read_embeddings
from gfncp.data.splits import choose_classes, class_list, split_classes
from gfncp.seeds import SPLIT, seeded
from gfncp.simulators import AugmentedEmbeddings, NeighbourEmbeddings, WholeClasses

AnyEmbeddingFile = AugmentedEmbeddingFile | NeighbourEmbeddingFile
WithoutLabels = AugmentedEmbeddings | NeighbourEmbeddings


class Parts(NamedTuple):
    """Points to train on, without labels, in random order; and whole classes for validation and tests.

    Where labels are not known, validation has points of its own, and there are no tests.
    """

    training: Float[Tensor, "points dim"]
    validation: WholeClasses | Float[Tensor, "held_out dim"]
    test: WholeClasses | None


def read(data: EmbeddingFile, path: Path | None) -> Embeddings:
    """Return the embeddings that a configuration names.

    Raises:
        ValueError: there is no ``path``, it cannot be read, its vectors are of another width, or it is to be
            CLINC150 and has other classes.
    """
    if path is None:
        raise ValueError(f"data.dataset={data.dataset!r}: say where the embeddings are with --data")
    path = Path(path)
    if data.dataset == "clinc150" and path.is_dir():
        found = clinc150(path)
    else:
        found = read_embeddings(path, "y" if data.dataset == "clinc150" else data.label)
    if found.x.shape[1] != data.dim:
        raise ValueError(f"{path}: vectors have {found.x.shape[1]} entries, but data.dim={data.dim}")
    if data.dataset == "clinc150":
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


def split(data: EmbeddingFile, path: Path | None) -> Parts:
    """Split an embeddings file into disjoint classes or, without labels, into random points.

    The split of classes depends on ``data.split_seed`` and their names alone.

    Raises:
        ValueError: `read`, `choose_classes` or `split_classes` fail.
    """
    x, classes = read(data, path)
    generator = seeded(data.split_seed, SPLIT)
    if classes is None:
        if data.held_out == 0:
            raise ValueError("data.held_out=0.0: without labels accepted is more than 0, for validation")
        shuffled = x[torch.randperm(len(x), generator=generator)[: data.points]]
        held_out = round(data.held_out * len(shuffled))
        return Parts(shuffled[held_out:], shuffled[:held_out], None)
    names = choose_classes(np.unique(classes).tolist(), data.classes, generator)
    parts = split_classes(names, data.held_out)
    held_out = parts.validation or parts.training
    validation, test = (_whole_classes(x, classes, part, data) for part in (held_out, parts.test))
    x = x[torch.from_numpy(np.isin(classes, parts.training))]
    shuffled = torch.randperm(len(x), generator=generator)[: data.points]
    return Parts(x[shuffled], validation, test)


def _whole_classes(x: Tensor, classes: np.ndarray, names: list[str], data: EmbeddingFile) -> WholeClasses:
    here = np.isin(classes, names)
    _, codes = np.unique(classes[here], return_inverse=True)
    return WholeClasses(x[torch.from_numpy(here)], torch.from_numpy(codes), data.alpha, (1, len(names)))


def make_simulators(
    data: AnyEmbeddingFile, path: Path | None
) -> tuple[WithoutLabels, WithoutLabels | WholeClasses]:
    """Return the simulators of training and of validation sets; without labels, these are of held-out points.

    Raises:
        ValueError: `split` fails, or a class has fewer points than a validation set, which may be all of it.
    """
    parts = split(data, path)
    training = _without_labels(data, parts.training)
    if not isinstance(parts.validation, WholeClasses):
        return training, _without_labels(data, parts.validation)
    fewest = int(parts.validation.classes.bincount().min())
    if fewest < data.test_points:
        raise ValueError(
            f"data.test_points={data.test_points}: accepted is at most {fewest}, the size of a class"
        )
    return training, parts.validation


def _without_labels(data: AnyEmbeddingFile, x: Float[Tensor, "points dim"]) -> WithoutLabels:
    match data:
        case NeighbourEmbeddingFile():
            return NeighbourEmbeddings(
                x[None], data.alpha, data.n_clusters, data.reach, data.noise, data.dropout
            )
        case AugmentedEmbeddingFile():
            return AugmentedEmbeddings(x, data.alpha, data.n_clusters, data.noise, data.dropout)


def make_test_simulator(data: EmbeddingFile, path: Path | None) -> WholeClasses:
    """Return the simulator of test sets: whole classes that were neither trained nor validated on.

    Raises:
        ValueError: `split` fails, or there are no labels.
    """
    test = split(data, path).test
    if test is None:
        raise ValueError("data.label: test sets are whole classes, but it names no labels")
    return test
