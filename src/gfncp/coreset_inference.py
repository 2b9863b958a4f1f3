"""Inference by a checkpoint of coresets: whole sets in, clusterings and probabilities out."""

from collections.abc import Iterator
from copy import deepcopy
from typing import get_args

import numpy as np
import torch
from jaxtyping import Float, Int
from torch.nn.utils.rnn import pad_sequence

from gfncp import large, orders
from gfncp.beside import Beside
from gfncp.checkpoints import seeded
from gfncp.energy import Encoding
from gfncp.inference import GREEDY_ORDERS, ORDERS_SEED, Clustered, Given, Inference, Points
from gfncp.partitions import canonical_labels
from gfncp.posterior import Posterior
from gfncp.prepared import Prepared, place_new, prepare
from gfncp.units import Scale, choose_scale

CORESET_SEED = 1  # micro-clusters are the same in every call
SETS_AT_ONCE = 32
FEW = 3  # columns
MOST_OF_FEW = 64  # micro-clusters: more describe a set of few columns worse


class CoresetInference(Inference):
    """A network of micro-clusters: `Inference` for sets of any size by their coresets."""

    point_shape = (None,)
    streams = False

    def joint(self, points: int) -> int:
        return min(points, self.max_joint or self.configuration.data.tokens)

    def given(self, x: Points, scale: str = "auto", weights=None, known=None) -> Given:
        """A set, with the scale chosen where it is "auto".

        Raises:
            ValueError: ``scale`` is none of the accepted ones.
        """
        accepted = ("auto", *get_args(Scale))
        if not isinstance(scale, str) or scale not in accepted:
            raise ValueError(f"scale={scale!r}: accepted are {', '.join(map(repr, accepted))}")
        if scale == "auto":
            counts = torch.ones(len(x)) if weights is None else torch.from_numpy(weights)
            scale = choose_scale(torch.from_numpy(x).double(), counts.double())
        return Given(x, scale=scale, weights=weights, known=known)

    def batches(self, sets: list[Given]) -> Iterator[list[int]]:
        """Places of sets that go together; one with known clusters goes alone, along orders of its own."""
        alone = [each.known is not None and bool((each.known >= 0).any()) for each in sets]
        yield from ([place] for place, own in enumerate(alone) if own)
        places = [place for place, own in enumerate(alone) if not own]
        yield from (places[first : first + SETS_AT_ONCE] for first in range(0, len(places), SETS_AT_ONCE))

    def tokens(self, columns: int) -> int:
        """The most micro-clusters of a set of so many columns."""
        most = self.configuration.data.tokens
        return self.max_joint or (min(most, MOST_OF_FEW) if columns <= FEW else most)

    def prepared(self, given: Given) -> Prepared:
        tokens, generator = self.tokens(given.x.shape[1]), seeded(CORESET_SEED)
        return prepare(given.x, given.weights, given.known, given.scale, tokens, generator)

    @torch.no_grad()
    def encode(self, sets: list[Prepared]) -> tuple[Encoding, list[Beside]]:
        """Tokens of some sets, padded, and the points beside them."""
        columns = [each.columns(self._told) for each in sets]
        x = pad_sequence(columns, batch_first=True)
        mask = torch.arange(x.shape[1]) < torch.tensor([len(each) for each in columns])[:, None]
        known = pad_sequence([each.known_tokens for each in sets], batch_first=True, padding_value=-1)
        x, mask, known = (self.on_device(values) for values in (x, mask, known))
        features = self.network.encoder(x, mask)
        weights = self.network.placement.weights(features, mask)
        beside = [Beside(each, weights[i, : len(each.mean)]) for i, each in enumerate(sets)]
        return self.network.encode_features(features, mask)._replace(known=known), beside

    @property
    def _told(self) -> tuple[float, float]:
        """Bounds on the number of clusters that the network is told."""
        if self.n_clusters is None:
            return 1.0, float("inf")
        low, high = np.broadcast_to(self.n_clusters, 2).tolist()
        return float(low), float(high)

    @torch.no_grad()
    def cluster(self, sets: list[Given], n_samples: int, generator: torch.Generator) -> list[Clustered]:
        encoding, beside = self.encode([self.prepared(each) for each in sets])
        bounds = self._bounds(int(encoding.mask.sum(1).min()))
        labels, log_prob = orders.greedy(self.network, encoding, self._greedy_orders(encoding), bounds)
        for given, finite in zip(sets, log_prob.isfinite().tolist(), strict=True):
            self.check_finite(finite, given.x)
        along = self._orders(encoding)
        drawn, log_prob = orders.sample(self.network, encoding, n_samples, along, generator, bounds)
        found = []
        for i, (each, size) in enumerate(zip(beside, encoding.mask.sum(1).tolist(), strict=True)):
            rows, rest = each.sample(drawn[i, :, :size], generator)
            posterior = Posterior.from_samples(rows.numpy(), (log_prob[i].cpu() + rest).numpy())
            found.append((each.most_likely(labels[i, :size]).long().numpy(), posterior))
        return found

    @torch.no_grad()
    def greedy(self, given: Given) -> Int[torch.Tensor, "points"]:
        encoding, (beside,) = self.encode([self.prepared(given)])
        bounds = self._bounds(encoding.mask.shape[1])
        labels, log_prob = orders.greedy(self.network, encoding, self._greedy_orders(encoding), bounds)
        self.check_finite(bool(log_prob.isfinite()), given.x)
        return beside.most_likely(labels[0]).long()

    @torch.no_grad()
    def log_prob(
        self, given: Given, labels: Int[torch.Tensor, "clusterings points"]
    ) -> Float[np.ndarray, "clusterings"]:
        """log p(labels | x); -inf where bounds are broken, equal rows apart, or a cluster has no medoid."""
        prepared = self.prepared(given)
        encoding, (beside,) = self.encode([prepared])
        of_points = labels[:, prepared.first_rows].long()
        of_tokens = of_points[:, prepared.medoid]
        bounds = self._bounds(of_tokens.shape[1])
        clusterings = self.on_device(canonical_labels(of_tokens))[None]
        values = orders.log_prob(self.network, encoding, clusterings, self._orders(encoding), bounds)[0].cpu()
        values = values + beside.log_prob(self.on_device(of_tokens), of_points)
        apart = (of_points[:, prepared.distinct] != labels).any(1)
        return torch.where(apart, -torch.inf, values).numpy()

    def predictive(
        self, given: Given, labels: Int[np.ndarray, "points"], new: Float[np.ndarray, "new dim"]
    ) -> Float[np.ndarray, "new options"]:
        """Probabilities of new points' clusters; each is judged as one token more beside those of the set."""
        prepared = self.prepared(given)
        columns = prepared.columns(self._told)
        of_tokens = self.on_device(torch.from_numpy(labels)[prepared.first_rows[prepared.medoid]])
        places = place_new(given.x, given.weights, new, given.scale)
        names, of_tokens = of_tokens.unique(return_inverse=True)
        exact = deepcopy(self.network).double()
        values = columns, prepared.columns_of(places, columns)
        tokens, new_tokens = (self.on_device(each.double()) for each in values)
        log_prob = large.predictive(exact, tokens, of_tokens, new_tokens, self._bounds(len(tokens))).cpu()
        self.check_finite(not bool(log_prob.isnan().any()), new)
        probability = np.zeros((len(new), int(labels.max()) + 2))  # a cluster without a medoid has none
        probability[:, np.append(names.cpu().numpy(), -1)] = log_prob.exp().numpy()
        return probability

    def _orders(self, encoding: Encoding) -> Int[torch.Tensor, "orders tokens"]:
        return self._known_first(encoding, self.n_orders)

    def _greedy_orders(self, encoding: Encoding) -> Int[torch.Tensor, "orders tokens"]:
        return self._known_first(encoding, max(GREEDY_ORDERS, self.n_orders))

    @staticmethod
    def _known_first(encoding: Encoding, count: int) -> Int[torch.Tensor, "orders tokens"]:
        """Random orders in which tokens of known clusters come first; sets with such come alone."""
        along = orders.random_orders(count, encoding.mask.shape[1], seeded(ORDERS_SEED))
        unknown = (encoding.known[0].cpu() < 0)[along]
        return along.gather(1, unknown.byte().argsort(dim=1, stable=True))
