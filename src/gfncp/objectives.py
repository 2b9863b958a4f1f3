"""Training objectives: from an energy network and a batch of labelled sets to a loss.

A `Batch` is drawn once; an objective asks the network for the energies it needs. Sums over the steps
n = 2..N may be estimated from a random subset of steps (``sampled_steps``), without bias.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gfncp.decoding import sample
from gfncp.energy import EnergyNetwork
from gfncp.partitions import canonical_labels, n_clusters

Terms = dict[str, Float[Tensor, ""]]


@dataclass(frozen=True)
class Batch:
    """Labelled sets of one size.

    Args:
        steps: indices of the steps to use, sorted; None for all.
    """

    x: Float[Tensor, "batch points *shape"]
    labels: Int[Tensor, "batch points"]
    steps: Int[Tensor, "batch steps"] | None = None

    @property
    def per_step(self) -> float:
        """Factor that turns a sum over the batch's steps into an estimate of the sum over n = 2..N."""
        return 1.0 if self.steps is None else (self.labels.shape[1] - 1) / self.steps.shape[1]


@runtime_checkable
class Objective(Protocol):
    """What trains a network: the loss, and terms to report, all scalars; ``"loss"`` carries the gradient."""

    def __call__(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> Terms: ...


def draw_steps(sets: int, points: int, count: int, generator: torch.Generator) -> Int[Tensor, "sets steps"]:
    """Distinct random steps among n = 2..N (indices 1..N-1), sorted."""
    return torch.rand(sets, points - 1, generator=generator).topk(count).indices.sort(1).values + 1


def log_policy(energies: Float[Tensor, "batch steps options"]) -> Float[Tensor, "batch steps options"]:
    """log p(c_n | c_{1:n-1}, x) (Eq. 10, 21)."""
    return torch.log_softmax(-energies, -1)


@dataclass(frozen=True)
class NCP:
    """Maximum likelihood (Eq. 11): the mean negative log-likelihood of a point's label."""

    def __call__(self, network: EnergyNetwork, batch: Batch, generator: torch.Generator) -> Terms:
        energies = network.energies(batch.x, batch.labels, steps=batch.steps)
        labels = batch.labels if batch.steps is None else batch.labels.gather(1, batch.steps)
        chosen = log_policy(energies).gather(2, labels[..., None])[..., 0]
        points = batch.labels.shape[1]
        nll = -chosen.sum(1).mean() * batch.per_step / points
        return {"loss": nll, "nll": nll.detach()}


@dataclass(frozen=True)
class GFNCPPaper:
    """Algorithm 1: the data policy with probability beta, else uniform labels.

    Args:
        beta: probability of the data policy.
        delta: weight of the regularisation (Eq. 28).
        contrast: weight (lambda) of the contrastive divergence (Eq. 27).
    """

    beta: float = 0.99
    delta: float = 0.6
    contrast: float = 0.4

    def __call__(self, network: EnergyNetwork, batch: Batch, generator: torch.Generator) -> Terms:
        if torch.rand((), generator=generator) < self.beta:
            consistency, terminal = marginal_consistency(network, batch)
            contrast = contrastive_divergence(network, batch, terminal, generator)
        else:
            labels = uniform_labels(batch.labels, generator)
            consistency, terminal = marginal_consistency(network, Batch(batch.x, labels, batch.steps))
            contrast = terminal.new_zeros(())
        consistency, regularisation = consistency.mean(), terminal.square().mean()
        loss = consistency + self.delta * regularisation + self.contrast * contrast
        return {
            "loss": loss,
            "consistency": consistency.detach(),
            "regularisation": regularisation.detach(),
            "contrast": contrast.detach(),
        }


def marginal_consistency(
    network: EnergyNetwork, batch: Batch
) -> tuple[Float[Tensor, "batch"], Float[Tensor, "batch"]]:
    """L_mc with the shifted energies (Eq. 24), and the terminal energies E[c_{1:N}].

    A sampled step n brings its parent, step n - 1, along.
    """
    points = batch.labels.shape[1]
    last = points - 1
    steps = torch.arange(1, points).expand(len(batch.x), -1) if batch.steps is None else batch.steps
    if batch.steps is None:
        energies = network.energies(batch.x, batch.labels)
        here, parent = energies[:, 1:], energies[:, :-1]
        terminal = energies[:, -1]
    else:
        asked = torch.cat([steps, steps - 1, torch.full_like(steps[:, :1], last)], 1)
        energies = network.energies(batch.x, batch.labels, steps=asked)
        here, parent, terminal = energies.split([steps.shape[1], steps.shape[1], 1], 1)
        terminal = terminal[:, 0]
    shifted = torch.where((steps == last)[..., None], here, here - here.amin(-1, keepdim=True))
    chosen = parent.gather(2, batch.labels.gather(1, steps - 1)[..., None])[..., 0]
    chosen = chosen - parent.amin(-1)  # the first state has one option: its shifted energy is 0
    residual = chosen + torch.logsumexp(-shifted, -1)
    terminal = terminal.gather(1, batch.labels[:, -1:])[:, 0]
    return residual.square().sum(1) * batch.per_step, terminal


def contrastive_divergence(
    network: EnergyNetwork, batch: Batch, terminal: Float[Tensor, "batch"], generator: torch.Generator
) -> Float[Tensor, ""]:
    """A loss whose gradient is Eq. 27, with one clustering of each set drawn from the learned policy."""
    drawn, _ = sample(network, batch.x, 1, generator)
    return (terminal - network.terminal_energy(batch.x, drawn[:, 0])).mean()


def uniform_labels(
    labels: Int[Tensor, "batch points"], generator: torch.Generator
) -> Int[Tensor, "batch points"]:
    """Labels drawn uniformly among as many clusters as each set has, in order of appearance."""
    drawn = torch.rand(labels.shape, generator=generator) * n_clusters(labels)[:, None]
    return canonical_labels(drawn.long())
