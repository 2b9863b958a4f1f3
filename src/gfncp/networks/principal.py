"""Encoder of embeddings by the principal axes of their own set."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from gfncp.networks.interfaces import Conditional, Encoder

ROUNDING = 1e-13  # relative tolerance below which a number is rounding error
SYMMETRIC = 1e-9  # a component less skewed than that has no direction of its own


class PrincipalEncoder(Encoder):
    """First principal components of the vectors of a set, divided by a fixed scale.

    Rotating or shifting all vectors of a set changes nothing. So a network cannot learn where its training
    classes lie, only how clusters lie relative to each other, which holds for unseen classes as well.

    Args:
        dim: width of the vectors.
        components: number to keep; K clusters differ in K - 1 directions, small ones in the later of them.
        scale: typical size of the first component, in the units of the vectors.
    """

    pointwise = False
    scale: Tensor

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
        components, _ = pca(torch.where(present, x - mean, 0), self.features)
        return self._scaled(components)

    @torch.no_grad()
    def conditioned_on(self, given: Float[Tensor, "given dim"]) -> Conditional:
        given = given.double()
        mean = given.mean(0)
        components, axes = (part[0] for part in pca((given - mean)[None], self.features))
        squares = components.square().sum(0)
        axes = torch.where(squares > ROUNDING * squares.max(), axes, 0)
        return lambda new: self._scaled((new.double() - mean) @ axes)

    def _scaled(self, components: Float[Tensor, "*points found"]) -> Float[Tensor, "*points components"]:
        kept = components[..., : self.features]
        return F.pad(kept, (0, self.features - kept.shape[-1])).to(self.scale.dtype) / self.scale


def pca(
    x: Float[Tensor, "batch points dim"], most: int | None = None
) -> tuple[Float[Tensor, "batch points axes"], Float[Tensor, "batch dim axes"]]:
    """Return centred points in their principal axes, the widest first; there are min(points, dim) axes.

    Args:
        most: keep at most so many axes; None for all.

    Returns:
        The components and the axes, of length 1; where there is no variance, axes mean nothing.

    The longer tail of each component points to the right, which fixes its sign; a symmetric one points as
    the axis' largest entry does.
    """
    points, dim = x.shape[1:]
    if dim <= points:
        axes = torch.linalg.eigh(x.mT @ x).eigenvectors.flip(-1)[..., :most]
        components = x @ axes
    else:
        variances, rows = torch.linalg.eigh(x @ x.mT)
        rows, variances = rows.flip(-1)[..., :most], variances.flip(-1)[..., :most]
        components = rows * variances.clamp_min(0).sqrt()[:, None]
        axes = F.normalize(x.mT @ components, dim=1)
    cubes = components**3
    tail = cubes.sum(1)
    largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))[:, 0]
    towards = torch.where(tail.abs() > SYMMETRIC * cubes.abs().sum(1), tail, largest)
    sign = torch.where(towards < 0, -1.0, 1.0)[:, None]
    return components * sign, axes * sign
