"""Embeddings in the principal axes of their own set, where no direction means anything by itself."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

ROUNDING = 1e-13  # share of the largest variance up to which a component is none


class PrincipalEncoder(nn.Module):
    """The first principal components of a set of vectors, divided by a fixed scale.

    Rotating or shifting all vectors of a set changes nothing. A network that sees embeddings like this
    cannot learn where its training classes lie, only how clusters lie to each other, which classes that
    it never saw have in common with them.

    Args:
        dim: width of the vectors.
        components: how many to keep; K clusters differ in K - 1 directions, small ones in the later of them.
        scale: typical size of the first component, in the units of the vectors.
    """

    pointwise = False

    def __init__(self, dim: int, components: int = 48, scale: float = 1.0) -> None:
        super().__init__()
        self.point_shape = (dim,)
        self.features = components
        self.register_buffer("scale", torch.tensor(float(scale)), persistent=False)

    @torch.no_grad()
    def forward(
        self, x: Float[Tensor, "batch points dim"], mask: Bool[Tensor, "batch points"]
    ) -> Float[Tensor, "batch points components"]:
        present = mask[..., None]
        x = torch.where(present, x, 0).double()
        mean = x.sum(1, keepdim=True) / present.sum(1, keepdim=True).clamp_min(1)
        return self._scaled(principal_components(torch.where(present, x - mean, 0)))

    @torch.no_grad()
    def beside(self, given: Float[Tensor, "given dim"]) -> Callable[[Tensor], Tensor]:
        given = given.double()
        mean = given.mean(0)
        centred = given - mean
        components = principal_components(centred[None])[0]
        squares = components.square().sum(0)
        axes = centred.mT @ torch.where(squares > ROUNDING * squares.max(), components / squares, 0)
        return lambda new: self._scaled((new.double() - mean) @ axes)

    def _scaled(self, components: Float[Tensor, "*points found"]) -> Float[Tensor, "*points components"]:
        kept = components[..., : self.features]
        return F.pad(kept, (0, self.features - kept.shape[-1])).to(self.scale.dtype) / self.scale


def principal_components(
    centred: Float[Tensor, "batch points dim"],
) -> Float[Tensor, "batch points components"]:
    """All of them, widest first; each points to where its tail is longer (positive skewness)."""
    points, dim = centred.shape[1:]
    if points < dim:
        variances, vectors = torch.linalg.eigh(centred @ centred.mT)
        found = vectors * variances.clamp_min(0).sqrt()[:, None]
    else:
        found = centred @ torch.linalg.eigh(centred.mT @ centred).eigenvectors
    found = found.flip(-1)
    return torch.where(found.pow(3).sum(1, keepdim=True) < 0, -found, found)
