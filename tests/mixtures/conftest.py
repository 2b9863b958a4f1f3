import pytest

from gfncp.simulators import GaussianMixtures


@pytest.fixture
def mixture():
    return GaussianMixtures(dim=2, alpha=1.0, spread=3.0)
