"""Every family of the prior draws from its generator alone."""

import pytest
import torch

from gfncp.simulators.prior import FAMILIES


@pytest.mark.parametrize("family", [family for _, family in FAMILIES], ids=str)
def test_a_batch_is_a_function_of_the_generator_alone(family):
    state = torch.random.get_rng_state()
    first, again = (family(3, 40, torch.Generator().manual_seed(0)) for _ in range(2))
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert torch.equal(torch.random.get_rng_state(), state)
