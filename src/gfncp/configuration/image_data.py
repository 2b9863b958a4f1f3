"""Sections of a configuration for images: training clusters made without labels, whole classes in tests."""

# A section that extends another one takes over its options, and has a kind or data set of its own.
# pyright: reportIncompatibleVariableOverride=false

from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple

import torch
from jaxtyping import Float, UInt8
from pydantic import Field
from torch import Tensor, nn

from gfncp.configuration.fields import Bounds, Share
from gfncp.configuration.neighbour_coresets import NeighbourCoresets
from gfncp.configuration.sources import TEST_POINTS, Data, Simulator, Simulators
from gfncp.networks.encoders import prepared
from gfncp.seeds import IMAGE_ORDER, VIEWS, seeded

Images = UInt8[Tensor, "images height width"]
FEWEST_OWN = 200  # points to train on; of fewer, the held-out part could not fill a set


class ImageParts(NamedTuple):
    """Images to train on and images held out, each part in random order."""

    training: Images
    validation: Images


class ImageSets(Data):
    """Images of a public data set, see `gfncp.data.labelled_images`; ``images`` of them are trained on."""

    kind: str
    dataset: str
    alpha: Annotated[float, Field(gt=0)] = 1.0
    n_clusters: Bounds = (1, 10)
    images: int
    test_points: ClassVar[int] = TEST_POINTS

    @property
    def point_shape(self) -> tuple[int, ...]:
        return (28, 28)

    @property
    def largest_cluster(self) -> int | None:
        """Return the number of points that a cluster has at most."""
        return None

    def images_to_embed(self, path: Path | None) -> Images:
        from gfncp.data import labelled_images

        return labelled_images(self.dataset, "training", path).images[: self.images]

    def make_test_simulator(self, encoder: nn.Module, path: Path | None) -> Simulator:
        # Bounds apply to training clusters, which are not classes.
        exact = self.n_clusters if isinstance(self.n_clusters, int) else None
        return self.whole_classes("test", self.as_drawn(encoder), path, exact)

    def make_held_out_simulator(self, encoder: nn.Module, path: Path | None) -> Simulator | None:
        return self.whole_classes("validation", self.as_drawn(encoder), path)

    def as_drawn(self, encoder: nn.Module) -> nn.Module:
        """Return the encoder whose embeddings sets have."""
        return encoder

    def whole_classes(
        self,
        part: Literal["validation", "test"],
        encoder: nn.Module,
        path: Path | None,
        n_clusters: int | None = None,
    ) -> Simulator:
        """Return the simulator of whole classes of a part of the data set."""
        from gfncp.data import labelled_images
        from gfncp.simulators import WholeClasses

        x, classes = labelled_images(self.dataset, part, path)
        return WholeClasses(prepared(encoder, x), classes, self.alpha, n_clusters, self.largest_cluster)


class PixelData(ImageSets):
    """Images that the network itself encodes, so that those of training clusters are augmented."""

    dataset: Literal["mnist", "fashion-mnist"]
    images: Annotated[int, Field(ge=100, le=50_000)] = 20_000

    def make_simulators(self, encoder: nn.Module, path: Path | None, seed: int) -> Simulators:
        # Images are augmented on the network's device, which is fast on a GPU.
        x = self.images_to_embed(path).to(next(encoder.parameters()).device)
        return Simulators(self.augmented(x), self.whole_classes("validation", encoder, path))

    def augmented(self, x: Images) -> Simulator:
        """Return the simulator of sets whose clusters are made of images without labels."""
        raise NotImplementedError


class AugmentedImageData(PixelData):
    """See `gfncp.simulators.AugmentedImages`."""

    made_of: ClassVar[str] = "one image and its augmentations"
    kind: Literal["augmented-images"]

    def augmented(self, x: Images) -> Simulator:
        from gfncp.simulators import AugmentedImages

        return AugmentedImages(x, self.alpha, self.n_clusters)


class NeighbourImageData(PixelData):
    """See `gfncp.simulators.NeighbourImages`."""

    made_of: ClassVar[str] = "an image's nearest neighbours, augmented"
    kind: Literal["neighbour-images"]

    def augmented(self, x: Images) -> Simulator:
        from gfncp.simulators import NeighbourImages

        return NeighbourImages(x, self.alpha, self.n_clusters)


class EmbeddingData(ImageSets):
    """See `gfncp.simulators.NeighbourEmbeddings`."""

    made_of: ClassVar[str] = "an image's neighbours along the data"
    kind: Literal["neighbour-embeddings"]
    dataset: Literal["mnist", "fashion-mnist"]
    images: Annotated[int, Field(ge=1000, le=50_000)] = 20_000
    reach: Share = 0.02
    views: Annotated[int, Field(ge=1)] = 4

    def make_simulators(self, encoder: nn.Module, path: Path | None, seed: int) -> Simulators:
        from gfncp.simulators import embedded_views

        views = embedded_views(encoder, self.images_to_embed(path), self.views, seeded(seed, VIEWS))
        return Simulators(self.neighbours(views), self.whole_classes("validation", encoder, path))

    def neighbours(self, views: Float[Tensor, "views images features"]) -> Simulator:
        """Return the simulator of sets of neighbours among embedded images."""
        from gfncp.simulators import NeighbourEmbeddings

        return NeighbourEmbeddings(
            views, self.alpha, self.n_clusters, self.reach, largest=self.largest_cluster
        )


class Characters(EmbeddingData):
    """Omniglot, see `gfncp.data.image_sets`; clusters have at most ``largest`` points, as characters do."""

    dataset: Literal["omniglot"]
    n_clusters: None = None
    images: Annotated[int, Field(ge=1000, le=69_120)] = 69_120
    reach: Share = 0.0002
    largest: Annotated[int, Field(ge=2, le=20)] = 20

    @property
    def largest_cluster(self) -> int:
        return self.largest


class OwnImages(EmbeddingData):
    """Images of a user, without labels, see `gfncp.data.own_images`.

    ``images``: largest number that is used.
    ``held_out``: share of them that is kept for validation.
    """

    dataset: Literal["own"]
    images: Annotated[int, Field(ge=FEWEST_OWN, le=50_000)] = 20_000
    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.1
    test_points: ClassVar[int] = 50

    def split(self, path: Path | None) -> ImageParts:
        """Split the images of a folder or file.

        Raises:
            ValueError: there is no ``path``, it cannot be read, or holds too few images.
        """
        from gfncp.data import own_images

        if path is None:
            raise ValueError(f"data.dataset={self.dataset!r}: say where the images are with --data")
        x = own_images.read_images(path)
        if len(x) < FEWEST_OWN:
            raise ValueError(f"{path}: holds {len(x)} images: training accepts at least {FEWEST_OWN}")
        x = x[torch.randperm(len(x), generator=seeded(0, IMAGE_ORDER))[: self.images]]
        held_out = round(self.held_out * len(x))
        return ImageParts(x[held_out:], x[:held_out])

    def images_to_embed(self, path: Path | None) -> Images:
        return self.split(path).training

    def make_simulators(self, encoder: nn.Module, path: Path | None, seed: int) -> Simulators:
        from gfncp.simulators import embedded_views

        training, validation = self.split(path)
        views = embedded_views(encoder, training, self.views, seeded(seed, VIEWS))
        return Simulators(self.neighbours(views), self.neighbours(prepared(encoder, validation)[None]))

    def make_test_simulator(self, encoder: nn.Module, path: Path | None) -> Simulator:
        raise ValueError(f"data.dataset={self.dataset!r}: test sets are whole classes, and it has none")

    def make_held_out_simulator(self, encoder: nn.Module, path: Path | None) -> None:
        return None


class EmbeddedCoresets(NeighbourCoresets):
    """Coresets of embedded images; test sets have the images themselves, which are embedded one by one."""

    def as_drawn(self, encoder: nn.Module) -> nn.Module:
        return nn.Identity()


class ImageCoresets(EmbeddedCoresets, EmbeddingData):
    """Coresets of embedded digits or clothes."""


class CharacterCoresets(EmbeddedCoresets, Characters):
    """Coresets of embedded characters of Omniglot."""
