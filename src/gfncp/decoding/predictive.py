"""Predictive probabilities of new points, given a clustering of others: p(c_{N+1} | c_{1:N}, x_{1:N+1}).

When the last point of a set is assigned, all others are, and energies depend on a cluster only through the
sum over its members. So one point per cluster, which stands for that sum, and the new point replace the set.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.bounds import ClusterBounds
from gfncp.networks.encoders import embedded
from gfncp.networks.energy import Encoding, EnergyNetwork
from gfncp.networks.temperature import temperature_at

POINTS_PER_CHUNK = 4096  # points that are encoded together: their activations stay in the cache

Judge = Callable[[Float[Tensor, "new *shape"]], Float[Tensor, "new options"]]
# From new points to the sums of clusters and the terms of the new points.
Terms = Callable[
    [Float[Tensor, "new *shape"]], tuple[Float[Tensor, "*new clusters sums"], Float[Tensor, "new sums"]]
]


def predictive(
    network: EnergyNetwork,
    x: Float[Tensor, "points *shape"],
    labels: Int[Tensor, "points"],
    new: Float[Tensor, "new *shape"],
    bounds: ClusterBounds | None = None,
) -> Float[Tensor, "new options"]:
    """Return log-probabilities of each new point's options, each given the clustered points ``x`` alone.

    Options are the clusters and last a new one.

    Args:
        labels: in order of appearance.
        bounds: on the number of clusters with the new point's; options beyond them have probability 0.
    """
    return judge(network, x, labels, bounds)(new)


@torch.no_grad()
def judge(
    network: EnergyNetwork,
    x: Float[Tensor, "points *shape"],
    labels: Int[Tensor, "points"],
    bounds: ClusterBounds | None = None,
) -> Judge:
    """Return `predictive` as a function of the new points; what they share is computed once."""
    opened = labels.max() + 1
    options = int(opened) + 1
    pointwise = network.encoder.pointwise
    terms = (_pooled if pointwise else _whole)(network, x, labels)
    at_once = max(1, POINTS_PER_CHUNK // (options if pointwise else len(x) + 1))
    one_more = torch.cat([x, x[-1:]])[None]
    everyone = torch.ones(one_more.shape[:2], dtype=torch.bool, device=x.device)
    temperature = temperature_at(network.temperature, network.points(one_more, everyone))
    every = F.pad(torch.arange(options - 1, device=labels.device), (0, 1))  # the last is asked for, not used
    last = torch.full((1,), options - 1, device=labels.device)

    @torch.no_grad()
    def judged(new: Float[Tensor, "new *shape"]) -> Float[Tensor, "new options"]:
        values = []
        for chunk in new.split(at_once):
            sums, own = terms(chunk)
            cluster_terms = torch.cat([sums.expand(len(own), -1, -1), own[:, None]], 1)
            mask = torch.ones(cluster_terms.shape[:2], dtype=torch.bool, device=new.device)
            nothing_left = cluster_terms.new_zeros(1, 1, len(network.reads_u())).expand(*mask.shape, -1)
            unknown = torch.full(mask.shape, -1, device=new.device)
            every_step = temperature[:, None].expand(mask.shape)
            encoding = Encoding(cluster_terms, nothing_left, mask, unknown, every_step)
            steps = (each.expand(len(own), -1) for each in (every, last))
            energies = network.encoded_energies(encoding, *steps)[:, 0]
            if bounds is not None:
                energies = bounds.restrict(energies, opened, torch.zeros_like(opened))
            values.append(network.log_policy(energies, temperature))
        return torch.cat(values)

    return judged


def _whole(network: EnergyNetwork, x: Tensor, labels: Tensor) -> Terms:
    """Return terms that may depend on all the points: each set is encoded anew."""
    given = embedded(network.encoder, x)

    def terms(new: Tensor) -> tuple[Tensor, Tensor]:
        new = embedded(network.encoder, new)
        sets = torch.cat([given.expand(len(new), *given.shape), new[:, None]], 1)
        everyone = torch.ones(sets.shape[:2], dtype=torch.bool, device=sets.device)
        features = network.encoder(sets, everyone)
        found = network.assigned(features.flatten(0, 1)).unflatten(0, sets.shape[:2])
        return _sums(labels, found[:, :-1]), found[:, -1]

    return terms


def _pooled(network: EnergyNetwork, x: Tensor, labels: Tensor) -> Terms:
    """Return terms of points each on its own: a new point does not change the others'."""

    def own(points: Tensor) -> Tensor:
        everyone = torch.ones(1, len(points), dtype=torch.bool, device=points.device)
        return network.assigned(network.encoder(points[None], everyone)[0])

    sums = _sums(labels, own(x))
    return lambda new: (sums, own(new))


def _sums(
    labels: Int[Tensor, "points"], terms: Float[Tensor, "*sets points sums"]
) -> Float[Tensor, "*sets clusters sums"]:
    return F.one_hot(labels).to(terms.dtype).T @ terms
