"""Unit vectors like the embeddings of sentences and images."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.partitions import canonical_labels
from gfncp.simulators.draw import Draw
from gfncp.simulators.overlap import scale_for, to_nearest
from gfncp.simulators.shares import cluster_shares, draw_clusters

NARROWEST, WIDEST = 8, 384  # dimensions
STRONG = 48  # directions in which points vary more than in others
OWN = 2  # directions in which one cluster's points vary more than others' points
EASY, HARD = 1e-5, 0.15  # probability of confusing a cluster with its nearest rival
COMMON, GROUPED = 0.8, 0.4  # shares of the sets


@dataclass(frozen=True)
class Directions:
    """Unit vectors around topics; each set draws its own geometry.

    A call draws the number of dimensions, log-uniform from 8 to 384. A set draws

    - at most 48 strong directions, whose variances fall by a power law. Topics differ in these and, more or
      less, in all directions; so do points of one topic, which also vary in two directions of its own.
    - in four fifths of the sets, a direction that all points have in common (Ethayarajh. How Contextual are
      Contextualized Word Representations? EMNLP 2019).
    - in two fifths of the sets, groups of related topics.
    - how far points lie from their topic: so far that a topic is confused with its nearest one with a chosen
      probability, but at most 0.5 to 3 times the length of a topic.

    Args:
        max_clusters: the most clusters of a set.
    """

    max_clusters: int = 50

    def __call__(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "sets points dim"], Int[Tensor, "sets points"]]:
        draw = Draw(sets, generator)
        dim = int(Draw(1, generator).log_uniform(NARROWEST, WIDEST + 1))
        shares = cluster_shares(draw, self.max_clusters, points)
        cluster = draw_clusters(draw, shares, points)
        clusters = shares.shape[1]
        strong = draw.normal(min(dim, STRONG), dim) / dim**0.5

        topics = draw_topics(draw, clusters, strong)
        spectrum, even = decay(draw, len(strong[0])), draw.uniform(1)[..., None]
        own = draw.uniform(high=0.4)[..., None]
        sizes = (draw.uniform(high=0.3)[..., None] * draw.normal(clusters, 1)).exp()

        along = (topics @ strong.mT) * spectrum * (1 - even).sqrt() * (1 - own).sqrt()
        length = torch.cdist(topics, topics).clamp_min(1e-6)
        floor = (even * (1 - own) + own) / dim
        spread = ((torch.cdist(along, along) / length).square() + floor).sqrt()
        separations = length / (spread * (sizes + sizes.mT))
        scale = scale_for(draw.log_uniform(EASY, HARD), to_nearest(separations, shares > 0))
        far = (1 / scale).minimum(draw.log_uniform(0.5, 3))[..., None]

        shared = (draw.normal(points, len(strong[0])) * spectrum * (1 - even).sqrt()) @ strong
        shared = shared + (even / dim).sqrt() * draw.normal(points, dim)
        each = torch.arange(sets)[:, None]
        deviations = (1 - own).sqrt() * shared
        for _ in range(OWN):
            direction = (draw.normal(clusters, dim) / dim**0.5)[each, cluster]
            deviations = deviations + (own / OWN).sqrt() * draw.normal(points, 1) * direction
        x = topics[each, cluster] + far * sizes[each, cluster] * deviations
        return F.normalize(x, dim=2), canonical_labels(cluster)


def draw_topics(
    draw: Draw, clusters: int, strong: Float[Tensor, "sets strong dim"]
) -> Float[Tensor, "sets clusters dim"]:
    """Draw topics: unit vectors, partly in the strong directions, some sets' in groups, most to one side."""
    dim = strong.shape[2]
    spectrum, even = decay(draw, strong.shape[1]), draw.uniform(1)[..., None]

    def vectors(count: int) -> Float[Tensor, "sets count dim"]:
        inside = (draw.normal(count, strong.shape[1]) * spectrum) @ strong
        return F.normalize((1 - even).sqrt() * inside + (even / dim).sqrt() * draw.normal(count, dim), dim=2)

    groups = -(-clusters // 3)
    group = draw.integers(0, groups - 1, clusters)
    related = ((0.3 + draw.uniform(high=0.5)) * draw.some(GROUPED))[..., None]
    of_group = vectors(groups)[torch.arange(draw.sets)[:, None], group]
    topics = F.normalize((1 - related).sqrt() * vectors(clusters) + related.sqrt() * of_group, dim=2)
    common = (draw.uniform(high=0.6) * draw.some(COMMON))[..., None]
    return F.normalize((1 - common).sqrt() * topics + common.sqrt() * vectors(1), dim=2)


def decay(draw: Draw, directions: int) -> Float[Tensor, "sets 1 directions"]:
    """Draw standard deviations whose squares fall by a power law and add up to 1."""
    variances = torch.arange(1, directions + 1) ** -draw.uniform(high=1.5)
    return (variances / variances.sum(1, keepdim=True)).sqrt()[:, None]
