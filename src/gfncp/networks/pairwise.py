"""Energy networks whose clusters know how alike their members are, pair by pair."""

import torch
import torch.nn.functional as F
from torch import nn

from gfncp.networks.energy import EnergyNetwork

PROJECTIONS = 8
SIZE = 8  # numbers of each projection


class PairwiseEnergyNetwork(EnergyNetwork):
    """An energy network whose g also sees sums over the pairs of a cluster's members.

    For each of 8 learned linear projections phi_a to 8 numbers, with n_k members,

        P_ka = sum_{i < j in k} <phi_a(x_i), phi_a(x_j)> = (|sum_i phi_a(x_i)|^2 - sum_i |phi_a(x_i)|^2) / 2,

    as asinh(P_ka) and as P_ka over the number of pairs, enter g's first layer beside H_k. They need sums over
    the members alone, so they depend on no order, and a step of decoding costs what it did. Whether two
    points belong together is one product here, where a sum h(x_1) + h(x_2) hides it.

    Its arguments are those of `EnergyNetwork`.
    """

    def __init__(self, encoder: nn.Module, *sizes, **named) -> None:
        super().__init__(encoder, *sizes, **named)
        self.phi = nn.Linear(encoder.features, PROJECTIONS * SIZE)
        self.reads_pairs = nn.Linear(2 * PROJECTIONS, self.width, bias=False)

    def assigned(self, features):
        phi = self.phi(features)
        squares = phi.unflatten(1, (PROJECTIONS, SIZE)).square().sum(2)
        return torch.cat([super().assigned(features), phi, squares, torch.ones_like(squares[:, :1])], 1)

    def seen(self, pooled):
        h, phi, squares, members = pooled.split([self.width, PROJECTIONS * SIZE, PROJECTIONS, 1], 1)
        pairs = (phi.unflatten(1, (PROJECTIONS, SIZE)).square().sum(2) - squares) / 2
        count = (members * (members - 1) / 2).clamp_min(1)
        weight = self.reads_pairs.weight
        return h + F.linear(torch.cat([torch.asinh(pairs), pairs / count], 1), weight)
