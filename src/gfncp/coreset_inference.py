"""Inference by a checkpoint of coresets: whole sets in, clusterings and probabilities out.

A coreset is drawn at random, and another one of another size shows the same set a little differently. The
posterior is the mean over a few coresets r, with R of them,

    p(c | x) = 1/R sum_r p(c | x, coreset r),

which is a distribution again; each coreset draws its share of the samples.
"""

import math
from collections.abc import Iterator
from copy import deepcopy
from typing import get_args

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch.nn.utils.rnn import pad_sequence

from gfncp import large, orders
from gfncp.beside import Beside
from gfncp.checkpoints import seeded
from gfncp.energy import Encoding
from gfncp.inference import GREEDY_ORDERS, ORDERS_SEED, Clustered, Given, Inference, Judge, Points
from gfncp.partitions import canonical_labels
from gfncp.posterior import Posterior
from gfncp.prepared import Prepared, place_new, prepare, read_points
from gfncp.units import Scale, choose_scale

CORESET_SEED = 1  # micro-clusters are the same in every call
COMPARED = 1000  # rows by which clusterings are compared, at most
SETS_AT_ONCE = 32
FEWEST = 40  # micro-clusters, if a checkpoint takes so many
SHARES = 3 / 8, 1 / 2, 3 / 4, 1  # of the checkpoint's micro-clusters


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

    def coresets(self, given: Given) -> list[Prepared]:
        """Coresets of a set, of several sizes; one if some clusters are known."""
        points = read_points(given.x, given.weights, given.known, given.scale)
        sizes = [self.max_joint] if self.max_joint else self._sizes()
        if (points.known >= 0).any():
            sizes = sizes[-1:]
        return [prepare(points, size, seeded(CORESET_SEED, number)) for number, size in enumerate(sizes)]

    def _sizes(self) -> list[int]:
        """The most micro-clusters of each coreset: twice as many as clusters are asked for, or more."""
        most = self.configuration.data.tokens
        least = min(most, max(FEWEST, int(2 * self._told[0])))
        return [max(least, int(share * most)) for share in SHARES]

    def prepared(self, given: Given) -> Prepared:
        """The last of the coresets of a set, which is the largest."""
        return self.coresets(given)[-1]

    @torch.no_grad()
    def encode(self, sets: list[Prepared]) -> tuple[Encoding, list[Beside]]:
        """Tokens of some coresets, padded, and the points beside them."""
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
        encoding, beside = self.encode([each for given in sets for each in self.coresets(given)])
        several = len(beside) // len(sets)
        typical = self._typical(sets, encoding, beside)
        share = math.ceil(n_samples / several)
        along, bounds = self._orders(encoding), self._bounds(int(encoding.mask.sum(1).min()))
        drawn, log_prob = orders.sample(self.network, encoding, share, along, generator, bounds)
        found = []
        for i, labels in enumerate(typical):
            own = slice(i * several, (i + 1) * several)
            sizes = encoding.mask[own].sum(1).tolist()
            rows, rest = zip(
                *(
                    each.sample(tokens[:, :size], generator)
                    for each, tokens, size in zip(beside[own], drawn[own], sizes, strict=True)
                ),
                strict=True,
            )
            turns = torch.randperm(several, generator=generator).tolist()
            samples = torch.stack([rows[turn] for turn in turns], 1).flatten(0, 1)[:n_samples]
            if several == 1:  # known from sampling
                values = log_prob[own][0].cpu() + rest[0]
            else:
                values = self._log_prob(encoding.of(own), beside[own], samples)
            found.append((labels.numpy(), Posterior.from_samples(samples.numpy(), values.numpy())))
        return found

    @torch.no_grad()
    def greedy(self, given: Given) -> Int[torch.Tensor, "points"]:
        return self._typical([given], *self.encode(self.coresets(given)))[0]

    @torch.no_grad()
    def log_prob(
        self, given: Given, labels: Int[torch.Tensor, "clusterings points"]
    ) -> Float[np.ndarray, "clusterings"]:
        """log p(labels | x); -inf where bounds are broken, equal rows apart, or a cluster has no medoid."""
        return self._log_prob(*self.encode(self.coresets(given)), labels).numpy()

    def _typical(
        self, sets: list[Given], encoding: Encoding, beside: list[Beside]
    ) -> list[Int[torch.Tensor, "points"]]:
        """The greedy clustering of each set that agrees best with the others, of all coresets and orders."""
        several = len(beside) // len(sets)
        along = self._known_first(encoding, math.ceil(max(GREEDY_ORDERS, self.n_orders) / several))
        bounds = self._bounds(int(encoding.mask.sum(1).min()))
        labels, log_prob = orders.greedy_each(self.network, encoding, along, bounds)
        typical = []
        for i, given in enumerate(sets):
            own = slice(i * several, (i + 1) * several)
            self.check_finite(bool(log_prob[own].isfinite().all()), given.x)
            some = slice(None, None, math.ceil(len(given.x) / COMPARED))
            rows = [
                each.of_tokens(labels, some) for each, labels in zip(beside[own], labels[own], strict=True)
            ]
            coreset, order = divmod(orders.most_typical(torch.cat(rows)), len(along))
            best = beside[own][coreset]
            typical.append(best.most_likely(labels[own][coreset, order, : len(best.prepared.mean)]).long())
        return typical

    def _log_prob(
        self, encoding: Encoding, beside: list[Beside], labels: Int[torch.Tensor, "clusterings rows"]
    ) -> Float[torch.Tensor, "clusterings"]:
        """log of the mean probability of clusterings of one set, over its coresets."""
        of_points = labels[:, beside[0].prepared.first_rows].long()
        of_tokens = [of_points[:, each.prepared.medoid] for each in beside]
        width = encoding.mask.shape[1]
        clusterings = torch.stack(
            [F.pad(canonical_labels(each), (0, width - each.shape[1]), value=-1) for each in of_tokens]
        )
        bounds = self._bounds(int(encoding.mask.sum(1).min()))
        along = self._orders(encoding)
        values = orders.log_prob(self.network, encoding, self.on_device(clusterings), along, bounds).cpu()
        values = values + torch.stack(
            [
                each.log_prob(self.on_device(tokens), of_points)
                for each, tokens in zip(beside, of_tokens, strict=True)
            ]
        )
        apart = (of_points[:, beside[0].prepared.distinct] != labels).any(1)
        return torch.where(apart, -torch.inf, torch.logsumexp(values, 0) - math.log(len(beside)))

    def judge(self, given: Given, labels: Int[np.ndarray, "points"]) -> Judge:
        """As `Inference.judge`; each new point is judged as one token more beside those of the set."""
        prepared = self.prepared(given)
        columns = prepared.columns(self._told)
        of_tokens = self.on_device(torch.from_numpy(labels)[prepared.first_rows[prepared.medoid]])
        names, of_tokens = of_tokens.unique(return_inverse=True)
        exact = deepcopy(self.network).double()
        judged = large.judge(exact, self.on_device(columns.double()), of_tokens, self._bounds(len(of_tokens)))
        options = int(labels.max()) + 2  # a cluster without a medoid has probability 0

        def judge(new: Float[np.ndarray, "new dim"]) -> Float[np.ndarray, "new options"]:
            places = place_new(given.x, given.weights, new, given.scale)
            log_prob = judged(self.on_device(prepared.columns_of(places, columns).double())).cpu()
            self.check_finite(not bool(log_prob.isnan().any()), new)
            probability = np.zeros((len(new), options))
            probability[:, np.append(names.cpu().numpy(), -1)] = log_prob.exp().numpy()
            return probability

        return judge

    def _orders(self, encoding: Encoding) -> Int[torch.Tensor, "orders tokens"]:
        return self._known_first(encoding, self.n_orders)

    @staticmethod
    def _known_first(encoding: Encoding, count: int) -> Int[torch.Tensor, "orders tokens"]:
        """Random orders in which tokens of known clusters come first; sets with such come alone."""
        along = orders.random_orders(count, encoding.mask.shape[1], seeded(ORDERS_SEED))
        unknown = (encoding.known[0].cpu() < 0)[along]
        return along.gather(1, unknown.byte().argsort(dim=1, stable=True))
