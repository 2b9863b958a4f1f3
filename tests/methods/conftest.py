import pytest
import torch

from gfncp.methods.ccp import CCPNetwork
from gfncp.methods.dac import AnchoredDACNetwork, DACNetwork
from gfncp.methods.set_transformer import SetTransformerNetwork
from gfncp.networks.encoders import ImageEncoder, VectorEncoder

SMALL = {"hidden": 16, "inducing": 4, "heads": 2}
NETWORKS = {
    "ccp": lambda encoder: CCPNetwork(encoder, depth=3, width=16, latent=4),
    "dac": lambda encoder: DACNetwork(encoder, **SMALL, blocks=2),
    "dac-anchored": lambda encoder: AnchoredDACNetwork(encoder, **SMALL, blocks=2),
    "set-transformer": lambda encoder: SetTransformerNetwork(encoder, 3, **SMALL),
}
ENCODERS = {"vectors": lambda: VectorEncoder(2, scale=10.0), "images": lambda: ImageEncoder(8)}


@pytest.fixture(params=sorted(NETWORKS))
def kind(request):
    return request.param


@pytest.fixture(params=sorted(ENCODERS))
def network(kind, request):
    """Every small untrained network on every encoder."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return NETWORKS[kind](ENCODERS[request.param]())


@pytest.fixture
def draw_points(generator):
    """Random points of the kind that a network takes."""

    def draw(network, sets, points):
        shape = network.encoder.point_shape
        if len(shape) == 2:
            return torch.rand(sets, points, *shape, generator=generator)
        return 10 * torch.randn(sets, points, *shape, generator=generator)

    return draw
