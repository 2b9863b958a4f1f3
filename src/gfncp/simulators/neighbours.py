"""Training clusters made of near neighbours: no labels, yet closer to whole classes than one image is."""

from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.partitions import sample_crp

CANDIDATES = 1000  # images among which a set's anchors are spread
ROWS_PER_CHUNK = 2000


@dataclass(frozen=True)
class NeighbourClusters:
    """Which points make up the clusters of a set: neighbours of anchors that lie far apart.

    Anchors are drawn like k-means++ centres, with squared weights. A cluster of n points draws, with
    replacement, from the max(10, 2 n) points nearest to its anchor, itself among them, or from ``most``.
    """

    features: Float[Tensor, "images features"]
    most: int = 640

    @cached_property
    def neighbours(self) -> Int[Tensor, "images most"]:
        """The nearest points of each, itself first, nearest first."""
        most = min(self.most, len(self.features))
        chunks = self.features.split(ROWS_PER_CHUNK)
        nearest = [torch.cdist(chunk, self.features).topk(most, largest=False).indices for chunk in chunks]
        return torch.cat(nearest).int()

    def __call__(
        self, labels: Int[Tensor, "sets points"], generator: torch.Generator
    ) -> Int[Tensor, "sets points"]:
        """Points to put in the places of ``labels``."""
        sizes = F.one_hot(labels).sum(1)
        anchors = self.spread_anchors(*sizes.shape, generator)
        pool = (2 * sizes).clamp(10, self.neighbours.shape[1]).gather(1, labels)
        draws = (torch.rand(labels.shape, generator=generator) * pool).long()
        return self.neighbours[anchors.gather(1, labels), draws].long()

    def spread_anchors(
        self, sets: int, clusters: int, generator: torch.Generator
    ) -> Int[Tensor, "sets clusters"]:
        candidates = torch.randint(len(self.features), (sets, CANDIDATES), generator=generator)
        where = self.features[candidates]
        closest = torch.ones(sets, CANDIDATES)
        chosen = []
        for k in range(clusters):
            picked = torch.multinomial(closest**4 + 1e-9, 1, generator=generator)
            distance = torch.cdist(where.gather(1, picked[..., None].expand(-1, -1, where.shape[2])), where)[
                :, 0
            ]
            closest = distance if k == 0 else torch.minimum(closest, distance)
            chosen.append(candidates.gather(1, picked))
        return torch.cat(chosen, 1)


@dataclass(frozen=True)
class NeighbourEmbeddings:
    """Sets of embeddings: neighbours of spread anchors, each seen in a random one of its views.

    Args:
        views: embeddings of each point, first as it is, then augmented; neighbours are those of the first.
    """

    views: Float[Tensor, "views images features"]
    alpha: float = 1.0
    n_clusters: int | tuple[int, int] | None = (1, 10)

    @cached_property
    def clusters(self) -> NeighbourClusters:
        return NeighbourClusters(self.views[0])

    def __call__(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "sets points features"], Int[Tensor, "sets points"]]:
        labels = sample_crp(sets, points, self.alpha, generator=generator, n_clusters=self.n_clusters)
        chosen = self.clusters(labels, generator)
        view = torch.randint(len(self.views), chosen.shape, generator=generator)
        return self.views[view, chosen], labels
