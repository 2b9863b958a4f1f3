"""Energy networks in which g also takes the sum over unassigned points."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gfncp.networks import teacher_forcing
from gfncp.networks.energy import EnergyNetwork
from gfncp.networks.interfaces import Encoder
from gfncp.networks.layers import RowNetwork


class InteractingEnergyNetwork(EnergyNetwork):
    """Energy network in which g also takes the sum over unassigned points: G = sum_k g(H_k, U).

    A cluster's share of the energy may then depend on whether points near it are still to come.
    """

    def __init__(self, encoder: Encoder, *sizes, **named) -> None:
        super().__init__(encoder, *sizes, **named)
        self.g = RowNetwork(2 * self.width, self.g.body, self.width, self.g.last.out_features)

    def reads_h(self) -> Float[Tensor, "width width"]:
        return self.g.first.weight[:, : self.width]

    def reads_u(self) -> Float[Tensor, "readers width"]:
        return torch.cat([super().reads_u(), self.g.first.weight[:, self.width :]])

    def cluster(
        self,
        pooled: Float[Tensor, "rows sums"],
        unassigned: Float[Tensor, "states readers"],
        state: Int[Tensor, "rows"],
    ) -> Float[Tensor, "rows width"]:
        return super().cluster(pooled + F.embedding(state, unassigned[:, self.width :]), unassigned, state)

    def represent(
        self,
        sums: Float[Tensor, "states capacity sums"],
        clusters: Float[Tensor, "states capacity width"],
        opened: Int[Tensor, "states"],
        unassigned: Float[Tensor, "states readers"],
    ) -> Float[Tensor, "states capacity width"]:
        """Return the representations of opened clusters, computed anew since unassigned points changed."""
        state, k = (torch.arange(sums.shape[1], device=sums.device) < opened[:, None]).nonzero(as_tuple=True)
        clusters = sums.new_zeros(*sums.shape[:2], self.width)
        clusters[state, k] = self.cluster(sums[state, k], unassigned, state)
        return clusters

    def all_steps(
        self,
        cluster_terms: Float[Tensor, "batch points sums"],
        unassigned_terms: Float[Tensor, "batch points readers"],
        mask: Bool[Tensor, "batch points"],
        labels: Int[Tensor, "batch points"],
        clusters: int,
    ) -> Float[Tensor, "batch points options"]:
        """Return the energies of all steps, at each of which every cluster is represented anew."""
        steps = torch.arange(labels.shape[1], device=labels.device).expand_as(labels)
        return teacher_forcing.some_steps(
            self, cluster_terms, unassigned_terms, mask, labels, steps, clusters
        )
