"""Exact conditionals of mixtures in the first steps of a policy, by Gibbs sampling.

A cluster that is split early stays split, since each later member can join either part. So the conditionals
p(c_n | c_{1:n-1}, x_{1:N}) of small n matter most, where almost nothing is assigned and all points are known.
Labels of later points are drawn by collapsed Gibbs sweeps and merge-split proposals that leave c_{1:n-1}
unchanged, and the conditional of c_n given all others is averaged over these draws.

Chains start at the true labels. Of simulated sets these are a draw from p(c_{n:N} | c_{1:n-1}, x), so that a
chain that is slow to split or merge clusters is right on average over sets; one that built up its clusters
point by point would stay with those that it split too early.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gfncp.bounds import ClusterBounds
from gfncp.evaluation.means import Mean, ratio
from gfncp.mixtures.collapsed_gibbs import log_options, sweep
from gfncp.mixtures.conjugate import ConjugateModel, KnownCovariance, cluster_sums, log_predictive
from gfncp.mixtures.merge_split import merge_split
from gfncp.networks.energy import EnergyNetwork
from gfncp.simulators import GaussianMixtures

RANGES = ((2, 9), (10, 17), (18, 33))  # steps n, both ends included; step n assigns the n-th point
BURN_IN = 0.5  # share of the sweeps that is discarded
ROWS_PER_PART = 1024  # rows, each of a set and a step, that advance together


def exact_new(
    x: Float[Tensor, "sets points dim"],
    labels: Int[Tensor, "sets points"],
    steps: int,
    mixture: GaussianMixtures,
    sweeps: int,
    generator: torch.Generator,
) -> Float[Tensor, "sets steps"]:
    """Estimate p(c_n is a new cluster | c_{1:n-1}, x_{1:N}) for n = 2..``steps`` + 1, in float64.

    Args:
        labels: true ones, in order of appearance; the first n - 1 of them are given at step n.
        sweeps: sweeps of all later points; the first half is discarded, since it depends on c_n.
    """
    given = torch.arange(1, steps + 1).repeat(len(x))
    rows = x.double().repeat_interleave(steps, 0), labels.repeat_interleave(steps, 0), given
    parts = [
        _exact_new(some_x, some_labels, some_given, mixture, sweeps, generator)
        for some_x, some_labels, some_given in zip(*(v.split(ROWS_PER_PART) for v in rows), strict=True)
    ]
    return torch.cat(parts).view(len(x), steps)


def _exact_new(x, labels, given, mixture, sweeps, generator):
    points = labels.shape[1]
    bounds = ClusterBounds.of(mixture.n_clusters, points)
    model, alpha = KnownCovariance(mixture.spread), mixture.alpha
    opened = torch.where(torch.arange(points) < given[:, None], labels, -1).amax(1) + 1
    state = labels
    total, averaged = torch.zeros(len(x), dtype=torch.float64), 0
    for number in range(sweeps):
        state = sweep(x, state, model, alpha, generator, bounds, given)
        state = merge_split(x, state, model, alpha, generator, bounds, given)
        if number >= BURN_IN * sweeps:
            total += _new_given_others(x, state, given, opened, model, alpha, bounds)
            averaged += 1
    return total / averaged


def _new_given_others(
    x: Float[Tensor, "rows points dim"],
    state: Int[Tensor, "rows points"],
    given: Int[Tensor, "rows"],
    opened: Int[Tensor, "rows"],
    model: ConjugateModel,
    alpha: float,
    bounds: ClusterBounds | None,
) -> Float[Tensor, "rows"]:
    """Return the probability that the first point that is not given opens a cluster, given all others."""
    row = torch.arange(len(x))
    others = state.clone()
    others[row, given] = -1
    slots = int(state.max()) + 2
    sums = cluster_sums(others, slots, model.statistics(x))
    of_point = log_predictive(model, x[row, given][:, None], sums)
    nothing = torch.zeros(len(x), dtype=torch.long)
    p = log_options(of_point, sums[..., 0], nothing, alpha, bounds).exp()
    return p.masked_fill(torch.arange(slots) < opened[:, None], 0.0).sum(1)


@torch.no_grad()
def network_new(
    network: EnergyNetwork,
    x: Float[Tensor, "sets points *shape"],
    labels: Int[Tensor, "sets points"],
    steps: int,
) -> Float[Tensor, "sets steps"]:
    """Return a network's probability that c_n is a new cluster, at its temperature, n = 2..``steps`` + 1."""
    asked = torch.arange(1, steps + 1, device=labels.device).expand(len(labels), -1)
    encoding = network.encode(x)
    energies = network.encoded_energies(encoding, labels, asked)
    p = network.log_policy(energies, encoding.temperature[:, :steps]).exp()
    opened = labels.cummax(1).values[:, :steps] + 1
    return p.gather(2, opened[..., None])[..., 0]


def opens(labels: Int[Tensor, "sets points"], steps: int) -> Bool[Tensor, "sets steps"]:
    """Return True for each of the steps n = 2..``steps`` + 1 at which the labels open a cluster."""
    before = labels.cummax(1).values
    return labels[:, 1 : steps + 1] > before[:, :steps]


class Errors(NamedTuple):
    """Means per step, over the steps of a range and over sets."""

    spurious: Mean  # probability of a new cluster where the truth opens none
    missed: Mean  # one minus it where the truth opens one


def errors_by_range(
    new: Float[Tensor, "sets steps"], opened: Bool[Tensor, "sets steps"]
) -> dict[str, Errors]:
    """Return the errors of the ranges of steps that the sets reach."""
    found = {}
    for first, last in RANGES:
        p, true = new[:, first - 2 : last - 1], opened[:, first - 2 : last - 1]
        if p.shape[1]:
            found[f"{first}-{first + p.shape[1] - 1}"] = Errors(_mean(p, ~true), _mean(1 - p, true))
    return found


def _mean(values: Tensor, where: Tensor) -> Mean:
    return ratio(*(_per_set(part) for part in (values * where, where)))


def _per_set(values: Tensor) -> Float[np.ndarray, "sets"]:
    return values.double().sum(1).cpu().numpy()
