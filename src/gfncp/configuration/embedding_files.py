"""Sections of a configuration for embeddings in a file: half of the classes to train on, half for tests."""

# A section that extends another one takes over its options, and has a kind of its own.
# pyright: reportIncompatibleVariableOverride=false

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from gfncp.configuration.fields import Bounds, Points, Share, Width
from gfncp.configuration.neighbour_coresets import NeighbourCoresets
from gfncp.configuration.sources import Data, Simulator, Simulators
from gfncp.networks.tokens import COLUMNS
from gfncp.seeds import SPLIT, seeded


class Parts(NamedTuple):
    """Points to train on, without labels, in random order; and whole classes for validation and for tests.

    Where labels are not known, validation has points of its own, and there are no tests.
    """

    training: Float[Tensor, "points dim"]
    validation: Any  # `gfncp.simulators.WholeClasses`, or points
    test: Simulator | None


class EmbeddingFile(Data):
    """Embeddings whose classes are split: train on half of them without labels, test on the rest (Sec. 5.4).

    ``held_out``: share of the classes to train on that is kept for validation; without labels, of the points.
    With 0, all of them are trained on, and validation sets are of the same classes.
    ``classes``: number to draw, or a list of `gfncp.data.splits.class_list`; all if left out.
    ``points``: largest number to train on.
    """

    dataset: Literal["clinc150", "file"]
    dim: Width = 384
    label: str | None = None
    classes: Annotated[int, Field(ge=4)] | str | None = None
    split_seed: Annotated[int, Field(ge=0)] = 0
    held_out: Annotated[float, Field(ge=0, lt=1)] = 0.2
    points: Annotated[int, Field(ge=2)] = 20_000
    alpha: Annotated[float, Field(gt=0)] = 1.0
    n_clusters: Bounds = None
    test_points: Points = 100

    @property
    def point_shape(self) -> tuple[int, ...]:
        return (self.dim,)

    def split(self, path: Path | None) -> Parts:
        """Split the embeddings into disjoint classes or, without labels, into random points.

        The split of classes depends on ``split_seed`` and their names alone.

        Raises:
            ValueError: there is no ``path``, it cannot be read, or does not hold what the section says.
        """
        from gfncp.data.embeddings import named_embeddings
        from gfncp.data.splits import split_rows
        from gfncp.simulators import WholeClasses

        if path is None:
            raise ValueError(f"data.dataset={self.dataset!r}: say where the embeddings are with --data")
        x, classes = named_embeddings(self.dataset, Path(path), self.label, self.dim)
        generator = seeded(self.split_seed, SPLIT)
        rows = split_rows(classes, len(x), self.classes, self.held_out, self.points, generator)
        if classes is None or rows.test is None:
            return Parts(x[rows.training], x[rows.validation], None)

        def whole_classes(rows: Int[Tensor, "part"]) -> Simulator:
            names, codes = np.unique(classes[rows.numpy()], return_inverse=True)
            return WholeClasses(x[rows], torch.from_numpy(codes), self.alpha, (1, len(names)))

        return Parts(x[rows.training], whole_classes(rows.validation), whole_classes(rows.test))

    def make_simulators(self, encoder: nn.Module, path: Path | None, seed: int) -> Simulators:
        training, validation, _ = self.split(path)
        if isinstance(validation, Tensor):
            return Simulators(self.without_labels(training), self.without_labels(validation))
        fewest = int(validation.classes.bincount().min())
        if fewest < self.test_points:
            raise ValueError(
                f"data.test_points={self.test_points}: accepted is at most {fewest}, the size of a class"
            )
        return Simulators(self.without_labels(training), validation)

    def without_labels(self, x: Float[Tensor, "points dim"]) -> Simulator:
        """Return the simulator of sets to train on, which are made of points without labels."""
        raise NotImplementedError

    def make_test_simulator(self, encoder: nn.Module, path: Path | None) -> Simulator:
        test = self.split(path).test
        if test is None:
            raise ValueError("data.label: test sets are whole classes, but it names no labels")
        return test

    def make_held_out_simulator(self, encoder: nn.Module, path: Path | None) -> Simulator | None:
        validation = self.split(path).validation
        return None if isinstance(validation, Tensor) else validation


class NeighbourEmbeddingFile(EmbeddingFile):
    """See `gfncp.simulators.NeighbourEmbeddings`."""

    made_of: ClassVar[str] = "an embedding's neighbours along the data"
    kind: Literal["neighbour-embeddings"]
    reach: Share = 0.01
    noise: Annotated[float, Field(ge=0)] = 0.0
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0

    def without_labels(self, x: Float[Tensor, "points dim"]) -> Simulator:
        from gfncp.simulators import NeighbourEmbeddings

        options = self.alpha, self.n_clusters, self.reach, self.noise, self.dropout
        return NeighbourEmbeddings(x[None], *options)


class AugmentedEmbeddingFile(EmbeddingFile):
    """See `gfncp.simulators.AugmentedEmbeddings`."""

    made_of: ClassVar[str] = "one embedding with noise and dropout"
    kind: Literal["augmented-embeddings"]
    noise: Annotated[float, Field(ge=0)] = 0.05
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2

    def without_labels(self, x: Float[Tensor, "points dim"]) -> Simulator:
        from gfncp.simulators import AugmentedEmbeddings

        return AugmentedEmbeddings(x, self.alpha, self.n_clusters, self.noise, self.dropout)


class FileCoresets(NeighbourCoresets, NeighbourEmbeddingFile):
    """Coresets of embeddings in a file."""

    @property
    def point_shape(self) -> tuple[int, ...]:
        return (COLUMNS,)
