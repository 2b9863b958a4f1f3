"""Sets prepared for the network of coresets: distinct points in a canonical order, and micro-clusters."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.coresets.components import Coordinates, components
from gfncp.coresets.coreset import Coreset, nearest_of, of_members, summarise
from gfncp.coresets.units import Scale, in_units
from gfncp.networks.tokens import MOST_POINTS, new_columns, token_columns


class Prepared(NamedTuple):
    """Distinct points and micro-clusters of one set."""

    distinct: Int[Tensor, "rows"]  # the distinct point that each row is
    places: Float[Tensor, "points 24"]  # of the distinct points, in units of the set's radius
    known: Int[Tensor, "points"]  # cluster that a distinct point is known to be in; -1 for none
    nearest: Int[Tensor, "points"]  # token of each distinct point
    medoid: Int[Tensor, "tokens"]  # index of a distinct point
    mean: Float[Tensor, "tokens 24"]
    weight: Float[Tensor, "tokens"]
    spread: Float[Tensor, "tokens"]

    def columns(self, n_clusters: tuple[float, float]) -> Float[Tensor, "tokens 34"]:
        """Return the columns of the tokens, given bounds on the number of clusters."""
        bounds = torch.tensor([n_clusters], dtype=self.mean.dtype)
        return token_columns(self.mean[None], self._weight[None], self.spread[None], bounds)[0]

    def columns_of(
        self, places: Float[Tensor, "new 24"], columns: Float[Tensor, "tokens 34"]
    ) -> Float[Tensor, "new 34"]:
        """Return the columns of new points, each as a token of its own beside these."""
        return new_columns(places, self._weight, columns)

    @property
    def first_rows(self) -> Int[Tensor, "points"]:
        """Return the first row of each distinct point."""
        rows = torch.arange(len(self.distinct))
        none = rows.new_zeros(len(self.places))
        return none.scatter_reduce(0, self.distinct, rows, "amin", include_self=False)

    @property
    def known_tokens(self) -> Int[Tensor, "tokens"]:
        """Return the cluster that a token is known to be in, -1 for none."""
        known = torch.full_like(self.medoid, -1)
        return known.scatter_reduce(0, self.nearest, self.known, "amax")

    @property
    def _weight(self) -> Float[Tensor, "tokens"]:
        return self.weight * min(1.0, MOST_POINTS / float(self.weight.sum()))


class DistinctPoints(NamedTuple):
    """Distinct points of a set in a canonical order."""

    distinct: Int[Tensor, "rows"]  # the distinct point that each row is
    places: Float[Tensor, "points 24"]  # in units of the set's radius
    weight: Float[Tensor, "points"]  # how often each counts
    known: Int[Tensor, "points"]  # cluster that a point is known to be in; -1 for none


def find_distinct_points(
    x: Float[np.ndarray, "rows dim"],
    weights: Float[np.ndarray, "rows"] | None,
    known: Int[np.ndarray, "rows"] | None,
    scale: Scale,
    importance: Float[np.ndarray, "dim"] | None = None,
    coordinates: Coordinates = components,
) -> DistinctPoints:
    """Return the distinct points of a set in one unit and a canonical order.

    Equal rows are one point with their weights' sum. Points are sorted first by their coordinates, so that
    not even rounding depends on the order of the rows, then by their distance from the centre, which neither
    units nor signs nor the order of the columns change.

    Args:
        weights: how often each row counts; None for once. Rows of weight 0 are placed like the others.
        known: cluster that a row is known to be in, -1 for none.
        importance: how much each column counts, see `gfncp.coresets.units.in_units`; None for once.
        coordinates: makes coordinates of columns in one unit.

    Raises:
        ValueError: equal rows are known to be in different clusters, or a row of weight 0 to be in one.
    """
    points, distinct, weight = _merged(x, weights)
    uncounted = np.zeros(len(x), bool) if known is None else (known >= 0) & (weight.numpy()[distinct] == 0)
    if uncounted.any():
        raise ValueError(
            f"known_labels: row {int(uncounted.argmax())} of X has the weight 0: accepted are weights above "
            "0 where a label is known"
        )
    places = _places(points, weight, scale, importance, coordinates)
    order = places.square().sum(1).argsort(stable=True)
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order))
    rows = rank[torch.from_numpy(distinct)]
    return DistinctPoints(
        rows, places[order].float(), weight[order].float(), _known_points(rows, known, len(points))
    )


def prepare(
    points: DistinctPoints, tokens: int, generator: torch.Generator, count: int = 1
) -> list[Prepared]:
    """Summarise a set by at most ``tokens`` micro-clusters, ``count`` times, drawn side by side.

    Micro-clusters with points of several known clusters are split. One with points of a known cluster has one
    of these as its medoid.
    """
    places, weight = points.places, points.weight
    drawn = summarise(places.expand(count, -1, -1), weight.expand(count, -1), tokens, generator)
    return [_of_set(points, Coreset(*(part[[one]] for part in drawn))) for one in range(count)]


def _of_set(points: DistinctPoints, coreset: Coreset) -> Prepared:
    """Return a set prepared by a coreset of it, without the micro-clusters that hold nothing."""
    places, weight = points.places, points.weight
    if (points.known >= 0).any():
        coreset = _split(coreset, places, weight, points.known)
    kept = coreset.mask[0]
    medoid, mean, *sizes = (
        part[0, kept] for part in (coreset.medoid, coreset.mean, coreset.weight, coreset.spread)
    )
    name = kept.long().cumsum(0) - 1
    nearest = coreset.nearest[0]
    nearest = torch.where(kept[nearest], name[nearest], nearest_of(places[None], mean[None])[0])
    return Prepared(points.distinct, places, points.known, nearest, medoid, mean, *sizes)


def place_new(
    x: Float[np.ndarray, "rows dim"],
    weights: Float[np.ndarray, "rows"] | None,
    new: Float[np.ndarray, "new dim"],
    scale: Scale,
    importance: Float[np.ndarray, "dim"] | None = None,
    coordinates: Coordinates = components,
) -> Float[Tensor, "new 24"]:
    """Return coordinates of new rows, in units and axes that are measured on the rows of the set alone."""
    points, _, weight = _merged(x, weights)
    both = torch.cat([points, torch.from_numpy(new)])
    weight = torch.cat([weight, weight.new_zeros(len(new))])
    return _places(both, weight, scale, importance, coordinates)[len(points) :].float()


def _merged(
    x: Float[np.ndarray, "rows dim"], weights: Float[np.ndarray, "rows"] | None
) -> tuple[Float[Tensor, "points dim"], Int[np.ndarray, "rows"], Float[Tensor, "points"]]:
    """Return distinct rows in order, which of them each row is, and their weights."""
    points, distinct, counts = np.unique(x, axis=0, return_inverse=True, return_counts=True)
    distinct = distinct.reshape(-1)
    if weights is not None:
        counts = np.bincount(distinct, weights, len(points))
    return torch.from_numpy(points), distinct, torch.from_numpy(counts.astype(np.float64))


def _places(
    x: Float[Tensor, "rows dim"],
    weight: Float[Tensor, "rows"],
    scale: Scale,
    importance: Float[np.ndarray, "dim"] | None,
    coordinates: Coordinates,
) -> Float[Tensor, "rows 24"]:
    stretched = None if importance is None else torch.from_numpy(importance)
    return coordinates(in_units(x, weight, scale, stretched)[None], weight[None])[0]


def _known_points(
    rows: Int[Tensor, "rows"], known: Int[np.ndarray, "rows"] | None, points: int
) -> Int[Tensor, "points"]:
    of_points = torch.full((points,), -1)
    if known is None:
        return of_points
    given = torch.from_numpy(known)
    of_points = of_points.scatter_reduce(0, rows, given, "amax")
    wrong = ((given >= 0) & (given != of_points[rows])).nonzero()[:, 0]
    if len(wrong):
        row = int(wrong[0])
        other = int(((rows == rows[row]) & (given == of_points[rows[row]])).nonzero()[0, 0])
        raise ValueError(
            f"known_labels: rows {min(row, other)} and {max(row, other)} of X are equal, but said to be in "
            "different clusters"
        )
    return of_points


def _split(
    coreset: Coreset,
    places: Float[Tensor, "points 24"],
    weight: Float[Tensor, "points"],
    known: Int[Tensor, "points"],
) -> Coreset:
    """Split tokens of several known clusters; their other points go with the nearest of known cluster."""
    nearest = coreset.nearest[0]
    tokens = coreset.weight.shape[1]
    part = torch.where(known >= 0, known, 0)
    told = (known >= 0).nonzero()[:, 0]
    for token in nearest[told].unique().tolist():
        given = told[nearest[told] == token]
        others = ((nearest == token) & (known < 0)).nonzero()[:, 0]
        if len(others):
            part[others] = known[given][torch.cdist(places[others], places[given]).argmin(1)]
    _, nearest = torch.unique(nearest * (int(part.max()) + 1) + part, return_inverse=True)
    means = places.new_zeros(max(tokens, int(nearest.max()) + 1), places.shape[1])
    found = of_members(places[None], weight[None], means[None], nearest[None])
    for token in nearest[told].unique().tolist():
        given = told[nearest[told] == token]
        found.medoid[0, token] = given[(places[given] - found.mean[0, token]).square().sum(1).argmin()]
    return found
