"""Neural Clustering Process (Pakman et al. 2020): maximum likelihood of the labels.

L(c, x) = -1/N sum_{n=2}^{N} log p(c_n | c_{1:n-1}, x)                                   (Eq. 11)
"""

from dataclasses import dataclass

import torch

from gfncp.networks.energy import EnergyNetwork
from gfncp.objectives.batch import Batch, Terms
from gfncp.objectives.trajectory import follow


@dataclass(frozen=True)
class NCPLoss:
    """Mean negative log-likelihood of a point's label along the given order."""

    def __call__(self, network: EnergyNetwork, batch: Batch, generator: torch.Generator) -> Terms:
        _, chosen = follow(network, network.encode(batch.x), batch.labels, batch.steps)
        points = batch.labels.shape[1]
        nll = -chosen.sum(1).mean() * batch.per_step / points
        return {"loss": nll, "nll": nll.detach()}
