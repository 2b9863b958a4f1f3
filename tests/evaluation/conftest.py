import pytest
import torch

from gfncp.decoding.model import Model
from gfncp.evaluation.exact import exact_posterior, partition_index
from gfncp.networks.encoders import VectorEncoder
from gfncp.networks.energy import Encoding
from gfncp.partitions import all_partitions
from gfncp.simulators import GaussianMixtures


class ExactModel(Model):
    """The posterior of a mixture as an energy network: E[c_{1:n}] = -log p(c_{1:n} | x), for few points."""

    def __init__(self, mixture):
        super().__init__(VectorEncoder(mixture.dim), depth=2, width=2, cluster_width=2)
        self.mixture = mixture

    def encode(self, x, mask=None):
        everyone = torch.ones(x.shape[:2], dtype=torch.bool)
        return Encoding(x, x, everyone, torch.full(x.shape[:2], -1), everyone.double())

    def encoded_energies(self, encoding, labels, steps=None):
        log_p = exact_posterior(encoding.cluster_terms, self.mixture)
        partitions = all_partitions(labels.shape[1])
        if steps is None:
            steps = torch.arange(labels.shape[1]).expand_as(labels)
        options = torch.arange(int(labels.max()) + 2)
        energies = []
        for column in steps.T:
            before = torch.arange(labels.shape[1]) < column[:, None]
            fits = ((partitions == labels[:, None]) | ~before[:, None]).all(2)
            at_step = partitions.T[column]
            fits = fits[..., None] & (at_step[..., None] == options)
            energies.append(-torch.logsumexp(torch.where(fits, log_p[..., None], -torch.inf), 1))
        return torch.stack(energies, 1)

    def sample(self, x, n_samples, generator, mask=None):
        log_p = exact_posterior(x, self.mixture)
        drawn = torch.multinomial(log_p.exp(), n_samples, replacement=True, generator=generator)
        return all_partitions(x.shape[1])[drawn], log_p.gather(1, drawn)

    def greedy(self, x, mask=None):
        best = exact_posterior(x, self.mixture).max(1)
        return all_partitions(x.shape[1])[best.indices], best.values


class ExactPool:
    """Stands in for the pool of an `ExactModel`, which decodes nothing."""

    def __init__(self, model, encoding):
        self.model = model
        self.x = encoding.cluster_terms

    def sample(self, n_samples, generator):
        return self.model.sample(self.x, n_samples, generator)

    def log_prob(self, labels):
        return exact_posterior(self.x, self.model.mixture).gather(1, partition_index(labels))


@pytest.fixture
def exact_pools(monkeypatch):
    monkeypatch.setattr("gfncp.evaluation.answers.usual_pool", ExactPool)


@pytest.fixture
def measured():
    """Function that makes figures of a method on a benchmark's sets, of a given mean ARI."""

    def make(ari):
        return {
            "ari": {"value": ari, "error": 0.0123},
            "nmi": {"value": 0.5, "error": 0.1},
            "clusters": {"value": 7.25, "error": 0.1},
            "k_within_1": {"value": 0.62, "error": 0.1},
            "seconds": {"value": 0.0421},
        }

    return make


@pytest.fixture
def exact_model(mixture, exact_pools):
    return ExactModel(mixture)


@pytest.fixture
def wrong_model(exact_pools):
    """Exact for another prior: it expects more clusters than there are."""
    return ExactModel(GaussianMixtures(dim=2, alpha=6.0, spread=3.0))


@pytest.fixture
def model():
    """An untrained network whose posterior is neither flat nor sure: no layer damps its input."""
    torch.manual_seed(0)
    network = Model(VectorEncoder(2, 3.0), depth=2, width=16, cluster_width=24)
    for weight in network.parameters():
        if weight.dim() == 2:
            torch.nn.init.kaiming_normal_(weight)
    return network
