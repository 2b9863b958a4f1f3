"""State of decoding: partial clusterings side by side, and how many of them fit in memory.

A state is small: the sum H_k and the representation of each cluster. A step evaluates only what the new point
changes, K + 1 rows per clustering.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.networks.energy import Encoding

STATE_BYTES = 2**29  # bound of one group's cluster sums, were every point a cluster


@dataclass
class State:
    """Partial clusterings of encoded sets, side by side ("particles")."""

    owner: Int[Tensor, "particles"]  # the set that a particle clusters
    sums: Float[Tensor, "particles capacity sums"]  # H_k, as g's first layer sees it
    clusters: Float[Tensor, "particles capacity width"]  # g(H_k), as f's first layer sees it; 0 if unopened
    opened: Int[Tensor, "particles"]
    labels: Int[Tensor, "particles points"]  # labels of the points so far, -1 where absent
    log_prob: Float[Tensor, "particles"]

    @classmethod
    def start(cls, encoding: Encoding, width: int) -> "State":
        """Return one particle for each set, without any point."""
        batch, _, sums = encoding.cluster_terms.shape
        zeros = encoding.cluster_terms.new_zeros(batch, 8, sums)
        return cls(
            owner=torch.arange(batch, device=zeros.device),
            sums=zeros,
            clusters=zeros.new_zeros(batch, 8, width),
            opened=torch.zeros(batch, dtype=torch.long, device=zeros.device),
            labels=torch.empty(batch, 0, dtype=torch.long, device=zeros.device),
            log_prob=torch.zeros(batch, dtype=torch.float64, device=zeros.device),
        )

    def select(self, particles: Int[Tensor, "kept"]) -> "State":
        """Return these particles."""
        return State(*(getattr(self, name)[particles] for name in self.__dataclass_fields__))

    def grow(self) -> None:
        """Make room for one more cluster in every particle."""
        if int(self.opened.max()) == self.sums.shape[1]:
            extra = (0, 0, 0, self.sums.shape[1] // 2)
            self.sums, self.clusters = F.pad(self.sums, extra), F.pad(self.clusters, extra)


def particles_at_once(encoding: Encoding) -> int:
    """Count the particles that fit the memory bound."""
    points, width = encoding.cluster_terms.shape[1:]
    return max(1, STATE_BYTES // (2 * encoding.cluster_terms.element_size() * points * width))


def groups(encoding: Encoding, particles: int) -> list[Encoding]:
    """Split into sets whose decoding fits the memory bound, with so many particles per set."""
    sets = max(1, particles_at_once(encoding) // particles)
    return [Encoding(*part) for part in zip(*(t.split(sets) for t in encoding), strict=True)]
