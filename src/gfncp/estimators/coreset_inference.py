"""Inference by a checkpoint of coresets: whole sets in, clusterings and probabilities out.

Each set of more than 40 rows has several coresets, each of which is a sketch of it that a random choice has
made: eight of up to four sizes, or one of each size if there are more than 5,000 rows. The posterior is the
mean of theirs,

    p(c | x) = (1 / M) sum_m p(c | x, coreset m),

and is sampled by sampling theirs in turn. The clustering that is answered is what clusterings by all of them
agree on.
"""

import math
from collections import defaultdict
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import cast, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch.nn.utils.rnn import pad_sequence

from gfncp.bounds import ClusterBounds
from gfncp.coresets.components import COORDINATES, Coordinates
from gfncp.coresets.placement import PlacedPoints
from gfncp.coresets.prepared import DistinctPoints, Prepared, find_distinct_points, place_new, prepare
from gfncp.coresets.units import Scale, choose_scale
from gfncp.decoding import core, orders
from gfncp.decoding.model import CoresetModel
from gfncp.estimators.coreset_sizes import LARGE, CoresetSizes, coreset_data, is_flat
from gfncp.estimators.coreset_votes import (
    consensus,
    most_typical_clustering,
    numbers_of_clusters,
    replaced,
    with_greedy,
)
from gfncp.estimators.inference import Clustered, Given, Inference, Judge, Points, of_names
from gfncp.estimators.kept import Kept
from gfncp.networks.energy import Encoding, EnergyNetwork
from gfncp.networks.interfaces import PointShape
from gfncp.networks.layers import at_once
from gfncp.partitions import canonical_labels
from gfncp.posterior.posterior import Posterior
from gfncp.seeds import CORESET_SEED, ORDERS_SEED, seeded

SETS_AT_ONCE = 32
ENCODED = 4  # coresets of like size, whose tokens are encoded together on a CPU
CORESETS = 8  # of all sizes; of sets of more than `LARGE` rows, one of each size
SAMPLES = 64  # of all coresets of a set, which have to agree
COUNTED = 8  # samples whose clusters are counted
GREEDY = 16  # greedy clusterings of all coresets of a set, at least


@dataclass(frozen=True)
class CoresetInference(Inference):
    """A network of micro-clusters: `Inference` for sets of any size by their coresets.

    Args:
        kept_points: the last set's distinct points, which are asked for several times, with what they are of.
    """

    network: CoresetModel
    kept_points: Kept[tuple[tuple, DistinctPoints]] = field(default_factory=Kept, repr=False, compare=False)
    scales = True
    categorical_weight = 0.1

    @staticmethod
    def usual_orders(network: EnergyNetwork) -> int:
        return 1  # several coresets make up for the order of one

    @property
    def point_shape(self) -> PointShape:
        return (None,)

    @property
    def streams(self) -> bool:
        return False

    @property
    def sizes(self) -> CoresetSizes:
        return CoresetSizes(coreset_data(self.configuration).tokens, self.max_joint, self._told[0])

    @property
    def coordinates(self) -> Coordinates:
        """Return what makes coordinates of columns in one unit."""
        return COORDINATES[coreset_data(self.configuration).coordinates]

    @property
    def _told(self) -> tuple[float, float]:
        """Bounds on the number of clusters that the network is told."""
        bounds = ClusterBounds.of(self.n_clusters)
        return (1.0, math.inf) if bounds is None else (float(bounds.low), float(bounds.high))

    def joint(self, points: int) -> int:
        return min(points, self.sizes.most(points))

    def vectors(self, x: Points) -> Float[np.ndarray, "points dim"]:
        """Return points as vectors, which they are already."""
        return x

    def given(self, x: Points, scale: str = "auto", weights=None, known=None, importance=None) -> Given:
        """A set, with the scale chosen where it is "auto".

        Args:
            importance: see `gfncp.data.columns.Columns.importance`.

        Raises:
            ValueError: ``scale`` is none of the accepted ones.
        """
        chosen = self.scale(x, scale, weights)
        if importance is not None:
            in_their_unit, standardised = importance
            importance = standardised if chosen == "columns" else in_their_unit
        given = Given(x, scale=chosen, weights=weights, known=known, importance=importance)
        return replace(given, crowded=self._is_crowded(given))

    def scale(self, x: Points, asked: str, weights: Float[np.ndarray, "points"] | None) -> Scale:
        """Return how columns are brought to one unit: as asked for, or chosen.

        Raises:
            ValueError: ``asked`` is none of what is accepted.
        """
        accepted = ("auto", *get_args(Scale))
        if not isinstance(asked, str) or asked not in accepted:
            raise ValueError(f"scale={asked!r}: accepted are {', '.join(map(repr, accepted))}")
        if asked != "auto":
            return cast(Scale, asked)
        counts = torch.ones(len(x)) if weights is None else torch.from_numpy(weights)
        return choose_scale(torch.from_numpy(x).double(), counts.double())

    @torch.no_grad()
    def _is_crowded(self, given: Given) -> bool:
        """Return True if a flat set, given all micro-clusters, has too many clusters for half of them."""
        sizes = self.sizes
        if not sizes.may_be_crowded(len(given.x)):
            return False
        points = self.points(given)
        if not is_flat(points) or not sizes.may_be_crowded(len(points.places)):
            return False
        encoding, _ = self.encode([self._first(points, 0, sizes.tokens)])
        clusters = numbers_of_clusters(self._drawn(given, encoding, COUNTED))
        return sizes.crowded_by(int(clusters.median()))

    def seen(self, given: Given, rows: Int[np.ndarray, "some"]) -> Float[np.ndarray, "some dim"]:
        if len(rows) == len(given.x) and given.weights is None:  # read already
            points = self.points(given)
            return points.places[points.distinct[rows]].double().numpy()
        points = find_distinct_points(
            self.vectors(given.x[rows]), None, None, given.unit, given.importance, self.coordinates
        )
        return points.places[points.distinct].double().numpy()

    def batches(self, sets: list[Given]) -> Iterator[list[int]]:
        """Yield places of sets that go together, which have equally many coresets."""
        together = defaultdict(list)
        for place, each in enumerate(sets):
            together[self._is_shown_often(each), len(each.x) > LARGE].append(place)
        for places in together.values():
            yield from (places[first : first + SETS_AT_ONCE] for first in range(0, len(places), SETS_AT_ONCE))

    def points(self, given: Given) -> DistinctPoints:
        """Return the distinct points of a set in one unit."""
        arrays = given.x, given.weights, given.known, given.importance
        return self.kept_points.get(
            (given.scale, *map(id, arrays)),  # while the arrays are kept, their ids are their own
            lambda: (
                arrays,
                find_distinct_points(
                    self.vectors(given.x),
                    given.weights,
                    given.known,
                    given.unit,
                    given.importance,
                    self.coordinates,
                ),
            ),
        )[1]

    def coresets(self, given: Given) -> list[Prepared]:
        """Return coresets of a set, the largest last; one of few points."""
        points = self.points(given)
        sizes = list(enumerate(self.sizes.of(points, given.crowded)))
        if not self._is_shown_often(given):
            return [self._first(points, *sizes[-1])]
        further = 0 if len(given.x) > LARGE else CORESETS // len(sizes) - 1
        drawn = []
        for place, size in sizes if further else ():
            drawn += prepare(points, size, seeded(CORESET_SEED, place, 1), further)
        return drawn + [self._first(points, place, size) for place, size in sizes]

    def prepared(self, given: Given) -> Prepared:
        """Return the last of the coresets of a set, which is one of the largest."""
        points = self.points(given)
        sizes = self.sizes.of(points, given.crowded)
        return self._first(points, len(sizes) - 1, sizes[-1])

    @staticmethod
    def _first(points: DistinctPoints, place: int, size: int) -> Prepared:
        """Draw the first coreset of a size, which is given with its place among the sizes."""
        return prepare(points, size, seeded(CORESET_SEED, place))[0]

    @torch.no_grad()
    def encode(self, sets: list[Prepared]) -> tuple[Encoding, list[PlacedPoints]]:
        """Tokens of some coresets, padded, and the points beside them."""
        features = self._features([self.on_device(each.columns(self._told)) for each in sets])
        known = pad_sequence([each.known_tokens for each in sets], batch_first=True, padding_value=-1)
        padded, mask = _padded(features)
        weights = self.network.placement.weights(padded, mask)
        placed = [PlacedPoints(each, weights[i, : len(each.mean)]) for i, each in enumerate(sets)]
        encoding = self.network.encode_features(padded, mask)
        return encoding._replace(known=self.on_device(known)), placed

    def _features(
        self, columns: list[Float[torch.Tensor, "_ 34"]]
    ) -> list[Float[torch.Tensor, "_ features"]]:
        """Return features of the tokens of some coresets, those of like size computed together."""
        features = columns.copy()
        by_size = sorted(range(len(columns)), key=lambda place: len(columns[place]))
        together = at_once(ENCODED, columns[0].device)
        for first in range(0, len(by_size), together):
            places = by_size[first : first + together]
            found = self.network.encoder(*_padded([columns[place] for place in places]))
            for place, padded in zip(places, found, strict=True):
                features[place] = padded[: len(columns[place])]
        return features

    @torch.no_grad()
    def cluster(self, sets: list[Given], n_samples: int, generator: torch.Generator) -> list[Clustered]:
        encoding, placed = self.encode([each for given in sets for each in self.coresets(given)])
        agreed = self._agreed(sets, encoding, placed)
        drawn = self._sample(len(sets), encoding, placed, n_samples, generator)
        every = [torch.cat([rows, own[None].to(rows)]) for rows, own in zip(drawn, agreed, strict=True)]
        log_prob = self._log_prob(encoding, placed, every).numpy()
        found = []
        for rows, own, values in zip(drawn, agreed, log_prob, strict=True):
            posterior = Posterior.from_samples(rows.numpy(), values[:-1])
            found.append((own.numpy(), posterior.including(own.numpy(), float(values[-1]))))
        return found

    def _sample(
        self,
        sets: int,
        encoding: Encoding,
        placed: list[PlacedPoints],
        n_samples: int,
        generator: torch.Generator,
    ) -> list[Int[torch.Tensor, "n_samples rows"]]:
        """Sample clusterings of some sets, by the coresets of a set in turn, which come in random order."""
        several = len(placed) // sets
        along, bounds = self._along(encoding), self._bounds_of(encoding)
        share = math.ceil(n_samples / several)
        drawn, _ = orders.draw(self.network, encoding, share, along, generator, bounds)
        sizes = encoding.mask.sum(1).tolist()
        rows = [
            each.sample(tokens[:, :size], generator)
            for each, tokens, size in zip(placed, drawn, sizes, strict=True)
        ]
        found = []
        for first in range(0, len(rows), several):
            turns = torch.randperm(several, generator=generator) + first
            found.append(torch.stack([rows[turn] for turn in turns], 1).flatten(0, 1)[:n_samples])
        return found

    def settle(
        self, given: Given, labels: Int[np.ndarray, "points"], posterior: Posterior
    ) -> Int[np.ndarray, "points"]:
        """Return labels, on which samples of several coresets voted; of a single one, see `Inference`."""
        return labels if self._is_shown_often(given) else super().settle(given, labels, posterior)

    def _is_shown_often(self, given: Given) -> bool:
        """Return True if a set has several coresets: it is not small."""
        return len(given.x) > self.sizes.least

    @torch.no_grad()
    def greedy(self, given: Given) -> Int[torch.Tensor, "points"]:
        return self._agreed([given], *self.encode(self.coresets(given)))[0]

    def _agreed(
        self, sets: list[Given], encoding: Encoding, placed: list[PlacedPoints]
    ) -> list[Int[torch.Tensor, "points"]]:
        """Return the clustering of each set that those of all its coresets agree on.

        Its clusters all have a medoid in the largest coreset, so the posterior knows it.
        """
        several = len(placed) // len(sets)
        if several == 1:
            found = zip(self._greedy(sets, encoding), placed, strict=True)
            return [each.most_likely(most_typical_clustering(own, each)).long() for own, each in found]
        found = []
        for i, given in enumerate(sets):
            own = slice(i * several, (i + 1) * several)
            found.append(self._consensus(given, encoding.of(own).trimmed(), placed[own]))
        return found

    def _consensus(
        self, given: Given, encoding: Encoding, placed: list[PlacedPoints]
    ) -> Int[torch.Tensor, "points"]:
        """Return the clustering that votes of the coresets of one set agree on: greedy ones, and samples.

        Told K, the network joins the wrong clusters where classes consist of several. So samples are drawn
        without telling K, and if these and greedy clusterings agree on K clusters, that is the answer. Else a
        sample with fewer clusters gives way to a greedy clustering, and samples that are told K vote as well.
        """
        fewest, most = self._told
        if fewest < most:
            greedy = self._greedy([given], encoding)
            votes = with_greedy(self._drawn(given, encoding, SAMPLES), greedy)
            return consensus(placed, votes, greedy[-1], *self._told)
        untold = replace(self, n_clusters=None)
        freely_encoded, freely_placed = untold.encode([each.prepared for each in placed])
        drawn = untold._drawn(given, freely_encoded, SAMPLES)
        greedy = untold._greedy([given], freely_encoded)
        freely = consensus(freely_placed, with_greedy(drawn, greedy), greedy[-1], *untold._told)
        if int(freely.max()) + 1 == fewest:
            return freely
        greedy, told = self._greedy([given], encoding), self._drawn(given, encoding, SAMPLES)
        votes = with_greedy(replaced(drawn, numbers_of_clusters(drawn) >= fewest, greedy), greedy)
        return consensus(placed, torch.cat([votes, told], 1), greedy[-1], *self._told)

    def _greedy(self, sets: list[Given], encoding: Encoding) -> Int[torch.Tensor, "coresets orders tokens"]:
        """Greedy clusterings of all coresets of some sets, at least 16 for each set."""
        several = len(encoding.mask) // len(sets)
        along = self._known_first(encoding, math.ceil(max(GREEDY, self.n_orders) / several))
        bounds = self._bounds_of(encoding)
        labels, log_prob = orders.greedy_each(self.network, encoding, along, bounds)
        for i, given in enumerate(sets):
            own = log_prob[i * several : (i + 1) * several]
            self.check_finite(bool(own.isfinite().all()), given.x)
        return labels

    def _drawn(
        self, given: Given, encoding: Encoding, samples: int
    ) -> Int[torch.Tensor, "coresets shares tokens"]:
        """Sample clusterings of the coresets of one set: the same ones, whatever other sets are beside it.

        They vote at temperature 1. At a lower one they are more alike, and a cluster that is there with
        probability .5 is voted out.
        """
        encoding = encoding._replace(temperature=torch.ones_like(encoding.temperature))
        share = math.ceil(samples / len(encoding.mask))
        along = self._known_first(encoding, 1)
        bounds = self._bounds_of(encoding)
        labels, log_prob = orders.sample(self.network, encoding, share, along, seeded(ORDERS_SEED, 1), bounds)
        self.check_finite(bool(log_prob.isfinite().all()), given.x)
        return labels

    @torch.no_grad()
    def log_prob(
        self, given: Given, labels: Int[torch.Tensor, "clusterings points"]
    ) -> Float[np.ndarray, "clusterings"]:
        """Return log p(labels | x); -inf where bounds, equal rows, or a lack of medoids forbid it."""
        coresets = self.coresets(given)
        values = self._log_prob(*self.encode(coresets), [labels])[0]
        points = coresets[0]
        apart = (labels[:, points.first_rows][:, points.distinct] != labels).any(1)
        return torch.where(apart, -torch.inf, values).numpy()

    def _log_prob(
        self, encoding: Encoding, placed: list[PlacedPoints], labels: list[torch.Tensor]
    ) -> Float[torch.Tensor, "sets clusterings"]:
        """Return log p(labels | x) of equally many clusterings of each set; of equal rows, one counts."""
        several = len(placed) // len(labels)
        of_points = []
        for own, each in zip(labels, placed[::several], strict=True):
            of_points += [own[:, each.prepared.first_rows].long()] * several
        of_tokens = [own[:, each.prepared.medoid] for own, each in zip(of_points, placed, strict=True)]
        padded = pad_sequence([own.T for own in of_tokens], batch_first=True, padding_value=-1).mT
        clusterings = self.on_device(canonical_labels(padded))
        bounds = self._bounds_of(encoding)
        values = orders.log_prob(self.network, encoding, clusterings, self._along(encoding), bounds).cpu()
        rest = [
            each.log_prob(self.on_device(tokens), points)
            for each, tokens, points in zip(placed, of_tokens, of_points, strict=True)
        ]
        return orders.log_mean((values + torch.stack(rest)).unflatten(0, (-1, several)), 1)

    def judge(self, given: Given, labels: Int[np.ndarray, "points"]) -> Judge:
        """Return the judge of new points, each as one token more beside those of the set.

        Equal rows are together, so a new point that equals one of the set is in the cluster of that one.
        """
        prepared = self.prepared(given)
        columns = prepared.columns(self._told)
        of_tokens = self.on_device(torch.from_numpy(labels)[prepared.first_rows[prepared.medoid]])
        names, of_tokens = of_tokens.unique(return_inverse=True)
        exact = deepcopy(self.network).double()
        judged = core.judge(exact, self.on_device(columns.double()), of_tokens, self._bounds(len(of_tokens)))
        x = self.vectors(given.x)
        options = int(labels.max()) + 2  # a cluster without a medoid has probability 0

        def judge(new: Float[np.ndarray, "new *shape"]) -> Float[np.ndarray, "new options"]:
            places = place_new(
                x, given.weights, self.vectors(new), given.unit, given.importance, self.coordinates
            )
            log_prob = judged(self.on_device(prepared.columns_of(places, columns).double())).cpu()
            self.check_finite(not bool(log_prob.isnan().any()), new)
            probability = of_names(log_prob.exp().numpy(), names.cpu().numpy(), options)
            of_equal = _labels_of_equal(given.x, labels, new)
            return np.where(of_equal[:, None] < 0, probability, np.eye(options)[of_equal])

        return judge

    def _along(self, encoding: Encoding) -> Int[torch.Tensor, "coresets orders tokens"]:
        return self._known_first(encoding, self.n_orders)

    def _bounds_of(self, encoding: Encoding) -> ClusterBounds | None:
        """Return bounds that every coreset can keep: known clusters count once, other tokens each."""
        free = encoding.mask.sum(1) - (encoding.known >= 0).sum(1) + encoding.known.amax(1) + 1
        return self._bounds(int(free.min()))

    @staticmethod
    def _known_first(encoding: Encoding, count: int) -> Int[torch.Tensor, "coresets orders tokens"]:
        """Random orders, the same for all coresets but that tokens of known clusters come first."""
        along = orders.random_orders(count, encoding.mask.shape[1], seeded(ORDERS_SEED))
        unknown = (encoding.known.cpu() < 0)[:, along]
        return along.expand_as(unknown).gather(2, unknown.byte().argsort(dim=2, stable=True))


def _labels_of_equal(
    x: Points, labels: Int[np.ndarray, "points"], new: Float[np.ndarray, "new *shape"]
) -> Int[np.ndarray, "new"]:
    """Return the label of the point that each new one equals, -1 where it equals none."""
    rows = np.concatenate([x, new]).reshape(len(x) + len(new), -1)
    _, place = np.unique(rows, axis=0, return_inverse=True)
    of_place = np.full(len(rows), -1)
    of_place[place[: len(x)]] = labels
    return of_place[place[len(x) :]]


def _padded(
    rows: list[Float[torch.Tensor, "_ size"]],
) -> tuple[Float[torch.Tensor, "batch tokens size"], Bool[torch.Tensor, "batch tokens"]]:
    """Return tokens of some coresets in one tensor, and where there are any."""
    padded = pad_sequence(rows, batch_first=True)
    sizes = torch.tensor([len(each) for each in rows], device=padded.device)
    return padded, torch.arange(padded.shape[1], device=padded.device) < sizes[:, None]
