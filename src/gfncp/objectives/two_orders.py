"""Maximum likelihood along two orders of the data that must agree.

With ell_r = log p(c | x) along order r, the given order and a random one:

    L(c, x) = -(ell_1 + ell_2) / 2 N                         nll: as in NCP
            + a (ell_1 - ell_2)^2 / 2 N                      disagreement
            - b log p(c_i | all other labels, x)             terminal
            + d mean (log sum_{c_n} e^{-E[c_{1:n}]})^2       anchor

The terms are zero, or at their minimum, at the true posterior; none needs samples of the policy.

- The disagreement is the variance that order invariance (Eq. 3) forbids. Its weight grows between a tenth and
  four tenths of training, since it is trivially small for an untrained policy.
- The terminal term is a pseudo-likelihood, the policy of single points given the labels of all others. It
  trains differences of terminal energies (the reward, Eq. 22); contrastive divergence (Eq. 27) would need
  samples for that.
- The anchor keeps energies from drifting: policies depend on their differences alone.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.networks.energy import Encoding, EnergyNetwork
from gfncp.objectives.batch import Batch, Terms
from gfncp.objectives.trajectory import follow, random_order, reorder
from gfncp.schedules import ramp


@dataclass(frozen=True)
class TwoOrdersLoss:
    """Maximum likelihood along two orders that must agree, with exact terminal energies; see the module.

    Args:
        disagreement, terminal, anchor: weights of the terms; ``nll`` has 1.
    """

    disagreement: float = 1.0
    terminal: float = 0.2
    anchor: float = 1e-4

    def __call__(self, network: EnergyNetwork, batch: Batch, generator: torch.Generator) -> Terms:
        encoding = network.encode(batch.x)
        points = batch.labels.shape[1]
        energies, first = follow(network, encoding, batch.labels, batch.steps)
        _, second = follow(
            network, *reorder(encoding, batch.labels, random_order(batch.labels, generator)), batch.steps
        )
        terms = {
            "nll": -(first.mean() + second.mean()) / 2,
            "disagreement": (first.sum(1) - second.sum(1)).square().mean() * batch.per_step / (2 * points),
            "terminal": -self.conditionals(network, encoding, batch.labels, generator).mean(),
            "anchor": torch.logsumexp(-energies, -1).square().mean(),
        }
        loss = (
            terms["nll"]
            + self.disagreement * ramp(batch.progress, 0.1, 0.4) * terms["disagreement"]
            + self.terminal * terms["terminal"]
            + self.anchor * terms["anchor"]
        )
        return {"loss": loss} | {name: term.detach() for name, term in terms.items()}

    @staticmethod
    def conditionals(
        network: EnergyNetwork,
        encoding: Encoding,
        labels: Int[Tensor, "batch points"],
        generator: torch.Generator,
    ) -> Float[Tensor, "batch"]:
        """Return log p(c_i | all other labels, x) of one random point of each set."""
        batch, points = labels.shape
        last = torch.full((batch, 1), points - 1, device=labels.device)
        return follow(network, *reorder(encoding, labels, random_order(labels, generator)), last)[1][:, 0]
