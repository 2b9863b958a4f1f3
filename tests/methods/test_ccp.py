import math

import pytest
import torch

from gfncp.methods.anchors import visit_clusters
from gfncp.methods.ccp import CCPLoss, CCPNetwork
from gfncp.methods.gaussians import diagonal_gaussian
from gfncp.networks.encoders import VectorEncoder
from gfncp.objectives.batch import Batch
from gfncp.partitions import all_partitions, sample_crp


@pytest.fixture
def network():
    """Untrained, but with memberships, latents and posteriors that matter."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = CCPNetwork(VectorEncoder(2, 10.0), depth=3, width=16, latent=3)
    with torch.no_grad():
        network.phi_step.weight.mul_(4)
        network.phi[-1].weight.mul_(8)
        network.posterior[-1].weight.mul_(2)
    return network


@pytest.fixture
def x(generator):
    return 10 * torch.randn(1, 4, 2, generator=generator)


def test_steps_equal_a_loop(network, generator):
    x = 10 * torch.randn(5, 8, 2, generator=generator)
    labels = sample_crp(5, 8, 1.5, generator=generator)
    encoding = network.encode(x)
    steps = network.steps(encoding, labels, torch.Generator().manual_seed(7))

    same = torch.Generator().manual_seed(7)
    visited, anchors = visit_clusters(labels, same)
    noise = torch.randn(len(steps.owner), 3, generator=same)
    at = 0
    for b in range(5):
        formed = torch.zeros(16)
        for k in range(int(labels[b].max()) + 1):
            remaining, members = visited[b] >= k, visited[b] == k
            if remaining.sum() == 1:
                continue
            assert steps.owner[at] == b
            context = torch.cat([encoding.anchor[b, anchors[b, k]], encoding.u[b, remaining].sum(0), formed])[
                None
            ]
            inside = torch.cat([context, encoding.u[b, members].sum(0)[None]], -1)
            prior = diagonal_gaussian(network.prior(context))
            posterior = diagonal_gaussian(network.posterior(inside))
            z = posterior.mean + posterior.stddev * noise[at]
            likelihood = 0.0
            for i in remaining.nonzero()[:, 0]:
                if i != anchors[b, k]:
                    step = network.phi_step(torch.cat([context, z], -1))
                    p = network.logits(encoding.row[b, i][None], step).sigmoid()[0]
                    likelihood += (p if members[i] else 1 - p).log()
            torch.testing.assert_close(steps.log_likelihood[at], likelihood)
            kl = torch.distributions.kl_divergence(posterior, prior)[0]
            torch.testing.assert_close(steps.kl[at], kl)
            ratio = (prior.log_prob(z) - posterior.log_prob(z))[0]
            torch.testing.assert_close(steps.log_ratio[at], ratio)
            formed = formed + network.g(encoding.h[b, members].sum(0)[None])[0]
            at += 1
    assert at == len(steps.owner)


def probabilities(network, x, mask=None, n_samples=3000):
    """Estimates of p(c | x) of all partitions of the present points."""
    points = x.shape[1] if mask is None else int(mask.sum())
    partitions = torch.nn.functional.pad(all_partitions(points), (0, x.shape[1] - points), value=-1)
    many = x.expand(len(partitions), -1, -1)
    masks = None if mask is None else mask.expand(len(partitions), -1)
    generator = torch.Generator().manual_seed(11)
    return partitions, network.log_prob_bound(many, partitions, n_samples, generator, masks).exp()


def test_probabilities_of_all_partitions_sum_to_one(network, x):
    """The estimates are unbiased, so that their sum is 1 but for noise."""
    _, estimates = probabilities(network, x)
    assert 0.01 < estimates.max() < 0.99
    torch.testing.assert_close(estimates.sum(), torch.tensor(1.0).double(), atol=0.03, rtol=0)


@pytest.mark.parametrize("padding", [0, 2])
def test_samples_follow_the_probabilities(network, x, generator, padding):
    filled = torch.nn.functional.pad(x, (0, 0, 0, padding), value=1.0)
    mask = torch.arange(4 + padding)[None] < 4
    partitions, estimates = probabilities(network, filled, mask)
    drawn = network.sample(filled, 8000, generator, mask)[0]
    assert drawn.shape == (8000, 4 + padding)
    same = (drawn[:, None] == partitions).all(-1)
    assert (same.sum(1) == 1).all()
    total_variation = (same.double().mean(0) - estimates).abs().sum() / 2
    assert total_variation < 0.03


def test_elbo_is_below_the_log_likelihood(network, x):
    """ELBO <= mean IWAE with few samples <= mean IWAE with many <= log p, with room between them."""
    generator = torch.Generator().manual_seed(2)
    partitions = all_partitions(4)
    many = x.expand(len(partitions), -1, -1)
    repeats = 150

    def mean_bound(n_samples):
        """The mean over ``repeats`` estimates of each partition."""
        again = partitions.repeat(repeats, 1)
        each = network.log_prob_bound(x.expand(len(again), -1, -1), again, n_samples, generator)
        return each.view(repeats, -1).mean(0)

    one, four = mean_bound(1), mean_bound(4)
    log_p = network.log_prob_bound(many, partitions, 4000, generator)
    assert (one < log_p).all()
    assert one.mean() < four.mean() < log_p.mean()

    again = Batch(x.expand(repeats * len(partitions), -1, -1), partitions.repeat(repeats, 1))
    elbo = -4 * CCPLoss()(network, again, generator)["loss"].detach().double()  # the loss is per point
    torch.testing.assert_close(elbo, one.mean(), atol=0.08, rtol=0)


def test_the_loss_is_the_sum_of_its_terms(network, x, generator):
    terms = CCPLoss()(network, Batch(x, torch.tensor([[0, 1, 0, 2]])), generator)
    torch.testing.assert_close(terms["loss"].detach(), terms["reconstruction"] + terms["kl"])
    assert terms["kl"] > 0


def test_a_set_of_one_point_has_one_clustering(network, x, generator):
    assert network.sample(x[:, :1], 3, generator).tolist() == [[[0], [0], [0]]]
    log_p = network.log_prob_bound(x[:, :1], torch.zeros(1, 1, dtype=torch.long), 5, generator)
    assert log_p.item() == pytest.approx(0.0)
    assert math.isfinite(
        CCPLoss()(network, Batch(x[:, :1], torch.zeros(1, 1, dtype=torch.long)), generator)["loss"]
    )


def test_samples_are_a_function_of_the_generator(network, x):
    first, again, other = (network.sample(x, 200, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
