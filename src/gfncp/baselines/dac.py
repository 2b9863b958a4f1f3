"""Deep Amortized Clustering: find one cluster at a time in what is left of a set (Lee et al. 2019b).

A filter reads the remaining points and answers which of them form one cluster (membership logits) and, for
vectors, with which Gaussian. Min-filtering is free to choose the cluster; anchored filtering must find the
one of a given point. Clustering repeats the filter on the points that it left.

References:
    Lee, Lee, Teh. Deep Amortized Clustering. arXiv:1909.13433, 2019.
"""

from dataclasses import dataclass
from typing import NamedTuple, NoReturn

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.distributions import Independent

from gfncp.baselines.anchors import one_hot, visit_clusters
from gfncp.baselines.attention import MAB, PMA, ISABStack
from gfncp.baselines.gaussians import diagonal_gaussian, has_likelihood
from gfncp.objectives import Batch, Terms
from gfncp.partitions import canonical_labels, n_clusters

ROUNDS = 50  # of filtering; points left over after so many form a last cluster


class Filtered(NamedTuple):
    """One cluster in each set; logits are meaningless where a point is not among those left."""

    logits: Float[Tensor, "batch points"]
    gaussian: Independent | None


class Finder(nn.Module):
    """The second half of a filter: PMA with one seed, then MAB, ISAB and a linear layer to the logits.

    On images there is no Gaussian (see `has_likelihood`): memberships alone train the network, as in the
    paper.
    """

    def __init__(self, encoder: nn.Module, hidden: int, inducing: int, heads: int) -> None:
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


class DACNetwork(nn.Module):
    """Min-filtering: the network chooses which cluster to find.

    Args:
        encoder: maps points to features, see `gfncp.encoders`.
        hidden: width of all blocks.
        inducing: learned points of each ISAB.
        heads: attention heads.
        blocks: ISABs that encode the points, each with its own weights.
    """

    def __init__(
        self, encoder: nn.Module, hidden: int = 128, inducing: int = 32, heads: int = 4, blocks: int = 4
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.encode = ISABStack(encoder.features, hidden, heads, inducing, blocks)
        self.find = Finder(encoder, hidden, inducing, heads)

    def filter(
        self, features: Float[Tensor, "batch points features"], left: Bool[Tensor, "batch points"]
    ) -> Filtered:
        """One cluster among the points that are left."""
        return self.find(self.encode(features, left), left)

    def next_cluster(
        self, features: Float[Tensor, "batch points features"], left: Bool[Tensor, "batch points"]
    ) -> Bool[Tensor, "batch points"]:
        """Its members: logits above 0, and the point of the highest one, lest the filter comes back empty."""
        logits = self.filter(features, left).logits
        best = torch.where(left, logits, -torch.inf).argmax(1)
        return left & ((logits > 0) | _at(best, left))

    def predict(
        self, x: Float[Tensor, "batch points *shape"], mask: Bool[Tensor, "batch points"] | None = None
    ) -> Int[Tensor, "batch points"]:
        """Labels in order of appearance, -1 where absent; does not depend on the order of the points."""
        return _cluster(self, x, mask)

    def log_prob(self, *_arguments) -> NoReturn:
        """DAC has no distribution over clusterings.

        Raises:
            NotImplementedError: always.
        """
        _refuse()


class AnchoredDACNetwork(nn.Module):
    """Anchored filtering: find the cluster of a given point. ``MAB(x, anchor)`` comes before the ISABs.

    Args:
        encoder: maps points to features, see `gfncp.encoders`.
        hidden: width of all blocks.
        inducing: learned points of each ISAB.
        heads: attention heads.
        blocks: ISABs that encode the points, each with its own weights.
    """

    def __init__(
        self, encoder: nn.Module, hidden: int = 128, inducing: int = 32, heads: int = 4, blocks: int = 4
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
        """The anchor's cluster among the points that are left."""
        point = features[torch.arange(len(features), device=features.device), anchor]
        return self.find(self.encode(self.relate(features, point[:, None], None), left), left)

    def next_cluster(
        self, features: Float[Tensor, "batch points features"], left: Bool[Tensor, "batch points"]
    ) -> Bool[Tensor, "batch points"]:
        """The members of the first remaining point's cluster: itself, and logits above 0."""
        anchor = left.to(torch.uint8).argmax(1)
        logits = self.filter(features, left, anchor).logits
        return left & ((logits > 0) | _at(anchor, left))

    def predict(
        self, x: Float[Tensor, "batch points *shape"], mask: Bool[Tensor, "batch points"] | None = None
    ) -> Int[Tensor, "batch points"]:
        """Labels in order of appearance, -1 where absent. Anchors are the first remaining points."""
        return _cluster(self, x, mask)

    def log_prob(self, *_arguments) -> NoReturn:
        """DAC has no distribution over clusterings.

        Raises:
            NotImplementedError: always.
        """
        _refuse()


def _at(index: Int[Tensor, "batch"], left: Bool[Tensor, "batch points"]) -> Bool[Tensor, "batch points"]:
    return torch.arange(left.shape[1], device=left.device) == index[:, None]


def _refuse() -> NoReturn:
    raise NotImplementedError(
        "DAC decides memberships by thresholds and is trained on single clusters: it defines no probability "
        "of a clustering"
    )


@torch.no_grad()
def _cluster(network: DACNetwork | AnchoredDACNetwork, x: Tensor, mask: Tensor | None) -> Tensor:
    """Filter what is left, at most `ROUNDS` times, until nothing is."""
    mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device) if mask is None else mask
    features = network.encoder(x, mask)
    left = mask.clone()
    labels = torch.where(mask, ROUNDS, -1)
    for number in range(ROUNDS):
        sets = left.any(1).nonzero()[:, 0]
        if len(sets) == 0:
            break
        taken = network.next_cluster(features[sets], left[sets])
        labels[sets] = torch.where(taken, number, labels[sets])
        left[sets] &= ~taken
    return canonical_labels(labels)


@dataclass(frozen=True)
class DACLoss:
    """Min-filtering: the cross-entropy of the cluster that the logits match best, minus its log-likelihood.

    ``min_k mean_i BCE(logit_i, [c_i = k])``, then minus the mean of ``log p(x_i | Gaussian)`` over the
    members of that cluster. The filter must know what earlier rounds leave: each set has lost a random number
    of its clusters, in the order of `visit_clusters`.
    """

    def __call__(self, network: DACNetwork, batch: Batch, generator: torch.Generator) -> Terms:
        visited, _ = visit_clusters(batch.labels, generator)
        rest = _leave_some(visited, generator)
        left = visited >= rest[:, None]
        features = network.encoder(batch.x, torch.ones_like(left))
        found = network.filter(features, left)
        member = one_hot(torch.where(left, visited, -1), int(visited.max()) + 1)
        cross_entropy = _cross_entropy(found.logits, member, left)
        chosen = torch.where(member.any(1), cross_entropy, torch.inf).argmin(1, keepdim=True)
        return _terms(found, features, cross_entropy, member, chosen)


@dataclass(frozen=True)
class AnchoredDACLoss:
    """Anchored filtering: the same loss for the cluster of a random remaining point."""

    def __call__(self, network: AnchoredDACNetwork, batch: Batch, generator: torch.Generator) -> Terms:
        visited, anchors = visit_clusters(batch.labels, generator)
        rest = _leave_some(visited, generator)
        left = visited >= rest[:, None]
        features = network.encoder(batch.x, torch.ones_like(left))
        chosen = rest[:, None]
        found = network.filter(features, left, anchors.gather(1, chosen)[:, 0])
        member = one_hot(torch.where(left, visited, -1), int(visited.max()) + 1)
        return _terms(found, features, _cross_entropy(found.logits, member, left), member, chosen)


def _leave_some(visited: Int[Tensor, "batch points"], generator: torch.Generator) -> Int[Tensor, "batch"]:
    """How many clusters are gone: uniform, at least one stays."""
    share = torch.rand(len(visited), generator=generator).to(visited.device)
    return (share * n_clusters(visited)).long()


def _cross_entropy(
    logits: Float[Tensor, "batch points"],
    member: Bool[Tensor, "batch points clusters"],
    left: Bool[Tensor, "batch points"],
) -> Float[Tensor, "batch clusters"]:
    """Mean binary cross-entropy of each cluster's membership over the points left, without a loop."""
    logits = torch.where(left, logits, 0.0)
    outside = torch.where(left, F.softplus(logits), 0.0).sum(1, keepdim=True)
    inside = (logits[..., None] * member).sum(1)
    return (outside - inside) / left.sum(1, keepdim=True)


def _terms(
    found: Filtered,
    features: Float[Tensor, "batch points features"],
    cross_entropy: Float[Tensor, "batch clusters"],
    member: Bool[Tensor, "batch points clusters"],
    chosen: Int[Tensor, "batch 1"],
) -> Terms:
    bce = cross_entropy.gather(1, chosen).mean()
    if found.gaussian is None:
        return {"loss": bce, "cross_entropy": bce.detach()}
    inside = member.gather(2, chosen[..., None].expand(-1, member.shape[1], 1))[..., 0]
    each = torch.where(inside, found.gaussian.log_prob(features), 0.0)
    nll = -(each.sum(1) / inside.sum(1)).mean()
    return {"loss": bce + nll, "cross_entropy": bce.detach(), "nll": nll.detach()}
