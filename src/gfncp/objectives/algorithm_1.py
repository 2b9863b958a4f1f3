"""GFNCP, Algorithm 1 of Chelly et al. (AISTATS 2025): a GFlowNet over clusterings with consistent marginals.

    l ~ Bernoulli(beta)
    if l = 1 (data policy):     (c, x) ~ p_data            minimise L_mc + delta L_reg + lambda L_cd
    else (space exploration):   x ~ p_data, c uniform      minimise L_mc + delta L_reg

    L_mc(c, x)  = sum_{n=2}^{N} (Ê[c_{1:n-1}] + log sum_{c_n} exp(-Ê[c_{1:n}]))^2               (Eq. 24)
    L_reg(c, x) = E[c_{1:N}]^2                                                                  (Eq. 28)
    L_cd(c, x)  = -log p(c | x) with p(c | x) = exp(-E[c_{1:N}]) / Z                            (Eq. 25-26)
    grad L_cd   = grad E[c_{1:N}] - grad E[c'_{1:N}] with c' a sample of the policy             (Eq. 27)

    Ê[c_{1:n}]  = E[c_{1:n}] - min_{c'_n} E[c_{1:n-1}, c'_n] for n < N, 0 for n = 1;  Ê[c_{1:N}] = E[c_{1:N}]

exp(-Ê[c_{1:n}]) is the flow (Eq. 20), softmax(-Ê[c_{1:n-1}, .]) the policy (Eq. 21) and exp(-E[c_{1:N}]) the
reward (Eq. 22). L_mc is the squared error of the flows' matching (Eq. 23), in log space.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.decoding.decode import sample_encoded
from gfncp.networks.energy import Encoding, EnergyNetwork, in_full
from gfncp.objectives.batch import Batch, Terms
from gfncp.partitions import canonical_labels, n_clusters


@dataclass(frozen=True)
class GFNCPLoss:
    """Loss of Algorithm 1; see the module.

    Args:
        beta: probability of the data policy (line 3); of the uniform one otherwise, which reaches every
            partition.
        delta: weight of the regularisation (Eq. 28).
        contrast: weight (lambda) of the contrastive divergence (Eq. 27).
    """

    beta: float = 0.99
    delta: float = 0.6
    contrast: float = 0.4

    def __call__(self, network: EnergyNetwork, batch: Batch, generator: torch.Generator) -> Terms:
        encoding = network.encode(batch.x)
        if torch.rand((), generator=generator) < self.beta:  # lines 4-6: the data policy
            consistency, terminal = consistency_loss(network, encoding, batch)
            contrast = contrastive_divergence(network, encoding, terminal, generator)
        else:  # lines 7-10: space exploration
            labels = uniform_labels(batch.labels, generator)
            consistency, terminal = consistency_loss(network, encoding, replace(batch, labels=labels))
            contrast = terminal.new_zeros(())
        consistency, regularisation = consistency.mean(), terminal.square().mean()
        loss = consistency + self.delta * regularisation + self.contrast * contrast
        return {
            "loss": loss,
            "consistency": consistency.detach(),
            "regularisation": regularisation.detach(),
            "contrast": contrast.detach(),
        }


def consistency_loss(
    network: EnergyNetwork, encoding: Encoding, batch: Batch
) -> tuple[Float[Tensor, "batch"], Float[Tensor, "batch"]]:
    """Return L_mc (Eq. 24) of each set, and the terminal energies E[c_{1:N}].

    For a sampled step n, its parent, step n - 1, is evaluated as well.
    """
    points = batch.labels.shape[1]
    last = points - 1
    steps = batch.steps
    if steps is None:
        steps = torch.arange(1, points, device=batch.labels.device).expand(len(batch.labels), -1)
        energies = network.encoded_energies(encoding, batch.labels)
        here, parent = energies[:, 1:], energies[:, :-1]
        terminal = energies[:, -1]
    else:
        asked = torch.cat([steps, steps - 1, torch.full_like(steps[:, :1], last)], 1)
        energies = network.encoded_energies(encoding, batch.labels, asked)
        here, parent, terminal = energies.split([steps.shape[1], steps.shape[1], 1], 1)
        terminal = terminal[:, 0]
    shifted = torch.where((steps == last)[..., None], here, here - here.amin(-1, keepdim=True))
    chosen = parent.gather(2, batch.labels.gather(1, steps - 1)[..., None])[..., 0]
    chosen = chosen - parent.amin(-1)  # the first state has one option: its shifted energy is 0
    residual = chosen + torch.logsumexp(-shifted, -1)
    terminal = terminal.gather(1, batch.labels[:, -1:])[:, 0]
    return residual.square().sum(1) * batch.per_step, terminal


def contrastive_divergence(
    network: EnergyNetwork,
    encoding: Encoding,
    terminal: Float[Tensor, "batch"],
    generator: torch.Generator,
) -> Float[Tensor, ""]:
    """Return a loss whose gradient is Eq. 27, with one clustering of each set drawn from the policy."""
    # Labels are discrete: no gradient passes through them.
    with torch.no_grad(), in_full(encoding.cluster_terms):
        drawn, _ = sample_encoded(network, encoding, 1, generator)
    return (terminal - network.encoded_terminal(encoding, drawn[:, 0])).mean()


def uniform_labels(
    labels: Int[Tensor, "batch points"], generator: torch.Generator
) -> Int[Tensor, "batch points"]:
    """Draw labels uniformly among some names, in order of appearance.

    There are as many names as the set has clusters and, with probability 1/2 each time, one more, up to the
    number of points: every partition can come, also of sets that are one cluster.
    """
    points = labels.shape[1]
    more = torch.empty(len(labels), dtype=torch.float64).geometric_(0.5, generator=generator) - 1
    names = (n_clusters(labels) + more.long().to(labels.device)).clamp_max(points)
    uniform = torch.rand(labels.shape, generator=generator).to(labels.device)
    return canonical_labels((uniform * names[:, None]).long())
