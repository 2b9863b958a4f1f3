"""The model that users meet: an energy network that also decodes."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gfncp import beam, decoding
from gfncp.energy import EnergyNetwork
from gfncp.interaction import InteractingEnergyNetwork
from gfncp.online import OnlineEnergyNetwork


class Decoder:
    """What a model adds to energies: clusterings and probabilities of sets ``(batch, points, *shape)``."""

    def greedy(
        self, x: Float[Tensor, "batch points *shape"], mask: Bool[Tensor, "batch points"] | None = None
    ) -> tuple[Int[Tensor, "batch points"], Float[Tensor, "batch"]]:
        """See `gfncp.decoding.greedy`."""
        return decoding.greedy(self, x, mask)

    def predict(
        self, x: Float[Tensor, "batch points *shape"], mask: Bool[Tensor, "batch points"] | None = None
    ) -> Int[Tensor, "batch points"]:
        """The clustering to report: the greedy one."""
        return self.greedy(x, mask)[0]

    def sample(
        self,
        x: Float[Tensor, "batch points *shape"],
        n_samples: int,
        generator: torch.Generator,
        mask: Bool[Tensor, "batch points"] | None = None,
    ) -> tuple[Int[Tensor, "batch n_samples points"], Float[Tensor, "batch n_samples"]]:
        """See `gfncp.decoding.sample`."""
        return decoding.sample(self, x, n_samples, generator, mask)

    def beam(
        self,
        x: Float[Tensor, "batch points *shape"],
        width: int,
        mask: Bool[Tensor, "batch points"] | None = None,
    ) -> tuple[Int[Tensor, "batch found points"], Float[Tensor, "batch found"]]:
        """See `gfncp.beam.beam`."""
        return beam.beam(self, x, width, mask)

    def log_prob(
        self,
        x: Float[Tensor, "batch points *shape"],
        labels: Int[Tensor, "batch *clusterings points"],
        mask: Bool[Tensor, "batch points"] | None = None,
    ) -> Float[Tensor, "batch *clusterings"]:
        """See `gfncp.decoding.log_prob`."""
        return decoding.log_prob(self, x, labels, mask)


class Model(Decoder, EnergyNetwork):
    """See `gfncp.energy.EnergyNetwork`."""


class InteractingModel(Decoder, InteractingEnergyNetwork):
    """See `gfncp.interaction.InteractingEnergyNetwork`."""


class OnlineModel(Decoder, OnlineEnergyNetwork):
    """See `gfncp.online.OnlineEnergyNetwork`."""
