"""Each cell of the table of properties, demonstrated on the code that it is about.

A subject runs one method and answers, for each property, with the mark that the table must show. Networks
have random weights: a property of theirs holds for any weights, or needs only a few steps of training.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from sklearn.metrics import adjusted_rand_score
from typer.testing import CliRunner

from gfncp.cli import app
from gfncp.decoding.model import Model
from gfncp.estimators.properties import PROPERTIES, TABLE
from gfncp.estimators.registry import METHODS
from gfncp.methods.ccp import CCPLoss, CCPNetwork
from gfncp.methods.dac import AnchoredDACLoss, AnchoredDACNetwork, DACLoss, DACNetwork
from gfncp.methods.set_transformer import SetTransformerLoss, SetTransformerNetwork
from gfncp.mixtures.conjugate import NormalInverseWishart, log_joint
from gfncp.networks.encoders import VectorEncoder
from gfncp.objectives.algorithm_1 import GFNCPLoss
from gfncp.objectives.batch import Batch, Objective
from gfncp.objectives.ncp import NCPLoss
from gfncp.partitions import all_partitions, canonical_labels

MANY = 25  # more clusters than any default bound


def rings(sets: int, points: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Two concentric rings: clusters that share their mean."""
    labels = canonical_labels(torch.arange(points).expand(sets, -1) % 2)
    place = torch.arange(points) // 2 / (points // 2)
    angle = 2 * torch.pi * (place + torch.rand(sets, 1, generator=generator))
    radius = 1.0 + 3.0 * labels
    return radius[..., None] * torch.stack([angle.cos(), angle.sin()], -1), labels


def ambiguous(points: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 2, size=(points, 2))


def far_apart(groups: int) -> np.ndarray:
    """Tight groups of 6 points on a grid."""
    places = 100.0 * np.stack(np.meshgrid(np.arange(6), np.arange(6)), -1).reshape(-1, 2)[:groups]
    return np.repeat(places, 6, axis=0) + np.random.default_rng(1).normal(size=(6 * groups, 2))


@dataclass
class Amortized:
    """A network that decodes clusterings; ``log_reward``, if any: what it learns as log p + constant."""

    objective: Objective
    log_reward: Callable | None = None

    def network(self) -> Model:
        torch.manual_seed(0)
        return Model(VectorEncoder(2), depth=2, width=32)

    def data_permutation(self) -> str:
        network = self.network()
        x = torch.from_numpy(ambiguous(12)).float()[None]
        labels, _ = network.sample(x, 20, torch.Generator().manual_seed(0))
        order = torch.from_numpy(np.random.default_rng(2).permutation(12))
        moved = canonical_labels(labels[..., order])

        def same(values) -> bool:
            return torch.allclose(values(x, labels), values(x[:, order], moved), atol=1e-4)

        with torch.no_grad():
            if same(network.log_prob):
                return "✓"
            reward = self.log_reward
            return "~" if reward is not None and same(lambda *args: reward(network, *args)) else "✗"

    def unlimited_components(self) -> str:
        x = torch.from_numpy(far_apart(MANY)).float()[None, ::6] / 100
        each_alone = torch.arange(MANY)[None]
        with torch.no_grad():
            return "✓" if self.network().log_prob(x, each_alone).isfinite().all() else "✗"

    def arbitrary_likelihood(self) -> str:
        """Labelled samples of rings are all that training asks for, and the loss falls."""
        network, generator = self.network(), torch.Generator().manual_seed(0)
        batch = Batch(*rings(4, 12, generator))
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
        losses = []
        for _ in range(60):
            optimizer.zero_grad()
            loss = self.objective(network, batch, generator)["loss"]
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        return "✓" if np.mean(losses[-5:]) < 0.5 * np.mean(losses[:2]) else "✗"

    def assignment_probability(self) -> str:
        x, every = torch.from_numpy(ambiguous(5)).float()[None], all_partitions(5)[None]
        with torch.no_grad():
            total = self.network().log_prob(x, every).exp().sum()
        return "✓" if torch.isclose(total, torch.ones_like(total)) else "~"

    def well_defined_posterior(self) -> str:
        """Samples follow the normalised probabilities, and carry them."""
        network, x = self.network(), torch.from_numpy(ambiguous(4)).float()[None]
        drawn, log_prob = network.sample(x, 20_000, torch.Generator().manual_seed(0))
        found, index, counts = drawn[0].unique(dim=0, return_inverse=True, return_counts=True)
        with torch.no_grad():
            expected = network.log_prob(x, found[None])[0]
        same = torch.allclose(log_prob[0], expected[index], atol=1e-5)
        close = (counts / counts.sum() - expected.exp()).abs().sum() < 0.03
        return "✓" if same and close else "✗"


def terminal(network, x, labels) -> torch.Tensor:
    return torch.stack([-network.terminal_energy(x, column) for column in labels.unbind(1)], 1)


def weak_log_joint(x, labels):
    points = torch.from_numpy(x)
    return log_joint(points, torch.from_numpy(labels), NormalInverseWishart.weak(points), 1.0).numpy()


@dataclass
class Mixture:
    """A sampler of Gaussian mixtures: its law is known by its log joint."""

    name: str

    def data_permutation(self) -> str:
        x, generator = torch.from_numpy(ambiguous(12)), torch.Generator().manual_seed(3)
        labels = torch.randint(4, (20, 12), generator=generator)
        order = torch.randperm(12, generator=generator)
        model, moved = NormalInverseWishart.weak(x), NormalInverseWishart.weak(x[order])
        values = log_joint(x, labels, model, 1.0), log_joint(x[order], labels[:, order], moved, 1.0)
        return "✓" if torch.allclose(*values) else "✗"

    def unlimited_components(self) -> str:
        sampler = METHODS[self.name](
            NormalInverseWishart(np.zeros(2), 1e-4, 4.0, np.eye(2)), n_sweeps=30, n_warmup=20, random_state=0
        )
        return "✓" if sampler.fit(far_apart(MANY)).n_clusters_ >= MANY else "✗"

    def arbitrary_likelihood(self) -> str:
        return finds_rings(METHODS[self.name](n_sweeps=20, n_warmup=10, random_state=0))

    def assignment_probability(self) -> str:
        """Normalised over visited clusterings alone, which is too much by a constant."""
        x, every = ambiguous(6), all_partitions(6).numpy()
        sampler = METHODS[self.name](n_chains=2, n_sweeps=10, n_warmup=5, random_state=0).fit(x)
        joint = weak_log_joint(x, every)
        exact = dict(zip(map(tuple, every), joint - logsumexp(joint), strict=True))
        posterior = sampler.posterior_
        excess = posterior.log_prob - [exact[tuple(row)] for row in posterior.labels]
        if np.allclose(excess, 0, atol=1e-6):
            return "✓"
        return "~" if np.allclose(excess, excess[0]) else "✗"

    def well_defined_posterior(self) -> str:
        """States follow the normalised joint (more exactly tested with the samplers)."""
        x, every = ambiguous(3), all_partitions(3).numpy()
        sampler = METHODS[self.name](n_chains=400, n_sweeps=12, n_warmup=4, random_state=0).fit(x)
        joint = weak_log_joint(x, every)
        exact = dict(zip(map(tuple, every), np.exp(joint - logsumexp(joint)), strict=True))
        posterior = sampler.posterior_
        distances = posterior.weights - [exact[tuple(row)] for row in posterior.labels]
        return "✓" if np.abs(distances).sum() < 0.1 else "✗"


@dataclass
class Clusterwise:
    """A network that finds one cluster after the other, or all at once."""

    make: Callable[..., torch.nn.Module]
    loss: Objective
    memberships: str  # the term of the loss that tells which points belong together

    def network(self):
        with torch.random.fork_rng():
            torch.manual_seed(2)
            return self.make(VectorEncoder(2))

    @cached_property
    def trained(self) -> tuple[torch.nn.Module, list[float] | None]:
        """The network after a few steps on rings, and the loss of memberships at each, if there is one."""
        network = self.network()
        generator = torch.Generator().manual_seed(0)
        batch, losses = Batch(*rings(8, 12, generator)), []
        optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
        for _ in range(200):
            optimizer.zero_grad()
            terms = self.loss(network, batch, generator)
            if self.memberships not in terms:
                return network, None
            terms["loss"].backward()
            optimizer.step()
            losses.append(float(terms[self.memberships].detach()))
        return network, losses

    def data_permutation(self) -> str:
        """Of the point estimate, else of how often samples join pairs of points."""
        (network, _), order = self.trained, torch.from_numpy(np.random.default_rng(5).permutation(12))
        x = torch.from_numpy(np.stack([ambiguous(12, seed) for seed in range(30)])).float()
        if torch.equal(canonical_labels(network.predict(x)[:, order]), network.predict(x[:, order])):
            return "✓"
        return "~" if hasattr(network, "sample") and self.same_law(network, x[:1], order) else "✗"

    @staticmethod
    def same_law(network, x, order) -> bool:
        def together(points, seed):
            labels = network.sample(points, 4000, torch.Generator().manual_seed(seed))[0]
            return (labels[:, :, None] == labels[:, None, :]).double().mean(0)

        difference = together(x, 0)[order][:, order] - together(x[:, order], 1)
        return difference.abs().max() < 0.05

    def unlimited_components(self) -> str:
        """Memberships that never hold leave each point alone."""
        network, x = self.network(), torch.from_numpy(far_apart(MANY)).float()[None, ::6] / 100
        if isinstance(network, SetTransformerNetwork):
            return "✓" if network.log_joint(x).shape[-1] >= MANY else "✗"
        last = network.find.logit if hasattr(network, "find") else network.phi[-1]
        with torch.no_grad():
            last.bias.fill_(-1e6)
        return "✓" if network.predict(x).max() == MANY - 1 else "✗"

    def arbitrary_likelihood(self) -> str:
        """Labelled samples of rings are all that training asks for, and the loss of memberships falls."""
        _, losses = self.trained
        return "✓" if losses and np.mean(losses[-20:]) < 0.6 * np.mean(losses[:20]) else "✗"

    def assignment_probability(self) -> str:
        network, x = self.network(), torch.from_numpy(ambiguous(4)).float()[None]
        with pytest.raises(NotImplementedError):
            network.log_prob(x, all_partitions(4)[None, 0])
        return "~" if hasattr(network, "log_prob_bound") else "✗"

    def well_defined_posterior(self) -> str:
        """Samples follow probabilities that sum to 1."""
        network, every = self.network(), all_partitions(4)
        if not hasattr(network, "sample"):
            return "✗"
        x, generator = torch.from_numpy(ambiguous(4)).float()[None], torch.Generator().manual_seed(0)
        drawn = network.sample(x, 20_000, generator)[0]
        frequencies = (drawn[:, None] == every).all(-1).double().mean(0)
        expected = network.log_prob_bound(x.repeat(len(every), 1, 1), every, 2000, generator).exp()
        close = (frequencies - expected).abs().sum() < 0.05 and (expected.sum() - 1).abs() < 0.05
        return "✓" if close else "✗"


def finds_rings(estimator) -> str:
    x, labels = rings(1, 200, torch.Generator().manual_seed(1))
    found = estimator.fit_predict(x[0].double().numpy())
    return "✓" if adjusted_rand_score(labels[0].numpy(), found) > 0.95 else "✗"


@dataclass
class PointEstimate:
    """One clustering, by optimisation or density."""

    name: str
    parameters: dict

    def estimator(self, **more):
        return METHODS[self.name](**self.parameters | more)

    def data_permutation(self) -> str:
        """Starts are random: the law of the clustering over seeds, seen as co-clustering probabilities."""
        x = ambiguous(20)
        order = np.random.default_rng(4).permutation(len(x))
        difference = self.coclustering(x)[np.ix_(order, order)] - self.coclustering(x[order])
        return "✓" if np.abs(difference).mean() < 0.15 else "✗"

    def coclustering(self, x) -> np.ndarray:
        seeds = [{"random_state": seed} for seed in range(16)] if "random_state" in self.parameters else [{}]
        labels = np.stack([self.estimator(**seed).fit_predict(x) for seed in seeds])
        return (labels[:, :, None] == labels[:, None, :]).mean(0)

    def unlimited_components(self) -> str:
        return "✓" if self.estimator().fit(far_apart(MANY)).n_clusters_ >= MANY else "✗"

    def arbitrary_likelihood(self) -> str:
        return finds_rings(self.estimator())

    def assignment_probability(self) -> str:
        fitted = self.estimator().fit(far_apart(2))
        return "✓" if hasattr(fitted, "log_prob") or hasattr(fitted, "posterior_") else "✗"

    def well_defined_posterior(self) -> str:
        """A factorised one counts in part: parameters have a posterior, and points' rows sum to 1."""
        fitted = self.estimator().fit(far_apart(2))
        if not hasattr(fitted, "mixture_") or not hasattr(fitted.mixture_, "mean_precision_"):
            return "✗"
        return "~" if np.allclose(fitted.mixture_.predict_proba(far_apart(2)).sum(1), 1) else "✗"


SMALL = {"hidden": 16, "inducing": 4, "heads": 2}
SUBJECTS = {
    "Set Transformer": Clusterwise(
        partial(SetTransformerNetwork, n_components=3, **SMALL), SetTransformerLoss(), "memberships"
    ),
    "DAC": Clusterwise(partial(DACNetwork, **SMALL), DACLoss(), "cross_entropy"),
    "Anchored DAC": Clusterwise(partial(AnchoredDACNetwork, **SMALL), AnchoredDACLoss(), "cross_entropy"),
    "CCP": Clusterwise(partial(CCPNetwork, depth=3, width=16, latent=4), CCPLoss(), "reconstruction"),
    "NCP": Amortized(NCPLoss()),
    "GFNCP": Amortized(GFNCPLoss(), log_reward=terminal),
    "Collapsed Gibbs": Mixture("Collapsed Gibbs"),
    "Split-merge": Mixture("Split-merge"),
    "Variational": PointEstimate("Variational", {"n_init": 1, "random_state": 0}),
    "GMM + BIC": PointEstimate("GMM + BIC", {"n_init": 1, "random_state": 0}),
    "k-means": PointEstimate("k-means", {"n_clusters": 4, "random_state": 0}),
    "HDBSCAN": PointEstimate("HDBSCAN", {"copy": True}),
}
CHECKS = {
    "data-perm. invariance": "data_permutation",
    "unlimited components": "unlimited_components",
    "arbitrary likelihood": "arbitrary_likelihood",
    "assignment probability": "assignment_probability",
    "well defined posterior": "well_defined_posterior",
}


@pytest.mark.parametrize("name", PROPERTIES)
@pytest.mark.parametrize("method", TABLE)
def test_the_mark_of_a_property_is_what_the_method_does(method, name):
    assert getattr(SUBJECTS[method], CHECKS[name])() == TABLE[method].mark(name)


def test_every_method_has_a_row():
    assert set(METHODS) <= set(TABLE)
    assert list(CHECKS) == list(PROPERTIES)
    for row in TABLE.values():
        assert set(row.code) <= set("✓✗~–") and len(row.code) == len(PROPERTIES)
        assert row.paper is None or len(row.paper) == len(PROPERTIES)


def test_the_claims_are_those_of_table_1():
    assert {name: row.paper for name, row in TABLE.items() if row.paper} == {
        "Set Transformer": "✓✗✗✗–",
        "DAC": "✓✓✓✗✗",
        "CCP": "✗✓✓✗✓",
        "NCP": "✗✓✓✓✓",
        "GFNCP": "✓✓✓✓✓",
    }


def test_command_prints_every_row():
    result = CliRunner().invoke(app, ["methods"])
    assert result.exit_code == 0
    for name, row in TABLE.items():
        assert name.split()[0] in result.output
        assert " ".join(row.note.split()) in " ".join(result.output.split())
