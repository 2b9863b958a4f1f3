"""The posterior pooled over data orders by the geometric mean of its probabilities along them.

A policy that runs free strays: along its order, it opens a cluster too early, and later points fill it. Along
most other orders the same clustering is improbable, since there the stray point comes late, beside its
cluster. In the arithmetic mean of `gfncp.decoding.orders` one order is enough to make a clustering probable;
in the geometric one,

    p(c | x) = prod_m p(c | x, order m)^(1 / M) / Z,

each can veto it. The sum Z over all clusterings is at most 1, and 1 where the orders agree.

As many samples as are asked for, or more, are drawn from the arithmetic mean and drawn again, by weights
geometric / arithmetic mean, which are at most 1. The mean of these weights estimates Z, from draws that are
the same in every call; up to 7 points it is exact. One order is its own pool.

References:
    Genest, Zidek. Combining Probability Distributions: A Critique and an Annotated Bibliography. Statistical
    Science 1, 1986 (logarithmic opinion pool).
"""

import math
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.bounds import ClusterBounds
from gfncp.decoding.orders import draw, log_mean, log_prob_each
from gfncp.networks.energy import Encoding, EnergyNetwork
from gfncp.partitions import all_partitions
from gfncp.seeds import ORDERS_SEED, seeded

FEWEST = 64  # draws from the arithmetic mean; Z is estimated from as many
ENUMERATED = 7  # points, of which Z is the sum over all clusterings


class Pool:
    """Posterior of encoded sets, pooled over orders of their points."""

    def __init__(
        self,
        network: EnergyNetwork,
        encoding: Encoding,
        orders: Int[Tensor, "orders points"],
        bounds: ClusterBounds | None = None,
    ) -> None:
        self.network = network
        self.encoding = encoding
        self.orders = orders
        self.bounds = bounds

    def log_prob(self, labels: Int[Tensor, "batch clusterings points"]) -> Float[Tensor, "batch clusterings"]:
        """Return log p(labels | x), in float64.

        Args:
            labels: in order of appearance.
        """
        each = log_prob_each(self.network, self.encoding, labels, self.orders, self.bounds)
        return each.mean(1) - self.log_normaliser[:, None]

    @torch.no_grad()
    def sample(
        self, n_samples: int, generator: torch.Generator
    ) -> tuple[Int[Tensor, "batch n_samples points"], Float[Tensor, "batch n_samples"]]:
        """Sample clusterings by sampling importance resampling; one may be drawn several times.

        Returns:
            Labels, -1 where absent, and their log-probabilities.
        """
        if len(self.orders) == 1:
            return draw(self.network, self.encoding, n_samples, self.orders, generator, self.bounds)
        found = self._propose(max(FEWEST, n_samples), generator)
        chosen = _resampled(found.log_weight.softmax(1), n_samples, generator)
        labels = found.labels.gather(1, chosen[..., None].expand(-1, -1, found.labels.shape[2]))
        return labels, found.log_geometric.gather(1, chosen) - self.log_normaliser[:, None]

    @cached_property
    @torch.no_grad()
    def log_normaliser(self) -> Float[Tensor, "batch"]:
        """Log of Z of each set, as if it were alone."""
        if len(self.orders) == 1:
            return self.encoding.mask.new_zeros(len(self.encoding.mask), dtype=torch.float64)
        return torch.cat([alone._log_sum() for alone in self._apart()])

    def _log_sum(self) -> Float[Tensor, "batch"]:
        """Log of the sum of the geometric means over all clusterings, of sets without absent points."""
        points = self.encoding.mask.shape[1]
        if points > ENUMERATED:
            return log_mean(self._propose(FEWEST, seeded(ORDERS_SEED, 2)).log_weight, 1)
        every = all_partitions(points).to(self.encoding.mask.device).expand(len(self.encoding.mask), -1, -1)
        each = log_prob_each(self.network, self.encoding, every, self.orders, self.bounds)
        return each.mean(1).logsumexp(1)

    def _apart(self) -> Iterator["Pool"]:
        """Yield each set as a pool of its own, without absent points."""
        for number, present in enumerate(self.encoding.mask.cpu()):
            encoding = Encoding(*(part[number : number + 1, present] for part in self.encoding))
            place = present.cumsum(0) - 1
            orders = place[self.orders[present[self.orders]]].view(len(self.orders), -1)
            yield Pool(self.network, encoding, orders, self.bounds)

    def _propose(self, draws: int, generator: torch.Generator) -> "_Proposals":
        """Draw from the arithmetic mean, equally often along each order, at least ``draws`` times."""
        share = math.ceil(draws / len(self.orders))
        at = self.network, self.encoding
        labels, _ = draw(*at, share * len(self.orders), self.orders, generator, self.bounds)
        each = log_prob_each(*at, labels, self.orders, self.bounds)
        log_geometric = each.mean(1)
        return _Proposals(labels, log_geometric, log_geometric - log_mean(each, 1))


class _Proposals(NamedTuple):
    """Draws from the arithmetic mean, and logs of their geometric mean, and of its ratio to the other."""

    labels: Int[Tensor, "batch draws points"]
    log_geometric: Float[Tensor, "batch draws"]
    log_weight: Float[Tensor, "batch draws"]


def _resampled(
    weights: Float[Tensor, "batch draws"], n_samples: int, generator: torch.Generator
) -> Int[Tensor, "batch n_samples"]:
    """Return indices of draws, each as often as its weight says, rounded up or down at random.

    This is systematic resampling (Kitagawa. Monte Carlo Filter and Smoother. J. Comput. Graph. Stat. 5,
    1996).
    """
    start = torch.rand(len(weights), 1, dtype=weights.dtype, generator=generator).to(weights.device)
    at = (torch.arange(n_samples, device=weights.device) + start) / n_samples
    return torch.searchsorted(weights.cumsum(1), at).clamp_max(weights.shape[1] - 1)
