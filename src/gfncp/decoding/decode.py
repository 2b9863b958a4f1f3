"""Decoding: clusterings from an energy network, one point after the other.

`decode` runs the steps; a strategy of `gfncp.decoding.strategies` chooses among the options of each. `greedy`
and `sample` are its entry points.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gfncp.bounds import ClusterBounds
from gfncp.decoding.state import State, groups, particles_at_once
from gfncp.decoding.strategies import IndependentSamples, Strategy, most_likely
from gfncp.networks.energy import Encoding, EnergyNetwork


def decode(
    network: EnergyNetwork,
    encoding: Encoding,
    choose: Strategy,
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
    absent = (~encoding.mask).any(0).tolist()
    told = (encoding.known >= 0).any(0).tolist()
    for point in range(points):
        state.grow()
        remaining = remaining - encoding.unassigned_terms[:, point]
        left = left - encoding.mask[:, point].long()
        options = _options(network, state, encoding.cluster_terms[state.owner, point], remaining[state.owner])
        energies = options.energies
        if bounds is not None:
            energies = bounds.restrict(energies, state.opened, left[state.owner])
        log_policy = network.log_policy(energies, encoding.temperature[state.owner, point])
        if absent[point]:  # an absent point keeps its particle as it is, with probability 1
            log_policy = _settled(log_policy, ~encoding.mask[state.owner, point], state.opened.new_zeros(()))
        if told[point]:
            known = encoding.known[state.owner, point]
            log_policy = _settled(log_policy, known >= 0, known)

        parents, taken = choose(log_policy, state, before + point)
        row = options.row[parents, taken]
        if not torch.equal(parents, torch.arange(len(state.owner), device=parents.device)):
            state = state.select(parents)
        state.log_prob = state.log_prob + log_policy[parents, taken]
        where = torch.arange(len(parents), device=row.device)
        if absent[point]:
            present = encoding.mask[state.owner, point]
            where, row, taken = where[present], row[present], taken[present]
        state.sums[where, taken] = options.joined[row]
        state.clusters[where, taken] = options.new[row]
        state.labels[where, before + point] = taken
        state.opened[where] = torch.maximum(state.opened[where], taken + 1)
    return state


class _Options(NamedTuple):
    """Options of one point in each particle: the opened clusters and a new one, which are rows in turn."""

    energies: Float[Tensor, "particles options"]  # +inf where there is no such option
    row: Int[Tensor, "particles options"]
    joined: Float[Tensor, "rows sums"]  # sum of the cluster with the point
    new: Float[Tensor, "rows width"]  # representation of the cluster with the point


def _options(
    network: EnergyNetwork,
    state: State,
    term: Float[Tensor, "particles sums"],
    unassigned: Float[Tensor, "particles readers"],
) -> _Options:
    """Evaluate the options of a point, and bring the representations of the clusters up to date.

    Args:
        term: what the point adds to its cluster's sum.
        unassigned: sums of the terms of the points after it.
    """
    options = torch.arange(int(state.opened.max()) + 1, device=term.device)
    valid = options <= state.opened[:, None]
    particle, option = valid.nonzero(as_tuple=True)
    joined = state.sums[particle, option] + term[particle]
    state.clusters = network.represent(state.sums, state.clusters, state.opened, unassigned)
    new = network.cluster(joined, unassigned, particle)
    context = state.clusters.sum(1) + unassigned[:, : network.width]
    energies = torch.full(valid.shape, torch.inf, dtype=term.dtype, device=term.device)
    old = state.clusters[particle, option]
    energies[particle, option] = network.option_energies(context, particle, new, old)
    return _Options(energies, (valid.view(-1).cumsum(0) - 1).view(valid.shape), joined, new)


def _settled(
    log_policy: Float[Tensor, "particles options"],
    settled: Bool[Tensor, "particles"],
    option: Int[Tensor, "*#particles"],
) -> Float[Tensor, "particles options"]:
    """Return log-probabilities with an option that is certain in some particles."""
    chosen = torch.arange(log_policy.shape[1], device=log_policy.device) == option[..., None]
    return torch.where(settled[:, None], torch.where(chosen, 0.0, -torch.inf), log_policy)


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
    draw = IndependentSamples(torch.arange(len(encoding.mask)).repeat_interleave(n_samples), generator)
    state = decode(network, encoding, draw, bounds=bounds)
    particle = draw.particle.view(-1, n_samples).to(state.labels.device)
    return state.labels[particle], state.log_prob[particle]
