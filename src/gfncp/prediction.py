"""Where new points belong, given a clustering of others: p(c_{N+1} | c_{1:N}, x_{1:N+1})."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.bounds import ClusterBounds
from gfncp.energy import Encoding, EnergyNetwork

POINTS_PER_CHUNK = 65_536  # of the sets that are evaluated together

Join = Callable[[Tensor], Encoding]  # from new points to sets with one of them each, the last


@torch.no_grad()
def predictive(
    network: EnergyNetwork,
    x: Float[Tensor, "points *shape"],
    labels: Int[Tensor, "points"],
    new: Float[Tensor, "new *shape"],
    bounds: ClusterBounds | None = None,
) -> Float[Tensor, "new options"]:
    """log-probabilities of each new point's options, each given the clustered points ``x`` alone.

    Options are the clusters and last a new one.

    Args:
        labels: in order of appearance.
        bounds: on the number of clusters with the new point's; options beyond them have probability 0.
    """
    opened = labels.max() + 1
    options = int(opened) + 1
    admitted = None if bounds is None else bounds.admits(opened, torch.zeros_like(opened), options)
    given, join = (_pooled if network.encoder.pointwise else _whole)(network, x, labels)
    every = F.pad(given, (0, 1))  # the last label is asked for, not used
    last = torch.full((1,), len(given), device=given.device)
    values = []
    for chunk in new.split(max(1, POINTS_PER_CHUNK // len(every))):
        energies = network.encoded_energies(join(chunk), *(t.expand(len(chunk), -1) for t in (every, last)))
        energies = energies[:, 0] if admitted is None else energies[:, 0].masked_fill(~admitted, torch.inf)
        values.append(network.log_policy(energies))
    return torch.cat(values)


def _whole(network: EnergyNetwork, x: Tensor, labels: Tensor) -> tuple[Tensor, Join]:
    """Labels and sets of all the points: each set is encoded anew."""

    def join(new: Tensor) -> Encoding:
        return network.encode(torch.cat([x.expand(len(new), *x.shape), new[:, None]], 1))

    return labels, join


def _pooled(network: EnergyNetwork, x: Tensor, labels: Tensor) -> tuple[Tensor, Join]:
    """Labels and sets of one point per cluster, which stands for the sum of its members.

    The same, as energies know a cluster by its sum alone and a new point does not change the others' terms.
    """
    encoding = network.encode(x[None])
    sums = F.one_hot(labels).to(encoding.y.dtype).T @ encoding.y[0]

    def join(new: Tensor) -> Encoding:
        each = network.encode(new[:, None])
        y, v = (F.pad(part, (0, 0, len(sums), 0)) for part in (each.y, each.v))
        y[:, :-1] = sums
        mask = F.pad(each.mask, (len(sums), 0), value=True)
        return Encoding(y, v, mask, F.pad(each.known, (len(sums), 0), value=-1))

    return torch.arange(len(sums), device=labels.device), join
