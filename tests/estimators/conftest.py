import numpy as np
import pytest
import torch

from gfncp import GFNCP, checkpoints, configuration


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(scale=10, size=(25, 2))


@pytest.fixture
def rows():
    """Points of which networks of `make_folder` find several clusters."""
    return 3 * np.random.default_rng(0).standard_normal((30, 2)).astype(np.float32)


@pytest.fixture
def make_folder(tmp_path):
    """Function that makes a checkpoint with weights large enough for energies to differ clearly."""

    def make(network: str, seed: int = 3):
        values = {
            "encoder": {"kind": "scaled-vectors" if network == "online-energy" else "vectors", "dim": 2},
            "network": {"kind": network, "depth": 2, "width": 16},
            "data": {"kind": "gaussian-mixtures"},
            "objective": {"name": "ncp"},
        }
        described = configuration.parse(values, "test")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = described.build()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter *= 2
            model.f.last.weight *= 4
        folder = tmp_path / f"{network}-{seed}"
        checkpoints.save(model, described, folder)
        return folder

    return make


@pytest.fixture
def online(make_folder):
    return make_folder("online-energy")


@pytest.fixture
def usual(make_folder):
    return make_folder("energy")


@pytest.fixture
def check_equal():
    """Function that asserts that two estimators have the same fitted numbers."""

    def check(one: GFNCP, other: GFNCP) -> None:
        assert np.array_equal(one.labels_, other.labels_)
        assert one.n_clusters_ == other.n_clusters_
        assert one.n_features_in_ == other.n_features_in_
        assert np.array_equal(one.posterior_.labels, other.posterior_.labels)
        assert np.array_equal(one.posterior_.counts, other.posterior_.counts)
        np.testing.assert_allclose(one.posterior_.log_prob, other.posterior_.log_prob, atol=1e-4)
        np.testing.assert_allclose(one.probabilities_, other.probabilities_)

    return check
