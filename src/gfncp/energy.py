"""The energy network of NCP and GFNCP (Pakman et al. 2020; Chelly et al. 2025, Eq. 12-15).

    H_k = sum of h(x_i) over cluster k,   G = sum_k g(H_k),   U = sum of u(x_i) over unassigned points,
    E[c_{1:n}] = f(G, U).

Sums commute with linear maps, so g's first layer, and f's first layer after g's and u's last ones, are merged
with their neighbours (`fuse`): the same function with activations of one width throughout, 1.8 times fewer
operations. In this module ``y`` is h(x) seen by g's first layer and ``v`` is u(x) seen by f's first layer.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

ROWS_PER_CHUNK = 4096  # rows of one pass through an MLP: its activations stay in the cache
ROWS_PER_GROUP = 262_144  # rows whose activations are kept for the backward pass

Linear = tuple[Tensor, Tensor | None]


def mlp(*dims: int, last_bias: bool = True) -> nn.ModuleList:
    """Linear layers of the given widths; `apply_mlp` puts a ReLU between them."""
    pairs = list(pairwise(dims))
    return nn.ModuleList(
        nn.Linear(a, b, bias=last_bias or i < len(pairs) - 1) for i, (a, b) in enumerate(pairs)
    )


def weights(layers: nn.ModuleList) -> list[Linear]:
    return [(layer.weight, layer.bias) for layer in layers]


def fuse(outer: Tensor, inner: nn.Linear) -> Linear:
    """The linear map ``outer @ inner(x)``."""
    return outer @ inner.weight, None if inner.bias is None else outer @ inner.bias


def apply_mlp(layers: list[Linear], x: Float[Tensor, "rows dim"]) -> Float[Tensor, "rows out"]:
    outputs = []
    for chunk in x.split(ROWS_PER_CHUNK):
        for weight, bias in layers[:-1]:
            chunk = F.linear(chunk, weight, bias).relu_()
        outputs.append(F.linear(chunk, *layers[-1]))
    return torch.cat(outputs)


class Encoding(NamedTuple):
    """Per-point terms of the pooled sums; absent points are zero."""

    y: Float[Tensor, "batch points width"]  # enters its cluster's sum H_k
    v: Float[Tensor, "batch points width"]  # enters U while the point is unassigned
    mask: Bool[Tensor, "batch points"]


class EnergyNetwork(nn.Module):
    """Energies E[c_{1:n}] of partial clusterings.

    Args:
        encoder: maps points to features, with attributes ``point_shape`` and ``features``.
        depth: linear layers of h and of u.
        width: width of all hidden layers.
        cluster_width: width of g's output, the representation of one cluster.
    """

    def __init__(self, encoder: nn.Module, depth: int = 5, width: int = 128, cluster_width: int = 512):
        super().__init__()
        self.encoder = encoder
        self.width = width
        self.cluster_width = cluster_width
        self.h = mlp(encoder.features, *[width] * depth)
        self.u = mlp(encoder.features, *[width] * depth)
        self.g = mlp(*[width] * 6, cluster_width)
        self.f = mlp(cluster_width + width, *[width] * 5, 1, last_bias=False)

    # Pieces of Eq. 12-15, with neighbouring linear maps merged.

    def encode(
        self, x: Float[Tensor, "batch points *shape"], mask: Bool[Tensor, "batch points"] | None = None
    ) -> Encoding:
        if mask is None:
            mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        features = self.encoder(x, mask)
        rows = features.reshape(-1, features.shape[-1])
        y = apply_mlp([*weights(self.h[:-1]), fuse(self.g[0].weight, self.h[-1])], rows)
        v = self.unassigned(rows)
        keep = mask[..., None].to(y.dtype)
        return Encoding(y.view(*mask.shape, -1) * keep, v.view(*mask.shape, -1) * keep, mask)

    def unassigned(self, features: Float[Tensor, "rows features"]) -> Float[Tensor, "rows width"]:
        """u of points, as f's first layer sees it."""
        of_u = self.f[0].weight[:, self.cluster_width :]
        return apply_mlp([*weights(self.u[:-1]), fuse(of_u, self.u[-1])], features)

    def cluster(self, pooled: Float[Tensor, "rows width"]) -> Float[Tensor, "rows width"]:
        """g of clusters, from the sums of their members' ``y``, as f's first layer sees it."""
        of_g = self.f[0].weight[:, : self.cluster_width]
        layers = [*weights(self.g[1:-1]), fuse(of_g, self.g[-1])]
        return apply_mlp(layers, F.relu(pooled + self.g[0].bias))

    def energy(self, context: Float[Tensor, "rows width"]) -> Float[Tensor, "rows"]:
        """f, from the sum of clusters' representations and unassigned points' ``v``."""
        return apply_mlp(weights(self.f[1:]), F.relu(context + self.f[0].bias))[:, 0]

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
        """
        return self.encoded_energies(self.encode(x, mask), labels, steps)

    def encoded_energies(
        self,
        encoding: Encoding,
        labels: Int[Tensor, "batch points"],
        steps: Int[Tensor, "batch steps"] | None = None,
    ) -> Float[Tensor, "batch steps options"]:
        labels = torch.where(encoding.mask, labels, -1)
        clusters = max(int(labels.max()) + 1, 1)
        per_set = labels.shape[1] * clusters if steps is None else 2 * steps.shape[1] * clusters
        sets = max(1, ROWS_PER_GROUP // per_set)
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
        if len(groups) == 1 or not torch.is_grad_enabled():
            return torch.cat([run(*group) for group in groups])
        return torch.cat([checkpoint(run, *group, use_reentrant=False) for group in groups])

    def _all_steps(self, y, v, mask, labels, _steps, clusters):
        """A cluster's representation before step n is the row in which its last member joined."""
        batch, points, width = y.shape
        valid = _options(_opened_before(labels), clusters, mask)
        b, n, k = valid.nonzero(as_tuple=True)
        rows = len(b)
        row_of = (valid.view(-1).cumsum(0) - 1).view(valid.shape)
        index = torch.arange(points, device=y.device)
        joined = labels[..., None] == torch.arange(clusters + 1, device=y.device)
        last = torch.where(joined, index[:, None], -1).cummax(1).values  # last member up to n
        last = F.pad(last[:, :-1], (0, 0, 1, 0), value=-1)[b, n, k]  # ... before n
        opens = last < 0

        same = (labels[:, :, None] == labels[:, None, :]).tril().to(y.dtype)
        sums = F.pad(torch.bmm(same, y).view(-1, width), (0, 0, 0, 1))  # of each point's cluster, up to it
        at = b * points + n
        pooled = F.embedding(torch.where(opens, batch * points, b * points + last), sums)
        new = self.cluster(pooled + F.embedding(at, y.reshape(-1, width)))
        old_row = torch.where(opens, rows, row_of[b, last.clamp_min(0), k])
        change = new - F.embedding(old_row, F.pad(new, (0, 0, 0, 1)))

        own_row = row_of.gather(2, labels.clamp_min(0)[..., None]).view(-1).clamp_min(0)
        taken = F.embedding(own_row, change).view(batch, points, width) * mask[..., None]
        earlier = torch.ones(points, points, dtype=y.dtype, device=y.device).tril(-1)
        context = earlier @ taken + earlier.T @ v
        return _dense(valid, mask, self.energy(F.embedding(at, context.view(-1, width)) + change))

    def _some_steps(self, y, v, mask, labels, steps, clusters):
        batch, points, width = y.shape
        here = mask.gather(1, steps)
        opened = _opened_before(labels).gather(1, steps)
        valid = _options(opened, clusters, here)
        b, t, k = valid.nonzero(as_tuple=True)
        exists = k < opened[b, t]  # the last option of each step is a new cluster

        before = torch.arange(points, device=y.device) < steps[..., None]
        member = labels[:, None, None, :] == torch.arange(clusters + 1, device=y.device)[:, None]
        member = (member & before[:, :, None, :]).view(batch, -1, points).to(y.dtype)
        pooled = torch.bmm(member, y).view(-1, width)[valid.view(-1)]
        point = y.gather(1, steps[..., None].expand(-1, -1, width)).reshape(-1, width)
        at = b * steps.shape[1] + t

        joined = pooled + F.embedding(at, point)
        new, old = self.cluster(torch.cat([joined, pooled[exists]])).split([len(b), int(exists.sum())])
        old = torch.zeros_like(new).masked_scatter(exists[:, None], old)
        after = torch.arange(points, device=y.device) > steps[..., None]
        unassigned = torch.bmm(after.to(y.dtype), v).view(-1, width)
        context = unassigned.index_add(0, at, old)
        return _dense(valid, here, self.energy(F.embedding(at, context) + new - old))

    def terminal_energy(
        self,
        x: Float[Tensor, "batch points *shape"],
        labels: Int[Tensor, "batch points"],
        mask: Bool[Tensor, "batch points"] | None = None,
    ) -> Float[Tensor, "batch"]:
        """E[c_{1:N}] of complete clusterings: -log of the unnormalised reward (Eq. 22), free of any order."""
        encoding = self.encode(x, mask)
        index = torch.arange(labels.shape[1], device=labels.device)
        last = torch.where(encoding.mask, index, 0).amax(1, keepdim=True)
        energies = self.encoded_energies(encoding, labels, last)[:, 0]
        return energies.gather(1, labels.clamp_min(0).gather(1, last))[:, 0]


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
