"""Set Transformer: amortized maximum likelihood for mixtures of K Gaussians (Lee et al. 2019a, Sec. 5.3).

One pass maps a set to the mixture's weights, means and scales. The loss needs no labels. Clusters are the
components; each point joins the one of highest responsibility. So the network fixes K.

References:
    Lee, Lee, Kim, Kosiorek, Choi, Teh. Set Transformer: A Framework for Attention-based
    Permutation-Invariant Neural Networks. ICML 2019.
"""

from dataclasses import dataclass
from typing import NoReturn

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gfncp.methods.gaussians import diagonal_gaussian, has_likelihood
from gfncp.methods.set_attention import PMA, SAB, ISABStack, Mask
from gfncp.networks.interfaces import Encoder, Network
from gfncp.objectives.batch import Batch, Terms
from gfncp.partitions import canonical_labels


class SetTransformerNetwork(Network):
    """ISAB x 2, PMA with K seeds, SAB x 2, then a linear layer to weights, means and softplus scales.

    The mixture is one of the encoder's features, so it must not train them: their likelihood is highest where
    all points of a set have one of K values, whatever they show. Vectors' features are fixed anyway. An
    encoder with weights is frozen as it comes, and each set of its features is centred and divided by their
    overall standard deviation, so that the scale of a random or pretrained encoder does not matter.

    Args:
        encoder: maps points to features, see `gfncp.networks.encoders`; frozen.
        n_components: K.
        hidden: width of all blocks.
        inducing: learned points of each ISAB.
        heads: attention heads.
    """

    def __init__(
        self, encoder: Encoder, n_components: int, hidden: int = 128, inducing: int = 32, heads: int = 4
    ) -> None:
        super().__init__()
        self.encoder = encoder.requires_grad_(False)
        self.n_components = n_components
        self.encode = ISABStack(encoder.features, hidden, heads, inducing, 2)
        self.pool = PMA(hidden, hidden, heads, seeds=n_components)
        self.relate = nn.ModuleList(SAB(hidden, hidden, heads) for _ in range(2))
        self.weight = nn.Linear(hidden, 1)
        self.gaussian = nn.Linear(hidden, 2 * encoder.features)

    def features(
        self, x: Float[Tensor, "batch points *shape"], mask: Bool[Tensor, "batch points"]
    ) -> Float[Tensor, "batch points features"]:
        """Return the features of which the mixture is a model."""
        features = self.encoder(x, mask)
        return features if has_likelihood(self.encoder) else normalise_sets(features, mask)

    def log_joint(
        self, features: Float[Tensor, "batch points features"], mask: Mask = None
    ) -> Float[Tensor, "batch points components"]:
        """Return the log of weight times density of each point under each component."""
        pooled = self.pool(self.encode(features, mask), mask)
        for block in self.relate:
            pooled = block(pooled, None)
        log_weight = torch.log_softmax(self.weight(pooled)[..., 0], -1)
        density = diagonal_gaussian(self.gaussian(pooled)[:, None])
        return log_weight[:, None] + density.log_prob(features[:, :, None])

    @torch.no_grad()
    def predict(
        self, x: Float[Tensor, "batch points *shape"], mask: Bool[Tensor, "batch points"] | None = None
    ) -> Int[Tensor, "batch points"]:
        """Return labels in order of appearance, -1 where absent; at most K clusters.

        Does not depend on the order of the points.
        """
        mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device) if mask is None else mask
        component = self.log_joint(self.features(x, mask), mask).argmax(-1)
        return canonical_labels(torch.where(mask, component, -1))

    def log_prob(self, *_arguments) -> NoReturn:
        """Refuse: the Set Transformer has no distribution over clusterings.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(
            "the Set Transformer estimates one mixture per set: responsibilities are probabilities given its "
            "parameters, not given the data alone, and only for one number of clusters"
        )


def normalise_sets(
    features: Float[Tensor, "batch points features"], mask: Bool[Tensor, "batch points"]
) -> Float[Tensor, "batch points features"]:
    """Centre each set, and divide it by the standard deviation over all its points and features."""
    present = mask[..., None].to(features.dtype)
    count = present.sum(1, keepdim=True).clamp_min(1)
    centred = (features - (features * present).sum(1, keepdim=True) / count) * present
    variance = centred.square().sum((1, 2), keepdim=True) / (count * features.shape[2])
    return centred / (variance + 1e-12).sqrt()


@dataclass(frozen=True)
class SetTransformerLoss:
    """Negative log-likelihood of the mixture, per point; labels are not used."""

    def __call__(self, network: SetTransformerNetwork, batch: Batch, generator: torch.Generator) -> Terms:
        mask = torch.ones(batch.labels.shape, dtype=torch.bool, device=batch.x.device)
        nll = -network.log_joint(network.features(batch.x, mask)).logsumexp(-1).mean()
        return {"loss": nll, "nll": nll.detach()}
