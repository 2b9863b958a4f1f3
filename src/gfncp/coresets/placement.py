"""Assignment of the points of a set to clusters, given the clusters of the tokens of its coreset.

A token has the label of its medoid. The posterior over clusterings of all distinct points is

    p(c | x) = p(c_medoids | tokens) prod_i p(c_i | c_medoids, tokens),

where the product runs over the points that are not medoids. Each of them is in the cluster of token t with
the probability of `gfncp.networks.tokens.Placement`. Probabilities sum to one over the clusterings in which
every cluster has a medoid. Equal rows are one point.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.coresets.prepared import Prepared
from gfncp.draws import draw_options
from gfncp.networks.tokens import Placement
from gfncp.partitions import canonical_labels

POINTS_PER_BLOCK = 8192
CELLS = 2**22  # probabilities of points and clusters that are computed together


class PlacedPoints:
    """Points of one set, assigned by the network to the clusters of its coreset's tokens.

    Args:
        weights: of `gfncp.networks.tokens.Placement.weights`, for the set's tokens.
    """

    def __init__(self, prepared: Prepared, weights: Float[Tensor, "tokens 26"]) -> None:
        self.prepared = prepared
        self.weights = weights
        self.fixed = prepared.known >= 0
        self.fixed[prepared.medoid] = True

    def shares(self, points: Int[Tensor, "some"]) -> Float[Tensor, "some tokens"]:
        """Return the probabilities that points go with each token: 0 or 1 for medoids and known points."""
        places, fixed = self.prepared.places[points], self.fixed[points]
        shares = Placement.log_shares(self.weights[None], places[None].to(self.weights.device))[0]
        shares = shares.double().exp()
        own = F.one_hot(self.prepared.nearest[points[fixed]], shares.shape[1])
        shares[fixed] = own.to(shares)
        return shares

    def _blocks(self) -> Iterator[tuple[Int[Tensor, "block"], Float[Tensor, "block tokens"]]]:
        """Yield blocks of points whose clusters are not fixed, and their probabilities over the tokens."""
        rest = (~self.fixed).nonzero()[:, 0]
        for block in rest.split(POINTS_PER_BLOCK) if len(rest) else ():
            yield block, self.shares(block)

    def most_likely(self, labels: Int[Tensor, "tokens"]) -> Int[Tensor, "rows"]:
        """Return labels of the rows, each that of its most probable cluster."""
        found = self.of_tokens(labels[None])
        member = F.one_hot(labels).double()
        for block, shares in self._blocks():
            found[0, block] = (shares @ member).argmax(1).cpu().int()
        return canonical_labels(found[0, self.prepared.distinct])

    def sample(
        self, labels: Int[Tensor, "samples tokens"], generator: torch.Generator
    ) -> Int[Tensor, "samples rows"]:
        """Draw a cluster for each point."""
        found = self.of_tokens(labels)
        for block, shares in self._blocks():
            cumulated = shares.cumsum(1).cpu()
            for row, own in enumerate(labels):
                token = draw_options(cumulated, generator)
                found[row, block] = own[token.to(own.device)].cpu().int()
        return self._of_rows(found)

    def log_prob(
        self, labels: Int[Tensor, "clusterings tokens"], of_points: Int[Tensor, "clusterings points"]
    ) -> Float[Tensor, "clusterings"]:
        """Return log-probabilities of given clusters of the distinct points.

        Args:
            labels, of_points: with the same names of clusters; -1 for a cluster without a token.
        """
        log_prob = torch.zeros(len(labels), dtype=torch.float64)
        clusters = int(torch.maximum(labels.max(), of_points.max())) + 1
        together = max(1, CELLS // (POINTS_PER_BLOCK * clusters))
        members = F.one_hot(labels, clusters).double().split(together)
        for block, shares in self._blocks():
            taken = of_points[:, block].to(labels.device).split(together)
            chosen = [_log_prob(shares, *some) for some in zip(members, taken, strict=True)]
            log_prob += torch.cat(chosen).cpu()
        known = (self.prepared.known >= 0).nonzero()[:, 0]  # these are in the clusters of their tokens
        apart = (of_points[:, known] != labels.cpu()[:, self.prepared.nearest[known]]).any(1)
        return torch.where(apart, -torch.inf, log_prob)

    def of_tokens(self, labels: Int[Tensor, "samples tokens"]) -> Int[Tensor, "samples points"]:
        """Return labels of the points, each that of its token."""
        return labels.cpu().int()[:, self.prepared.nearest]

    def _of_rows(self, found: Int[Tensor, "samples points"]) -> Int[Tensor, "samples rows"]:
        """Return labels of the rows in order of appearance, row by row: sorting takes much memory."""
        rows = found[:, self.prepared.distinct]
        for row in rows:
            row.copy_(canonical_labels(row))
        return rows


def _log_prob(
    shares: Float[Tensor, "block tokens"],
    member: Float[Tensor, "clusterings tokens clusters"],
    taken: Int[Tensor, "clusterings block"],
) -> Float[Tensor, "clusterings"]:
    """Return log-probabilities of the clusters of a block; one without a token has probability 0.

    Args:
        member: 1 where a token is in a cluster, else 0.
    """
    chosen = (shares @ member).gather(2, taken.clamp_min(0)[..., None])[..., 0]
    return torch.where(taken < 0, -torch.inf, chosen.log()).sum(1)
