"""Columns of user data in one unit: each standardised, all kept in a common unit, or rows of unit length.

Distances between rows mean something in one unit only. Columns that are different quantities have to be
standardised. Columns that share a unit already (coordinates, principal components, embeddings, pixels) lose
by it: what separates clusters is wide, and would be made no wider than noise.

Measures are weighted medians and quantiles, so a row of weight 2 counts exactly as the same row twice, and a
few rows that are far off (-999 for "missing", say) move them little. A quantile is found by linear
interpolation between the middles of the cumulated weights of distinct values, once the outer 5% of the weight
at either end is drawn to the border of the rest: no value of theirs takes part in an interpolation.
"""

import math
from typing import Literal

import torch
from jaxtyping import Float
from scipy.stats import kendalltau
from torch import Tensor

from gfncp.coresets.correlations import correlations
from gfncp.coresets.modes import VISIBLE, count_modes
from gfncp.coresets.noise import is_noise
from gfncp.networks.standardise import NORMAL_DISTANCE, TAILS, compress_tails

Scale = Literal["columns", "none", "unit-length"]

OUTLYING = 0.05  # share of the weight at either end whose values are not trusted
TYING = 0.5  # share of the weight on one value from which a column is measured as a flag
FARTHEST = 6.0  # spreads beyond which all is equally far, lest it hide the rest; but
BEYOND = 2.0  # times as far as where 95% are, where small clusters may be far from the others
ROUNDING = 1e-15  # share of a column's values up to which their spread means nothing
SLACK = 1e-9  # rounding error of sums of weights, as a share: it depends on the order of the rows
HUBER_STEPS = 10  # iterations; each brings the centre of 97% of the rows nearer by a factor of 30
REMOTE = 1e9  # spreads at which outliers are kept meanwhile, where squares do not overflow
NUMBERS_AT_ONCE = 2**22  # numbers that are sorted together

UNIT = 0.01  # tolerance of a length of 1, in single or half precision
MOSTLY = 0.95  # share of the rows that decides: others may be zero, or outliers
UNCORRELATED = 1e-4  # correlation of principal components, in single precision
EQUAL = 1.05  # ratio of standard deviations of components that count as equal
NEGLIGIBLE = 1e-6  # ratio of a standard deviation to the widest one's up to which a component is rounding
CHANCE = 0.0084  # of columns that mostly fall by accident: five in order do in one of 5! = 120 tables
LITTLE = 0.4  # root mean square correlation of components of a larger set
STEEP = 2.0  # ratio of spreads of neighbouring components, on average, at most
SIGNED = 0.75  # share of columns in one unit that have both signs, where other tests leave it open
LIKE = 4.0  # ratio of spreads up to which they are alike
FEW, LIKE_OF_FEW = 3, 2.0  # number of columns up to which that ratio is smaller, and this ratio
ALONE = 0.1  # root mean square correlation of noise with all other columns, at most
FLOOR, FLAT = 1.5, 5  # ratio of spreads of columns that are noise alone, and their number, at least
LONG, ROW = 20.0, 4  # ratio for a column of a few that has so many modes: a long row of clusters
PER_MODE, USUAL = 1.2, 2  # widening of a column for each of its clear modes beyond the second
NOISE = 0.2  # narrowing of a column that tells nothing of clusters
MANY = 50  # columns: more than a table of different quantities has


def choose_scale(x: Float[Tensor, "points dim"], weights: Float[Tensor, "points"]) -> Scale:
    """Choose how to bring columns to one unit, by the first test that holds.

    1. `has_unit_rows`: "unit-length". Such embeddings were made for cosines.
    2. `has_falling_components`: "none". Principal components are in the unit of what they were made from, and
       their variances say which of them matter.
    3. `has_like_spreads`: "none". Coordinates, pixels and embeddings are like that; where columns are of
       different units by exception, standardising them would change little.
    4. Otherwise: "columns".

    Args:
        weights: not negative, not all zero; rows of weight 0 have no say.
    """
    x, weights = _weighty(x, weights)
    if has_unit_rows(x, weights):
        return "unit-length"
    if has_falling_components(x, weights) or has_like_spreads(x, weights):
        return "none"
    return "columns"


def has_unit_rows(x: Float[Tensor, "points dim"], weights: Float[Tensor, "points"]) -> bool:
    """Test for rows of length 1, in two dimensions or more; one row in twenty may differ."""
    unit = (_polar(x.double())[1] - 1).abs() <= UNIT
    return x.shape[1] > 1 and bool(weights @ unit.to(weights) >= MOSTLY * weights.sum())


def has_falling_components(x: Float[Tensor, "points dim"], weights: Float[Tensor, "points"]) -> bool:
    """Test for uncorrelated columns of falling variance: principal components, or singular vectors by size.

    Components of these very rows are uncorrelated up to rounding, about their mean or, if made without
    centring, about 0. Those of a larger set, of which these are some rows, fall but for a few, are little
    correlated, and have both signs, as hardly any columns of different units are.
    """
    low, median, high = _quantiles(x, weights, TAILS[0], 0.5, TAILS[1])
    near = _centred(x, median, weights)
    return _fall(near, weights) or _fall(x, weights) or _mostly_fall(near, low, high, weights)


def has_like_spreads(x: Float[Tensor, "points dim"], weights: Float[Tensor, "points"]) -> bool:
    """Test for columns of like spread, leaving out constant ones.

    They are alike if the spread of the widest column is

    - two or three columns: at most 2 times that of the narrowest;
    - two or three columns, a long row of clusters: at most 20 times, the widest column has four modes or more
      and each column narrower than half of it has one (`gfncp.coresets.modes`);
    - 4 to 49 columns: at most 4 times that of the narrowest;
    - 50 columns or more: at most 4 times the median, since many pixels and genes hardly vary;
    - 4 columns or more: at most 20 times that of the narrowest (of 50 or more: the median), and half of the
      columns, at least five, are about equally narrow; see `_has_floor`.
    """
    spreads = _measure(x, weights)[1]
    columns, spreads = x[:, spreads > 0], spreads[spreads > 0]
    if len(spreads) < 2:
        return False
    usual = spreads.median() if len(spreads) >= MANY else spreads.amin()
    few = len(spreads) <= FEW
    if spreads.amax() <= (LIKE_OF_FEW if few else LIKE) * usual:
        return True
    if spreads.amax() > LONG * usual:
        return False
    if not few:
        return _has_floor(columns, weights, spreads)
    wide = LIKE_OF_FEW * spreads >= spreads.amax()
    modes = count_modes(columns, weights, VISIBLE)
    return bool(modes[spreads.argmax()] >= ROW) and bool((modes[~wide] == 1).all())


def in_units(
    x: Float[Tensor, "points dim"],
    weights: Float[Tensor, "points"],
    scale: Scale,
    importance: Float[Tensor, "dim"] | None = None,
) -> Float[Tensor, "points dim"]:
    """Bring the columns to one unit, in float64.

    - "columns": each column less its median, over its spread: the distance between the first and the last
      decile, 1 for a standard normal column. Where half of the weight or more is on one value, as in a flag,
      the spread is at least ``d sqrt(p (1 - p))`` with p the weight elsewhere and d the median distance
      there: the standard deviation of a flag, which so counts like one numeric column. A column of k clear
      modes (`gfncp.coresets.modes`), four or more, is 1.2 (k - 2) times as wide: neighbouring modes are about
      as far from each other then as other columns are wide. Columns of noise (`gfncp.coresets.noise`), five
      or more, are a fifth as wide.
    - "none": rows less one robust centre, over one spread, that of their distances from it. Distances between
      rows keep their ratios; rotating the table rotates the result.
    - "unit-length": each row over its length, zero rows as they are; then as for "none".

    Tails are drawn in by ``5 arcsinh(min(z, m) / 5)``, with z the number of spreads from the centre, for
    "columns" of each number, otherwise of each row, which keeps its direction. m is 6, or twice as far as 95%
    of the rows reach, if that is more: 3% of the rows, wherever they are, do not hide how the others spread,
    and small clusters far from the others stay apart. Columns without variation are zero.

    Args:
        weights: not negative, not all zero; rows of weight 0 have no say, and get a place all the same.
        importance: how much each column counts in squared distances, above 0: 2 for as much as two copies
            of it; None for once.
    """
    x, stretch = x.double(), 1 if importance is None else importance.double().sqrt()
    if scale == "columns":
        return stretch * _each_in_its_unit(x, weights)
    x = stretch * x
    return _all_in_one_unit(_polar(x)[0] if scale == "unit-length" else x, weights)


def _has_floor(columns, weights, spreads):
    """Test for columns half of which, five at least, are equally narrow, as noise in one unit would be.

    Quantities of different units have other spreads each. Where some are alike all the same, as answers on
    one scale beside an age, they are correlated, and most have one sign.
    """
    narrow = spreads <= FLOOR * spreads.amin()
    if narrow.sum() < max(FLAT, len(narrow) / 2):
        return False
    low, median, high = _quantiles(columns, weights, TAILS[0], 0.5, TAILS[1])
    if ((low < 0) & (high > 0)).double().mean() >= SIGNED:
        return True
    z, _ = _scaled(_centred(columns, median, weights), weights)
    alone = bool(_usual(correlations(z, weights)[narrow]) <= ALONE)
    return alone and bool((count_modes(columns[:, narrow], weights, VISIBLE) == 1).all())


def _each_in_its_unit(x, weights):
    median, half, far = _measure(*_weighty(x, weights))
    unit = torch.where(half > 0, half, 1)
    z = torch.where(half > 0, _drawn_in((x / 2 - median / 2) / unit, far / unit), 0)
    kept = _weighty(z, weights)
    modes = count_modes(*kept)
    return z * torch.where(
        modes > USUAL + 1, PER_MODE * (modes - USUAL), torch.where(is_noise(*kept), NOISE, 1.0)
    )


def _all_in_one_unit(x, weights):
    known = weights > 0
    kept, weights = _weighty(x, weights)
    median, half, _ = _measure(kept, weights)
    # First to numbers of moderate size around 0. All rows are shifted and scaled alike: rotations may follow.
    directions, radius = _polar(torch.where(half > 0, x / 2 - median / 2, 0))
    spread, _ = _radial(radius[known], weights)
    if spread == 0:
        return torch.zeros_like(x)
    z = directions * (radius / spread).clamp_max(REMOTE)[:, None]
    directions, radius = _polar(z - _huber_centre(z[known], weights))
    spread, far = _radial(radius[known], weights)
    return directions * _drawn_in(radius / spread, far / spread)[:, None]


def _huber_centre(z, weights):
    """Return the mean in which a row farther than the median distance pulls no more than one at it.

    It starts at the mean and takes a fixed number of steps. Rotating the rows rotates it, which does not hold
    for medians of columns.
    """
    centre = weights @ z / weights.sum()
    for _ in range(HUBER_STEPS):
        radius = (z - centre).norm(dim=1)
        usual = _quantiles(radius[:, None], weights, 0.5)[0]
        pull = weights * torch.where(radius > usual, usual / radius, 1)
        centre = pull @ z / pull.sum()
    return centre


def farthest(far: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return the number of spreads beyond which all is equally far, where 95% are within ``far``."""
    return (BEYOND * far).clamp_min(FARTHEST)


def _drawn_in(z, far):
    most = farthest(far)
    return compress_tails(z.clamp(-most, most))


def _polar(x):
    """Return directions and lengths of rows, without overflow; zero rows have direction 0."""
    largest = x.abs().amax(1, keepdim=True)
    scaled = x / torch.where(largest > 0, largest, 1)
    length = scaled.norm(dim=1, keepdim=True)
    return scaled / torch.where(length > 0, length, 1), (largest * length)[:, 0]


def _weighty(x, weights):
    """Return the rows of positive weight, and the weights."""
    known = weights > 0
    return x[known].double(), weights[known].double()


def _fall(x, weights):
    """Test for columns that are uncorrelated about 0 and fall in size."""
    z, sizes = _scaled(x, weights)
    floor = sizes.amax() + math.log(NEGLIGIBLE)
    if (sizes.clamp_min(floor).diff() > math.log(EQUAL)).any():
        return False
    z = z[:, sizes > floor]
    return z.shape[1] > 1 and bool(correlations(z, weights).abs().amax() <= UNCORRELATED)


def _mostly_fall(near, low, high, weights):
    """Test for columns of both signs, little correlated, that fall in spread but for a few.

    Args:
        low, high: quantiles of the columns, between which their spreads are.
    """
    varied = high > low
    if ((low < 0) & (high > 0)).sum() < SIGNED * max(2, varied.sum()):
        return False
    logs = (high[varied] / 2 - low[varied] / 2).log()
    if logs.amax() - logs.amin() > math.log(STEEP) * (len(logs) - 1):
        return False
    order = kendalltau(range(len(logs)), logs, alternative="less")
    if order.pvalue > CHANCE:  # pyright: ignore[reportAttributeAccessIssue]  # hidden by SciPy's decorator
        return False
    z, _ = _scaled(near[:, varied], weights)
    return bool(_usual(correlations(z, weights)) <= LITTLE)


def _usual(found):
    """Return the root mean square of correlations, without those of columns with themselves."""
    return (found.square().sum() / (found.numel() - len(found))).sqrt()


def _centred(x, median, weights):
    """Return half of each number less half of its column's mean."""
    near = x / 2 - median / 2  # a mean of far columns would lose what differs
    return near - weights @ near / weights.sum()


def _scaled(x, weights):
    """Return columns over their largest number, whose squares do not overflow, and logs of their sizes."""
    largest = x.abs().amax(0)
    z = x / torch.where(largest > 0, largest, 1)
    return z, largest.log() + (weights @ z.square()).log() / 2


def _radial(radius, weights):
    """Return the spread of a column that has these distances on both sides, and their 95% quantile."""
    column = radius[:, None]
    usual, far = _quantiles(column, weights, TAILS[1] - TAILS[0], 1 - OUTLYING)
    return torch.maximum(usual / (NORMAL_DISTANCE / 2), 2 * _half_spread_of_flags(column, weights)), far


def _measure(x, weights):
    """Return medians, and halves (against overflow) of spreads and of the 95% reach on a side, of columns."""
    blocks = []
    for block in x.split(max(1, NUMBERS_AT_ONCE // len(x)), 1):
        least, low, median, high, most = _quantiles(
            block, weights, OUTLYING, TAILS[0], 0.5, TAILS[1], 1 - OUTLYING
        )
        half = torch.maximum((high / 2 - low / 2) / NORMAL_DISTANCE, _half_spread_of_flags(block, weights))
        half = torch.where(half > ROUNDING * torch.maximum(low.abs(), high.abs()), half, 0)
        far = torch.maximum(median / 2 - least / 2, most / 2 - median / 2)
        blocks.append(torch.stack([median, half, far]))
    return torch.cat(blocks, 1)


def _half_spread_of_flags(x, weights):
    """Return half of ``d sqrt(p (1 - p))``, see `in_units`; 0 where no value has half of the weight."""
    ordered, order = x.sort(0)
    weights = weights[order]
    below, upto = _ranks(ordered, weights)
    share, at = ((upto - below) / upto[-1]).max(0)
    mode = ordered.gather(0, at[None])
    distance, order = (ordered / 2 - mode / 2).abs().sort(0)
    elsewhere = torch.where(ordered == mode, 0, weights).gather(0, order).cumsum(0)
    # No interpolation: with fewer than 5% of flags, the next value may be an outlier.
    middle = (elsewhere >= (0.5 - SLACK) * elsewhere[-1]).byte().argmax(0)
    deviation = distance.gather(0, middle[None])[0] * (share * (1 - share)).clamp_min(0).sqrt()
    return torch.where(share >= TYING - SLACK, deviation, 0)


def _quantiles(x, weights, *shares):
    ordered, order = x.sort(0)
    weights = weights[order]
    total = weights.sum(0)
    below, upto = _ranks(ordered, weights)
    inner = torch.minimum(upto, total - below) > (OUTLYING + SLACK) * total
    ordered = ordered.clamp(
        torch.where(inner, ordered, torch.inf).amin(0), torch.where(inner, ordered, -torch.inf).amax(0)
    )
    below, upto = _ranks(ordered, weights)
    middles, values = ((below + upto) / 2).mT.contiguous(), ordered.mT
    found = []
    for share in shares:
        place = (share * total)[:, None]
        after = torch.searchsorted(middles, place, right=True)
        ends = (after - 1).clamp_min(0), after.clamp_max(len(x) - 1)
        (first, last), (low, high) = ([each.gather(1, end) for end in ends] for each in (middles, values))
        part = ((place - first) / torch.where(last > first, last - first, torch.inf)).clamp(0, 1)
        found.append((low * (1 - part) + high * part)[:, 0])
    return found


def _ranks(ordered, weights):
    """Return cumulated weights below each value of a sorted column, and up to it with all that equal it."""
    cumulated = weights.cumsum(0)
    changes = ordered[1:] != ordered[:-1]
    below, upto = torch.zeros_like(cumulated), cumulated.clone()
    below[1:] = torch.where(changes, cumulated[:-1], 0)
    upto[:-1] = torch.where(changes, cumulated[:-1], torch.inf)
    return below.cummax(0).values, upto.flip(0).cummin(0).values.flip(0)
