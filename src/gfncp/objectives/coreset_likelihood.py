"""Maximum likelihood of labelled coresets."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.networks.energy import Encoding, in_full
from gfncp.networks.tokens import log_places
from gfncp.objectives.batch import Batch, Terms
from gfncp.objectives.trajectory import follow, reorder

GROUPED = 0.25  # share of the orders in which whole clusters come last


@dataclass(frozen=True)
class CoresetLikelihood:
    """Mean negative log-likelihood of the tokens' labels along one order, and of the other points' labels.

        loss = -1/M log p(c_tokens | tokens) - w mean_i log p(c_i | c_tokens, tokens)

    In a quarter of the sets, the tokens of some clusters come after all others, as when the labels of the
    others are known. (A second order of the same sets costs as much as half as many further sets, and
    teaches less.)

    Args:
        placement: weight w.
        anchor: weight of the squared log-partition of the options, so that energies do not drift.
    """

    placement: float = 0.5
    anchor: float = 1e-5

    def __call__(self, network, batch: Batch, generator: torch.Generator) -> Terms:
        features = network.encoder(batch.x, batch.mask)
        with in_full(features):
            features = features.float()
            order = self.order(batch.labels, generator)
            encoding, labels = reorder(network.encode_features(features, batch.mask), batch.labels, order)
            nll, energies = self.nll(network, encoding, labels, generator)
            terms = {
                "nll": nll,
                "placement": self.placement_loss(network, features, batch),
                "anchor": torch.logsumexp(-energies, -1)[encoding.mask].square().mean(),
            }
        loss = terms["nll"] + self.placement * terms["placement"] + self.anchor * terms["anchor"]
        return {"loss": loss} | {name: term.detach() for name, term in terms.items()}

    @staticmethod
    def order(labels: Int[Tensor, "batch tokens"], generator: torch.Generator) -> Int[Tensor, "batch tokens"]:
        """Draw an order of the tokens of each set."""
        return grouped_order(labels, generator)

    def nll(
        self,
        network,
        encoding: Encoding,
        labels: Int[Tensor, "batch tokens"],
        generator: torch.Generator,
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "batch tokens options"]]:
        """Return the mean of -log p(c_tokens | tokens) per token, and the energies along the labels."""
        energies, log_prob = follow(network, encoding, labels, None)
        return -(log_prob.sum(1) / encoding.mask.sum(1)).mean(), energies

    @staticmethod
    def placement_loss(
        network, features: Float[Tensor, "batch tokens features"], batch: Batch
    ) -> Float[Tensor, ""]:
        """Return the mean of -log p(c_i | c_tokens, tokens) over the points whose clusters have tokens."""
        if batch.placed_labels is None:
            raise ValueError("placed_labels=None: accepted are batches with points beside the tokens")
        weights = network.placement.weights(features, batch.mask)
        shares = network.placement.log_shares(weights, batch.placed)
        log_prob = log_places(shares, batch.labels, int(batch.labels.max()) + 1)
        known = batch.placed_labels >= 0
        chosen = log_prob.gather(2, batch.placed_labels.clamp_min(0)[..., None])[..., 0]
        return -(chosen * known).sum() / known.sum().clamp_min(1)


def grouped_order(
    labels: Int[Tensor, "batch tokens"], generator: torch.Generator
) -> Int[Tensor, "batch tokens"]:
    """Draw random orders; in some, the tokens of random clusters come last."""
    late = torch.rand(len(labels), int(labels.max()) + 1, generator=generator).to(labels.device) < 0.5
    late = late.gather(1, labels.clamp_min(0)) & (labels >= 0)
    some = torch.rand(len(labels), 1, generator=generator).to(labels.device) < GROUPED
    return (torch.rand(labels.shape, generator=generator).to(labels.device) + (late & some)).argsort(1)
