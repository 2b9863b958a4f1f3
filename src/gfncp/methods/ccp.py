"""Clusterwise Clustering Process: sample one whole cluster at a time (Pakman et al. 2020, Sec. 4).

Step k picks an anchor at random among the remaining points and decides all memberships of its cluster at
once, so that a clustering costs O(K) passes. Given a latent z, memberships are independent; z ties them:

    z ~ p(z | anchor, U, G),
    b_i ~ Bernoulli(sigmoid(phi(x_i, z, anchor, U, G)))   for every other remaining point i.

U is the sum of u over the remaining points. G = sum_k g(H_k), with H_k the sum of h over cluster k,
represents the clusters already formed. Training maximises an evidence lower bound with
q(z | anchor, U, G, U_in), where U_in is the sum of u over the cluster's members:

    log p(c | x) >= E[ sum_k log p(b_k | z_k, ...) - KL(q(z_k) || p(z_k)) ].

The expectation is over z_k ~ q, and over anchors drawn as `visit_clusters` draws them: a uniform one among
the remaining points. That is how the process itself draws them, so that their probabilities cancel.

References:
    Pakman, Wang, Mitelut, Lee, Paninski. Neural Clustering Processes. ICML 2020.
    Burda, Grosse, Salakhutdinov. Importance Weighted Autoencoders. ICLR 2016.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple, NoReturn, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.distributions import Independent, kl_divergence

from gfncp.methods.anchors import random_point, visit_clusters
from gfncp.methods.gaussians import diagonal_gaussian
from gfncp.networks.interfaces import Encoder, Network
from gfncp.networks.layers import by_chunks, mlp
from gfncp.objectives.batch import Batch, Terms
from gfncp.partitions import canonical_labels

ROWS_PER_GROUP = 262_144  # points times clusterings that are sampled side by side


class CCPEncoding(NamedTuple):
    """Terms of each point in the sums; absent points are left out."""

    anchor: Float[Tensor, "batch points width"]  # term of the anchor
    h: Float[Tensor, "batch points width"]  # term in its cluster's H
    u: Float[Tensor, "batch points width"]  # term in U while the point remains
    row: Float[Tensor, "batch points width"]  # phi's first layer applied to the point
    mask: Bool[Tensor, "batch points"]

    def select(self, sets: Int[Tensor, "particles"]) -> "CCPEncoding":
        return CCPEncoding(*(part[sets] for part in self))


class Steps(NamedTuple):
    """The cluster steps of labelled sets, side by side, without those that leave nothing to decide."""

    owner: Int[Tensor, "steps"]  # the set
    log_likelihood: Float[Tensor, "steps"]  # log p(b | z) at a z from q
    kl: Float[Tensor, "steps"]  # KL(q || p)
    log_ratio: Float[Tensor, "steps"]  # log p(z) - log q(z), whose mean is -KL


@runtime_checkable
class CCPStrategy(Protocol):
    """Strategy that chooses anchors, latents and memberships."""

    def anchor(self, left: Bool[Tensor, "particles points"]) -> Int[Tensor, "particles"]: ...

    def latent(self, prior: Independent) -> Float[Tensor, "particles latent"]: ...

    def members(self, logits: Float[Tensor, "particles points"]) -> Bool[Tensor, "particles points"]: ...


class CCPNetwork(Network):
    """Networks h, u, g, phi, prior and posterior; h, u and phi share their first layers.

    Args:
        encoder: maps points to features, see `gfncp.networks.encoders`.
        depth: linear layers of h and of u.
        width: width of all hidden layers.
        latent: width of z.
    """

    def __init__(self, encoder: Encoder, depth: int = 4, width: int = 128, latent: int = 32) -> None:
        super().__init__()
        self.encoder = encoder
        self.width = width
        self.trunk = mlp(encoder.features, *[width] * (depth - 1))
        self.h = nn.Linear(width, width)
        self.u = nn.Linear(width, width)
        self.g = mlp(width, width, width, width)
        self.prior = mlp(3 * width, *[width] * 4, 2 * latent)
        self.posterior = mlp(4 * width, *[width] * 4, 2 * latent)
        # phi's first layer is a sum over its inputs; a step's part is computed once for all its points.
        self.phi_point = nn.Linear(width, width, bias=False)
        self.phi_step = nn.Linear(3 * width + latent, width)
        self.phi = mlp(*[width] * 4, 1)

    def encode(
        self, x: Float[Tensor, "batch points *shape"], mask: Bool[Tensor, "batch points"] | None = None
    ) -> CCPEncoding:
        if mask is None:
            mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        features = self.encoder(x, mask)
        hidden = _apply(self.trunk, features).relu()
        keep = mask[..., None].to(hidden.dtype)
        return CCPEncoding(hidden, self.h(hidden) * keep, self.u(hidden) * keep, self.phi_point(hidden), mask)

    def logits(
        self, row: Float[Tensor, "rows width"], step: Float[Tensor, "rows width"]
    ) -> Float[Tensor, "rows"]:
        """Return membership logits from the outputs of phi's first layer for a point and for its step."""
        return by_chunks(self.phi, F.relu(row + step))[:, 0]

    # Labelled sets (teacher forcing): all cluster steps in one pass.

    def steps(
        self, encoding: CCPEncoding, labels: Int[Tensor, "batch points"], generator: torch.Generator
    ) -> Steps:
        """Draw anchors and latents for every cluster of every set."""
        visited, anchors = visit_clusters(torch.where(encoding.mask, labels, -1), generator)
        points = labels.shape[1]
        turn = torch.arange(anchors.shape[1], device=labels.device)
        remaining = visited[:, None] >= turn[:, None]  # batch, clusters, points
        others = remaining & (torch.arange(points, device=labels.device) != anchors[..., None])
        valid = others.any(-1)
        owner = valid.nonzero()[:, 0]

        member = visited[:, None] == turn[:, None]
        pooled, inside = (member.to(t.dtype) @ t for t in (encoding.h, encoding.u))
        formed = _apply(self.g, pooled)
        context = torch.cat(
            [
                encoding.anchor.gather(1, anchors[..., None].expand(-1, -1, self.width)),
                inside.flip(1).cumsum(1).flip(1),  # U: of this cluster and all later ones
                formed.cumsum(1) - formed,  # G: of all earlier ones
            ],
            -1,
        )[valid]
        prior = diagonal_gaussian(_apply(self.prior, context))
        posterior = diagonal_gaussian(_apply(self.posterior, torch.cat([context, inside[valid]], -1)))
        z = posterior.mean + posterior.stddev * _noise(posterior.mean, generator)

        step, point = others[valid].nonzero(as_tuple=True)
        row = F.embedding(owner[step] * points + point, encoding.row.flatten(0, 1))
        logits = self.logits(row, F.embedding(step, self.phi_step(torch.cat([context, z], -1))))
        joins = member[valid][step, point]
        each = -F.binary_cross_entropy_with_logits(logits, joins.to(logits.dtype), reduction="none")
        return Steps(
            owner,
            each.new_zeros(len(owner)).index_add(0, step, each),
            kl_divergence(posterior.base_dist, prior.base_dist).sum(-1),
            (prior.base_dist.log_prob(z) - posterior.base_dist.log_prob(z)).sum(-1),
        )

    @torch.no_grad()
    def log_prob_bound(
        self,
        x: Float[Tensor, "batch points *shape"],
        labels: Int[Tensor, "batch points"],
        n_samples: int,
        generator: torch.Generator,
        mask: Bool[Tensor, "batch points"] | None = None,
    ) -> Float[Tensor, "batch"]:
        """Return an importance-weighted lower bound of log p(c | x), in float64.

        Its expectation grows with ``n_samples`` draws of anchors and latents, from the evidence lower bound
        towards log p(c | x); its exponential is an unbiased estimate of p(c | x) (Burda et al. 2016). The
        more clusters, the wider the weights vary and the looser the bound.
        """
        encoding = self.encode(x, mask)
        draws = torch.arange(len(x), device=x.device).repeat(n_samples)  # one pseudo-set per set and sample
        weight = encoding.u.new_zeros(len(draws), dtype=torch.float64)
        clusters = int(labels.max()) + 1
        group = max(1, ROWS_PER_GROUP // (labels.shape[1] * clusters))
        for part in torch.arange(len(draws), device=x.device).split(group):
            steps = self.steps(encoding.select(draws[part]), labels[draws[part]], generator)
            weight.index_add_(0, part[steps.owner], (steps.log_likelihood + steps.log_ratio).double())
        return weight.view(n_samples, -1).logsumexp(0) - math.log(n_samples)

    def log_prob(self, *_arguments) -> NoReturn:
        """Refuse: CCP has no closed-form probabilities.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(
            "the probability of a clustering under CCP is an integral over latents and a sum over anchors; "
            "log_prob_bound estimates it from below"
        )

    # Clusterings of unlabelled sets.

    @torch.no_grad()
    def predict(
        self, x: Float[Tensor, "batch points *shape"], mask: Bool[Tensor, "batch points"] | None = None
    ) -> Int[Tensor, "batch points"]:
        """Return labels in order of appearance, -1 where absent.

        Anchors are the first remaining points, latents the prior's means, memberships the more probable ones.
        """
        encoding = self.encode(x, mask)
        sets = torch.arange(len(x), device=x.device)
        return self._decode(encoding, sets, _MostLikely())

    @torch.no_grad()
    def sample(
        self,
        x: Float[Tensor, "batch points *shape"],
        n_samples: int,
        generator: torch.Generator,
        mask: Bool[Tensor, "batch points"] | None = None,
    ) -> Int[Tensor, "batch n_samples points"]:
        """Draw independent clusterings, as labels in order of appearance, -1 where absent."""
        encoding = self.encode(x, mask)
        sets = torch.arange(len(x), device=x.device).repeat_interleave(n_samples)
        return self._decode(encoding, sets, _Draw(generator)).view(len(x), n_samples, -1)

    def _decode(
        self, encoding: CCPEncoding, sets: Int[Tensor, "particles"], choose: CCPStrategy
    ) -> Int[Tensor, "particles points"]:
        """Cluster the given sets, one particle each, in groups that fit the memory."""
        group = max(1, ROWS_PER_GROUP // encoding.mask.shape[1])
        return torch.cat([self._decode_group(encoding, part, choose) for part in sets.split(group)])

    def _decode_group(self, encoding, sets, choose):
        left = encoding.mask[sets]
        labels = torch.full(left.shape, -1, device=left.device)
        formed = encoding.u.new_zeros(len(sets), self.width)
        number = 0
        while left.any():
            going = left.any(1).nonzero()[:, 0]
            part, rest = encoding.select(sets[going]), left[going]
            anchor = choose.anchor(rest)
            here = torch.arange(len(going), device=left.device)
            unassigned = (rest[:, None].to(part.u.dtype) @ part.u)[:, 0]
            context = torch.cat([part.anchor[here, anchor], unassigned, formed[going]], -1)
            z = choose.latent(diagonal_gaussian(_apply(self.prior, context)))
            step = self.phi_step(torch.cat([context, z], -1))
            rows = (part.row, step[:, None].expand_as(part.row))
            logits = self.logits(*(t.flatten(0, 1) for t in rows)).view(rest.shape)
            members = rest & choose.members(logits)
            members[here, anchor] = True
            labels[going] = torch.where(members, number, labels[going])
            left[going] = rest & ~members
            formed[going] += _apply(self.g, (members[:, None].to(part.h.dtype) @ part.h)[:, 0])
            number += 1
        return canonical_labels(labels)


def _apply(layers: nn.Module, x: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch out"]:
    out = by_chunks(layers, x.flatten(0, -2))
    return out.view(*x.shape[:-1], out.shape[1])


def _noise(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, dtype=like.dtype, generator=generator).to(like.device)


class _MostLikely:
    def anchor(self, left):
        return left.to(torch.uint8).argmax(1)

    def latent(self, prior):
        return prior.mean

    def members(self, logits):
        return logits > 0


@dataclass(frozen=True)
class _Draw:
    generator: torch.Generator

    def anchor(self, left):
        return random_point(left, self.generator)

    def latent(self, prior):
        return prior.mean + prior.stddev * _noise(prior.mean, self.generator)

    def members(self, logits):
        return torch.rand(logits.shape, generator=self.generator).to(logits.device) < logits.sigmoid()


@dataclass(frozen=True)
class CCPLoss:
    """Negative evidence lower bound, per point."""

    def __call__(self, network: CCPNetwork, batch: Batch, generator: torch.Generator) -> Terms:
        steps = network.steps(network.encode(batch.x), batch.labels, generator)
        reconstruction = -steps.log_likelihood.sum() / batch.labels.numel()
        kl = steps.kl.sum() / batch.labels.numel()
        return {
            "loss": reconstruction + kl,
            "reconstruction": reconstruction.detach(),
            "kl": kl.detach(),
        }
