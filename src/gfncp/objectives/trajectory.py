"""Labels of a set as a trajectory of partial clusterings c_1, c_{1:2}, ..., c_{1:N} along an order."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.networks.energy import Encoding, EnergyNetwork
from gfncp.partitions import canonical_labels


def follow(
    network: EnergyNetwork,
    encoding: Encoding,
    labels: Int[Tensor, "batch points"],
    steps: Int[Tensor, "batch steps"] | None,
) -> tuple[Float[Tensor, "batch steps options"], Float[Tensor, "batch steps"]]:
    """Return the energies of the options along given labels, and log p(c_n | c_{1:n-1}, x) (Eq. 10, 21)."""
    energies = network.encoded_energies(encoding, labels, steps)
    taken = labels if steps is None else labels.gather(1, steps)
    log_policy = torch.log_softmax(-energies, -1)
    return energies, log_policy.gather(2, taken.clamp_min(0)[..., None])[..., 0]


def random_order(
    labels: Int[Tensor, "batch points"], generator: torch.Generator
) -> Int[Tensor, "batch points"]:
    """Draw an order of the points of each set."""
    return torch.rand(labels.shape, generator=generator).argsort(1).to(labels.device)


def reorder(
    encoding: Encoding, labels: Int[Tensor, "batch points"], order: Int[Tensor, "batch points"]
) -> tuple[Encoding, Int[Tensor, "batch points"]]:
    """Return the same sets with their points in another order."""
    terms = (part.gather(1, order[..., None].expand_as(part)) for part in encoding[:2])
    ordered = Encoding(*terms, *(part.gather(1, order) for part in encoding[2:]))
    return ordered, canonical_labels(labels.gather(1, order))
