"""Clusterings of a stream: points are assigned as they arrive (Appendix C) and never moved."""

from dataclasses import dataclass, fields

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from gfncp.decoding.decode import decode
from gfncp.decoding.state import State
from gfncp.decoding.strategies import IndependentSamples, most_likely
from gfncp.networks.online import OnlineEnergyNetwork


@dataclass(frozen=True)
class Stream:
    """Clusterings of the points so far, and the state needed to extend them.

    They do not depend on how the points are split into batches.

    Attributes:
        greedy: one particle, the greedy clustering; None before the first point.
        sampled: distinct sampled clusterings; None before the first point.
        particle: which of them each sample is.
        random: state of the samples' generator.
    """

    greedy: State | None
    sampled: State | None
    particle: Int[Tensor, "n_samples"]
    random: UInt8[Tensor, "bytes"]

    @classmethod
    def start(cls, n_samples: int, generator: torch.Generator) -> "Stream":
        return cls(None, None, torch.zeros(n_samples, dtype=torch.long), generator.get_state())

    @torch.no_grad()
    def extend(self, network: OnlineEnergyNetwork, x: Float[Tensor, "points *shape"]) -> "Stream":
        """Return the stream after the points ``x``; this one stays as it is."""
        encoding = network.encode(x[None])
        generator = torch.Generator()
        generator.set_state(self.random)
        draw = IndependentSamples(self.particle, generator)
        greedy = decode(network, encoding, most_likely, self.greedy)
        sampled = decode(network, encoding, draw, self.sampled)
        return Stream(greedy, sampled, draw.particle, generator.get_state())

    def to(self, device: torch.device) -> "Stream":
        """Return the stream on a device; samples are drawn on the CPU wherever it is."""
        greedy, sampled = (
            part and State(*(getattr(part, field.name).to(device) for field in fields(State)))
            for part in (self.greedy, self.sampled)
        )
        return Stream(greedy, sampled, self.particle, self.random)

    @property
    def labels(self) -> Int[Tensor, "points"]:
        """Return the greedy clustering."""
        return _begun(self.greedy).labels[0]

    @property
    def log_prob(self) -> Float[Tensor, ""]:
        """Return the log-probability of the greedy clustering."""
        return _begun(self.greedy).log_prob[0]

    @property
    def samples(self) -> tuple[Int[Tensor, "n_samples points"], Float[Tensor, "n_samples"]]:
        """Return labels and log-probabilities of the samples."""
        sampled = _begun(self.sampled)
        return sampled.labels[self.particle], sampled.log_prob[self.particle]

    def tensors(self) -> dict[str, Tensor]:
        """Return all parts by name, to be stored; see `from_tensors`."""
        named = {"particle": self.particle, "random": self.random}
        for part in ("greedy", "sampled"):
            state = getattr(self, part)
            named |= {f"{part}/{field.name}": getattr(state, field.name) for field in fields(State)}
        return named

    @classmethod
    def from_tensors(cls, named: dict[str, Tensor]) -> "Stream":
        greedy, sampled = (
            State(*(named[f"{part}/{field.name}"] for field in fields(State)))
            for part in ("greedy", "sampled")
        )
        return cls(greedy, sampled, named["particle"], named["random"])


def _begun(state: State | None) -> State:
    """Return a state that there is, once a point is assigned."""
    if state is None:
        raise ValueError("the stream has no points yet: accepted after `Stream.extend`")
    return state
