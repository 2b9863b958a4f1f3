"""Clear modes of a column: values in heaps with gaps between them.

A standardised column is about as wide as all others, however many heaps it has. If there are many, they are
narrow slivers then, nearer to each other than they are long, and nothing that measures distances between rows
tells them apart. The more clear modes a column has, the wider it should be.

References:
    Art, Gnanadesikan, Kettenring. Data-based metrics for cluster analysis. Utilitas Mathematica 21A, 1982.
    (Columns should be measured by their spread within clusters.)
    Fisher. On Grouping for Maximum Homogeneity. JASA 53, 1958.
"""

import torch
from jaxtyping import Float
from torch import Tensor

QUANTILES = 128  # by which a column is described
MOST = 16  # modes
OUTLYING = 0.035  # share of the weight at either end that is left out: outliers are no mode
SHARE, ROWS = 0.025, 8  # of the weight, and weight, that a mode has at least
CLEAR = 0.55  # spread within modes, as a multiple of what it is in a uniform column cut into as many pieces
VISIBLE = 0.7  # the same of modes that touch
DISTINCT = 4  # values of a mode, on average, at least: five prices or seven years are no modes
LIKE = 1.15  # ratio of such multiples that count as equal: then fewer modes are taken


def count_modes(z: Float[Tensor, "points"], weights: Float[Tensor, "points"], clear: float = CLEAR) -> int:
    """Return the number of clear modes of a column; 1 if there are none.

    The column is cut into pieces of least variance (Fisher). Cut into k pieces, a uniform column has a
    standard deviation within them of a k-th of its own, and normal or skewed ones have more. Values on a grid
    are taken to be anywhere within half a step, so answers on a scale from 1 to 5 have no modes.

    Args:
        weights: positive.
        clear: how little modes may spread, see `CLEAR`.
    """
    ordered, order = z.double().sort()
    upto = weights.double()[order].cumsum(0)
    total = float(upto[-1])
    at = (torch.arange(QUANTILES, dtype=torch.float64) + 0.5) / QUANTILES
    at = (OUTLYING + (1 - 2 * OUTLYING) * at) * total
    values = ordered[torch.searchsorted(upto, at).clamp_max(len(ordered) - 1)]
    least = max(SHARE, ROWS / total) * QUANTILES
    distinct = ordered.unique()
    grid = float(distinct.diff().median()) ** 2 / 12 if len(distinct) > 1 else 0.0

    within = _least_variances(values, least)
    if not within[0] > 0:
        return 1
    pieces = torch.arange(1, len(within) + 1)
    multiples = pieces * ((within + grid) / (within[0] + grid)).sqrt()
    if multiples.amin() > clear:
        return 1
    modes = int((multiples <= LIKE * multiples.amin()).byte().argmax()) + 1
    return modes if len(distinct) >= DISTINCT * modes else 1


def _least_variances(values: Float[Tensor, "values"], least: float) -> Float[Tensor, "pieces"]:
    """Return the least variance within pieces of sorted values, for 1, 2, ... pieces, by dynamic programming.

    Args:
        least: number of values that a piece has at least.
    """
    count = len(values)
    sums = torch.cat([values.new_zeros(1, 2), torch.stack([values, values.square()], 1).cumsum(0)])
    size = torch.arange(count + 1) - torch.arange(count + 1)[:, None]
    linear, squared = (sums - sums[:, None]).unbind(2)
    cost = (squared - linear.square() / size.clamp_min(1)).clamp_min(0)
    cost = torch.where(size >= least, cost, torch.inf)
    upto = cost[0]
    found = [(values - values.mean()).square().sum()]
    for _ in range(1, min(MOST, int(count / least))):
        upto = (upto[:, None] + cost).amin(0)
        found.append(upto[-1])
    return torch.stack(found) / count
