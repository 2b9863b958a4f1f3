"""Exact sampling of a mixture's posterior for sets of any size, the yardstick of quality.

Each chain alternates collapsed Gibbs sweeps with merge-split proposals; all sets, and all chains, advance
together.
"""

from collections.abc import Iterator
from itertools import islice

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.bounds import ClusterBounds
from gfncp.mixtures.collapsed_gibbs import sweep
from gfncp.mixtures.conjugate import ConjugateModel, log_joint
from gfncp.mixtures.merge_split import merge_split


def exact_chains(
    x: Float[Tensor, "sets points dim"],
    model: ConjugateModel,
    alpha: float,
    generator: torch.Generator,
    n_clusters: int | tuple[int, int] | None = None,
) -> Iterator[Int[Tensor, "sets points"]]:
    """Yield the states of one chain per set, without end.

    The first state is built point by point; each further one follows a sweep and a merge-split proposal.

    Args:
        n_clusters: bounds on the number of clusters, see `gfncp.bounds.ClusterBounds.of`.

    Raises:
        ValueError: ``n_clusters`` is impossible.
    """
    bounds = ClusterBounds.of(n_clusters, x.shape[1])
    labels = sweep(x, torch.full(x.shape[:2], -1), model, alpha, generator, bounds)
    while True:
        yield labels
        labels = sweep(x, labels, model, alpha, generator, bounds)
        labels = merge_split(x, labels, model, alpha, generator, bounds)


def best_state(
    x: Float[Tensor, "sets points dim"],
    model: ConjugateModel,
    alpha: float,
    generator: torch.Generator,
    n_clusters: int | tuple[int, int] | None = None,
    *,
    chains: int,
    sweeps: int,
) -> Int[Tensor, "sets points"]:
    """Return the visited clustering of highest posterior probability, over several chains of each set."""
    copies = x.double().repeat_interleave(chains, 0)
    states = torch.stack([*islice(exact_chains(copies, model, alpha, generator, n_clusters), sweeps)])
    value = torch.stack([log_joint(copies, state, model, alpha) for state in states])
    by_set = value.view(sweeps, len(x), chains).transpose(1, 2).reshape(sweeps * chains, len(x))
    labels = states.view(sweeps, len(x), chains, -1).transpose(1, 2).reshape(sweeps * chains, len(x), -1)
    return labels[by_set.argmax(0), torch.arange(len(x))]
