"""Latent classes: columns of discrete values that are independent, given the class (Lazarsfeld 1950)."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gfncp.simulators.draw import Draw
from gfncp.simulators.overlap import to_nearest

FEWEST_LEVELS, MOST_LEVELS = 3, 12  # of an answer
WEAKEST, SHARPEST = 0.2, 8.0  # how much classes differ
HALVINGS = 12
STEP = 2.0  # between two different categories, where numeric columns have standard deviation 1


def draw_ordinal_table(
    draw: Draw, used: Bool[Tensor, "sets clusters"], columns: int, error: Float[Tensor, "sets 1"]
) -> Float[Tensor, "sets clusters columns values"]:
    """Draw each class's probabilities of the 3 to 12 levels of an answer.

    An answer is a normal number cut into levels, of which the lowest and the highest are open. Means are as
    far apart as the chosen probability of confusing classes needs.
    """
    clusters = used.shape[1]
    means = draw.normal(clusters, columns, 1)
    deviations = (draw.uniform(1, 1, 1, high=0.5) * draw.normal(clusters, columns, 1)).exp()
    levels = draw.integers(FEWEST_LEVELS, MOST_LEVELS, 1, 1, 1)
    place = torch.arange(1, MOST_LEVELS)
    cut = draw.normal(1, columns, 1) / 2 + (1 + draw.uniform(1, 1, 1)) * (2 * place / levels - 1)
    cut = torch.where(place < levels, cut, torch.inf)

    def table(strength: Float[Tensor, "sets 1"]) -> Float[Tensor, "sets clusters columns values"]:
        strength = strength[..., None, None]
        extent = (1 + strength.square()).sqrt()
        below = torch.special.ndtr((cut * extent - strength * means) / deviations)
        return F.pad(below, (0, 1), value=1.0) - F.pad(below, (1, 0), value=0.0)

    return of_overlap(table, used, error)


def categories(
    draw: Draw,
    used: Bool[Tensor, "sets clusters"],
    values: Int[Tensor, "columns"],
    error: Float[Tensor, "sets 1"],
) -> Float[Tensor, "sets clusters columns most"]:
    """Draw probabilities of each column's values, of normal logits as large as the chosen confusion needs."""
    logits = draw.normal(used.shape[1], len(values), int(values.max()))
    absent = torch.arange(logits.shape[3]) >= values[:, None]

    def table(strength: Float[Tensor, "sets 1"]) -> Float[Tensor, "sets clusters columns most"]:
        return (strength[..., None, None] * logits).masked_fill(absent, -torch.inf).softmax(3)

    return of_overlap(table, used, error)


def of_overlap(
    table: Callable[[Float[Tensor, "sets 1"]], Float[Tensor, "sets clusters columns values"]],
    used: Bool[Tensor, "sets clusters"],
    error: Float[Tensor, "sets 1"],
) -> Float[Tensor, "sets clusters columns values"]:
    """Find, by bisection, the table in which classes are confused with the chosen probability.

    Args:
        table: probabilities of values, given how strongly classes differ, between `WEAKEST` and `SHARPEST`.
    """
    low, high = torch.full_like(error, WEAKEST), torch.full_like(error, SHARPEST)
    for _ in range(HALVINGS):
        middle = (low * high).sqrt()
        too_weak = confusion(table(middle), used) > error
        low, high = torch.where(too_weak, middle, low), torch.where(too_weak, high, middle)
    return table((low * high).sqrt())


def confusion(
    table: Float[Tensor, "sets clusters columns values"], used: Bool[Tensor, "sets clusters"]
) -> Float[Tensor, "sets 1"]:
    """Return the mean over classes of a bound on the error against the nearest rival: sum sqrt(p q) / 2."""
    roots = table.clamp_min(0).sqrt().transpose(1, 2)
    alike = (roots @ roots.mT).clamp(1e-12, 1).log().sum(1)
    nearest = to_nearest(-alike, used)
    return ((-nearest).exp() / 2 * used).sum(1, keepdim=True) / used.sum(1, keepdim=True)


def draw_rows(
    draw: Draw,
    table: Float[Tensor, "sets clusters columns values"],
    cluster: Int[Tensor, "sets points"],
) -> Int[Tensor, "sets points columns"]:
    """Draw the values of points of given classes."""
    bounds = table.cumsum(3)[torch.arange(draw.sets)[:, None], cluster]
    return (draw.uniform(*bounds.shape[1:3], 1) > bounds / bounds[..., -1:]).sum(3)


def most_probable_class(
    rows: Int[Tensor, "sets points columns"],
    table: Float[Tensor, "sets clusters columns values"],
    shares: Float[Tensor, "sets clusters"],
) -> Int[Tensor, "sets points"]:
    """Return the class with the largest posterior probability for each row."""
    # In float64, since sums for equal rows may be rounded differently.
    seen = F.one_hot(rows, table.shape[3]).double().flatten(2)
    logs = table.double().clamp_min(1e-12).log().flatten(2)
    return (seen @ logs.mT + shares.log()[:, None]).argmax(2)


def place_categories(
    rows: Int[Tensor, "sets points columns"], values: Int[Tensor, "columns"]
) -> Float[Tensor, "sets points dim"]:
    """Return columns as coordinates: two values become 0 and 2, more become corners that lie 2 apart."""
    place = torch.arange(int(values.max()))
    binary = (values == 2)[:, None]
    shown = torch.where(binary, place == 1, place < values[:, None])
    size = torch.where(binary, STEP, STEP * 0.5**0.5)
    return (F.one_hot(rows, len(place)) * size)[..., shown]
