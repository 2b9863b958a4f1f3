"""Correlations of weighted columns."""

from jaxtyping import Float
from torch import Tensor


def correlations(
    z: Float[Tensor, "points dim"], weights: Float[Tensor, "points"]
) -> Float[Tensor, "dim dim"]:
    """Return correlations of columns about 0, and 0 for those of columns with themselves."""
    products = z.mT @ (weights[:, None] * z)
    deviations = products.diagonal().sqrt().clamp_min(1e-300)
    return (products / deviations / deviations[:, None]).fill_diagonal_(0)
