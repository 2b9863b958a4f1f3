"""Interfaces of encoders, and of networks that cluster what an encoder has read."""

from collections.abc import Callable

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

PointShape = tuple[int | None, ...]
Conditional = Callable[[Tensor], Tensor]  # from new points to their features


class Encoder(nn.Module):
    """Module that maps the points of a set to feature vectors, which the network behind it pools.

    It maps points ``(batch, points, *shape)`` to ``(batch, points, features)``. Features may depend on the
    whole set, but not on the order of the points.

    Attributes:
        pointwise: True where the features of a point are a function of that point alone.
        point_shape: shape of a point, with None where any size is accepted.
        features: width of the feature vectors.
    """

    pointwise: bool
    point_shape: PointShape
    features: int

    def conditioned_on(self, given: Float[Tensor, "given *shape"]) -> Conditional:
        """Return a function from new points ``(new, *shape)`` to their features ``(new, features)``.

        Each new point is measured against the ``given`` points alone: what depends on these is computed once,
        and new points do not change it.
        """
        raise NotImplementedError


class Network(nn.Module):
    """Network that clusters sets, whose points it sees by its encoder."""

    encoder: Encoder

    def predict(
        self, x: Float[Tensor, "batch points *shape"], mask: Bool[Tensor, "batch points"] | None = None
    ) -> Int[Tensor, "batch points"]:
        """Return the clustering to report: labels in order of appearance, -1 where absent."""
        raise NotImplementedError
