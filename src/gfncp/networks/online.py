"""Online mode (Appendix C): clusterings of a stream, each point assigned before the next one is seen."""

from jaxtyping import Float
from torch import Tensor

from gfncp.networks.energy import EnergyNetwork
from gfncp.networks.interfaces import Encoder
from gfncp.networks.layers import RowNetwork


class OnlineEnergyNetwork(EnergyNetwork):
    """Energy network with U = 0: p(c_n | c_{1:n-1}, x_{1:n}) depends on no later point.

    Its arguments are those of `EnergyNetwork`; the encoder must be pointwise.

    Raises:
        ValueError: ``encoder`` is not pointwise.
    """

    def __init__(self, encoder: Encoder, *sizes, **named) -> None:
        if not encoder.pointwise:
            raise ValueError(
                f"encoder={type(encoder).__name__}: it looks at points to come; accepted by online networks "
                "are pointwise encoders (of kind 'scaled-vectors' or 'images')"
            )
        super().__init__(encoder, *sizes, **named)
        del self.u
        self.f = RowNetwork(self.g.last.out_features, self.f.body, self.width, 1, bias=False)

    def unassigned(self, features: Float[Tensor, "rows features"]) -> Float[Tensor, "rows readers"]:
        return features.new_zeros(len(features), self.width)
