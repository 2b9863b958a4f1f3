"""Clusterings improved after decoding: each point in turn is assigned anew, given all the others.

The terminal energy E[c_{1:N}] (Eq. 22) does not depend on the order of the points. Gibbs sweeps leave the
posterior softmax(-E) invariant, so they correct errors of the order of decoding, where that energy is right.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gfncp.draws import draw_options
from gfncp.networks.energy import Encoding, EnergyNetwork
from gfncp.partitions import canonical_labels

Pick = Callable[[Float[Tensor, "batch options"]], Int[Tensor, "batch"]]  # from energies; +inf: no option


@torch.no_grad()
def refine(
    network: EnergyNetwork,
    x: Float[Tensor, "batch points *shape"],
    labels: Int[Tensor, "batch points"],
    sweeps: int,
    generator: torch.Generator,
    mask: Bool[Tensor, "batch points"] | None = None,
) -> Int[Tensor, "batch points"]:
    """Make Gibbs sweeps: a point's cluster is drawn from softmax(-E), all other points being where they are.

    Args:
        labels: one clustering of each set, -1 where absent.
        sweeps: number of times that all points are assigned anew.

    Returns:
        Labels in order of appearance, -1 where absent.
    """

    def draw(energies: Tensor) -> Tensor:
        return draw_options(torch.softmax(-energies.double(), -1).cumsum(-1), generator)

    return _sweep(network, network.encode(x, mask), labels, sweeps, draw)


@torch.no_grad()
def descend(
    network: EnergyNetwork,
    x: Float[Tensor, "batch points *shape"],
    labels: Int[Tensor, "batch points"],
    sweeps: int,
    mask: Bool[Tensor, "batch points"] | None = None,
) -> Int[Tensor, "batch points"]:
    """Assign each point in turn to where the energy is lowest, given all others: E[c_{1:N}] never rises."""
    return _sweep(network, network.encode(x, mask), labels, sweeps, lambda energies: energies.argmin(-1))


def _sweep(network: EnergyNetwork, encoding: Encoding, labels: Tensor, sweeps: int, pick: Pick) -> Tensor:
    """Assign points in turn; options are the clusters that hold points and the first slot that holds none."""
    nothing_left = encoding.unassigned_terms.new_zeros(1, encoding.unassigned_terms.shape[2])

    def represent(rows: Tensor) -> Tensor:
        return network.cluster(
            rows, nothing_left, torch.zeros(len(rows), dtype=torch.long, device=rows.device)
        )

    labels = canonical_labels(torch.where(encoding.mask, labels, -1))
    for _ in range(sweeps):  # sums are made anew in each, so that rounding does not add up
        member = F.one_hot(labels + 1)[..., 1:]  # absent points are in none
        count = member.sum(1)
        sums = member.to(encoding.cluster_terms.dtype).transpose(1, 2) @ encoding.cluster_terms
        clusters = sums.new_zeros(*sums.shape[:2], network.width)
        clusters[count > 0] = represent(sums[count > 0])
        for point in range(labels.shape[1]):
            here = encoding.mask[:, point].nonzero()[:, 0]
            own, term = labels[here, point], encoding.cluster_terms[here, point]
            count[here, own] -= 1
            sums[here, own] -= term
            left = count[here, own][:, None] > 0
            sums[here, own] = torch.where(left, sums[here, own], 0)
            clusters[here, own] = torch.where(left, represent(sums[here, own]), 0)

            if (count > 0).all(1).any():  # make room for one more cluster
                count = F.pad(count, (0, 1))
                sums, clusters = F.pad(sums, (0, 0, 0, 1)), F.pad(clusters, (0, 0, 0, 1))
            empty = count[here] == 0
            valid = ~empty | (empty.cumsum(1) == 1)
            chosen, option = valid.nonzero(as_tuple=True)
            at = here[chosen]
            joined = sums[at, option] + term[chosen]
            new = represent(joined)
            energies = torch.full(valid.shape, torch.inf, dtype=term.dtype, device=term.device)
            old = clusters[at, option]
            energies[chosen, option] = network.option_energies(clusters.sum(1), at, new, old)

            taken = pick(energies)
            row = (valid.view(-1).cumsum(0) - 1).view(valid.shape).gather(1, taken[:, None])[:, 0]
            sums[here, taken], clusters[here, taken] = joined[row], new[row]
            count[here, taken] += 1
            labels[here, point] = taken
        labels = canonical_labels(labels)
    return labels
