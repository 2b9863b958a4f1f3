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
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

QUANTILES = 128  # by which a column is described
MOST = 16  # modes
COLUMNS_AT_ONCE, NUMBERS_AT_ONCE = 16, 2**22  # that are described together
OUTLYING = 0.035  # share of the weight at either end that is left out: outliers are no mode
SHARE, ROWS = 0.025, 8  # of the weight, and weight, that a mode has at least
CLEAR = 0.55  # spread within modes, as a multiple of what it is in a uniform column cut into as many pieces
VISIBLE = 0.7  # the same of modes that touch
DISTINCT = 4  # values of a mode, on average, at least: five prices or seven years are no modes
LIKE = 1.15  # ratio of such multiples that count as equal: then fewer modes are taken


def count_modes(
    z: Float[Tensor, "points dim"], weights: Float[Tensor, "points"], clear: float = CLEAR
) -> Int[Tensor, "dim"]:
    """Return the number of clear modes of each column; 1 if there are none.

    A column is cut into pieces of least variance (Fisher). Cut into k pieces, a uniform column has a
    standard deviation within them of a k-th of its own, and normal or skewed ones have more. Values on a grid
    are taken to be anywhere within half a step, so answers on a scale from 1 to 5 have no modes.

    Args:
        weights: positive.
        clear: how little modes may spread, see `CLEAR`.
    """
    if len(z) < 2:
        return torch.ones(z.shape[1], dtype=torch.long)
    columns = max(1, min(COLUMNS_AT_ONCE, NUMBERS_AT_ONCE // len(z)))
    return torch.cat([_count_modes(block, weights, clear) for block in z.split(columns, 1)])


def _count_modes(z, weights, clear):
    ordered, order = z.double().sort(0)
    upto = weights.double()[order].cumsum(0)
    total = float(upto[-1, 0])
    at = (torch.arange(QUANTILES, dtype=torch.float64) + 0.5) / QUANTILES
    at = (OUTLYING + (1 - 2 * OUTLYING) * at) * total
    place = torch.searchsorted(upto.mT.contiguous(), at.expand(z.shape[1], -1).contiguous())
    values = ordered.mT.gather(1, place.clamp_max(len(ordered) - 1))
    steps = ordered.diff(dim=0)
    distinct = 1 + (steps > 0).sum(0)
    grid = torch.where(steps > 0, steps, torch.nan).nanmedian(0).values.nan_to_num().square() / 12

    least = max(SHARE, ROWS / total) * QUANTILES
    within = _least_variances(values, least)
    pieces = torch.arange(1, within.shape[1] + 1)
    multiples = pieces * ((within + grid[:, None]) / (within[:, :1] + grid[:, None])).sqrt()
    best = multiples.amin(1, keepdim=True)
    modes = (multiples <= LIKE * best).byte().argmax(1) + 1
    found = (within[:, 0] > 0) & (best[:, 0] <= clear) & (distinct >= DISTINCT * modes)
    return torch.where(found, modes, 1)


def _least_variances(
    values: Float[Tensor, "columns values"], least: float
) -> Float[Tensor, "columns pieces"]:
    """Return the least variance within pieces of sorted values, for 1, 2, ... pieces, by dynamic programming.

    Args:
        least: number of values that a piece has at least.
    """
    count = values.shape[1]
    sums = F.pad(torch.stack([values, values.square()]).cumsum(2), (1, 0))
    size = torch.arange(count + 1) - torch.arange(count + 1)[:, None]
    linear, squared = sums[..., None, :] - sums[..., None]
    cost = (squared - linear.square() / size.clamp_min(1)).clamp_min(0)
    cost = torch.where(size >= least, cost, torch.inf)
    upto = cost[:, 0]
    found = [(values - values.mean(1, keepdim=True)).square().sum(1)]
    for _ in range(1, min(MOST, int(count / least))):
        upto = (upto[:, :, None] + cost).amin(1)
        found.append(upto[:, -1])
    return torch.stack(found, 1) / count
