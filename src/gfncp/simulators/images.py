"""Sets of images: training clusters made without labels."""

from dataclasses import dataclass
from functools import cached_property

import kornia.augmentation as K
import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from sklearn.decomposition import PCA
from torch import Tensor

from gfncp.partitions import sample_crp
from gfncp.simulators.neighbours import NeighbourClusters

Images = UInt8[Tensor, "images height width"]


def augmentations(height: int, width: int) -> K.AugmentationSequential:
    """Crop and resize, rotation, blur, brightness and contrast (paper, Appendix A; authors' code)."""
    return K.AugmentationSequential(
        K.RandomResizedCrop((height, width), scale=(0.7, 1.0), ratio=(0.9, 1.1)),
        K.RandomRotation(30.0),
        K.RandomGaussianBlur((3, 3), (0.1, 1.0), p=0.5),
        K.RandomBrightness((0.8, 1.2)),
        K.RandomContrast((0.8, 1.2)),
    )


def augmented_by(
    augmentations: K.AugmentationSequential,
    images: Float[Tensor, "rows height width"],
    generator: torch.Generator,
) -> Float[Tensor, "rows height width"]:
    """Each image augmented on its own; kornia draws from the global stream, which is seeded and restored."""
    seed = int(torch.randint(2**62, (1,), generator=generator))
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        return augmentations(images[:, None])[:, 0].clamp(0, 1)


def augment(
    images: Float[Tensor, "rows height width"], generator: torch.Generator
) -> Float[Tensor, "rows height width"]:
    """As training clusters are augmented."""
    return augmented_by(augmentations(*images.shape[1:]), images, generator)


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
        pixels = self.images.flatten(1).numpy().astype(np.float32) / 255
        return NeighbourClusters(torch.from_numpy(PCA(self.components, random_state=0).fit_transform(pixels)))

    def __call__(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "sets points height width"], Int[Tensor, "sets points"]]:
        labels = sample_crp(sets, points, self.alpha, generator=generator, n_clusters=self.n_clusters)
        pictures = self.images[self.clusters(labels, generator)].flatten(0, 1) / 255
        return augment(pictures, generator).view(sets, points, *self.images.shape[1:]), labels
