"""Energy networks in which g also takes inner products of pairs of a cluster's members."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gfncp.networks.energy import EnergyNetwork
from gfncp.networks.interfaces import Encoder

PROJECTIONS = 8
SIZE = 8  # outputs of each projection


class PairwiseEnergyNetwork(EnergyNetwork):
    """Energy network in which g also takes sums over the pairs of a cluster's members.

    For each of 8 learned linear projections phi_a to 8 numbers, with n_k members,

        P_ka = sum_{i < j in k} <phi_a(x_i), phi_a(x_j)> = (|sum_i phi_a(x_i)|^2 - sum_i |phi_a(x_i)|^2) / 2,

    asinh(P_ka) and P_ka divided by the number of pairs enter g's first layer beside H_k. Both need only sums
    over the members, so they do not depend on an order, and a step of decoding costs no more. The affinity of
    two points is a single product here, which a sum h(x_1) + h(x_2) hides.

    Its arguments are those of `EnergyNetwork`.
    """

    def __init__(self, encoder: Encoder, *sizes, **named) -> None:
        super().__init__(encoder, *sizes, **named)
        self.phi = nn.Linear(encoder.features, PROJECTIONS * SIZE)
        self.reads_pairs = nn.Linear(2 * PROJECTIONS, self.width, bias=False)

    def assigned(self, features: Float[Tensor, "rows features"]) -> Float[Tensor, "rows sums"]:
        phi = self.phi(features)
        squares = phi.unflatten(1, (PROJECTIONS, SIZE)).square().sum(2)
        return torch.cat([super().assigned(features), phi, squares, torch.ones_like(squares[:, :1])], 1)

    def seen(self, pooled: Float[Tensor, "rows sums"]) -> Float[Tensor, "rows width"]:
        h, phi, squares, members = pooled.split([self.width, PROJECTIONS * SIZE, PROJECTIONS, 1], 1)
        pairs = (phi.unflatten(1, (PROJECTIONS, SIZE)).square().sum(2) - squares) / 2
        count = (members * (members - 1) / 2).clamp_min(1)
        weight = self.reads_pairs.weight
        return h + F.linear(torch.cat([torch.asinh(pairs), pairs / count], 1), weight)
