import numpy as np
import pytest


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(scale=10, size=(25, 2))
