"""Eq. 12-15 as they stand, a step and an option at a time: what the library's speed is compared with."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from gfncp.model import Model


@dataclass(frozen=True)
class PlainLoop:
    """At each step, for each option, the sums over the clusters are made anew.

    Vectorised over the sets of a batch and the clusters of a set; h and u see each point once.
    """

    h: nn.Module
    u: nn.Module
    g: nn.Module
    f: nn.Module

    def energies(
        self,
        h: Float[Tensor, "batch points width"],
        u: Float[Tensor, "batch points width"],
        labels: Int[Tensor, "batch points"],
        step: int,
    ) -> Float[Tensor, "batch options"]:
        before = labels[:, :step]
        opened = F.pad(before, (1, 0), value=-1).amax(1) + 1
        most = int(opened.max())
        unassigned = u[:, step + 1 :].sum(1)
        energies = []
        for option in range(most + 1):
            member = F.one_hot(F.pad(before, (0, 1), value=option), most + 1).to(h.dtype)
            pooled = member.transpose(1, 2) @ h[:, : step + 1]
            exists = member.amax(1)[..., None]
            total = (self.g(pooled) * exists).sum(1)
            energy = self.f(torch.cat([total, unassigned], 1))[:, 0]
            energies.append(torch.where(option <= opened, energy, torch.inf))
        return torch.stack(energies, 1)


def unmerged(part: nn.Module) -> nn.Module:
    """A network's part as a module of its own that maps rows to rows."""
    if not isinstance(part, nn.ModuleList):
        return part
    between = [layer for linear in part for layer in (linear, nn.ReLU())]
    return nn.Sequential(*between[:-1])


def plain_loop(network: Model) -> PlainLoop:
    return PlainLoop(*(unmerged(part) for part in (network.h, network.u, network.g, network.f)))
