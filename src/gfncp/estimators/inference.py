"""Clustering of whole sets by a checkpoint: jointly decoded points, orders, device.

Sets of any size come in as arrays; labels, log-probabilities and posteriors come out.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import torch
from jaxtyping import Float, Int
from torch.nn.utils.rnn import pad_sequence

from gfncp.bounds import ClusterBounds
from gfncp.checkpoints import read_checkpoint
from gfncp.configuration import Configuration
from gfncp.coresets.units import Scale
from gfncp.data.checks import is_shaped
from gfncp.decoding import core, orders, predictive
from gfncp.decoding.pool import Pool
from gfncp.decoding.stream import Stream
from gfncp.networks.energy import Encoding, EnergyNetwork
from gfncp.networks.interfaces import PointShape
from gfncp.networks.online import OnlineEnergyNetwork
from gfncp.posterior.decision import place_points, settle
from gfncp.posterior.posterior import Posterior
from gfncp.seeds import CORE_SEED, ORDERS_SEED, seeded

KINDS = "energy", "interacting-energy", "pairwise-energy", "online-energy", "coreset-energy"
GREEDY_ORDERS = 16  # at least, along which sets are clustered greedily
POOLED_ORDERS = 8  # over which posteriors of networks of points are pooled, unless told
MOST_JOINT = 1000  # points, where the checkpoint was trained on more: time and memory
POINTS_AT_ONCE = 5_000  # of the sets that are clustered side by side

Points = Float[np.ndarray, "points *shape"]
Judge = Callable[[Points], Float[np.ndarray, "points options"]]  # from new points to their probabilities
Clustered = tuple[Int[np.ndarray, "points"], Posterior]  # the greedy clustering, which the other includes


@dataclass(frozen=True)
class Given:
    """A set, and what is known of it.

    Attributes:
        x: the points.
        core: those that are decoded jointly; None for all, or where there is a coreset.
        scale: how columns are brought to one unit; None where the network takes them as they are.
        weights: how often each row counts; None for once.
        known: the cluster that each row is known to be in, -1 where it is not; None for nothing.
        importance: how much each column counts in squared distances; None for once.
        crowded: whether there are too many clusters for small coresets.
    """

    x: Points
    core: Int[np.ndarray, "core"] | None = None
    scale: Scale | None = None
    weights: Float[np.ndarray, "points"] | None = None
    known: Int[np.ndarray, "points"] | None = None
    importance: Float[np.ndarray, "dim"] | None = None
    crowded: bool = False

    @property
    def is_partly_known(self) -> bool:
        """True if the cluster of some point is known."""
        return self.known is not None and bool((self.known >= 0).any())

    @property
    def unit(self) -> Scale:
        """Return how columns are brought to one unit; "none" where the network takes them as they are."""
        return self.scale or "none"


@dataclass(frozen=True)
class Inference:
    """A checkpoint's network, and how it is used.

    Args:
        network: on the device where it runs.
        configuration: by which it was trained.
        name: of the checkpoint.
        n_orders: see `gfncp.GFNCP`; `of` chooses it where it is None.
        n_clusters, max_joint: see `gfncp.GFNCP`.
    """

    network: EnergyNetwork
    configuration: Configuration
    name: str
    n_orders: int
    n_clusters: object
    max_joint: int | None
    categorical_weight: ClassVar[float] = 1.0  # unless another is asked for
    scales: ClassVar[bool] = False  # whether columns are brought to one unit

    @classmethod
    def of(
        cls,
        checkpoint: str | Path,
        device: str | torch.device | None,
        n_orders: int | None,
        n_clusters: object,
        max_joint: int | None,
    ) -> "Inference":
        """Load a checkpoint.

        Raises:
            ValueError: there is no such checkpoint or device, or its network has no probabilities.
        """
        try:
            found = read_checkpoint(checkpoint, *KINDS, device=device)
        except (RuntimeError, AssertionError, TypeError) as error:
            reason = str(error).split("\n")[0]
            raise ValueError(f"device={device!r}: accepted is a device of this machine ({reason})") from None
        network = cast(EnergyNetwork, found.network)
        n_orders = cls.usual_orders(network) if n_orders is None else n_orders
        return cls(network, found.configuration, str(checkpoint), n_orders, n_clusters, max_joint)

    @staticmethod
    def usual_orders(network: EnergyNetwork) -> int:
        """Return the number of orders over which probabilities are pooled, unless told: a stream has one."""
        return 1 if isinstance(network, OnlineEnergyNetwork) else POOLED_ORDERS

    @property
    def point_shape(self) -> PointShape:
        """Shape of the points that the network takes."""
        return self.network.encoder.point_shape

    @property
    def streams(self) -> bool:
        """True where points are assigned as they come, without a limit to their number."""
        one = self.n_orders == 1 and self.n_clusters is None
        return one and isinstance(self.network, OnlineEnergyNetwork)

    def joint(self, points: int) -> int:
        """Return the number of points of a set that are decoded jointly."""
        if self.streams:
            return points
        return min(points, self.max_joint or min(MOST_JOINT, self.configuration.training.points[1]))

    def settle(
        self, given: Given, labels: Int[np.ndarray, "points"], posterior: Posterior
    ) -> Int[np.ndarray, "points"]:
        """Return what is reported: the greedy clustering ``labels``, unless the samples contradict it.

        If some clusters are known, no point is moved alone.
        """
        answer = settle(labels, posterior)
        return answer if given.is_partly_known else place_points(answer, posterior)

    def on_device(self, values: np.ndarray | torch.Tensor) -> torch.Tensor:
        """Return values on the network's device."""
        return torch.as_tensor(values).to(next(self.network.parameters()).device)

    def check_finite(self, finite: bool, x: Points) -> None:
        """Refuse points of which energies are not finite.

        Raises:
            ValueError: they are not.
        """
        if not finite:
            raise ValueError(
                f"X has values from {float(x.min()):g} to {float(x.max()):g}: too far apart for "
                f"{self.name!r}, whose energies of them are not finite"
            )

    def check_fitted(self, given: Given) -> None:
        """Refuse a set that was fitted with a checkpoint of another kind.

        Raises:
            ValueError: this network takes other points, or other units.
        """
        if not is_shaped(given.x, self.point_shape) or (given.scale is None) == self.configuration.summarises:
            raise ValueError(
                f"checkpoint={self.name!r}: the points were fitted with another kind of checkpoint: fit again"
            )

    def given(
        self,
        x: Points,
        scale: str = "auto",
        weights: Float[np.ndarray, "points"] | None = None,
        known: Int[np.ndarray, "points"] | None = None,
        importance: Float[np.ndarray, "2 dim"] | None = None,
    ) -> Given:
        """A set, with the points of it that are decoded jointly.

        Args:
            importance: see `gfncp.data.columns.Columns.importance`; coordinates are kept in their unit.

        Raises:
            ValueError: something else is given, which a network of points knows nothing of.
        """
        if importance is not None and (importance[0] != 1).any():
            raise ValueError(
                f"categorical_weight: {self.name!r} takes points as they are; accepted are 0 and 1"
            )
        for name, value, default in (
            ("scale", scale, "auto"),
            ("sample_weight", weights, None),
            ("known_labels", known, None),
        ):
            if value is not default and not (isinstance(value, str) and value == default):
                shown = f"{name}={value!r}" if isinstance(value, str) else name
                raise ValueError(f"{shown}: {self.name!r} takes points as they are; accepted is {default!r}")
        joint = self.joint(len(x))
        if len(x) == joint:
            return Given(x)
        rows = core.core_points(self.network, torch.from_numpy(x), joint, seeded(CORE_SEED)).numpy()
        return Given(x, rows)

    def seen(self, given: Given, rows: Int[np.ndarray, "some"]) -> Float[np.ndarray, "some dim"]:
        """Return some points of a set in the network's units."""
        return given.x[rows]

    def batches(self, sets: list[Given]) -> Iterator[list[int]]:
        """Yield places of sets that share a batch: of like size, since they are padded, and not too many."""
        points = [each.x for each in sets]
        batch: list[int] = []
        for place in sorted(range(len(points)), key=lambda at: (points[at].shape[1:], -len(points[at]))):
            if batch:
                x, largest = points[place], points[batch[0]]
                full = (len(batch) + 1) * len(largest) > POINTS_AT_ONCE
                alone = self.joint(len(largest)) < len(largest)
                if full or alone or largest.shape[1:] != x.shape[1:]:
                    yield batch
                    batch = []
            batch.append(place)
        if batch:
            yield batch

    def cluster(self, sets: list[Given], n_samples: int, generator: torch.Generator) -> list[Clustered]:
        """Cluster some sets side by side, or one that is large."""
        if sets[0].core is not None:  # a large set comes alone
            return [self._from_core(sets[0], n_samples, generator)]
        return self._side_by_side([each.x for each in sets], n_samples, generator)

    @torch.no_grad()
    def _side_by_side(
        self, points: list[np.ndarray], n_samples: int, generator: torch.Generator
    ) -> list[Clustered]:
        """Cluster sets whose points are all decoded jointly, in one batch."""
        sizes = torch.tensor([len(x) for x in points])
        longest = int(sizes.max())
        padded = pad_sequence([torch.from_numpy(x) for x in points], batch_first=True)
        mask = self.on_device(torch.arange(longest) < sizes[:, None])
        encoding = self.network.encode(self.on_device(padded), mask)
        bounds = self._bounds(int(sizes.min()))
        labels, greedy_log_prob = orders.greedy(self.network, encoding, self._greedy_orders(longest), bounds)
        for values, finite in zip(points, greedy_log_prob.isfinite().tolist(), strict=True):
            self.check_finite(finite, values)
        pool = Pool(self.network, encoding, self._orders(longest), bounds)
        drawn, log_prob = pool.sample(n_samples, generator)
        of_greedy = pool.log_prob(labels[:, None])[:, 0].tolist()
        labels, drawn, log_prob = (values.cpu().numpy() for values in (labels, drawn, log_prob))
        found = []
        for row, rows, values, value, size in zip(
            labels, drawn, log_prob, of_greedy, sizes.tolist(), strict=True
        ):
            posterior = Posterior.from_samples(rows[:, :size], values)
            found.append((row[:size], posterior.including(row[:size], value)))
        return found

    def _from_core(self, given: Given, n_samples: int, generator: torch.Generator) -> Clustered:
        """Cluster a set of which only the core is decoded jointly."""
        labels = self.greedy(given)
        pool = self._pool(given)
        points = torch.from_numpy(given.x), torch.from_numpy(given.core)
        drawn, log_prob = core.sample(self.network, *points, pool, n_samples, generator)
        of_greedy = core.log_prob(self.network, *points, pool, labels[None])
        posterior = Posterior.from_samples(drawn.numpy(), log_prob.numpy())
        return labels.numpy(), posterior.including(labels.numpy(), float(of_greedy[0]))

    @torch.no_grad()
    def _pool(self, given: Given) -> Pool:
        """Return the posterior of the points of a set that are decoded jointly."""
        joint = given.x if given.core is None else given.x[given.core]
        encoding = self.network.encode(self.on_device(joint)[None])
        return Pool(self.network, encoding, self._orders(len(joint)), self._bounds(len(joint)))

    @torch.no_grad()
    def greedy(self, given: Given) -> Int[torch.Tensor, "points"]:
        """Return the greedy clustering of a set, see `gfncp.decoding.orders.greedy`."""
        x, rows = given.x, given.core
        joint = len(x if rows is None else rows)
        along, bounds = self._greedy_orders(joint), self._bounds(joint)
        if rows is None:
            encoding = self.network.encode(self.on_device(x)[None])
            labels, log_prob = (values[0] for values in orders.greedy(self.network, encoding, along, bounds))
        else:
            points = torch.from_numpy(x), torch.from_numpy(rows)
            labels, log_prob = core.greedy(self.network, *points, along, bounds)
        self.check_finite(bool(log_prob.isfinite()), x)
        return labels

    @torch.no_grad()
    def log_prob(
        self, given: Given, labels: Int[torch.Tensor, "clusterings points"]
    ) -> Float[np.ndarray, "clusterings"]:
        """Return log p(labels | x); -inf where bounds or the core leave out a clustering."""
        x, rows, pool = given.x, given.core, self._pool(given)
        if rows is None:
            values = pool.log_prob(self.on_device(labels)[None])[0].cpu()
        else:
            values = core.log_prob(self.network, torch.from_numpy(x), torch.from_numpy(rows), pool, labels)
        possible = pool.bounds is None and rows is None  # else some clusterings have probability 0
        allowed = values if possible else values[values != -torch.inf]
        self.check_finite(bool(allowed.isfinite().all()), x)
        return values.numpy()

    def judge(self, given: Given, labels: Int[np.ndarray, "points"]) -> Judge:
        """Make the function from new points to probabilities of their clusters, in double precision.

        Clusters are those of ``labels``, and last a new one. What new points share is computed once.
        """
        rows = slice(None) if given.core is None else given.core
        make = predictive.judge if given.core is None else core.judge
        points, of_points = (self.on_device(each) for each in (given.x[rows], labels[rows]))
        names, of_points = of_points.unique(return_inverse=True)
        options = int(labels.max()) + 2  # a cluster without a point in the core has probability 0
        bounds = self._bounds(len(points))
        judged = make(deepcopy(self.network).double(), points.double(), of_points, bounds)

        def judge(new: Float[np.ndarray, "new *shape"]) -> Float[np.ndarray, "new options"]:
            log_prob = judged(self.on_device(new).double()).cpu()
            self.check_finite(not bool(log_prob.isnan().any()), new)
            return of_names(log_prob.exp().numpy(), names.cpu().numpy(), options)

        return judge

    def extend(self, stream: Stream, x: Points) -> Stream:
        """Return the stream after these points."""
        points = self.on_device(x)
        return stream.to(points.device).extend(cast(OnlineEnergyNetwork, self.network), points)

    def _orders(self, points: int) -> Int[torch.Tensor, "orders points"]:
        if self.streams:  # a stream is taken as it comes
            return torch.arange(points)[None]
        return orders.random_orders(self.n_orders, points, seeded(ORDERS_SEED))

    def _greedy_orders(self, points: int) -> Int[torch.Tensor, "orders points"]:
        if self.streams:
            return self._orders(points)
        return orders.random_orders(max(GREEDY_ORDERS, self.n_orders), points, seeded(ORDERS_SEED))

    def _bounds(self, points: int) -> ClusterBounds | None:
        return ClusterBounds.of(self.n_clusters, points)


def of_names(
    probability: Float[np.ndarray, "new named_options"], names: Int[np.ndarray, "named"], options: int
) -> Float[np.ndarray, "new options"]:
    """Return probabilities of all clusters, and last of a new one: 0 for clusters without a name here."""
    found = np.zeros((len(probability), options))
    found[:, np.append(names, -1)] = probability
    return found


def usual_pool(network: EnergyNetwork, encoding: Encoding) -> Pool:
    """Return the posterior of encoded sets as users get it, without bounds, from a network of points."""
    count, points = Inference.usual_orders(network), encoding.mask.shape[1]
    return Pool(network, encoding, orders.random_orders(count, points, seeded(ORDERS_SEED)))
