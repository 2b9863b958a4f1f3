"""Training objectives: from an energy network and a batch of labelled sets to a loss.

A `Batch` is drawn once; an objective asks the network for the energies it needs. Sums over the steps
n = 2..N may be estimated from a random subset of steps (``sampled_steps``), without bias.
"""

from dataclasses import dataclass, fields, replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gfncp.decoding.decode import sample_encoded
from gfncp.networks.energy import Encoding, EnergyNetwork, in_full
from gfncp.partitions import canonical_labels, n_clusters
from gfncp.schedules import ramp

Terms = dict[str, Float[Tensor, ""]]


@dataclass(frozen=True)
class Batch:
    """Labelled sets of one size.

    Args:
        steps: indices of the steps to use, sorted; None for all.
        progress: the share of training that is done.
        mask: True where a point is present; None for all.
        beside, beside_labels: points beside these, and their clusters; -1 for none of these.
    """

    x: Float[Tensor, "batch points *shape"]
    labels: Int[Tensor, "batch points"]
    steps: Int[Tensor, "batch steps"] | None = None
    progress: float = 1.0
    mask: Bool[Tensor, "batch points"] | None = None
    beside: Float[Tensor, "batch beside dim"] | None = None
    beside_labels: Int[Tensor, "batch beside"] | None = None

    def to(self, device: torch.device) -> "Batch":
        values = (getattr(self, field.name) for field in fields(self))
        return Batch(*(value.to(device) if isinstance(value, Tensor) else value for value in values))

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
        _, chosen = follow(network, network.encode(batch.x), batch.labels, batch.steps)
        points = batch.labels.shape[1]
        nll = -chosen.sum(1).mean() * batch.per_step / points
        return {"loss": nll, "nll": nll.detach()}


@dataclass(frozen=True)
class GFNCP:
    """Ours: maximum likelihood along two orders of the data that must agree, with exact terminal energies.

    The terms are all zero, or at their minimum, at the true posterior; none needs samples of the policy:

    - ``nll``: as `NCP`, along the given order and a random one;
    - ``disagreement``: squared difference of log p(c | x) between the two orders, over 2 N. It is the
      variance that order invariance (Eq. 3) forbids; its weight grows between a tenth and four tenths of
      training, since it is trivially small before the policy knows anything;
    - ``terminal``: pseudo-likelihood, the policy of single points given the labels of all others. It trains
      differences of terminal energies (the reward, Eq. 22) where contrastive divergence (Eq. 27) would need
      samples;
    - ``anchor``: squared log-partition of the options, so that energies do not drift.

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
        weights = {
            "nll": 1.0,
            "disagreement": self.disagreement * ramp(batch.progress, 0.1, 0.4),
            "terminal": self.terminal,
            "anchor": self.anchor,
        }
        loss = sum(weights[name] * term for name, term in terms.items())
        return {"loss": loss} | {name: term.detach() for name, term in terms.items()}

    @staticmethod
    def conditionals(network, encoding, labels, generator) -> Float[Tensor, "batch"]:
        """log p(c_i | all other labels, x) of one random point of each set."""
        batch, points = labels.shape
        last = torch.full((batch, 1), points - 1, device=labels.device)
        return follow(network, *reorder(encoding, labels, random_order(labels, generator)), last)[1][:, 0]


def follow(
    network: EnergyNetwork,
    encoding: Encoding,
    labels: Int[Tensor, "batch points"],
    steps: Int[Tensor, "batch steps"] | None,
) -> tuple[Float[Tensor, "batch steps options"], Float[Tensor, "batch steps"]]:
    """Energies of the options along given labels, and log-probabilities of the labels."""
    energies = network.encoded_energies(encoding, labels, steps)
    taken = labels if steps is None else labels.gather(1, steps)
    return energies, log_policy(energies).gather(2, taken.clamp_min(0)[..., None])[..., 0]


def random_order(
    labels: Int[Tensor, "batch points"], generator: torch.Generator
) -> Int[Tensor, "batch points"]:
    return torch.rand(labels.shape, generator=generator).argsort(1).to(labels.device)


def reorder(
    encoding: Encoding, labels: Int[Tensor, "batch points"], order: Int[Tensor, "batch points"]
) -> tuple[Encoding, Int[Tensor, "batch points"]]:
    """The same sets with their points in another order."""
    y, v = (part.gather(1, order[..., None].expand_as(part)) for part in (encoding.y, encoding.v))
    mask, known = (part.gather(1, order) for part in (encoding.mask, encoding.known))
    return Encoding(y, v, mask, known), canonical_labels(labels.gather(1, order))


@dataclass(frozen=True)
class GFNCPPaper:
    """Algorithm 1: the data policy with probability beta, else uniform labels.

    Args:
        beta: probability of the data policy; of the uniform one otherwise, which reaches every partition.
        delta: weight of the regularisation (Eq. 28).
        contrast: weight (lambda) of the contrastive divergence (Eq. 27).
    """

    beta: float = 0.99
    delta: float = 0.6
    contrast: float = 0.4

    def __call__(self, network: EnergyNetwork, batch: Batch, generator: torch.Generator) -> Terms:
        encoding = network.encode(batch.x)
        if torch.rand((), generator=generator) < self.beta:
            consistency, terminal = marginal_consistency(network, encoding, batch)
            contrast = contrastive_divergence(network, encoding, terminal, generator)
        else:
            labels = uniform_labels(batch.labels, generator)
            consistency, terminal = marginal_consistency(network, encoding, replace(batch, labels=labels))
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
    network: EnergyNetwork, encoding: Encoding, batch: Batch
) -> tuple[Float[Tensor, "batch"], Float[Tensor, "batch"]]:
    """L_mc with the shifted energies (Eq. 24), and the terminal energies E[c_{1:N}].

    A sampled step n brings its parent, step n - 1, along.
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
    """A loss whose gradient is Eq. 27, with one clustering of each set drawn from the learned policy."""
    with torch.no_grad(), in_full(encoding.y):  # labels are discrete: no gradient passes through them
        drawn, _ = sample_encoded(network, encoding, 1, generator)
    return (terminal - network.encoded_terminal(encoding, drawn[:, 0])).mean()


def uniform_labels(
    labels: Int[Tensor, "batch points"], generator: torch.Generator
) -> Int[Tensor, "batch points"]:
    """Labels drawn uniformly among some names, in order of appearance.

    There are as many names as the set has clusters and, with probability 1/2 each time, one more, up to the
    number of points: every partition can come, also of sets that are one cluster.
    """
    points = labels.shape[1]
    more = torch.empty(len(labels), dtype=torch.float64).geometric_(0.5, generator=generator) - 1
    names = (n_clusters(labels) + more.long().to(labels.device)).clamp_max(points)
    uniform = torch.rand(labels.shape, generator=generator).to(labels.device)
    return canonical_labels((uniform * names[:, None]).long())
