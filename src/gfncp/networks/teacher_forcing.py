"""Teacher forcing: the energies of all options along given labels, in one pass.

| tensor | shape | meaning |
|---|---|---|
| ``cluster_terms`` | (batch, points, sums) | term of each point in its cluster's sum |
| ``unassigned_terms`` | (batch, points, readers) | term of each point in U while it is unassigned |
| ``labels`` | (batch, points) | clusters in order of appearance, -1 where absent |
| ``steps`` | (batch, steps) | points whose options are evaluated |
| ``valid`` | (batch, steps, options) | True for the options of a step: opened clusters, and a new one |
| ``set_of``, ``step_of``, ``option_of`` | (rows,) | where ``valid`` holds; a row is one option of one step |
| ``sums`` | (batch * points + 1, sums) | sum of each point's cluster up to that point; last a row of zeros |
| ``last`` | (rows,) | row of ``sums`` of the option's last member before the step |
| ``new``, ``old`` | (rows, width) | the option's cluster, represented with the step's point and without it |
| ``context`` | (batch * steps, width) | clusters' representations and unassigned points' terms, summed |

Rows are evaluated in groups of sets of bounded size. Where gradients are needed, the activations of a bounded
number of rows are kept, and those of the others are computed again.
"""

from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from gfncp.networks.layers import at_once
from gfncp.partitions import opened_before

ROWS_PER_GROUP = 16_384  # rows of one group of sets: its intermediate sums stay in the cache
ROWS_KEPT = 262_144  # rows whose activations are kept for the backward pass; others are computed again
ROWS_KEPT_APART = 2_097_152  # on a device with a memory of its own; about 20 GB


@runtime_checkable
class Energies(Protocol):
    """Network whose energies are asked for; see `gfncp.networks.energy.EnergyNetwork`."""

    width: int

    def cluster(
        self,
        pooled: Float[Tensor, "rows sums"],
        unassigned: Float[Tensor, "states readers"],
        state: Int[Tensor, "rows"],
    ) -> Float[Tensor, "rows width"]: ...

    def option_energies(
        self,
        context: Float[Tensor, "states width"],
        state: Int[Tensor, "rows"],
        new: Float[Tensor, "rows width"],
        old: Float[Tensor, "rows width"],
    ) -> Float[Tensor, "rows"]: ...

    def all_steps(
        self,
        cluster_terms: Float[Tensor, "batch points sums"],
        unassigned_terms: Float[Tensor, "batch points readers"],
        mask: Bool[Tensor, "batch points"],
        labels: Int[Tensor, "batch points"],
        clusters: int,
    ) -> Float[Tensor, "batch points options"]: ...


def energies(
    network: Energies,
    cluster_terms: Float[Tensor, "batch points sums"],
    unassigned_terms: Float[Tensor, "batch points readers"],
    mask: Bool[Tensor, "batch points"],
    labels: Int[Tensor, "batch points"],
    steps: Int[Tensor, "batch steps"] | None,
) -> Float[Tensor, "batch steps options"]:
    """Return the energies of every option at all steps, or at the given ones."""
    clusters = max(int(labels.max()) + 1, 1)
    most_kept = ROWS_KEPT if labels.device.type == "cpu" else ROWS_KEPT_APART
    terms = cluster_terms, unassigned_terms, mask, labels
    if steps is None and labels.shape[1] * clusters > most_kept:
        return _in_parts(network, terms, most_kept // (2 * clusters))
    per_set = labels.shape[1] * clusters if steps is None else 2 * steps.shape[1] * clusters
    sets = max(1, at_once(ROWS_PER_GROUP, labels.device) // per_set)
    parts = zip(*(part.split(sets) for part in (*terms, *(() if steps is None else (steps,)))), strict=True)
    groups = [(*part, clusters) for part in parts]

    def run(*group):
        return network.all_steps(*group) if steps is None else some_steps(network, *group)

    kept = most_kept // (sets * per_set) if torch.is_grad_enabled() else len(groups)
    found = [run(*group) for group in groups[:kept]]
    found += [checkpoint(run, *group, use_reentrant=False) for group in groups[kept:]]
    return torch.cat(found)


def _in_parts(network: Energies, terms: tuple[Tensor, ...], size: int) -> Tensor:
    """Return the energies of all steps of sets of which one has too many rows to keep, in parts."""
    labels = terms[-1]
    every = torch.arange(labels.shape[1], device=labels.device).expand(len(labels), -1)
    parts = every.split(max(1, size), 1)
    found = [checkpoint(energies, network, *terms, steps, use_reentrant=False) for steps in parts]
    return torch.cat(found, 1)


def all_steps(
    network: Energies,
    cluster_terms: Float[Tensor, "batch points sums"],
    unassigned_terms: Float[Tensor, "batch points readers"],
    mask: Bool[Tensor, "batch points"],
    labels: Int[Tensor, "batch points"],
    clusters: int,
) -> Float[Tensor, "batch points options"]:
    """Return the energies of all steps.

    A cluster's sum and representation before step n are those that its last member left.
    """
    batch, points, sums_width = cluster_terms.shape
    valid = _options(opened_before(labels), clusters, mask)
    set_of, step_of, option_of = valid.nonzero(as_tuple=True)
    row_of = (valid.view(-1).cumsum(0) - 1).view(valid.shape)
    index = torch.arange(points, device=labels.device)
    joined = labels[..., None] == torch.arange(clusters + 1, device=labels.device)
    last = torch.where(joined, index[:, None], -1).cummax(1).values  # last member up to each point
    last = F.pad(last[:, :-1], (0, 0, 1, 0), value=-1)[set_of, step_of, option_of]  # ... before it
    last = torch.where(last < 0, batch * points, set_of * points + last)  # none: a row of zeros, last
    at = set_of * points + step_of

    same = (labels[:, :, None] == labels[:, None, :]).tril().to(cluster_terms.dtype)
    sums = F.pad((same @ cluster_terms).view(-1, sums_width), (0, 0, 0, 1))
    own = cluster_terms.reshape(-1, sums_width)
    new = network.cluster(F.embedding(last, sums) + F.embedding(at, own), unassigned_terms.flatten(0, 1), at)
    own_row = row_of.gather(2, labels.clamp_min(0)[..., None]).view(-1).clamp_min(0)
    left = F.pad(F.embedding(own_row, new), (0, 0, 0, 1))  # each point's cluster, as it left it

    taken = (left[:-1] - F.embedding(last[own_row], left)).view(batch, points, -1) * mask[..., None]
    context = unassigned_terms.sum(1, keepdim=True) + (taken - unassigned_terms).cumsum(1) - taken
    old = F.embedding(last, left)
    found = network.option_energies(context.view(-1, network.width), at, new, old)
    return _dense(valid, mask, found)


def some_steps(
    network: Energies,
    cluster_terms: Float[Tensor, "batch points sums"],
    unassigned_terms: Float[Tensor, "batch points readers"],
    mask: Bool[Tensor, "batch points"],
    labels: Int[Tensor, "batch points"],
    steps: Int[Tensor, "batch steps"],
    clusters: int,
) -> Float[Tensor, "batch steps options"]:
    """Return the energies of the given steps.

    Points between two consecutive steps are summed by cluster, then those sums are cumulated.
    """
    batch, points, sums_width = cluster_terms.shape
    here = mask.gather(1, steps)
    opened = opened_before(labels).gather(1, steps)
    valid = _options(opened, clusters, here)
    set_of, step_of, option_of = valid.nonzero(as_tuple=True)
    exists = option_of < opened[set_of, step_of]  # the last option of each step is a new cluster

    count, options = valid.shape[1:]
    ordered = steps.sort(1).values
    index = torch.arange(points, device=labels.device).repeat(batch, 1)
    stage = torch.searchsorted(ordered, index, right=True)  # number of steps up to each point
    every_set = torch.arange(batch, device=labels.device)[:, None]
    cell = (every_set * (count + 1) + stage) * options + labels.clamp_min(0)
    sums = cluster_terms.new_zeros(batch * (count + 1) * options, sums_width)
    sums = sums.index_add(0, cell.view(-1), cluster_terms.reshape(-1, sums_width))
    sums = sums.view(batch, count + 1, -1).cumsum(1).view(-1, sums_width)
    stage = torch.searchsorted(ordered, steps.contiguous())[set_of, step_of]
    pooled = F.embedding((set_of * (count + 1) + stage) * options + option_of, sums)
    point = cluster_terms.gather(1, steps[..., None].expand(-1, -1, sums_width)).reshape(-1, sums_width)
    at = set_of * steps.shape[1] + step_of

    after = torch.arange(points, device=labels.device) > steps[..., None]
    unassigned = (after.to(unassigned_terms.dtype) @ unassigned_terms).flatten(0, 1)
    rows = torch.cat([pooled + F.embedding(at, point), pooled[exists]])
    new, old = network.cluster(rows, unassigned, torch.cat([at, at[exists]])).split_with_sizes(
        [len(at), len(rows) - len(at)]
    )
    old = torch.zeros_like(new).masked_scatter(exists[:, None], old)
    context = unassigned[:, : network.width].index_add(0, at, old)
    return _dense(valid, here, network.option_energies(context, at, new, old))


def check_order(labels: Int[Tensor, "batch points"], mask: Bool[Tensor, "batch points"]) -> None:
    """Refuse labels that are not in order of appearance.

    Raises:
        ValueError: they are not.
    """
    wrong = ((labels > opened_before(labels)) | (labels < 0)) & mask
    if wrong.any():
        row, point = wrong.nonzero()[0].tolist()
        raise ValueError(
            f"labels: point {point} of set {row} has label {int(labels[row, point])}; accepted are labels in "
            f"order of appearance, here at most {int(opened_before(labels)[row, point])}"
        )


def _options(
    opened: Int[Tensor, "batch steps"], clusters: int, present: Bool[Tensor, "batch steps"]
) -> Bool[Tensor, "batch steps options"]:
    """Mask the options of each step: the opened clusters and a new one."""
    arange = torch.arange(clusters + 1, device=opened.device)
    return (arange <= opened[..., None]) & present[..., None]


def _dense(
    valid: Bool[Tensor, "batch steps options"],
    present: Bool[Tensor, "batch steps"],
    rows: Float[Tensor, "rows"],
) -> Float[Tensor, "batch steps options"]:
    """Put energies of the valid options in their places; an absent point gets one option of energy 0."""
    first = torch.arange(valid.shape[-1], device=valid.device) == 0
    empty = torch.where(first & ~present[..., None], 0.0, torch.inf).to(rows.dtype)
    return empty.masked_scatter(valid, rows)
