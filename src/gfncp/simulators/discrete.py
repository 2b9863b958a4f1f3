"""Tables of discrete columns, and of numeric columns beside columns that say little or nothing."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.partitions import canonical_labels
from gfncp.simulators.draw import Draw
from gfncp.simulators.latent_classes import (
    categories,
    draw_ordinal_table,
    draw_rows,
    most_probable_class,
    place_categories,
)
from gfncp.simulators.overlap import Ellipsoids, draw_ellipsoids
from gfncp.simulators.shares import cluster_shares, draw_clusters

EASY, HARD = 1e-5, 0.1  # probability of confusing a cluster with its nearest rival
FEW_COLUMNS, MANY_COLUMNS = 2, 20  # of categories
ANSWERS = 12  # columns of answers, at most
VALUES = 6  # of a category, at most
SILENT = 0.3  # share of the calls for mixed tables in which no category says anything
RARE = 0.3  # share of the mixed tables with columns of which hardly a row differs


@dataclass(frozen=True)
class Discrete:
    """Tables of answers, categories, rounded values, mixed columns, or numbers among columns of noise.

    Each call draws one of these kinds of table, mixed columns twice as often as others. In tables of answers,
    categories or rounded values, the label of a row is the cluster that most probably made it, so that equal
    rows have equal labels.

    Args:
        max_clusters: the most clusters of a set.
    """

    max_clusters: int = 10

    def __call__(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "sets points dim"], Int[Tensor, "sets points"]]:
        kind = KINDS[int(Draw(1, generator).integers(0, len(KINDS) - 1))]
        x, labels = kind(self.max_clusters, sets, points, generator)
        return x, canonical_labels(labels)


def answer_table(most: int, sets: int, points: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw 1 to 12 columns of answers on a scale of 3 to 12 levels: normal numbers, rounded."""
    draw = Draw(sets, generator)
    columns = int(Draw(1, generator).log_uniform(1, ANSWERS + 1))
    shares = cluster_shares(draw, min(most, 1 + 2 * columns), points)
    table = draw_ordinal_table(draw, shares > 0, columns, draw.log_uniform(EASY, HARD))
    rows, labels = classed_rows(draw, table, shares, points)
    return rows.float(), labels


def category_table(most: int, sets: int, points: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw 2 to 20 columns of 2 to 6 categories, whose probabilities depend on the cluster."""
    draw, whole = Draw(sets, generator), Draw(1, generator)
    columns = int(whole.log_uniform(FEW_COLUMNS, MANY_COLUMNS + 1))
    values = whole.integers(2, VALUES, columns)[0]
    shares = cluster_shares(draw, min(most, columns), points)
    table = categories(draw, shares > 0, values, draw.log_uniform(EASY, HARD))
    rows, labels = classed_rows(draw, table, shares, points)
    return place_categories(rows, values), labels


def classed_rows(
    draw: Draw,
    table: Float[Tensor, "sets clusters columns values"],
    shares: Float[Tensor, "sets clusters"],
    points: int,
) -> tuple[Int[Tensor, "sets points columns"], Int[Tensor, "sets points"]]:
    """Draw rows of a latent class model, and the class that most probably made each."""
    cluster = draw_clusters(draw, shares, points)
    rows = draw_rows(draw, table, cluster)
    return rows, most_probable_class(rows, table, shares)


def rounded_table(most: int, sets: int, points: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw 2 or 3 numeric columns, rounded to a grid so coarse that many rows may coincide."""
    draw = Draw(sets, generator)
    x, _, ellipsoids, shares = numeric(draw, most, 2 + int(Draw(1, generator).some(0.3)), points)
    step = x.std(1, correction=0).mean(1, keepdim=True) * draw.log_uniform(0.1, 0.8)
    rows = (x / step[..., None]).round()
    return rows, most_probable_cluster(rows * step[..., None], ellipsoids, shares, step)


def most_probable_cluster(
    x: Float[Tensor, "sets points dim"],
    ellipsoids: Ellipsoids,
    shares: Float[Tensor, "sets clusters"],
    step: Float[Tensor, "sets 1"],
) -> Int[Tensor, "sets points"]:
    """Return the normal cluster that most probably made each row, which was rounded to multiples of the step.

    A rounded normal number has nearly the density of a normal one with step^2 / 12 more variance (Sheppard).
    """
    variances = ellipsoids.deviations.square() + step.square()[..., None] / 12
    # In float64, since equal rows may be rounded differently.
    apart = (x[:, None] - ellipsoids.means[:, :, None]).double() @ ellipsoids.axes.double()
    fit = -(apart.square() / variances[:, :, None]).sum(3) / 2
    prior = shares.log() - variances.log().sum(2) / 2
    return (fit + prior[..., None]).argmax(1)


def mixed_table(most: int, sets: int, points: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw 2 to 6 numeric columns, 1 to 4 of categories, which may say nothing, and 2 of rare or no ones."""
    draw, whole = Draw(sets, generator), Draw(1, generator)
    x, cluster, _, shares = numeric(draw, most, int(whole.integers(2, 6)), points)
    typical = x.std(1, correction=0).median(1).values[:, None, None]
    values = whole.integers(2, 4, int(whole.integers(1, 4)))[0]
    table = categories(draw, shares > 0, values, draw.log_uniform(EASY, HARD))
    silent = draw.uniform(1, len(values)) < (1.0 if whole.some(SILENT) else 0.5)
    usual = (shares[..., None, None] * table).sum(1, keepdim=True)
    table = torch.where(silent[..., None], usual, table)
    rows = draw_rows(draw, table, cluster)
    rare = (draw.uniform(points, 2) < draw.uniform(1, 2, high=0.02) * draw.some(RARE)[..., None]).float()
    return torch.cat([x, typical * place_categories(rows, values), typical * rare], 2), cluster


def noisy_table(most: int, sets: int, points: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw 2 to 4 columns of clusters beside 1 to 15 columns of normal, uniform or discrete noise."""
    draw, whole = Draw(sets, generator), Draw(1, generator)
    x, cluster, _, _ = numeric(draw, most, int(whole.integers(2, 4)), points)
    columns = int(whole.log_uniform(1, 16))
    level = x.std(1, correction=0, keepdim=True).mean(2, keepdim=True)
    width = level * (0.3 * draw.normal(1, columns)).exp()
    normal, uniform = draw.normal(points, columns), 12**0.5 * (draw.uniform(points, columns) - 0.5)
    steps = draw.integers(1, 5, 1, columns)
    levels = (draw.uniform(points, columns) * (steps + 1)).floor() / steps * 2 - 1
    law = draw.integers(0, 2, 1, columns)
    noise = torch.where(law == 0, normal, torch.where(law == 1, uniform, levels))
    return torch.cat([x, width * noise], 2), cluster


def numeric(
    draw: Draw, most: int, columns: int, points: int
) -> tuple[
    Float[Tensor, "sets points columns"],
    Int[Tensor, "sets points"],
    Ellipsoids,
    Float[Tensor, "sets clusters"],
]:
    """Draw a normal mixture of chosen overlap: points, their clusters, the ellipsoids and their shares."""
    shares = cluster_shares(draw, most, points)
    cluster = draw_clusters(draw, shares, points)
    inside = torch.ones(draw.sets, columns, dtype=torch.bool)
    ellipsoids = draw_ellipsoids(draw, shares > 0, inside, draw.log_uniform(EASY, HARD))
    return ellipsoids.draw_points(draw, cluster), cluster, ellipsoids, shares


KINDS = (answer_table, category_table, rounded_table, mixed_table, mixed_table, noisy_table)
