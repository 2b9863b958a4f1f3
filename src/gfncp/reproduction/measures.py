"""Measurements on test sets, one function per kind of table or figure.

Each takes a clusterer and batches of labelled sets, and returns numbers: means over sets by name, and where a
picture needs more, ``"per_set"`` (a number for each) or ``"shown"`` (what to draw of the first set).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, cast, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score
from torch import Tensor, nn

from gfncp.configuration.sources import Simulator
from gfncp.decoding import orders
from gfncp.decoding.model import Model
from gfncp.estimators.inference import usual_pool
from gfncp.estimators.registry import Clusterer
from gfncp.evaluation import consistency
from gfncp.evaluation import sets as test_sets
from gfncp.evaluation.average_score import average_scores
from gfncp.evaluation.means import mean
from gfncp.metrics import agreements
from gfncp.networks.energy import EnergyNetwork
from gfncp.partitions import canonical_labels, n_clusters
from gfncp.posterior.posterior import Posterior
from gfncp.seeds import ORDERS_SEED, PAPER_SETS, SAMPLED, seeded

SAMPLES = 200  # samples, of which the 100 most probable are scored; the paper does not say how many it draws
ORDERS = 500  # orders of SDPP, as in the paper
BEAM = 100
SHOWN = 3  # most likely clusterings in a picture


@runtime_checkable
class Predicts(Protocol):
    """Network, or estimator, that clusters sets."""

    def predict(self, x: Float[Tensor, "sets points *shape"], /) -> Int[Tensor, "sets points"]: ...


@runtime_checkable
class Samples(Protocol):
    """Network, or estimator, that draws clusterings of sets."""

    def sample(
        self, x: Float[Tensor, "sets points *shape"], n_samples: int, generator: torch.Generator, /
    ) -> tuple[Int[Tensor, "sets samples points"], Float[Tensor, "sets samples"]]: ...


@dataclass(frozen=True)
class AlongOrders:
    """A network that clusters as `gfncp.GFNCP` does: along several orders, the same ones for all sets.

    Args:
        n_orders: number of orders of greedy clusterings.
    """

    network: Model
    n_orders: int

    def predict(self, x: Float[Tensor, "sets points *shape"]) -> Int[Tensor, "sets points"]:
        """See `gfncp.decoding.orders.greedy`."""
        along = orders.random_orders(self.n_orders, x.shape[1], seeded(ORDERS_SEED))
        return orders.greedy(self.network, self.network.encode(x), along.to(x.device))[0]

    def sample(
        self, x: Float[Tensor, "sets points *shape"], n_samples: int, generator: torch.Generator
    ) -> tuple[Int[Tensor, "sets samples points"], Float[Tensor, "sets samples"]]:
        """See `gfncp.decoding.pool.Pool.sample`."""
        return usual_pool(self.network, self.network.encode(x)).sample(n_samples, generator)


def along_orders(network: nn.Module, n_orders: int) -> nn.Module | AlongOrders:
    """Return a network that clusters along one order of the points, or along several.

    Raises:
        ValueError: there are several orders, and the network does not follow one.
    """
    if n_orders == 1:
        return network
    if not isinstance(network, Model):
        raise ValueError(f"orders={n_orders}: accepted is 1, as {type(network).__name__} follows no order")
    return AlongOrders(network, n_orders)


class LabelledSets(NamedTuple):
    """Test sets that are processed together, with their random generator."""

    x: Float[Tensor, "sets points *shape"]
    labels: Int[Tensor, "sets points"]
    generator: torch.Generator


def draw_sets(simulate: Simulator, sets: int, points: int, seed: int) -> Iterator[LabelledSets]:
    """Yield test sets, the same ones that `gfncp.evaluation.evaluate` draws, each from its own seed."""
    for numbers in test_sets.batches(sets):
        x, labels = test_sets.draw_sets(simulate, numbers, points, seed)
        yield LabelledSets(x, labels, seeded(seed, SAMPLED, PAPER_SETS, numbers[0]))


def greedy(model: Predicts, batches: Iterable[LabelledSets], device: torch.device) -> dict:
    """Return NMI, ARI and number of clusters of the clustering to report, and MC where there are energies."""
    truth, found, violations = [], [], []
    for x, labels, _ in batches:
        x = x.to(device)
        truth.append(labels)
        found.append(model.predict(x).cpu())
        if isinstance(model, EnergyNetwork):
            violations.append(consistency.marginal_consistency(model, x, labels.to(device)).cpu())
    result = scored(torch.cat(truth), torch.cat(found))
    if violations:
        values = torch.cat(violations)
        result["mc"], result["errors"]["mc"] = mean(values.double().numpy())
    return result


def greedy_by(estimator: Clusterer, batches: Iterable[LabelledSets]) -> dict:
    """Return NMI, ARI and number of clusters of an estimator, which is told K if it takes ``n_clusters``.

    Points that it calls noise, as -1, are a cluster of their own.
    """
    truth, found = [], []
    for x, labels, _ in batches:
        for points, known in zip(x.flatten(2).numpy().astype(np.float64), labels, strict=True):
            fresh = cast(Clusterer, clone(estimator))
            if "n_clusters" in fresh.get_params():
                fresh.set_params(n_clusters=int(known.max()) + 1)
            clusters = torch.from_numpy(fresh.fit_predict(points)).long()
            found.append(clusters - clusters.min())
        truth.append(labels)
    return scored(torch.cat(truth), torch.stack(found))


def scored(truth: Int[Tensor, "sets points"], found: Int[Tensor, "sets points"]) -> dict:
    """Return means over sets, and their standard errors as ``"errors"``, NaN for a single set."""
    agreement = agreements(truth, found[:, None])
    values = {"nmi": agreement.nmi[:, 0], "ari": agreement.ari[:, 0], "clusters": n_clusters(found)}
    means = {name: mean(of.double().numpy()) for name, of in values.items()}
    return {
        **{name: of.value for name, of in means.items()},
        "errors": {name: of.error for name, of in means.items()},
    }


def average(model: Samples, batches: Iterable[LabelledSets], device: torch.device) -> dict:
    """Return NMI, ARI and number of clusters of the most probable samples (Appendix B)."""
    truth, posteriors = [], []
    for x, labels, generator in batches:
        drawn, log_prob = model.sample(x.to(device), SAMPLES, generator)
        truth.append(labels)
        pairs = zip(drawn.cpu().numpy(), log_prob.cpu().numpy(), strict=True)
        posteriors += [Posterior.from_samples(*pair) for pair in pairs]
    return average_scores(torch.cat(truth), posteriors)


def sdpp(model: EnergyNetwork, batches: Iterable[LabelledSets], device: torch.device) -> dict:
    """Return SDPP (Eq. 32) of the true clusterings: the median, the mean and all values."""
    parts = [
        consistency.sdpp(model, x.to(device), labels.to(device), orders=ORDERS, generator=generator).cpu()
        for x, labels, generator in batches
    ]
    values = torch.cat(parts).double()
    return {
        "sdpp": float(values.quantile(0.5)),
        "sdpp_mean": float(values.mean()),
        "per_set": values.tolist(),
    }


def most_likely(model: Model, batches: Iterable[LabelledSets], device: torch.device) -> dict:
    """Return the most probable clusterings that beam search finds, and the probability of the first one."""
    first, shown = [], None
    for x, _, _ in batches:
        labels, log_prob = model.beam(x.to(device), BEAM)
        first.append(log_prob[:, 0].exp().cpu())
        if shown is None:
            found = int((log_prob[0, :SHOWN] > -torch.inf).sum())
            shown = {
                "labels": labels[0, :found].tolist(),
                "probabilities": log_prob[0, :found].exp().tolist(),
            }
    return {"probability": float(torch.cat(first).mean()), "shown": shown}


def two_orders(model: Predicts, batches: Iterable[LabelledSets], device: torch.device) -> dict:
    """Return greedy clusterings along two orders of points, the share of points that differ, their ARI."""
    differing, agreement, shown = [], [], None
    for x, _, generator in batches:
        order = torch.randperm(x.shape[1], generator=generator)
        first = model.predict(x.to(device)).cpu()
        second = torch.empty_like(first)
        second[:, order] = model.predict(x[:, order].to(device)).cpu()
        second = canonical_labels(second)
        for one, other in zip(first.numpy(), second.numpy(), strict=True):
            differing.append(np.mean(matched(other, one) != one))
            agreement.append(adjusted_rand_score(one, other))
        if shown is None:
            shown = {"labels": [first[0].tolist(), second[0].tolist()], "order": order.tolist()}
    return {"differing": float(np.mean(differing)), "agreement": float(np.mean(agreement)), "shown": shown}


def matched(labels: Int[np.ndarray, "points"], like: Int[np.ndarray, "points"]) -> Int[np.ndarray, "points"]:
    """Return a clustering with its clusters renamed to those of another that share the most points.

    Clusters that have no counterpart get new names.
    """
    table = np.zeros((labels.max() + 1, like.max() + 1), dtype=int)
    np.add.at(table, (labels, like), 1)
    ours, theirs = linear_sum_assignment(table, maximize=True)
    shared = table[ours, theirs] > 0
    names = np.full(len(table), -1)
    names[ours[shared]] = theirs[shared]
    names[names < 0] = table.shape[1] + np.arange((names < 0).sum())
    return names[labels]


MEASURES: dict[str, Callable[[Any, Iterable[LabelledSets], torch.device], dict]] = {
    "greedy": greedy,
    "average": average,
    "sdpp": sdpp,
    "most-likely": most_likely,
    "two-orders": two_orders,
}
