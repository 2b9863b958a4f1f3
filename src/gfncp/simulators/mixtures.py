"""Mixtures of Gaussians (Eq. 33-34)."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.partitions import sample_crp


@dataclass(frozen=True)
class GaussianMixtures:
    """Sets from mixtures of spherical Gaussians: c ~ CRP(alpha), mu_k ~ N(0, spread^2 I), x_i ~ N(mu_c, I).

    Args:
        dim: width of the points.
        alpha: concentration of the Chinese Restaurant Process.
        spread: standard deviation of the clusters' means; the clusters themselves have 1.
        n_clusters: None, a fixed number of clusters, or inclusive bounds, on which the CRP is conditioned.
    """

    dim: int = 2
    alpha: float = 1.0
    spread: float = 10.0
    n_clusters: int | tuple[int, int] | None = None

    def __call__(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "sets points dim"], Int[Tensor, "sets points"]]:
        labels = sample_crp(sets, points, self.alpha, generator=generator, n_clusters=self.n_clusters)
        clusters = int(labels.max()) + 1
        means = self.spread * torch.randn(sets, clusters, self.dim, generator=generator)
        noise = torch.randn(sets, points, self.dim, generator=generator)
        return means.gather(1, labels[..., None].expand(-1, -1, self.dim)) + noise, labels
