"""Clusterings of labelled sets by a checkpoint that is not given the labels, and their probabilities."""

import time
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.decoding import orders
from gfncp.estimators.inference import GREEDY_ORDERS, usual_pool
from gfncp.evaluation.sets import SETS_PER_BATCH, draw_sets
from gfncp.mixtures.conjugate import KnownCovariance
from gfncp.mixtures.exact_chains import exact_chains
from gfncp.posterior.point_estimates import agreement
from gfncp.simulators import GaussianMixtures

BURN_IN = 20  # sweeps of the exact sampler that are discarded
DRAWS = 10  # states of it that are scored


@dataclass(frozen=True)
class Answers:
    """Clusterings of some sets of one size.

    Attributes:
        truth: the known labels.
        samples: of the posterior.
        greedy: along one order of the points.
        labels: the most typical of the greedy clusterings along `GREEDY_ORDERS` orders, which users get
            unless the samples contradict it.
        shuffled: the same, had the rows come in another order.
        order_agreement: mean adjusted Rand index between greedy clusterings along different orders.
        truth_log_prob, sample_log_prob: log p of all labels together; the truth's may be -inf.
        exact: draws of the exact posterior, where there is a sampler.
        seconds: time that ``labels`` took.
    """

    truth: Int[Tensor, "sets points"]
    samples: Int[Tensor, "sets samples points"]
    greedy: Int[Tensor, "sets points"]
    labels: Int[Tensor, "sets points"]
    shuffled: Int[Tensor, "sets points"]
    order_agreement: Float[Tensor, "sets"]
    truth_log_prob: Float[Tensor, "sets"]
    sample_log_prob: Float[Tensor, "sets samples"]
    exact: Int[Tensor, "sets draws points"] | None
    seconds: float


@runtime_checkable
class Subject(Protocol):
    """Checkpoint with the source of its test sets."""

    sets_at_once: ClassVar[int]

    def answer(
        self, numbers: range, points: int, n_samples: int, seed: int, stream: int, generator: torch.Generator
    ) -> Answers:
        """Draw the sets of these numbers and cluster them."""
        ...


@dataclass(frozen=True)
class PointSubject:
    """Network that takes the points themselves.

    Args:
        simulator: yields sets and labels; a `GaussianMixtures` has an exact sampler.
    """

    model: Any  # an energy network that decodes
    simulator: Any
    sets_at_once: ClassVar[int] = SETS_PER_BATCH

    def answer(
        self, numbers: range, points: int, n_samples: int, seed: int, stream: int, generator: torch.Generator
    ) -> Answers:
        x, labels, *_ = draw_sets(self.simulator, numbers, points, seed, stream)
        return answer(self.model, x, labels, n_samples, generator, self.exact_draws(x, generator))

    def exact_draws(
        self, x: Float[Tensor, "sets points *shape"], generator: torch.Generator
    ) -> Int[Tensor, "sets draws points"] | None:
        """Draw from the exact posterior; None where there is no sampler."""
        mixture = self.simulator
        if not isinstance(mixture, GaussianMixtures):
            return None
        model = KnownCovariance(mixture.spread)
        states = exact_chains(x, model, mixture.alpha, generator, mixture.n_clusters)
        return torch.stack([*islice(states, BURN_IN, BURN_IN + DRAWS)], 1)


@torch.no_grad()
def answer(
    model: Any,
    x: Float[Tensor, "sets points *shape"],
    truth: Int[Tensor, "sets points"],
    n_samples: int,
    generator: torch.Generator,
    exact: Int[Tensor, "sets draws points"] | None = None,
) -> Answers:
    """Cluster sets of points side by side, and compute the probabilities of their true labels.

    Args:
        model: an energy network that decodes, see `gfncp.decoding.model.Model`.
        exact: draws of the exact posterior, which become part of the answers.
    """
    device = next(model.parameters()).device
    x, points = x.to(device), x.shape[1]
    encoding = model.encode(x)
    pool = usual_pool(model, encoding)
    drawn, log_prob = (values.cpu() for values in pool.sample(n_samples, generator))
    of_truth = pool.log_prob(truth.to(device)[:, None])[:, 0].cpu()
    start = time.perf_counter()
    along = orders.random_orders(GREEDY_ORDERS, points, generator)
    each = orders.greedy_each(model, encoding, along)[0].cpu()
    labels, order_agreement = typical(each)
    seconds = time.perf_counter() - start
    along = orders.random_orders(GREEDY_ORDERS, points, generator)
    shuffled, _ = typical(orders.greedy_each(model, encoding, along)[0].cpu())
    return Answers(
        truth=truth,
        samples=drawn,
        greedy=each[:, 0],
        labels=labels,
        shuffled=shuffled,
        order_agreement=order_agreement,
        truth_log_prob=of_truth,
        sample_log_prob=without_rounding(log_prob, drawn, of_truth, truth),
        exact=exact,
        seconds=seconds,
    )


def typical(
    each: Int[Tensor, "sets orders points"],
) -> tuple[Int[Tensor, "sets points"], Float[Tensor, "sets"]]:
    """Return the clustering of each set that agrees best with the others, and their mean agreement.

    The first is that of `gfncp.decoding.orders.greedy`. Points may be absent, as -1.
    """
    tables = torch.stack(
        [torch.from_numpy(agreement(rows[:, rows[0] >= 0].numpy())) for rows in each]
    )  # (sets, orders, orders)
    best = tables.sum(2).argmax(1)
    count = each.shape[1]
    mean = (tables.sum((1, 2)) - count) / (count * (count - 1))
    return each[torch.arange(len(each)), best], mean


def without_rounding(
    log_prob: Float[Tensor, "sets samples"],
    samples: Int[Tensor, "sets samples points"],
    of_truth: Float[Tensor, "sets"],
    truth: Int[Tensor, "sets points"],
) -> Float[Tensor, "sets samples"]:
    """Give samples that equal the truth its log-probability, which is computed in another way: they tie."""
    same = (samples == truth[:, None]).all(2)
    return torch.where(same, of_truth[:, None], log_prob)
