"""Decoding: clusterings from an energy network, one point after the other.

`decode` runs the steps; a strategy of `gfncp.decoding.strategies` chooses among the options of each. `greedy`
and `sample` are its entry points.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.bounds import ClusterBounds
from gfncp.decoding.state import State, groups, particles_at_once
from gfncp.decoding.strategies import Choose, Draw, most_likely
from gfncp.networks.energy import Encoding, EnergyNetwork


def decode(
    network: EnergyNetwork,
    encoding: Encoding,
    choose: Choose,
    state: State | None = None,
    bounds: ClusterBounds | None = None,
) -> State:
    """Assign every present point in turn; ``choose`` picks among the options by their log-probabilities.

    Args:
        state: partial clusterings to go on with, which stay as they are; the points of ``encoding`` come
            after theirs. Default: nothing is assigned yet.
        bounds: on the number of clusters; options that lead out of them have probability 0.
    """
    remaining = encoding.unassigned_terms.sum(1)
    left = encoding.mask.sum(1)
    if state is None:
        state = State.start(encoding, network.width)
    else:
        state = state.select(torch.arange(len(state.owner)))
    before, points = state.labels.shape[1], encoding.mask.shape[1]
    state.labels = F.pad(state.labels, (0, points), value=-1)
    everyone = bool(encoding.mask.all())
    told = (encoding.known >= 0).any(0).tolist()
    for point in range(points):
        state.grow()
        remaining = remaining - encoding.unassigned_terms[:, point]
        left = left - encoding.mask[:, point].long()
        term = encoding.cluster_terms[state.owner, point]
        options = torch.arange(int(state.opened.max()) + 1, device=term.device)
        valid = options <= state.opened[:, None]
        particle, option = valid.nonzero(as_tuple=True)
        joined = state.sums[particle, option] + term[particle]
        unassigned = remaining[state.owner]
        state.clusters = network.represent(state.sums, state.clusters, state.opened, unassigned)
        new = network.cluster(joined, unassigned, particle)
        context = state.clusters.sum(1) + unassigned[:, : network.width]
        energies = torch.full(valid.shape, torch.inf, dtype=term.dtype, device=term.device)
        old = state.clusters[particle, option]
        energies[particle, option] = network.option_energies(context, particle, new, old)
        if bounds is not None:
            admitted = bounds.admits(state.opened, left[state.owner], len(options))
            energies = energies.masked_fill(~admitted, torch.inf)
        log_policy = network.log_policy(energies)
        if not everyone:  # an absent point keeps its particle as it is, with probability 1
            present = encoding.mask[state.owner, point]
            log_policy = torch.where(present[:, None], log_policy, torch.where(options == 0, 0.0, -torch.inf))
        if told[point]:
            known = encoding.known[state.owner, point][:, None]
            log_policy = torch.where(known < 0, log_policy, torch.where(options == known, 0.0, -torch.inf))

        parents, taken = choose(log_policy, state, before + point)
        row = (valid.view(-1).cumsum(0) - 1).view(valid.shape)[parents, taken]
        if not torch.equal(parents, torch.arange(len(state.owner), device=parents.device)):
            state = state.select(parents)
        state.log_prob = state.log_prob + log_policy[parents, taken]
        where = torch.arange(len(parents), device=term.device)
        if not everyone:
            present = encoding.mask[state.owner, point]
            where, row, taken = where[present], row[present], taken[present]
        state.sums[where, taken] = joined[row]
        state.clusters[where, taken] = new[row]
        state.labels[where, before + point] = taken
        state.opened[where] = torch.maximum(state.opened[where], taken + 1)
    return state


@torch.no_grad()
def greedy(
    network: EnergyNetwork, x: Tensor, mask: Tensor | None = None, bounds: ClusterBounds | None = None
) -> tuple[Tensor, Tensor]:
    """Take the most probable option at each step.

    Returns:
        Labels ``(batch, points)``, -1 where absent, and their log-probabilities ``(batch,)``.
    """
    parts = groups(network.encode(x, mask), 1)
    states = [decode(network, group, most_likely, bounds=bounds) for group in parts]
    return torch.cat([s.labels for s in states]), torch.cat([s.log_prob for s in states])


@torch.no_grad()
def sample(
    network: EnergyNetwork,
    x: Tensor,
    n_samples: int,
    generator: torch.Generator,
    mask: Tensor | None = None,
    bounds: ClusterBounds | None = None,
) -> tuple[Tensor, Tensor]:
    """Draw independent clusterings from the policy.

    Returns:
        Labels ``(batch, n_samples, points)`` and log-probabilities ``(batch, n_samples)``.
    """
    return sample_encoded(network, network.encode(x, mask), n_samples, generator, bounds)


def sample_encoded(
    network: EnergyNetwork,
    encoding: Encoding,
    n_samples: int,
    generator: torch.Generator,
    bounds: ClusterBounds | None = None,
) -> tuple[Int[Tensor, "batch n_samples points"], Float[Tensor, "batch n_samples"]]:
    """Draw independent clusterings of encoded sets; see `sample`."""
    at_once = min(n_samples, particles_at_once(encoding))
    labels, log_prob = [], []
    for group in groups(encoding, at_once):
        draws = [
            _sample(network, group, min(at_once, n_samples - done), generator, bounds)
            for done in range(0, n_samples, at_once)
        ]
        labels.append(torch.cat([drawn for drawn, _ in draws], 1))
        log_prob.append(torch.cat([value for _, value in draws], 1))
    return torch.cat(labels), torch.cat(log_prob)


def _sample(network, encoding, n_samples, generator, bounds):
    draw = Draw(torch.arange(len(encoding.mask)).repeat_interleave(n_samples), generator)
    state = decode(network, encoding, draw, bounds=bounds)
    particle = draw.particle.view(-1, n_samples).to(state.labels.device)
    return state.labels[particle], state.log_prob[particle]
