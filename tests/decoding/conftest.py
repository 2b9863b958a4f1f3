import pytest
import torch

from gfncp.decoding.model import Model
from gfncp.networks.encoders import VectorEncoder


@pytest.fixture
def model():
    """A small network in double precision, with random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        made = Model(VectorEncoder(2), depth=2, width=16, cluster_width=24).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter *= 1.7
        made.f.last.weight *= 8  # energies of different options differ by about 1
    return made
