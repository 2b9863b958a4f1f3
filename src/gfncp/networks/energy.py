"""The energy network of NCP and GFNCP (Pakman et al. 2020; Chelly et al. 2025, Eq. 12-15).

    H_k = sum of h(x_i) over cluster k,   G = sum_k g(H_k),   U = sum of u(x_i) over unassigned points,
    E[c_{1:n}] = f(G, U).

Sums commute with linear maps, so g's first layer, and f's first layer after g's and u's last ones, are merged
with their neighbours (`fuse`): the same function with activations of one width throughout, 1.8 times fewer
operations. In this module ``y`` is h(x) seen by g's first layer and ``v`` is u(x) seen by the first layers
that read U: f's, here.

Under autocast, the encoder alone works in the shorter format: a point hardly changes the sum of a cluster,
and policies are small differences of energies.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from gfncp.networks.layers import Plain, RowNetwork, at_once, by_chunks

ROWS_PER_GROUP = 16_384  # rows of one group of sets: what it gathers and adds stays in the cache
ROWS_KEPT = 262_144  # rows whose activations are kept for the backward pass; others are computed again
ROWS_KEPT_APART = 2_097_152  # on a device with a memory of its own; about 20 GB


def fuse(
    outer: Float[Tensor, "out mid"], inner: nn.Linear
) -> tuple[Float[Tensor, "out dim"], Float[Tensor, "out"]]:
    """Weight and bias of the linear map ``outer @ inner(x)``."""
    return outer @ inner.weight, outer @ inner.bias


def seen_by(
    outer: Float[Tensor, "out mid"], network: RowNetwork, rows: Float[Tensor, "rows dim"]
) -> Float[Tensor, "rows out"]:
    """``outer @ network(rows)``, a chunk of rows at a time."""
    last = fuse(outer, network.last)
    return by_chunks(lambda chunk: F.linear(network.body(network.first(chunk)), *last), rows)


def in_full(x: Tensor) -> torch.autocast:
    """Without autocast, on the tensor's device."""
    return torch.autocast(x.device.type, enabled=False)


class Encoding(NamedTuple):
    """Per-point terms of the pooled sums; absent points are zero."""

    y: Float[Tensor, "batch points sums"]  # enters its cluster's sum H_k
    v: Float[Tensor, "batch points readers"]  # enters U while the point is unassigned
    mask: Bool[Tensor, "batch points"]
    known: Int[Tensor, "batch points"]  # the cluster that a point is known to be in, else -1

    def of(self, sets: slice) -> "Encoding":
        """The encoding of some of the sets."""
        return Encoding(*(part[sets] for part in self))


class EnergyNetwork(nn.Module):
    """Energies E[c_{1:n}] of partial clusterings.

    Attributes:
        temperature: energies are divided by it where clusterings are decoded and judged; training and
            `energies` know nothing of it.

    Args:
        encoder: maps points to features, with attributes ``point_shape`` and ``features``.
        depth: linear layers of h and of u.
        width: width of all hidden layers.
        cluster_width: width of g's output, the representation of one cluster.
        body: makes the inside of a network from its width and its depth; the paper's by default.
        cluster_depth: linear layers of g.
        energy_depth: linear layers of f.
    """

    def __init__(
        self,
        encoder: nn.Module,
        depth: int = 5,
        width: int = 128,
        cluster_width: int = 512,
        body: Callable[[int, int], nn.Module] = Plain,
        cluster_depth: int = 6,
        energy_depth: int = 6,
    ) -> None:
        super().__init__()
        self.temperature = 1.0
        self.encoder = encoder
        self.width = width
        self.h = RowNetwork(encoder.features, body(width, depth - 1), width, width)
        self.u = RowNetwork(encoder.features, body(width, depth - 1), width, width)
        self.g = RowNetwork(width, body(width, cluster_depth - 1), width, cluster_width)
        self.f = RowNetwork(cluster_width + width, body(width, energy_depth - 1), width, 1, bias=False)

    # Pieces of Eq. 12-15, with neighbouring linear maps merged.

    def encode(
        self, x: Float[Tensor, "batch points *shape"], mask: Bool[Tensor, "batch points"] | None = None
    ) -> Encoding:
        if mask is None:
            mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        else:  # padding may hold anything, even NaN
            x = torch.where(mask.view(*mask.shape, *[1] * (x.dim() - 2)), x, 0)
        return self.encode_features(self.encoder(x, mask), mask)

    def encode_features(
        self, features: Float[Tensor, "batch points features"], mask: Bool[Tensor, "batch points"]
    ) -> Encoding:
        """Terms of points whose features the encoder has made."""
        with in_full(features):
            rows = features.reshape(-1, features.shape[-1]).to(self.f.last.weight.dtype)
            y, v = self.assigned(rows), self.unassigned(rows)
        keep = mask[..., None].to(y.dtype)
        nothing = torch.full(mask.shape, -1, device=mask.device)
        return Encoding(y.view(*mask.shape, -1) * keep, v.view(*mask.shape, -1) * keep, mask, nothing)

    def assigned(self, features: Float[Tensor, "rows features"]) -> Float[Tensor, "rows sums"]:
        """h of points, as g's first layer sees it."""
        return seen_by(self.reads_h(), self.h, features)

    def unassigned(self, features: Float[Tensor, "rows features"]) -> Float[Tensor, "rows readers"]:
        """u of points, as the layers that read U see it."""
        return seen_by(self.reads_u(), self.u, features)

    def reads_h(self) -> Float[Tensor, "width width"]:
        """The weights of the layer that reads H."""
        return self.g.first.weight

    def reads_u(self) -> Float[Tensor, "readers width"]:
        """The weights of the layers that read U, stacked; f's come first."""
        return self.f.first.weight[:, self.g.last.out_features :]

    def cluster(
        self,
        pooled: Float[Tensor, "rows sums"],
        unassigned: Float[Tensor, "states readers"],
        state: Int[Tensor, "rows"],
    ) -> Float[Tensor, "rows width"]:
        """g of clusters, from the sums of their members' ``y``, as f's first layer sees it.

        Args:
            unassigned: sums of the unassigned points' ``v``.
            state: the partial clustering to which each cluster belongs.
        """
        last = fuse(self.f.first.weight[:, : self.g.last.out_features], self.g.last)
        bias = self.g.first.bias
        return by_chunks(lambda rows: F.linear(self.g.body(self.seen(rows) + bias), *last), pooled)

    def seen(self, pooled: Float[Tensor, "rows sums"]) -> Float[Tensor, "rows width"]:
        """Return the input of g's first layer for clusters with these sums: the sums as they are."""
        return pooled

    def energy(self, context: Float[Tensor, "rows width"]) -> Float[Tensor, "rows"]:
        """f, from the sum of clusters' representations and of unassigned points' ``v``."""
        return by_chunks(lambda chunk: self.f.last(self.f.body(chunk + self.f.first.bias)), context)[:, 0]

    def log_policy(self, energies: Float[Tensor, "*steps options"]) -> Float[Tensor, "*steps options"]:
        """log p(c_n | c_{1:n-1}, x) (Eq. 10) at the network's temperature, in float64."""
        return torch.log_softmax(-energies.double() / self.temperature, -1)

    def represent(
        self,
        sums: Float[Tensor, "states capacity sums"],
        clusters: Float[Tensor, "states capacity width"],
        opened: Int[Tensor, "states"],
        unassigned: Float[Tensor, "states readers"],
    ) -> Float[Tensor, "states capacity width"]:
        """Representations of opened clusters, from their sums or from those that they had; here the latter.

        They have not changed since a point joined.
        """
        return clusters

    # Energies of labelled sets (teacher forcing).

    def energies(
        self,
        x: Float[Tensor, "batch points *shape"],
        labels: Int[Tensor, "batch points"],
        mask: Bool[Tensor, "batch points"] | None = None,
        steps: Int[Tensor, "batch steps"] | None = None,
    ) -> Float[Tensor, "batch steps options"]:
        """E[c_{1:n-1}, c_n = k] for every option k of every step n (or of the given ``steps``), in one pass.

        Options are the clusters opened before step n and, last, a new one; entries beyond them are +inf.
        An absent point has a single option, of energy 0.

        Args:
            labels: clusters in order of appearance among present points; ignored where absent.
            mask: True where a point is present (default: all).
            steps: indices of points (from 0), in any order. Default: all steps.

        Raises:
            ValueError: labels are not in order of appearance.
        """
        return self.encoded_energies(self.encode(x, mask), labels, steps)

    def encoded_energies(
        self,
        encoding: Encoding,
        labels: Int[Tensor, "batch points"],
        steps: Int[Tensor, "batch steps"] | None = None,
    ) -> Float[Tensor, "batch steps options"]:
        labels = torch.where(encoding.mask, labels, -1)
        _check_order(labels, encoding.mask)
        with in_full(encoding.y):
            return self._energies(encoding, labels, steps)

    def _energies(self, encoding, labels, steps):
        clusters = max(int(labels.max()) + 1, 1)
        most_kept = ROWS_KEPT if labels.device.type == "cpu" else ROWS_KEPT_APART
        if steps is None and labels.shape[1] * clusters > most_kept:
            return self._steps_in_parts(encoding, labels, clusters, most_kept)
        per_set = labels.shape[1] * clusters if steps is None else 2 * steps.shape[1] * clusters
        sets = max(1, at_once(ROWS_PER_GROUP, labels.device) // per_set)
        groups = [
            (*part, clusters)
            for part in zip(
                encoding.y.split(sets),
                encoding.v.split(sets),
                encoding.mask.split(sets),
                labels.split(sets),
                [None] * len(labels) if steps is None else steps.split(sets),
                strict=False,
            )
        ]
        run = self._all_steps if steps is None else self._some_steps
        kept = most_kept // (sets * per_set) if torch.is_grad_enabled() else len(groups)
        energies = [run(*group) for group in groups[:kept]]
        energies += [checkpoint(run, *group, use_reentrant=False) for group in groups[kept:]]
        return torch.cat(energies)

    def _steps_in_parts(self, encoding, labels, clusters, most_kept):
        """All steps of sets of which one alone has too many rows to keep (many points, many clusters)."""
        points = labels.shape[1]
        part = max(1, most_kept // (2 * clusters))
        steps = torch.arange(points, device=labels.device).expand(len(labels), -1).split(part, 1)
        energies = [checkpoint(self._energies, encoding, labels, some, use_reentrant=False) for some in steps]
        return torch.cat(energies, 1)

    def _all_steps(self, y, v, mask, labels, _steps, clusters):
        """A cluster's sum and representation before step n are those that its last member left."""
        batch, points, sums_width = y.shape
        valid = _options(_opened_before(labels), clusters, mask)
        b, n, k = valid.nonzero(as_tuple=True)
        row_of = (valid.view(-1).cumsum(0) - 1).view(valid.shape)
        index = torch.arange(points, device=y.device)
        joined = labels[..., None] == torch.arange(clusters + 1, device=y.device)
        last = torch.where(joined, index[:, None], -1).cummax(1).values  # last member up to n
        last = F.pad(last[:, :-1], (0, 0, 1, 0), value=-1)[b, n, k]  # ... before n
        last = torch.where(last < 0, batch * points, b * points + last)  # none: a row of zeros, last
        at = b * points + n

        same = (labels[:, :, None] == labels[:, None, :]).tril().to(y.dtype)
        sums = F.pad((same @ y).view(-1, sums_width), (0, 0, 0, 1))  # of each point's cluster, up to it
        own = y.reshape(-1, sums_width)
        new = self.cluster(F.embedding(last, sums) + F.embedding(at, own), v.flatten(0, 1), at)
        own_row = row_of.gather(2, labels.clamp_min(0)[..., None]).view(-1).clamp_min(0)
        left = F.pad(F.embedding(own_row, new), (0, 0, 0, 1))  # each point's cluster, as it left it

        taken = (left[:-1] - F.embedding(last[own_row], left)).view(batch, points, -1) * mask[..., None]
        context = v.sum(1, keepdim=True) + (taken - v).cumsum(1) - taken
        change = new - F.embedding(last, left)
        return _dense(valid, mask, self.energy(F.embedding(at, context.view(-1, self.width)) + change))

    def _some_steps(self, y, v, mask, labels, steps, clusters):
        """Points between two consecutive steps are summed by cluster, then those sums are cumulated."""
        batch, points, sums_width = y.shape
        here = mask.gather(1, steps)
        opened = _opened_before(labels).gather(1, steps)
        valid = _options(opened, clusters, here)
        b, t, k = valid.nonzero(as_tuple=True)
        exists = k < opened[b, t]  # the last option of each step is a new cluster

        count, options = valid.shape[1:]
        ordered = steps.sort(1).values
        index = torch.arange(points, device=y.device).repeat(batch, 1)
        stage = torch.searchsorted(ordered, index, right=True)  # number of steps up to each point
        set_ = torch.arange(batch, device=y.device)[:, None]
        cell = (set_ * (count + 1) + stage) * options + labels.clamp_min(0)
        sums = y.new_zeros(batch * (count + 1) * options, sums_width)
        sums = sums.index_add(0, cell.view(-1), y.reshape(-1, sums_width))
        sums = sums.view(batch, count + 1, -1).cumsum(1).view(-1, sums_width)
        stage = torch.searchsorted(ordered, steps.contiguous())[b, t]
        pooled = F.embedding((b * (count + 1) + stage) * options + k, sums)
        point = y.gather(1, steps[..., None].expand(-1, -1, sums_width)).reshape(-1, sums_width)
        at = b * steps.shape[1] + t

        after = torch.arange(points, device=y.device) > steps[..., None]
        unassigned = (after.to(y.dtype) @ v).flatten(0, 1)
        rows = torch.cat([pooled + F.embedding(at, point), pooled[exists]])
        new, old = self.cluster(rows, unassigned, torch.cat([at, at[exists]])).split_with_sizes(
            [len(b), len(rows) - len(b)]
        )
        old = torch.zeros_like(new).masked_scatter(exists[:, None], old)
        context = unassigned[:, : self.width].index_add(0, at, old)
        return _dense(valid, here, self.energy(F.embedding(at, context) + new - old))

    def terminal_energy(
        self,
        x: Float[Tensor, "batch points *shape"],
        labels: Int[Tensor, "batch points"],
        mask: Bool[Tensor, "batch points"] | None = None,
    ) -> Float[Tensor, "batch"]:
        """E[c_{1:N}] of complete clusterings: -log of the unnormalised reward (Eq. 22), free of any order."""
        return self.encoded_terminal(self.encode(x, mask), labels)

    def encoded_terminal(
        self, encoding: Encoding, labels: Int[Tensor, "batch points"]
    ) -> Float[Tensor, "batch"]:
        """`terminal_energy` for encoded sets."""
        index = torch.arange(labels.shape[1], device=labels.device)
        last = torch.where(encoding.mask, index, 0).amax(1, keepdim=True)
        energies = self.encoded_energies(encoding, labels, last)[:, 0]
        return energies.gather(1, labels.clamp_min(0).gather(1, last))[:, 0]


def _check_order(labels: Int[Tensor, "batch points"], mask: Bool[Tensor, "batch points"]) -> None:
    wrong = ((labels > _opened_before(labels)) | (labels < 0)) & mask
    if wrong.any():
        row, point = wrong.nonzero()[0].tolist()
        raise ValueError(
            f"labels: point {point} of set {row} has label {int(labels[row, point])}; accepted are labels in "
            f"order of appearance, here at most {int(_opened_before(labels)[row, point])}"
        )


def _opened_before(labels: Int[Tensor, "batch points"]) -> Int[Tensor, "batch points"]:
    """Number of clusters opened before each point."""
    return F.pad(labels.cummax(1).values[:, :-1] + 1, (1, 0))


def _options(opened, clusters, present) -> Bool[Tensor, "batch steps options"]:
    arange = torch.arange(clusters + 1, device=opened.device)
    return (arange <= opened[..., None]) & present[..., None]


def _dense(valid, present, rows) -> Float[Tensor, "batch steps options"]:
    """Energies of the valid options in their places; an absent point gets one option of energy 0."""
    first = torch.arange(valid.shape[-1], device=valid.device) == 0
    empty = torch.where(first & ~present[..., None], 0.0, torch.inf).to(rows.dtype)
    return empty.masked_scatter(valid, rows)
