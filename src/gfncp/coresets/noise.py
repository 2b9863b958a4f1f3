"""Columns that tell nothing of clusters: with no modes, and independent of all other columns.

Clusters that differ in two columns make these dependent, and clusters that differ in one alone make modes in
it. Standardised columns that do neither are as wide as those that tell clusters apart, and where they are
many they hide them.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gfncp.coresets.correlations import correlations
from gfncp.coresets.modes import VISIBLE, count_modes

LEAST, MOST = 5, 1000  # columns of noise, at least, for accident; columns of a table, for time
ROWS = 100  # at least: of fewer, correlations say little
SLACK = 1.15  # of the largest correlation that is expected of independent columns


def is_noise(z: Float[Tensor, "points dim"], weights: Float[Tensor, "points"]) -> Bool[Tensor, "dim"]:
    """Return True for each column of noise; for none if fewer than five seem to be noise, or all do.

    Columns are taken to be independent if neither they nor their squares are correlated, with the others or
    with the others' squares: circles and spheres have no other correlations. The largest of so many may be
    sqrt(2 log m) / sqrt(n) by accident, with m their number and n that of the rows, and 15% more.

    Args:
        z: standardised columns of different rows.
        weights: positive.
    """
    noise = torch.zeros(z.shape[1], dtype=torch.bool)
    varied = (z.amax(0) > z.amin(0)).nonzero()[:, 0]
    dim = len(varied)
    if len(z) < ROWS or not LEAST < dim <= MOST:
        return noise
    both = torch.cat([z[:, varied], z[:, varied].square()], 1)
    both = both - weights @ both / weights.sum()
    crossed = correlations(both, weights).abs().view(2, dim, 2, dim)
    crossed.diagonal(dim1=1, dim2=3).zero_()  # a column and its own square
    expected = (2 * math.log(2 * dim**2) / len(z)) ** 0.5
    alone = varied[crossed.amax((0, 2, 3)) <= SLACK * expected]
    if len(alone) >= LEAST:
        alone = alone[count_modes(z[:, alone], weights, VISIBLE) == 1]
    if LEAST <= len(alone) < dim:
        noise[alone] = True
    return noise
