"""Clusters whose parameters integrate out in closed form, as exponential families.

A model maps a point to a vector of statistics that add up over the members of a cluster. Everything that a
sampler needs follows from such sums: the evidence of the members, and a draw of the cluster's parameters,
written so that the log-density of a point is the dot product of its statistics with them. The first
statistic is the number of members. All computations are in float64.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.partitions import crp_log_prob

LOG_2_PI = math.log(2 * math.pi)


@runtime_checkable
class ConjugateModel(Protocol):
    """Law of a cluster's members, as the samplers use it."""

    def statistics(self, x: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch width"]:
        """Return the statistics of single points; a cluster has the sum over its members."""
        ...

    def log_evidence(self, statistics: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch"]:
        """Return log p(members), the parameters integrated out; 0 for no members."""
        ...

    def draw(
        self, statistics: Float[Tensor, "*batch width"], generator: torch.Generator
    ) -> Float[Tensor, "*batch width"]:
        """Draw parameters given the members: log p(x | parameters) = statistics(x) @ parameters."""
        ...


def log_predictive(
    model: ConjugateModel, x: Float[Tensor, "*#batch dim"], statistics: Float[Tensor, "*#batch width"]
) -> Float[Tensor, "*batch"]:
    """Return log p(x | members), the parameters integrated out."""
    return model.log_evidence(statistics + model.statistics(x)) - model.log_evidence(statistics)


def cluster_sums(
    labels: Int[Tensor, "*#batch points"], clusters: int, statistics: Float[Tensor, "*#batch points width"]
) -> Float[Tensor, "*batch clusters width"]:
    """Sum the statistics of each cluster's members; negative labels belong to none."""
    member = F.one_hot(labels.clamp_min(-1) + 1, clusters + 1)[..., 1:].to(statistics.dtype)
    return member.mT @ statistics


def log_joint(
    x: Float[Tensor, "*#batch points dim"],
    labels: Int[Tensor, "*#batch points"],
    model: ConjugateModel,
    alpha: float,
) -> Float[Tensor, "*batch"]:
    """Return log p(labels, x) of a mixture whose partitions are CRP(alpha), all parameters integrated out."""
    sums = cluster_sums(labels, int(labels.max()) + 1, model.statistics(x))
    return crp_log_prob(labels, alpha) + model.log_evidence(sums).sum(-1)


def log_mass(
    sums: Float[Tensor, "*batch width"], model: ConjugateModel, alpha: float
) -> Float[Tensor, "*batch"]:
    """Return the logarithm of a cluster's factor of p(labels, x), see `log_joint`; it has a member."""
    return math.log(alpha) + torch.lgamma(sums[..., 0].clamp_min(1)) + model.log_evidence(sums)


@dataclass(frozen=True)
class KnownCovariance:
    """Unit covariance and means N(0, spread^2 I): the clusters of `gfncp.simulators.GaussianMixtures`.

    Args:
        spread: standard deviation of the means.

    Raises:
        ValueError: ``spread`` is not positive.
    """

    spread: float

    def __post_init__(self) -> None:
        if not self.spread > 0:
            raise ValueError(f"spread={self.spread!r}: accepted is a positive number")

    def statistics(self, x: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch width"]:
        """Return count, sum and sum of squares."""
        x = x.double()
        return torch.cat([torch.ones_like(x[..., :1]), x, x.square().sum(-1, keepdim=True)], -1)

    def log_evidence(self, statistics: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch"]:
        count, total, square = statistics[..., 0], statistics[..., 1:-1], statistics[..., -1]
        precision = count + self.spread**-2
        fit = total.square().sum(-1) / precision - square
        log_volume = (precision * self.spread**2).log() + count * LOG_2_PI
        return 0.5 * (fit - total.shape[-1] * log_volume)

    def draw(
        self, statistics: Float[Tensor, "*batch width"], generator: torch.Generator
    ) -> Float[Tensor, "*batch width"]:
        total = statistics[..., 1:-1]
        precision = statistics[..., :1] + self.spread**-2
        mean = total / precision + _normal(total.shape, generator) / precision.sqrt()
        constant = -0.5 * (mean.square().sum(-1, keepdim=True) + total.shape[-1] * LOG_2_PI)
        return torch.cat([constant, mean, torch.full_like(constant, -0.5)], -1)


@dataclass(frozen=True, eq=False)
class NormalInverseWishart:
    """Unknown means and covariances: Sigma ~ IW(scale, dof), mu ~ N(mean, Sigma / kappa).

    Args:
        mean: prior mean of the means; an array becomes a tensor.
        kappa: its weight, in points.
        dof: degrees of freedom; more than dim - 1. E[Sigma] = scale / (dof - dim - 1).
        scale: positive definite, in squared units of the data; an array becomes a tensor.

    Raises:
        ValueError: a parameter is outside its domain.

    References:
        Murphy. Conjugate Bayesian analysis of the Gaussian distribution. 2007, Sec. 9.
    """

    mean: Float[Tensor, "dim"]
    kappa: float
    dof: float
    scale: Float[Tensor, "rows columns"]

    def __post_init__(self) -> None:
        for name in ("mean", "scale"):
            object.__setattr__(self, name, torch.as_tensor(getattr(self, name), dtype=torch.float64))
        dim = len(self.mean)
        if not self.kappa > 0:
            raise ValueError(f"kappa={self.kappa!r}: accepted is a positive number")
        if not self.dof > dim - 1:
            raise ValueError(f"dof={self.dof!r}: accepted is more than dim - 1 = {dim - 1}")
        if self.scale.shape != (dim, dim):
            raise ValueError(f"scale has shape {tuple(self.scale.shape)}: accepted is {(dim, dim)}")
        symmetric = torch.allclose(self.scale, self.scale.T)
        if not symmetric or not torch.linalg.eigvalsh(self.scale).min() > 0:
            raise ValueError("scale: accepted is a symmetric positive definite matrix")

    @classmethod
    def weak(cls, x: Float[Tensor, "points dim"], cluster_scale: float = 0.2) -> "NormalInverseWishart":
        """Make a weak prior in the units of the data: means spread like the points, clusters smaller.

        The mean is that of the points. dof = dim + 2, the smallest integer for which E[Sigma] exists, and
        E[Sigma] is diagonal: the points' variances times ``cluster_scale**2``. kappa = ``cluster_scale**2``,
        so that the means vary as much as the points.

        Args:
            cluster_scale: expected standard deviation of a cluster, as a fraction of that of all points.

        Raises:
            ValueError: ``cluster_scale`` is not positive.
        """
        if not cluster_scale > 0:
            raise ValueError(f"cluster_scale={cluster_scale!r}: accepted is a positive number")
        x = x.double()
        variances = x.var(0, correction=0)
        widest = float(variances.max())
        constant = variances <= 1e-12 * max(widest, torch.finfo(torch.float64).tiny)
        variances = torch.where(constant, widest or 1.0, variances)  # a constant column tells nothing
        return cls(x.mean(0), cluster_scale**2, x.shape[1] + 2.0, cluster_scale**2 * variances.diag())

    def statistics(self, x: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch width"]:
        """Return count, sum and products, about the prior mean."""
        if x.shape[-1] != len(self.mean):
            raise ValueError(f"X has {x.shape[-1]} features, but the model has {len(self.mean)}")
        centred = x - self.mean
        products = (centred[..., :, None] * centred[..., None, :]).flatten(-2)
        return torch.cat([torch.ones_like(centred[..., :1]), centred, products], -1)

    def _posterior(self, statistics: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return kappa, dof, mean about the prior mean, and scale's Cholesky factor, given the members."""
        dim = len(self.mean)
        count, total = statistics[..., 0], statistics[..., 1 : dim + 1]
        kappa = self.kappa + count
        mean = total / kappa[..., None]
        products = statistics[..., dim + 1 :].unflatten(-1, (dim, dim))
        scale = self.scale + products - mean[..., :, None] * total[..., None, :]
        return kappa, self.dof + count, mean, torch.linalg.cholesky(scale)

    def log_evidence(self, statistics: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch"]:
        kappa, dof, _, factor = self._posterior(statistics)
        normaliser = self._log_normaliser(kappa, dof, factor)
        constant = 0.5 * len(self.mean) * math.log(math.pi)
        return normaliser - self._prior_normaliser - constant * statistics[..., 0]

    @cached_property
    def _prior_normaliser(self) -> Float[Tensor, ""]:
        kappa, dof = torch.tensor([self.kappa, self.dof], dtype=torch.float64)
        return self._log_normaliser(kappa, dof, torch.linalg.cholesky(self.scale))

    def _log_normaliser(self, kappa: Tensor, dof: Tensor, factor: Tensor) -> Tensor:
        """Return the log-normaliser of the density of mean and covariance, up to a constant."""
        dim = len(self.mean)
        gammas = torch.mvlgamma(0.5 * dof, dim)
        log_det = 2 * factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return gammas - 0.5 * (dof * log_det + dim * kappa.log())

    def draw(
        self, statistics: Float[Tensor, "*batch width"], generator: torch.Generator
    ) -> Float[Tensor, "*batch width"]:
        """Draw mean and covariance, the precision by Bartlett's decomposition."""
        dim = len(self.mean)
        kappa, dof, mean, factor = self._posterior(statistics)
        halves = 0.5 * (dof[..., None] - torch.arange(dim))
        diagonal = (2 * draw_log_gamma(halves, generator).exp()).sqrt()
        bartlett = _normal((*kappa.shape, dim, dim), generator).tril(-1) + diagonal.diag_embed()
        # precision = root @ root.T
        root = torch.linalg.solve_triangular(factor.mT, bartlett, upper=True)
        noise = _normal((*kappa.shape, dim, 1), generator) / kappa[..., None, None].sqrt()
        mean = mean + torch.linalg.solve(root.mT, noise)[..., 0]
        precision = root @ root.mT
        linear = (precision @ mean[..., None])[..., 0]
        log_det = 2 * (diagonal / factor.diagonal(dim1=-2, dim2=-1)).log().sum(-1)
        constant = 0.5 * (log_det - dim * LOG_2_PI - (linear * mean).sum(-1))
        return torch.cat([constant[..., None], linear, -0.5 * precision.flatten(-2)], -1)


def draw_log_gamma(shape: Float[Tensor, "*batch"], generator: torch.Generator) -> Float[Tensor, "*batch"]:
    """Draw logarithms of gamma variables of unit scale; -inf where ``shape`` is 0.

    A variable of shape a is one of shape a + 1 times U^(1 / a), whose logarithm does not underflow.
    """
    # `torch.distributions` takes no generator.
    larger = torch._standard_gamma(shape + 1, generator=generator)  # pyright: ignore[reportPrivateImportUsage]
    uniform = 1 - torch.rand(shape.shape, dtype=shape.dtype, generator=generator)
    return larger.log() + uniform.log() / shape


def _normal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=generator)
