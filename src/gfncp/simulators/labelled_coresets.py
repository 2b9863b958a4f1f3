"""Labelled coresets, on which the network of tokens is trained."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gfncp.coresets.components import Coordinates, components
from gfncp.coresets.coreset import Coreset, summarise
from gfncp.coresets.units import farthest
from gfncp.networks.standardise import NORMAL_DISTANCE, TAILS, compress_tails, standardise
from gfncp.networks.tokens import token_columns
from gfncp.partitions import canonical_labels
from gfncp.simulators.draw import draw_family
from gfncp.simulators.prior import FAMILIES

ALIKE = 8  # sets that are drawn together, from one family
REACH = 0.95  # share of the points that says how far a set reaches
PLACED = 48  # points of each set that are placed given its tokens
UNKNOWN, EXACT = 0.7, 0.15  # shares of the sets of which the number of clusters is unknown, or told
MARGINS = (3, 5)  # the most that bounds are below and above the number of clusters

Family = Callable[[int, int, torch.Generator], tuple[Tensor, ...]]  # simulator of points and labels


class LabelledTokens(NamedTuple):
    """Tokens of sets, with the labels of their medoids in order of appearance, and points beside them."""

    x: Float[Tensor, "sets tokens 34"]
    labels: Int[Tensor, "sets tokens"]  # -1 where absent
    mask: Bool[Tensor, "sets tokens"]
    placed: Float[Tensor, "sets placed 24"]
    placed_labels: Int[Tensor, "sets placed"]  # -1 where no medoid has this label


@dataclass(frozen=True)
class LabelledCoresets:
    """Coresets of sets of some families, prepared in the same steps as the data of users.

    Half of the sets have their columns standardised; the columns of the others are taken to share a unit.
    Each set also draws what the network is told of the number of clusters: mostly nothing, and never anything
    if its family is ``ambiguous``.

    Each call draws the most micro-clusters of its sets, log-uniformly.

    Args:
        tokens: the largest such number.
        fewest: the smallest one; None for no smaller one.
        families: simulators of the sets, each with its share; those of `gfncp.simulators.prior` by default.
        coordinates: makes coordinates of columns in one unit.
    """

    tokens: int = 128
    fewest: int | None = None
    families: tuple[tuple[float, Family], ...] = FAMILIES
    coordinates: Coordinates = components

    def __call__(self, sets: int, points: int, generator: torch.Generator) -> LabelledTokens:
        fewest = self.fewest or self.tokens
        share = float(torch.rand((), generator=generator))
        most = int(fewest * ((self.tokens + 1) / fewest) ** share)
        parts = [
            self._alike(min(ALIKE, sets - first), points, most, generator) for first in range(0, sets, ALIKE)
        ]
        return LabelledTokens(*(torch.cat(part) for part in zip(*parts, strict=True)))

    def _alike(self, sets: int, points: int, most: int, generator: torch.Generator) -> LabelledTokens:
        family = draw_family(self.families, generator)
        x, labels = family(sets, points, generator)
        weights = x.new_ones(sets, points)
        in_units = (columns_alike, in_one_unit)[int(torch.randint(2, (), generator=generator))]
        places = self.coordinates(in_units(x.double()), weights.double()).float()
        coreset = summarise(places, weights, most, generator)
        return labelled(places, labels, coreset, generator, not getattr(family, "ambiguous", False))


def columns_alike(x: Float[Tensor, "sets points dim"]) -> Float[Tensor, "sets points dim"]:
    """Standardise each column of many sets, nearly as `gfncp.coresets.units.in_units` does for one."""
    z = standardise(x, torch.ones(x.shape[:2], dtype=torch.bool))
    most = compress_tails(farthest(torch.quantile(z.abs(), REACH, 1, keepdim=True)))
    return z.clamp(-most, most)


def in_one_unit(x: Float[Tensor, "sets points dim"]) -> Float[Tensor, "sets points dim"]:
    """Centre, and draw far points in, nearly as `gfncp.coresets.units.in_units` does with one unit."""
    z = x - x.median(1, keepdim=True).values
    radius = z.norm(dim=2, keepdim=True).clamp_min(1e-12)
    shares = torch.tensor([TAILS[1] - TAILS[0], REACH], dtype=x.dtype)
    usual, far = torch.quantile(radius, shares, 1)[..., None]
    spread = (usual / (NORMAL_DISTANCE / 2)).clamp_min(1e-12)
    return z / radius * compress_tails(torch.minimum(radius / spread, farthest(far / spread)))


def labelled(
    places: Float[Tensor, "sets points 24"],
    labels: Int[Tensor, "sets points"],
    coreset: Coreset,
    generator: torch.Generator,
    telling: bool = True,
) -> LabelledTokens:
    """Return tokens in random order with their medoids' labels, and random points with theirs.

    Args:
        telling: the network may be told the number of clusters.
    """
    order = torch.rand(coreset.weight.shape, generator=generator).argsort(1)
    mask = coreset.mask.gather(1, order)
    given = torch.where(mask, labels.gather(1, coreset.medoid.gather(1, order)), -1)
    names = canonical_labels(given)
    bounds = told(names.amax(1) + 1, generator)
    columns = token_columns(
        coreset.mean.gather(1, order[..., None].expand_as(coreset.mean)),
        coreset.weight.gather(1, order),
        coreset.spread.gather(1, order),
        bounds if telling else torch.tensor([1.0, torch.inf]).expand_as(bounds),
    )
    chosen = torch.randint(places.shape[1], (len(places), PLACED), generator=generator)
    named = torch.full((len(labels), int(labels.max()) + 2), -1)  # the first column is for absent tokens
    named.scatter_(1, given + 1, names)
    placed = places.gather(1, chosen[..., None].expand(-1, -1, places.shape[2]))
    return LabelledTokens(columns, names, mask, placed, named.gather(1, labels.gather(1, chosen) + 1))


def told(clusters: Int[Tensor, "sets"], generator: torch.Generator) -> Float[Tensor, "sets 2"]:
    """Draw the bounds on the number of clusters that the network is told; ``(1, inf)`` for nothing."""
    below, above = (torch.randint(most + 1, clusters.shape, generator=generator) for most in MARGINS)
    bounds = torch.stack([(clusters - below).clamp_min(1), clusters + above], 1).float()
    kind = torch.rand(len(clusters), 1, generator=generator)
    exact = clusters[:, None].expand(-1, 2).float()
    nothing = torch.tensor([1.0, torch.inf])
    return torch.where(kind < UNKNOWN, nothing, torch.where(kind < UNKNOWN + EXACT, exact, bounds))
