"""Sections of a configuration for the sets that are trained on."""

# A section that extends another one takes over its options, and has a kind or data set of its own.
# pyright: reportIncompatibleVariableOverride=false

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from gfncp.configuration.fields import Bounds, Clusters, Points, Section, Share, Width
from gfncp.networks.tokens import COLUMNS

FEWEST_OWN = 200  # points to train on; of fewer, the held-out part could not fill a set


class Data(Section):
    """Source of sets; ``test_points`` is the size of sets for validation and, by default, for tests."""

    test_points: ClassVar[int] = 300


class MixtureData(Data):
    kind: Literal["gaussian-mixtures"]
    dim: Width = 2
    alpha: Annotated[float, Field(gt=0)] = 1.0
    spread: Annotated[float, Field(gt=0)] = 10.0
    n_clusters: Bounds = (1, 10)

    @property
    def point_shape(self) -> tuple[int, ...]:
        return (self.dim,)


class GeneralData(Data):
    """See `gfncp.simulators.GeneralMixtures`."""

    kind: Literal["general-mixtures"]
    max_clusters: Clusters = 30

    @property
    def n_clusters(self) -> tuple[int, int]:
        return 1, self.max_clusters

    @property
    def point_shape(self) -> tuple[None]:
        return (None,)


class CoresetData(Data):
    """See `gfncp.simulators.labelled_coresets.LabelledCoresets`; ``fewest`` is for training alone."""

    kind: Literal["coresets"]
    tokens: Annotated[int, Field(ge=2)] = 128
    fewest: Annotated[int, Field(ge=2)] | None = None
    n_clusters: ClassVar[None] = None  # the families decide
    point_shape: ClassVar[tuple[int]] = (COLUMNS,)


class ImageData(Data):
    kind: Literal["augmented-images", "neighbour-images"]
    dataset: Literal["mnist", "fashion-mnist"]
    alpha: Annotated[float, Field(gt=0)] = 1.0
    n_clusters: Bounds = (1, 10)
    images: Annotated[int, Field(ge=100, le=50_000)] = 20_000

    @property
    def point_shape(self) -> tuple[int, ...]:
        return (28, 28)


class EmbeddingData(Data):
    kind: Literal["neighbour-embeddings"]
    dataset: Literal["mnist", "fashion-mnist"]
    alpha: Annotated[float, Field(gt=0)] = 1.0
    n_clusters: Bounds = (1, 10)
    images: Annotated[int, Field(ge=1000, le=50_000)] = 20_000
    reach: Share = 0.02
    views: Annotated[int, Field(ge=1)] = 4

    @property
    def point_shape(self) -> tuple[int, ...]:
        return (28, 28)


class Characters(EmbeddingData):
    """Omniglot, see `gfncp.data.image_sets`; clusters have at most ``largest`` points, as characters do."""

    dataset: Literal["omniglot"]
    n_clusters: None = None
    images: Annotated[int, Field(ge=1000, le=69_120)] = 69_120
    reach: Share = 0.0002
    largest: Annotated[int, Field(ge=2, le=20)] = 20


class OwnImages(EmbeddingData):
    """See `gfncp.training.own_images`.

    ``images``: largest number that is used.
    ``held_out``: share of them that is kept for validation.
    """

    dataset: Literal["own"]
    images: Annotated[int, Field(ge=FEWEST_OWN, le=50_000)] = 20_000
    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.1
    test_points: ClassVar[int] = 50


class EmbeddingFile(Section):
    """See `gfncp.training.unseen_classes`.

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


class NeighbourEmbeddingFile(EmbeddingFile):
    """See `gfncp.simulators.NeighbourEmbeddings`."""

    kind: Literal["neighbour-embeddings"]
    reach: Share = 0.01
    noise: Annotated[float, Field(ge=0)] = 0.0
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0


class AugmentedEmbeddingFile(EmbeddingFile):
    """See `gfncp.simulators.AugmentedEmbeddings`."""

    kind: Literal["augmented-embeddings"]
    noise: Annotated[float, Field(ge=0)] = 0.05
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2


class NeighbourCoresets(Section):
    """Coresets of sets of neighbours, see `gfncp.simulators.LabelledCoresets`."""

    kind: Literal["neighbour-coresets"]
    tokens: Annotated[int, Field(ge=2)] = 128
    fewest: Annotated[int, Field(ge=2)] | None = None


class EmbeddingCoresets(NeighbourCoresets, EmbeddingData):
    """Coresets of embedded images."""


class CharacterCoresets(NeighbourCoresets, Characters):
    """Coresets of embedded images of Omniglot."""


class FileCoresets(NeighbourCoresets, NeighbourEmbeddingFile):
    """Coresets of embeddings in a file."""

    @property
    def point_shape(self) -> tuple[int, ...]:
        return (COLUMNS,)


AnyNeighbourEmbeddings = Annotated[
    EmbeddingData | Characters | OwnImages | NeighbourEmbeddingFile, Field(discriminator="dataset")
]
AnyNeighbourCoresets = Annotated[
    EmbeddingCoresets | CharacterCoresets | FileCoresets, Field(discriminator="dataset")
]
AnyData = Annotated[
    MixtureData
    | GeneralData
    | CoresetData
    | ImageData
    | AnyNeighbourEmbeddings
    | AnyNeighbourCoresets
    | AugmentedEmbeddingFile,
    Field(discriminator="kind"),
]
