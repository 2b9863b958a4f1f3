"""Counts of molecules in cells, on the logarithmic scale on which single-cell data are clustered."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.partitions import canonical_labels
from gfncp.simulators.draw import Draw
from gfncp.simulators.overlap import scale_for, to_nearest
from gfncp.simulators.shares import cluster_shares, draw_clusters

FEWEST, MOST = 50, 400  # genes
EASY, HARD = 1e-12, 0.01  # probability of confusing a type with its nearest one, were its genes known
WEAKEST, STRONGEST = 0.2, 2.0  # standard deviation of the logarithm of fold changes
RELATED, MIXED, DOUBLETS = 0.4, 0.3, 0.3  # shares of the sets
GENES, STANDARD, COMPONENTS = range(3)
TURNS = 3  # of the power iteration


@dataclass(frozen=True)
class Counts:
    """Cells of several types, as log(1 + counts for equal library sizes).

    A call draws the number of genes, log-uniform from 50 to 400, and what the columns are: all genes, genes
    standardised, or the first 5 to 50 principal components. In a set,

    - genes have log-normal means. Each type changes 2 to 30% of these by log-normal factors, as large as a
      chosen probability of confusing types needs; in some sets, groups of types have changes in common.
    - cells have log-normal library sizes (total counts). Counts are negative binomial, or nearly Poisson.
    - in some sets, up to a fifth of each cell's expected counts are those of the average cell.
    - in some sets, up to 5% of the cells have up to half of their expected counts from another cell's type.

    Args:
        max_clusters: the most types of a set.
    """

    max_clusters: int = 20

    def __call__(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "sets points dim"], Int[Tensor, "sets points"]]:
        draw, whole = Draw(sets, generator), Draw(1, generator)
        genes = int(whole.log_uniform(FEWEST, MOST + 1))
        shares = cluster_shares(draw, self.max_clusters, points)
        cluster = draw_clusters(draw, shares, points)
        dispersion = (0.02 + draw.uniform(high=1.5) * draw.some(0.8))[..., None]
        means = draw_means(draw, shares, genes, dispersion)

        each = torch.arange(sets)[:, None]
        rates = means[each, cluster]
        doublet = draw.uniform(points) < draw.uniform(high=0.05) * draw.some(DOUBLETS)
        second = cluster.gather(1, draw.integers(0, points - 1, points))
        part = draw.uniform(points, high=0.5) * doublet
        rates = torch.lerp(rates, means[each, second], part[..., None])
        ambient = (draw.uniform(high=0.2) * draw.some(MIXED))[..., None]
        rates = torch.lerp(rates, rates.mean(1, keepdim=True), ambient)
        library = ((0.2 + draw.uniform(high=0.6)) * draw.normal(points)).exp()[..., None]

        x = log_normalised(draw_counts(draw, rates * library, dispersion))
        view = int(whole.integers(GENES, COMPONENTS))
        if view == STANDARD:
            x = (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True, correction=0).clamp_min(1e-3)
        if view == COMPONENTS:
            x = randomised_pca(x, min(int(whole.log_uniform(5, 51)), points), generator)
        return x, canonical_labels(cluster)


def draw_means(
    draw: Draw,
    shares: Float[Tensor, "sets clusters"],
    genes: int,
    dispersion: Float[Tensor, "sets 1 1"],
) -> Float[Tensor, "sets clusters genes"]:
    """Draw expected counts of each type's genes, equally many in total."""
    clusters = shares.shape[1]
    level, spread = draw.log_uniform(0.3, 4), 0.7 + draw.uniform(high=0.8)
    usual = (level.log() + spread * draw.normal(genes))[:, None]
    share = draw.log_uniform(0.02, 0.3).clamp_min(5 / genes)[..., None]
    groups = -(-clusters // 3)
    group = draw.integers(0, groups - 1, clusters)
    own, common = (draw.normal(n, genes) * (draw.uniform(n, genes) < share) for n in (clusters, groups))
    related = ((0.3 + draw.uniform(high=0.5)) * draw.some(RELATED))[..., None]
    common = common[torch.arange(draw.sets)[:, None], group]
    folds = (1 - related).sqrt() * own + related.sqrt() * common

    # A small change f of log(mean) moves log(count) by f, whose variance is 1 / mean + dispersion.
    scores = folds * (1 / usual.exp() + dispersion).rsqrt()
    nearest = to_nearest(torch.cdist(scores, scores) / 2, shares > 0)
    strength = scale_for(draw.log_uniform(EASY, HARD), nearest).clamp(WEAKEST, STRONGEST)
    means = (usual + strength[..., None] * folds).exp()
    return means / means.sum(2, keepdim=True) * usual.exp().sum(2, keepdim=True)


def draw_counts(
    draw: Draw, rates: Float[Tensor, "sets points genes"], dispersion: Float[Tensor, "sets 1 1"]
) -> Float[Tensor, "sets points genes"]:
    """Draw whole numbers of about the negative binomial law: mean m, variance m + dispersion m^2.

    Gamma rates come from the cube of a normal number (Wilson, Hilferty 1931), Poisson counts from the first
    terms of the Cornish-Fisher expansion; both are several times faster than exact draws.
    """
    shape = rates.shape[1:]
    gamma = (1 - dispersion / 9 + draw.normal(*shape) * dispersion.sqrt() / 3).clamp_min(0) ** 3
    rates = rates * gamma
    root = rates.sqrt()
    z = draw.normal(*shape).maximum(-3 * root)  # beyond, the expansion rises again
    expansion = rates + root * z + (z.square() - 1) / 6
    missing = 0.017 / (rates + 0.025)  # the next terms matter where 0 and 1 meet; fitted from 0.01 up
    return (expansion - missing).round().clamp_min(0) * (rates > 0)


def log_normalised(counts: Float[Tensor, "sets points genes"]) -> Float[Tensor, "sets points genes"]:
    """Return log(1 + counts), where each cell's counts are scaled to the median library size."""
    library = counts.sum(2, keepdim=True)
    return torch.log1p(counts * (library.median(1, keepdim=True).values / library.clamp_min(1)))


def randomised_pca(
    x: Float[Tensor, "sets points dim"], components: int, generator: torch.Generator
) -> Float[Tensor, "sets points components"]:
    """Return the first principal components, as accurate as a short power iteration (Halko et al. 2011)."""
    x = x - x.mean(1, keepdim=True)
    wider = min(components + 10, *x.shape[1:])
    basis = torch.randn(len(x), x.shape[2], wider, generator=generator)
    for _ in range(TURNS):
        basis = torch.linalg.qr(x.mT @ (x @ basis)).Q
    found = x @ basis
    turn = torch.linalg.eigh(found.mT @ found).eigenvectors.flip(2)
    return (found @ turn)[..., :components]
