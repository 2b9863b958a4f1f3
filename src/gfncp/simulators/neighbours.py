"""Training clusters made of neighbours: no labels, yet closer to whole classes than one image is."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.partitions import sample_crp

NEAREST = 15  # edges of each point in the neighbour graph
MOVES_ON = 0.98  # share of a walk's mass that moves on at each step
STEPS = 40
STEEPNESS = 2  # power of the distance by which anchors are drawn: higher ones never show close clusters apart
ROWS_PER_CHUNK = 500


class Walks(NamedTuple):
    """Random walks with restarts at anchors, which are the first points."""

    nearest: Int[Tensor, "anchors reach"]  # the points where each walk is most often, its anchor among them
    overlap: Float[Tensor, "anchors anchors"]  # of where two walks are: 1 if they agree, 0 if they never meet


@dataclass(frozen=True)
class NeighbourClusters:
    """Which points make up the clusters of a set: neighbours of anchors that lie far apart.

    Neighbours are near along the data, not across gaps: they are where a random walk with restarts on the
    graph of nearest neighbours is most often (Zhou et al. 2004, Learning with local and global consistency).
    The anchors of a set are drawn one after the other, like k-means++ centres, with weights that fall
    with the overlap of their walks and those of the anchors before.

    Args:
        features: where neighbours are near; walks are computed on their device, and used on the CPU.
        reach: the share of all points that an anchor's clusters are drawn from, with replacement: the
            nearest ones, but no fewer than the graph joins to each point.
        anchors: how many points serve as anchors.
    """

    features: Float[Tensor, "images features"]
    reach: float = 0.02
    anchors: int = 1000

    @cached_property
    def walks(self) -> Walks:
        points = len(self.features)
        anchors, reach = min(self.anchors, points), min(max(NEAREST, round(self.reach * points)), points)
        mass = start = torch.eye(points, anchors, device=self.features.device)
        graph = neighbour_graph(self.features)
        for _ in range(STEPS):
            mass = torch.sparse.addmm(start, graph, mass, beta=1 - MOVES_ON, alpha=MOVES_ON)
        mass = mass.T.contiguous()
        roots = F.normalize(mass.sqrt(), dim=1)
        return Walks(mass.topk(reach).indices.cpu(), (roots @ roots.T).clamp(0, 1).cpu())

    def __call__(
        self, labels: Int[Tensor, "sets points"], generator: torch.Generator
    ) -> Int[Tensor, "sets points"]:
        """Points to put in the places of ``labels``.

        Raises:
            ValueError: a set has more clusters than there are anchors.
        """
        nearest, clusters = self.walks.nearest, int(labels.max()) + 1
        if clusters > len(nearest):
            raise ValueError(f"images: {len(nearest)} of them cannot be the anchors of {clusters} clusters")
        anchors = self.spread_anchors(len(labels), clusters, generator)
        draws = torch.randint(nearest.shape[1], labels.shape, generator=generator)
        return nearest[anchors.gather(1, labels), draws]

    def spread_anchors(
        self, sets: int, clusters: int, generator: torch.Generator
    ) -> Int[Tensor, "sets clusters"]:
        apart = 1 - self.walks.overlap
        distance = torch.ones(sets, len(apart))
        chosen = []
        for _ in range(clusters):
            anchor = torch.multinomial(distance**STEEPNESS + 1e-12, 1, generator=generator)[:, 0]
            distance = torch.minimum(distance, apart[anchor])
            chosen.append(anchor)
        return torch.stack(chosen, 1)


def nearest_points(features: Float[Tensor, "points features"], count: int) -> Int[Tensor, "points count"]:
    """Return the nearest points of each point, of which it is one itself."""
    chunks = features.split(ROWS_PER_CHUNK)
    return torch.cat([torch.cdist(chunk, features).topk(count, largest=False).indices for chunk in chunks])


def neighbour_graph(features: Float[Tensor, "points features"]) -> Float[Tensor, "points points"]:
    """Symmetrically normalised sparse adjacency of the graph that joins each point with its nearest ones."""
    points = len(features)
    ends = nearest_points(features, min(NEAREST + 1, points))
    starts = torch.arange(points, device=features.device)[:, None]
    edges = torch.stack([starts * points + ends, ends * points + starts]).unique()  # each once, in order
    edges = torch.stack([edges // points, edges % points])
    scale = edges[0].bincount().rsqrt()
    return torch.sparse_coo_tensor(
        edges, scale[edges].prod(0), (points, points), is_coalesced=True, check_invariants=False
    )


@dataclass(frozen=True)
class NeighbourEmbeddings:
    """Sets of embeddings: neighbours of spread anchors, each seen in a random one of its views.

    Args:
        views: embeddings of each point, first as it is, then augmented; neighbours are those of the first.
        reach: see `NeighbourClusters`.
        noise: standard deviation of the Gaussian added to each coordinate of each point.
        dropout: up to this share of the coordinates is missing, others in each set; where few clusters are
            to be learned from, that shows them from many sides.
        largest: a cluster has no more points, see `gfncp.partitions.sample_crp`.
    """

    views: Float[Tensor, "views images features"]
    alpha: float = 1.0
    n_clusters: int | tuple[int, int] | None = (1, 10)
    reach: float = 0.02
    noise: float = 0.0
    dropout: float = 0.0
    largest: int | None = None

    @cached_property
    def clusters(self) -> NeighbourClusters:
        return NeighbourClusters(self.views[0], self.reach)

    def __call__(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "sets points features"], Int[Tensor, "sets points"]]:
        labels = sample_crp(
            sets,
            points,
            self.alpha,
            generator=generator,
            n_clusters=self.n_clusters,
            largest=self.largest,
        )
        chosen = self.clusters(labels, generator)
        view = torch.randint(len(self.views), chosen.shape, generator=generator)
        x = self.views[view, chosen]
        if self.noise > 0:
            x = x + self.noise * torch.randn(x.shape, generator=generator)
        if self.dropout > 0:
            missing = self.dropout * torch.rand(sets, 1, 1, generator=generator)
            kept = torch.rand(sets, 1, x.shape[2], generator=generator) >= missing
            x = x * kept / (1 - missing).sqrt()
        return x, labels
