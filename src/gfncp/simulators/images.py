"""Sets of images: training clusters made without labels."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from gfncp.extras import extra
from gfncp.partitions import sample_crp
from gfncp.simulators.neighbours import NeighbourClusters

Images = UInt8[Tensor, "images height width"]
Augmentation = Callable[[Tensor], Tensor]  # of images in the unit interval, with an axis of colours


def augmentations(height: int, width: int) -> Augmentation:
    """Crop and resize, rotation, blur, brightness and contrast (paper, Appendix A; authors' code)."""
    with extra("train", "augmented images"):
        import kornia.augmentation as K

    return K.AugmentationSequential(
        K.RandomResizedCrop((height, width), scale=(0.7, 1.0), ratio=(0.9, 1.1)),
        K.RandomRotation(30.0),
        K.RandomGaussianBlur((3, 3), (0.1, 1.0), p=0.5),
        K.RandomBrightness((0.8, 1.2)),
        K.RandomContrast((0.8, 1.2)),
    )


@contextmanager
def global_streams(seed: int, device: torch.device) -> Iterator[None]:
    """Seed PyTorch's global random streams, of the CPU and of ``device``, and restore them afterwards."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def augmented_by(
    augmentations: Augmentation,
    images: Float[Tensor, "rows height width"],
    generator: torch.Generator,
) -> Float[Tensor, "rows height width"]:
    """Augment each image independently, on its device; kornia draws from the global streams."""
    seed = int(torch.randint(2**62, (1,), generator=generator))
    with global_streams(seed, images.device), torch.no_grad():
        return augmentations(images[:, None])[:, 0].clamp(0, 1)


def augment(
    images: Float[Tensor, "rows height width"], generator: torch.Generator
) -> Float[Tensor, "rows height width"]:
    """Augment images as in training clusters."""
    return augmented_by(augmentations(*images.shape[1:]), images, generator)


def pixel_components(images: Images, components: int = 50) -> Float[Tensor, "images components"]:
    """Return the first principal components of raw pixels, on the images' device; the last is the widest."""
    pixels = images.flatten(1) / 255
    centred = pixels - pixels.mean(0)
    axes = torch.linalg.eigh(centred.T @ centred).eigenvectors
    return centred @ axes[:, -components:]


def _checked_clusters(labels: Int[Tensor, "sets points"], images: Images) -> int:
    clusters = int(labels.max()) + 1
    if clusters > len(images):
        raise ValueError(f"images: {len(images)} of them cannot be the anchors of {clusters} clusters")
    return clusters


@dataclass(frozen=True)
class AugmentedImages:
    """Instance discrimination (Sec. 4.3): a cluster is made of one random image's augmentations.

    Raises:
        ValueError: a set has more clusters than there are images.
    """

    images: Images
    alpha: float = 1.0
    n_clusters: int | tuple[int, int] | None = (1, 10)

    def __call__(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "sets points height width"], Int[Tensor, "sets points"]]:
        labels = sample_crp(sets, points, self.alpha, generator=generator, n_clusters=self.n_clusters)
        clusters = _checked_clusters(labels, self.images)
        anchors = torch.rand(sets, len(self.images), generator=generator).topk(clusters).indices
        chosen = self.images[anchors.gather(1, labels)].flatten(0, 1) / 255
        return augment(chosen, generator).view(sets, points, *self.images.shape[1:]), labels


@dataclass(frozen=True)
class NeighbourImages:
    """A cluster is an image's nearest neighbours, augmented; see `NeighbourClusters`.

    Neighbours are near in the first principal components of the raw pixels. No labels are used.
    """

    images: Images
    alpha: float = 1.0
    n_clusters: int | tuple[int, int] | None = (1, 10)
    components: int = 50

    @cached_property
    def clusters(self) -> NeighbourClusters:
        return NeighbourClusters(pixel_components(self.images, self.components))

    def __call__(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "sets points height width"], Int[Tensor, "sets points"]]:
        labels = sample_crp(sets, points, self.alpha, generator=generator, n_clusters=self.n_clusters)
        pictures = self.images[self.clusters(labels, generator)].flatten(0, 1) / 255
        return augment(pictures, generator).view(sets, points, *self.images.shape[1:]), labels
