"""The energy network of NCP and GFNCP (Pakman et al. 2020; Chelly et al. 2025, Eq. 12-15).

    H_k = sum of h(x_i) over cluster k,   G = sum_k g(H_k),   U = sum of u(x_i) over unassigned points,
    E[c_{1:n}] = f(G, U).

Sums commute with linear maps, so g's first layer, and f's first layer after g's and u's last ones, are merged
with their neighbours (`fuse`): the same function with activations of one width throughout, 1.8 times fewer
operations. A point's term in its cluster's sum is therefore h(x) after the linear map of g's first layer, and
its term in U is u(x) after the linear maps of the layers that read U: here, f's first one.

Under autocast, the encoder alone works in the shorter format: a point hardly changes the sum of a cluster,
and policies are small differences of energies.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, Num, Shaped
from torch import Tensor, nn

from gfncp.networks import teacher_forcing
from gfncp.networks.interfaces import Encoder, Network
from gfncp.networks.layers import Plain, RowNetwork, by_chunks
from gfncp.networks.temperature import Temperature, temperature_at


def fuse(
    outer: Float[Tensor, "out mid"], inner: nn.Linear
) -> tuple[Float[Tensor, "out dim"], Float[Tensor, "out"]]:
    """Return weight and bias of the linear map ``outer @ inner(x)``."""
    return outer @ inner.weight, outer @ inner.bias


def seen_by(
    outer: Float[Tensor, "out mid"], network: RowNetwork, rows: Float[Tensor, "rows dim"]
) -> Float[Tensor, "rows out"]:
    """Return ``outer @ network(rows)``, a chunk of rows at a time."""
    last = fuse(outer, network.last)
    return by_chunks(lambda chunk: F.linear(network.body(network.first(chunk)), *last), rows)


def in_full(x: Tensor) -> torch.autocast:
    """Switch autocast off on the tensor's device."""
    return torch.autocast(x.device.type, enabled=False)


class Encoding(NamedTuple):
    """Terms of the points in the pooled sums; those of absent points are zero."""

    cluster_terms: Float[Tensor, "batch points sums"]  # what a point adds to its cluster's sum H_k
    unassigned_terms: Float[Tensor, "batch points readers"]  # what it adds to U while it is unassigned
    mask: Bool[Tensor, "batch points"]
    known: Int[Tensor, "batch points"]  # the cluster that a point is known to be in, else -1
    temperature: Float[Tensor, "batch points"]  # of decoding

    def of(self, sets: slice) -> "Encoding":
        """Return the encoding of some of the sets."""
        return Encoding(*(part[sets] for part in self))

    def trimmed(self) -> "Encoding":
        """Return the encoding without the points at the end that no set has."""
        points = int(self.mask.sum(1).max())
        return Encoding(*(part[:, :points] for part in self))


class EnergyNetwork(Network):
    """Energies E[c_{1:n}] of partial clusterings.

    Attributes:
        temperature: energies are divided by it where clusterings are decoded and judged; training and
            `energies` do not use it. See `gfncp.networks.temperature`.

    Args:
        encoder: maps points to features.
        depth: linear layers of h and of u.
        width: width of all hidden layers.
        cluster_width: width of g's output, the representation of one cluster.
        body: makes the inside of a network from its width and its depth; the paper's by default.
        cluster_depth: linear layers of g.
        energy_depth: linear layers of f.
    """

    def __init__(
        self,
        encoder: Encoder,
        depth: int = 5,
        width: int = 128,
        cluster_width: int = 512,
        body: Callable[[int, int], nn.Module] = Plain,
        cluster_depth: int = 6,
        energy_depth: int = 6,
    ) -> None:
        super().__init__()
        self.temperature: Temperature = 1.0
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
        """Return the terms of points in the pooled sums, from their features by the encoder."""
        if mask is None:
            mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        else:  # padding may hold anything, even NaN
            x = torch.where(mask.view(*mask.shape, *[1] * (x.dim() - 2)), x, 0)
        return self.encode_features(self.encoder(x, mask), mask)

    def encode_features(
        self, features: Float[Tensor, "batch points features"], mask: Bool[Tensor, "batch points"]
    ) -> Encoding:
        """Return the terms of points in the pooled sums, from features that the encoder has computed."""
        with in_full(features):
            rows = features.reshape(-1, features.shape[-1]).to(self.f.last.weight.dtype)
            assigned, unassigned = (
                part.view(*mask.shape, -1) for part in (self.assigned(rows), self.unassigned(rows))
            )
        keep = mask[..., None].to(assigned.dtype)
        nothing = torch.full(mask.shape, -1, device=mask.device)
        temperature = temperature_at(self.temperature, self.points(features, mask))
        temperature = temperature[:, None].expand(mask.shape)
        return Encoding(assigned * keep, unassigned * keep, mask, nothing, temperature)

    def points(
        self, x: Shaped[Tensor, "batch points *shape"], mask: Bool[Tensor, "batch points"]
    ) -> Num[Tensor, "batch"]:
        """Return the numbers of points of sets, of which ``x`` are the points or their features."""
        return mask.sum(1)

    def assigned(self, features: Float[Tensor, "rows features"]) -> Float[Tensor, "rows sums"]:
        """Return h of points after the linear map of g's first layer."""
        return seen_by(self.reads_h(), self.h, features)

    def unassigned(self, features: Float[Tensor, "rows features"]) -> Float[Tensor, "rows readers"]:
        """Return u of points after the linear maps of the layers that read U."""
        return seen_by(self.reads_u(), self.u, features)

    def reads_h(self) -> Float[Tensor, "width width"]:
        """Return the weights of the layer that reads H."""
        return self.g.first.weight

    def reads_u(self) -> Float[Tensor, "readers width"]:
        """Return the weights of the layers that read U, stacked; f's come first."""
        return self.f.first.weight[:, self.g.last.out_features :]

    def cluster(
        self,
        pooled: Float[Tensor, "rows sums"],
        unassigned: Float[Tensor, "states readers"],
        state: Int[Tensor, "rows"],
    ) -> Float[Tensor, "rows width"]:
        """Return g of clusters after the linear map of f's first layer, from sums of their members' terms.

        Args:
            unassigned: sums of the unassigned points' terms.
            state: the partial clustering to which each cluster belongs.
        """
        last = fuse(self.f.first.weight[:, : self.g.last.out_features], self.g.last)
        bias = self.g.first.bias
        return by_chunks(lambda rows: F.linear(self.g.body(self.seen(rows) + bias), *last), pooled)

    def seen(self, pooled: Float[Tensor, "rows sums"]) -> Float[Tensor, "rows width"]:
        """Return the input of g's first layer for clusters with these sums: the sums as they are."""
        return pooled

    def energy(self, context: Float[Tensor, "rows width"]) -> Float[Tensor, "rows"]:
        """Return f, from the sum of clusters' representations and of unassigned points' terms."""
        return by_chunks(lambda chunk: self.f.last(self.f.body(chunk + self.f.first.bias)), context)[:, 0]

    def option_energies(
        self,
        context: Float[Tensor, "states width"],
        state: Int[Tensor, "rows"],
        new: Float[Tensor, "rows width"],
        old: Float[Tensor, "rows width"],
    ) -> Float[Tensor, "rows"]:
        """Return the energies of a point's options: in each, one cluster's representation changes.

        Args:
            context: sum of the clusters' representations and of the unassigned points' terms.
            state: the partial clustering to which each option belongs.
            new, old: representation of the option's cluster with the point, and without it.
        """
        return self.energy(F.embedding(state, context) + (new - old))

    @staticmethod
    def log_policy(
        energies: Float[Tensor, "*steps options"], temperature: Float[Tensor, "*#steps"]
    ) -> Float[Tensor, "*steps options"]:
        """Return log p(c_n | c_{1:n-1}, x) (Eq. 10) at a temperature, in float64."""
        return torch.log_softmax(-energies.double() / temperature[..., None], -1)

    def represent(
        self,
        sums: Float[Tensor, "states capacity sums"],
        clusters: Float[Tensor, "states capacity width"],
        opened: Int[Tensor, "states"],
        unassigned: Float[Tensor, "states readers"],
    ) -> Float[Tensor, "states capacity width"]:
        """Return the representations of opened clusters: here, as they have been since a point last joined.

        Subclasses in which they depend on unassigned points compute them anew from ``sums``.
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
        """Return E[c_{1:n-1}, c_n = k] for every option k of every step n, or of the given ``steps``.

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
        """Return `energies` of encoded sets."""
        labels = torch.where(encoding.mask, labels, -1)
        teacher_forcing.check_order(labels, encoding.mask)
        with in_full(encoding.cluster_terms):
            return teacher_forcing.energies(
                self, encoding.cluster_terms, encoding.unassigned_terms, encoding.mask, labels, steps
            )

    def all_steps(
        self,
        cluster_terms: Float[Tensor, "batch points sums"],
        unassigned_terms: Float[Tensor, "batch points readers"],
        mask: Bool[Tensor, "batch points"],
        labels: Int[Tensor, "batch points"],
        clusters: int,
    ) -> Float[Tensor, "batch points options"]:
        """Return the energies of all steps: here, clusters keep their representations until a point joins."""
        return teacher_forcing.all_steps(self, cluster_terms, unassigned_terms, mask, labels, clusters)

    def terminal_energy(
        self,
        x: Float[Tensor, "batch points *shape"],
        labels: Int[Tensor, "batch points"],
        mask: Bool[Tensor, "batch points"] | None = None,
    ) -> Float[Tensor, "batch"]:
        """Return E[c_{1:N}] of complete clusterings, -log of the reward up to a constant (Eq. 22)."""
        return self.encoded_terminal(self.encode(x, mask), labels)

    def encoded_terminal(
        self, encoding: Encoding, labels: Int[Tensor, "batch points"]
    ) -> Float[Tensor, "batch"]:
        """Return `terminal_energy` of encoded sets."""
        index = torch.arange(labels.shape[1], device=labels.device)
        last = torch.where(encoding.mask, index, 0).amax(1, keepdim=True)
        energies = self.encoded_energies(encoding, labels, last)[:, 0]
        return energies.gather(1, labels.clamp_min(0).gather(1, last))[:, 0]
