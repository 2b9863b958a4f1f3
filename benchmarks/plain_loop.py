"""Eq. 12-15 as they stand, a step and an option at a time: what the library's speed is compared with."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.networks.energy import EnergyNetwork


@dataclass(frozen=True)
class PlainLoop:
    """At each step, for each option, the sums over the clusters are made anew.

    Vectorised over the sets of a batch and the clusters of a set; h and u see each point once.
    """

    network: EnergyNetwork

    def encode(
        self, features: Float[Tensor, "batch points features"]
    ) -> tuple[Float[Tensor, "batch points width"], Float[Tensor, "batch points width"]]:
        """h and u of each point."""
        return self.network.h(features), self.network.u(features)

    def represent(
        self, pooled: Float[Tensor, "batch clusters width"], unassigned: Float[Tensor, "batch width"]
    ) -> Float[Tensor, "batch clusters cluster_width"]:
        return self.network.g(pooled)

    def energies(
        self,
        h: Float[Tensor, "batch points width"],
        u: Float[Tensor, "batch points width"],
        labels: Int[Tensor, "batch points"],
        step: int,
    ) -> Float[Tensor, "batch options"]:
        """Of the options of one step (from 0); +inf where a set has fewer."""
        before = labels[:, :step]
        opened = F.pad(before, (1, 0), value=-1).amax(1) + 1
        most = int(opened.max())
        unassigned = u[:, step + 1 :].sum(1)
        energies = []
        for option in range(most + 1):
            member = F.one_hot(F.pad(before, (0, 1), value=option), most + 1).to(h.dtype)
            pooled = member.transpose(1, 2) @ h[:, : step + 1]
            exists = member.amax(1)[..., None]
            total = (self.represent(pooled, unassigned) * exists).sum(1)
            energy = self.network.f(torch.cat([total, unassigned], 1))[:, 0]
            energies.append(torch.where(option <= opened, energy, torch.inf))
        return torch.stack(energies, 1)


class InteractingPlainLoop(PlainLoop):
    """The loop for `gfncp.networks.interacting.InteractingEnergyNetwork`: G = sum_k g(H_k, U)."""

    def represent(self, pooled, unassigned):
        return self.network.g(torch.cat([pooled, unassigned[:, None].expand_as(pooled)], 2))
