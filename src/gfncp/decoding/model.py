"""Models: energy networks that also decode."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gfncp.bounds import ClusterBounds
from gfncp.decoding import beam, decode, likelihood
from gfncp.networks.energy import EnergyNetwork
from gfncp.networks.interacting import InteractingEnergyNetwork
from gfncp.networks.interfaces import Encoder
from gfncp.networks.online import OnlineEnergyNetwork
from gfncp.networks.pairwise import PairwiseEnergyNetwork
from gfncp.networks.tokens import Placement, number_of_points


class Model(EnergyNetwork):
    """Energy network that decodes: clusterings and probabilities of sets ``(batch, points, *shape)``.

    ``n_clusters`` bounds the number of clusters K: None, one K, or inclusive bounds ``(low, high)``; see
    `gfncp.bounds.ClusterBounds`.
    """

    def greedy(
        self,
        x: Float[Tensor, "batch points *shape"],
        mask: Bool[Tensor, "batch points"] | None = None,
        n_clusters: int | tuple[int, int] | None = None,
    ) -> tuple[Int[Tensor, "batch points"], Float[Tensor, "batch"]]:
        """See `gfncp.decoding.decode.greedy`."""
        return decode.greedy(self, x, mask, _bounds(n_clusters, x, mask))

    def predict(
        self, x: Float[Tensor, "batch points *shape"], mask: Bool[Tensor, "batch points"] | None = None
    ) -> Int[Tensor, "batch points"]:
        """Return the greedy clustering."""
        return self.greedy(x, mask)[0]

    def sample(
        self,
        x: Float[Tensor, "batch points *shape"],
        n_samples: int,
        generator: torch.Generator,
        mask: Bool[Tensor, "batch points"] | None = None,
        n_clusters: int | tuple[int, int] | None = None,
    ) -> tuple[Int[Tensor, "batch n_samples points"], Float[Tensor, "batch n_samples"]]:
        """See `gfncp.decoding.decode.sample`."""
        return decode.sample(self, x, n_samples, generator, mask, _bounds(n_clusters, x, mask))

    def beam(
        self,
        x: Float[Tensor, "batch points *shape"],
        width: int,
        mask: Bool[Tensor, "batch points"] | None = None,
        n_clusters: int | tuple[int, int] | None = None,
    ) -> tuple[Int[Tensor, "batch found points"], Float[Tensor, "batch found"]]:
        """See `gfncp.decoding.beam.beam`."""
        return beam.beam(self, x, width, mask, _bounds(n_clusters, x, mask))

    def log_prob(
        self,
        x: Float[Tensor, "batch points *shape"],
        labels: Int[Tensor, "batch *clusterings points"],
        mask: Bool[Tensor, "batch points"] | None = None,
        n_clusters: int | tuple[int, int] | None = None,
    ) -> Float[Tensor, "batch *clusterings"]:
        """See `gfncp.decoding.likelihood.log_prob`."""
        return likelihood.log_prob(self, x, labels, mask, _bounds(n_clusters, x, mask))


class InteractingModel(Model, InteractingEnergyNetwork):
    """See `gfncp.networks.interacting.InteractingEnergyNetwork`."""


class PairwiseModel(Model, PairwiseEnergyNetwork):
    """See `gfncp.networks.pairwise.PairwiseEnergyNetwork`."""


class CoresetModel(PairwiseModel):
    """Model of micro-clusters as points, with a placement of the others; see `gfncp.networks.tokens`."""

    def __init__(self, encoder: Encoder, *sizes, **named) -> None:
        super().__init__(encoder, *sizes, **named)
        self.placement = Placement(encoder.features)

    def points(
        self, x: Float[Tensor, "batch tokens columns"], mask: Bool[Tensor, "batch tokens"]
    ) -> Float[Tensor, "batch"]:
        return number_of_points(x, mask)


class OnlineModel(Model, OnlineEnergyNetwork):
    """See `gfncp.networks.online.OnlineEnergyNetwork`."""


def _bounds(n_clusters: int | tuple[int, int] | None, x: Tensor, mask: Tensor | None) -> ClusterBounds | None:
    return ClusterBounds.of(n_clusters, x.shape[1] if mask is None else int(mask.sum(1).min()))
