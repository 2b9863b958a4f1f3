"""Deep Amortized Clustering: find one cluster at a time in what is left of a set (Lee et al. 2019b).

A filter takes the remaining points and returns which of them form one cluster (membership logits) and, for
vectors, its Gaussian. Min-filtering is free to choose the cluster; anchored filtering must find the one of a
given point. Clustering applies the filter repeatedly to the points that are left.

References:
    Lee, Lee, Teh. Deep Amortized Clustering. arXiv:1909.13433, 2019.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.distributions import Independent

from gfncp.methods.anchors import one_hot, visit_clusters
from gfncp.methods.gaussians import diagonal_gaussian, has_likelihood
from gfncp.methods.set_attention import MAB, PMA, ISABStack
from gfncp.networks.interfaces import Encoder, Network
from gfncp.objectives.batch import Batch, Terms
from gfncp.partitions import canonical_labels, n_clusters

ROUNDS = 50  # largest number of rounds of filtering; points that are left then form a last cluster
SETS_PER_GROUP = 4  # sets that are padded to the same size


class Filtered(NamedTuple):
    """One cluster in each set; logits are meaningless where a point is not among those left."""

    logits: Float[Tensor, "batch points"]
    gaussian: Independent | None


class Finder(nn.Module):
    """Second half of a filter: PMA with one seed, then MAB, ISAB and a linear layer to the logits.

    On images there is no Gaussian (see `has_likelihood`): memberships alone train the network, as in the
    paper.
    """

    def __init__(self, encoder: Encoder, hidden: int, inducing: int, heads: int) -> None:
        super().__init__()
        self.pool = PMA(hidden, hidden, heads, seeds=1)
        self.gaussian = nn.Linear(hidden, 2 * encoder.features) if has_likelihood(encoder) else None
        self.compare = MAB(hidden, hidden, hidden, heads)
        self.refine = ISABStack(hidden, hidden, heads, inducing, 1)
        self.logit = nn.Linear(hidden, 1)

    def forward(
        self, encoded: Float[Tensor, "batch points hidden"], left: Bool[Tensor, "batch points"]
    ) -> Filtered:
        pooled = self.pool(encoded, left)
        logits = self.logit(self.refine(self.compare(encoded, pooled, None), left))[..., 0]
        gaussian = None if self.gaussian is None else diagonal_gaussian(self.gaussian(pooled))
        return Filtered(logits, gaussian)


class Filtering(Network):
    """Network that clusters by taking one cluster after the other out of what is left of a set."""

    def next_cluster(
        self, features: Float[Tensor, "batch points features"], left: Bool[Tensor, "batch points"]
    ) -> Bool[Tensor, "batch points"]:
        """Return the members of one cluster among the points that are left, at least one of them."""
        raise NotImplementedError

    @torch.no_grad()
    def predict(
        self, x: Float[Tensor, "batch points *shape"], mask: Bool[Tensor, "batch points"] | None = None
    ) -> Int[Tensor, "batch points"]:
        """Return labels in order of appearance, -1 where absent.

        Clusters are taken out until no point is left, at most `ROUNDS` times.
        """
        mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device) if mask is None else mask
        features = self.encoder(x, mask)
        left = mask.clone()
        labels = torch.where(mask, ROUNDS, -1)
        for number in range(ROUNDS):
            going = left.any(1).nonzero()[:, 0]
            if len(going) == 0:
                break
            for part, index in group_by_size(left[going]):
                sets = going[part]
                taken = self.next_cluster(_pick(features[sets], index), left[sets].gather(1, index))
                row, column = taken.nonzero(as_tuple=True)
                labels[sets[row], index[row, column]] = number
                left[sets[row], index[row, column]] = False
        return canonical_labels(labels)

    def log_prob(self, *_arguments) -> NoReturn:
        """Refuse: DAC has no distribution over clusterings.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(
            "DAC decides memberships by thresholds and is trained on single clusters: it defines no "
            "probability of a clustering"
        )


class DACNetwork(Filtering):
    """Min-filtering: the network chooses which cluster to find. The order of the points does not matter.

    Args:
        encoder: maps points to features, see `gfncp.networks.encoders`.
        hidden: width of all blocks.
        inducing: learned points of each ISAB.
        heads: attention heads.
        blocks: ISABs that encode the points, each with its own weights.
    """

    def __init__(
        self, encoder: Encoder, hidden: int = 128, inducing: int = 32, heads: int = 4, blocks: int = 4
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.encode = ISABStack(encoder.features, hidden, heads, inducing, blocks)
        self.find = Finder(encoder, hidden, inducing, heads)

    def filter(
        self, features: Float[Tensor, "batch points features"], left: Bool[Tensor, "batch points"]
    ) -> Filtered:
        """Return one cluster among the points that are left."""
        return self.find(self.encode(features, left), left)

    def next_cluster(
        self, features: Float[Tensor, "batch points features"], left: Bool[Tensor, "batch points"]
    ) -> Bool[Tensor, "batch points"]:
        """Return the members of one cluster: logits above 0, and the highest one, so that it is not empty."""
        logits = self.filter(features, left).logits
        best = torch.where(left, logits, -torch.inf).argmax(1)
        return left & ((logits > 0) | _at(best, left))


class AnchoredDACNetwork(Filtering):
    """Anchored filtering: find the cluster of a given point, in `predict` of the first that is left.

    ``MAB(x, anchor)`` comes before the ISABs; arguments are those of `DACNetwork`.
    """

    def __init__(
        self, encoder: Encoder, hidden: int = 128, inducing: int = 32, heads: int = 4, blocks: int = 4
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.relate = MAB(encoder.features, encoder.features, hidden, heads)
        self.encode = ISABStack(hidden, hidden, heads, inducing, blocks)
        self.find = Finder(encoder, hidden, inducing, heads)

    def filter(
        self,
        features: Float[Tensor, "batch points features"],
        left: Bool[Tensor, "batch points"],
        anchor: Int[Tensor, "batch"],
    ) -> Filtered:
        """Return the anchor's cluster among the points that are left."""
        point = features[torch.arange(len(features), device=features.device), anchor]
        return self.find(self.encode(self.relate(features, point[:, None], None), left), left)

    def next_cluster(
        self, features: Float[Tensor, "batch points features"], left: Bool[Tensor, "batch points"]
    ) -> Bool[Tensor, "batch points"]:
        """Return the members of the first remaining point's cluster: itself, and logits above 0."""
        anchor = left.to(torch.uint8).argmax(1)
        logits = self.filter(features, left, anchor).logits
        return left & ((logits > 0) | _at(anchor, left))


def _at(index: Int[Tensor, "batch"], left: Bool[Tensor, "batch points"]) -> Bool[Tensor, "batch points"]:
    return torch.arange(left.shape[1], device=left.device) == index[:, None]


def group_by_size(
    left: Bool[Tensor, "batch points"],
) -> Iterator[tuple[Int[Tensor, "sets"], Int[Tensor, "sets most"]]]:
    """Yield groups of sets with similarly many points left, and the indices that put those points first.

    On average half of the points are gone, and the cost of a filter grows with its rows.
    """
    count = left.sum(1)
    for sets in count.argsort(stable=True).split(SETS_PER_GROUP):
        first = (~left[sets]).to(torch.uint8).argsort(dim=1, stable=True)
        yield sets, first[:, : int(count[sets].max())]


def _pick(features: Float[Tensor, "sets points features"], index: Int[Tensor, "sets most"]) -> Tensor:
    return features.gather(1, index[..., None].expand(-1, -1, features.shape[2]))


class Rest(NamedTuple):
    """Points of some sets that earlier rounds left."""

    features: Float[Tensor, "sets points features"]
    names: Int[Tensor, "sets points"]  # clusters; -1 where there is no point
    anchor: Int[Tensor, "sets"]  # a random point

    @property
    def member(self) -> Bool[Tensor, "sets points clusters"]:
        return one_hot(self.names, int(self.names.max()) + 1)


def draw_rests(
    features: Float[Tensor, "batch points features"],
    labels: Int[Tensor, "batch points"],
    generator: torch.Generator,
) -> Iterator[Rest]:
    """Take a random number of clusters away, in the order of `visit_clusters`; at least one stays."""
    visited, anchors = visit_clusters(labels, generator)
    share = torch.rand(len(labels), generator=generator).to(labels.device)
    gone = (share * n_clusters(visited)).long()[:, None]
    left = visited >= gone
    names = torch.where(left, visited, -1)
    for sets, index in group_by_size(left):
        anchor = (index == anchors.gather(1, gone)[sets]).to(torch.uint8).argmax(1)
        yield Rest(_pick(features[sets], index), names[sets].gather(1, index), anchor)


@dataclass(frozen=True)
class DACLoss:
    """Min-filtering: the cross-entropy of the cluster that the logits match best, minus its log-likelihood.

    ``min_k mean_i BCE(logit_i, [c_i = k])``, then minus the mean of ``log p(x_i | Gaussian)`` over the
    members of that cluster. It is trained on points that earlier rounds leave, see `draw_rests`.

    The mean over points makes small clusters cheap to match: to find nothing is nearly right for a singleton.
    Where cluster sizes are very unequal, as the Chinese Restaurant Process draws them, anchored filtering is
    the better choice: it has to find the clusters in proportion to their sizes.
    """

    def __call__(self, network: DACNetwork, batch: Batch, generator: torch.Generator) -> Terms:
        totals = []
        for rest in draw_rests(_encode(network, batch), batch.labels, generator):
            found = network.filter(rest.features, rest.names >= 0)
            matched = torch.where(rest.member.any(1), cross_entropies(found.logits, rest), torch.inf)
            totals.append(_totals(found, rest, matched.argmin(1)))
        return _terms(totals, len(batch.x))


@dataclass(frozen=True)
class AnchoredDACLoss:
    """Anchored filtering: the same loss for the cluster of a random remaining point."""

    def __call__(self, network: AnchoredDACNetwork, batch: Batch, generator: torch.Generator) -> Terms:
        totals = []
        for rest in draw_rests(_encode(network, batch), batch.labels, generator):
            found = network.filter(rest.features, rest.names >= 0, rest.anchor)
            totals.append(_totals(found, rest, rest.names.gather(1, rest.anchor[:, None])[:, 0]))
        return _terms(totals, len(batch.x))


def _encode(network: Network, batch: Batch) -> Float[Tensor, "batch points features"]:
    return network.encoder(batch.x, torch.ones_like(batch.labels, dtype=torch.bool))


def cross_entropies(logits: Float[Tensor, "sets points"], rest: Rest) -> Float[Tensor, "sets clusters"]:
    """Return the mean binary cross-entropy of the logits with each cluster's membership, without a loop."""
    present = rest.names >= 0
    outside = torch.where(present, F.softplus(logits), 0.0).sum(1, keepdim=True)
    inside = torch.where(rest.member, logits[..., None], 0.0).sum(1)
    return (outside - inside) / present.sum(1, keepdim=True)


def _totals(found: Filtered, rest: Rest, target: Int[Tensor, "sets"]) -> Float[Tensor, "terms"]:
    """Return sums over sets of a target cluster's cross-entropy and, with a Gaussian, negated likelihood."""
    bce = cross_entropies(found.logits, rest).gather(1, target[:, None]).sum()
    if found.gaussian is None:
        return bce[None]
    inside = rest.names == target[:, None]
    each = torch.where(inside, found.gaussian.log_prob(rest.features), 0.0)
    return torch.stack([bce, -(each.sum(1) / inside.sum(1)).sum()])


def _terms(totals: list[Float[Tensor, "terms"]], sets: int) -> Terms:
    means = torch.stack(totals).sum(0) / sets
    reported = zip(["cross_entropy", "nll"], means.detach(), strict=False)  # on images there is no nll
    return {"loss": means.sum(), **dict(reported)}
