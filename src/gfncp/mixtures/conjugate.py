"""Clusters whose parameters integrate out in closed form, as exponential families.

A model maps a point to a vector of statistics that add up over the members of a cluster. Everything that a
sampler needs follows from such sums: the evidence of the members, and a draw of the cluster's parameters,
written so that the log-density of a point is the dot product of its statistics with them. The first
statistic is the number of members.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from scipy.special import gammaln

LOG_2_PI = math.log(2 * math.pi)


@runtime_checkable
class ConjugateModel(Protocol):
    """What the samplers know about clusters."""

    def statistics(self, x: Float[np.ndarray, "*batch dim"]) -> Float[np.ndarray, "*batch width"]:
        """Of single points; a cluster has the sum over its members."""
        ...

    def log_evidence(self, statistics: Float[np.ndarray, "*batch width"]) -> Float[np.ndarray, "*batch"]:
        """log p(members), the parameters integrated out; 0 for no members."""
        ...

    def draw(
        self, statistics: Float[np.ndarray, "*batch width"], rng: np.random.Generator
    ) -> Float[np.ndarray, "*batch width"]:
        """Parameters given the members: log p(x | parameters) = statistics(x) @ parameters."""
        ...


def log_predictive(
    model: ConjugateModel,
    x: Float[np.ndarray, "*batch dim"],
    statistics: Float[np.ndarray, "*batch width"],
) -> Float[np.ndarray, "*batch"]:
    """log p(x | members), the parameters integrated out."""
    return model.log_evidence(statistics + model.statistics(x)) - model.log_evidence(statistics)


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

    def statistics(self, x: Float[np.ndarray, "*batch dim"]) -> Float[np.ndarray, "*batch width"]:
        """Count, sum, sum of squares."""
        return np.concatenate([np.ones_like(x[..., :1]), x, np.square(x).sum(-1, keepdims=True)], -1)

    def log_evidence(self, statistics: Float[np.ndarray, "*batch width"]) -> Float[np.ndarray, "*batch"]:
        count, total, square = statistics[..., 0], statistics[..., 1:-1], statistics[..., -1]
        dim = total.shape[-1]
        precision = count + self.spread**-2
        fit = np.square(total).sum(-1) / precision - square
        return 0.5 * (fit - dim * (np.log(precision * self.spread**2) + count * LOG_2_PI))

    def draw(
        self, statistics: Float[np.ndarray, "*batch width"], rng: np.random.Generator
    ) -> Float[np.ndarray, "*batch width"]:
        total = statistics[..., 1:-1]
        precision = statistics[..., :1] + self.spread**-2
        mean = total / precision + rng.standard_normal(total.shape) / np.sqrt(precision)
        constant = -0.5 * (np.square(mean).sum(-1, keepdims=True) + total.shape[-1] * LOG_2_PI)
        return np.concatenate([constant, mean, np.full_like(constant, -0.5)], -1)


@dataclass(frozen=True, eq=False)
class NormalInverseWishart:
    """Unknown means and covariances: Sigma ~ IW(scale, dof), mu ~ N(mean, Sigma / kappa).

    Args:
        mean: prior mean of the means.
        kappa: its weight, in points.
        dof: degrees of freedom; more than dim - 1. E[Sigma] = scale / (dof - dim - 1).
        scale: positive definite, in squared units of the data.

    Raises:
        ValueError: a parameter is outside its domain.

    References:
        Murphy. Conjugate Bayesian analysis of the Gaussian distribution. 2007, Sec. 9.
    """

    mean: Float[np.ndarray, "dim"]
    kappa: float
    dof: float
    scale: Float[np.ndarray, "dim dim"]

    def __post_init__(self) -> None:
        dim = len(self.mean)
        if not self.kappa > 0:
            raise ValueError(f"kappa={self.kappa!r}: accepted is a positive number")
        if not self.dof > dim - 1:
            raise ValueError(f"dof={self.dof!r}: accepted is more than dim - 1 = {dim - 1}")
        if self.scale.shape != (dim, dim):
            raise ValueError(f"scale has shape {self.scale.shape}: accepted is {(dim, dim)}")
        symmetric = np.allclose(self.scale, self.scale.T)
        if not symmetric or not np.linalg.eigvalsh(self.scale).min() > 0:
            raise ValueError("scale: accepted is a symmetric positive definite matrix")

    @classmethod
    def weak(cls, x: Float[np.ndarray, "points dim"], cluster_scale: float = 0.2) -> "NormalInverseWishart":
        """A weak prior in the units of the data: means spread like the points, clusters smaller than that.

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
        variances = x.var(0)
        constant = variances <= 1e-12 * max(variances.max(), np.finfo(float).tiny)
        variances = np.where(constant, variances.max() or 1.0, variances)  # a constant column tells nothing
        dim = x.shape[1]
        return cls(x.mean(0), cluster_scale**2, dim + 2.0, cluster_scale**2 * np.diag(variances))

    def statistics(self, x: Float[np.ndarray, "*batch dim"]) -> Float[np.ndarray, "*batch width"]:
        """Count, sum and products, about the prior mean."""
        if x.shape[-1] != len(self.mean):
            raise ValueError(f"X has {x.shape[-1]} features, but the model has {len(self.mean)}")
        y = x - self.mean
        products = (y[..., :, None] * y[..., None, :]).reshape(*x.shape[:-1], len(self.mean) ** 2)
        return np.concatenate([np.ones_like(y[..., :1]), y, products], -1)

    def _posterior(self, statistics):
        """kappa, dof, mean about the prior mean, and the Cholesky factor of the scale, given the members."""
        dim = len(self.mean)
        count, total = statistics[..., 0], statistics[..., 1 : dim + 1]
        kappa = self.kappa + count
        mean = total / kappa[..., None]
        products = statistics[..., dim + 1 :].reshape(*count.shape, dim, dim)
        scale = self.scale + products - mean[..., :, None] * total[..., None, :]
        return kappa, self.dof + count, mean, np.linalg.cholesky(scale)

    def log_evidence(self, statistics: Float[np.ndarray, "*batch width"]) -> Float[np.ndarray, "*batch"]:
        kappa, dof, _, factor = self._posterior(statistics)
        normaliser = self._log_normaliser(kappa, dof, factor)
        return normaliser - self._of_prior - 0.5 * len(self.mean) * math.log(math.pi) * statistics[..., 0]

    @cached_property
    def _of_prior(self) -> float:
        return self._log_normaliser(np.array(self.kappa), np.array(self.dof), np.linalg.cholesky(self.scale))

    def _log_normaliser(self, kappa, dof, factor):
        """Of the density of mean and covariance, up to a constant."""
        dim = len(self.mean)
        gammas = gammaln(0.5 * (dof[..., None] - np.arange(dim))).sum(-1)
        log_det = 2 * np.log(np.diagonal(factor, axis1=-2, axis2=-1)).sum(-1)
        return gammas - 0.5 * (dof * log_det + dim * np.log(kappa))

    def draw(
        self, statistics: Float[np.ndarray, "*batch width"], rng: np.random.Generator
    ) -> Float[np.ndarray, "*batch width"]:
        """The precision by Bartlett's decomposition."""
        dim = len(self.mean)
        kappa, dof, mean, factor = self._posterior(statistics)
        bartlett = np.tril(rng.standard_normal((*kappa.shape, dim, dim)), -1)
        diagonal = np.sqrt(2 * rng.standard_gamma(0.5 * (dof[..., None] - np.arange(dim))))
        bartlett[..., np.arange(dim), np.arange(dim)] = diagonal
        root = np.linalg.solve(np.swapaxes(factor, -1, -2), bartlett)  # precision = root @ root.T
        noise = rng.standard_normal((*kappa.shape, dim, 1)) / np.sqrt(kappa)[..., None, None]
        mean = mean + np.linalg.solve(np.swapaxes(root, -1, -2), noise)[..., 0]
        precision = root @ np.swapaxes(root, -1, -2)
        linear = (precision @ mean[..., None])[..., 0]
        log_det = 2 * np.log(diagonal / np.diagonal(factor, axis1=-2, axis2=-1)).sum(-1)
        constant = 0.5 * (log_det - dim * LOG_2_PI - (linear * mean).sum(-1))
        products = -0.5 * precision.reshape(*kappa.shape, -1)
        return np.concatenate([constant[..., None], linear, products], -1)
