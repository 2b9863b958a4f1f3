"""Objectives: Algorithm 1 and Eq. 11, 24, 27, 28 written out; drawn steps are an unbiased estimate."""

import pytest
import torch
from scipy.stats import binomtest, chisquare

from gfncp.decoding.decode import sample_encoded
from gfncp.objectives import algorithm_1
from gfncp.objectives.algorithm_1 import (
    GFNCPLoss,
    consistency_loss,
    contrastive_divergence,
    uniform_labels,
)
from gfncp.objectives.batch import Batch, draw_steps
from gfncp.objectives.ncp import NCPLoss
from gfncp.partitions import all_partitions, canonical_labels, sample_crp

TOLERANCE = {"rtol": 1e-9, "atol": 1e-9}
OBJECTIVES = {"ncp": NCPLoss(), "data policy": GFNCPLoss(beta=1.0), "exploration": GFNCPLoss(beta=0.0)}


@pytest.fixture
def batch(network, draw_points, generator):
    return Batch(draw_points(network, 3, 7), sample_crp(3, 7, 2.0, generator=generator))


def naive_consistency(steps, labels):
    """Eq. 24 of one set, from the energies of all options of each step."""
    points = len(steps)

    def flow(n, option):  # the shifted energy of c_1..c_n, n counted from 1
        if n == 1:
            return torch.zeros((), dtype=torch.float64)
        return steps[n - 1][option] - (steps[n - 1].min() if n < points else 0.0)

    total = 0.0
    for n in range(2, points + 1):
        children = torch.stack([flow(n, option) for option in range(len(steps[n - 1]))])
        total = total + (flow(n - 1, labels[n - 2]) + torch.logsumexp(-children, 0)) ** 2
    return total


def naive_terms(network, naive, batch):
    """Consistency (Eq. 24) and terminal energies of each set."""
    steps = [naive(network, x, labels) for x, labels in zip(batch.x, batch.labels, strict=True)]
    consistency = [naive_consistency(s, c) for s, c in zip(steps, batch.labels, strict=True)]
    return torch.stack(consistency), torch.stack(
        [s[-1][c[-1]] for s, c in zip(steps, batch.labels, strict=True)]
    )


def test_ncp_is_the_mean_negative_log_likelihood_of_a_label(network, naive, batch, generator):
    total = 0.0
    for x, labels in zip(batch.x, batch.labels, strict=True):
        for options, label in zip(naive(network, x, labels), labels, strict=True):
            total -= torch.log_softmax(-options, 0)[label]
    terms = NCPLoss()(network, batch, generator)
    torch.testing.assert_close(terms["loss"], total / batch.labels.numel(), **TOLERANCE)
    torch.testing.assert_close(terms["nll"], terms["loss"].detach())


def test_data_policy_adds_up_the_three_terms_of_algorithm_1(network, naive, batch):
    objective = GFNCPLoss(beta=1.0, delta=0.7, contrast=0.3)
    terms = objective(network, batch, torch.Generator().manual_seed(3))
    gradients = torch.autograd.grad(terms["loss"], list(network.parameters()))

    same = torch.Generator().manual_seed(3)
    torch.rand((), generator=same)  # the choice of the policy
    drawn = network.sample(batch.x, 1, same)[0][:, 0]
    consistency, terminal = naive_terms(network, naive, batch)
    _, drawn_terminal = naive_terms(network, naive, Batch(batch.x, drawn))
    contrast = (terminal - drawn_terminal).mean()  # its gradient is Eq. 27
    loss = consistency.mean() + 0.7 * terminal.square().mean() + 0.3 * contrast
    torch.testing.assert_close(terms["loss"], loss, **TOLERANCE)
    torch.testing.assert_close(terms["consistency"], consistency.mean().detach(), **TOLERANCE)
    torch.testing.assert_close(terms["regularisation"], terminal.square().mean().detach(), **TOLERANCE)
    torch.testing.assert_close(terms["contrast"], contrast.detach(), **TOLERANCE)
    for found, expected in zip(gradients, torch.autograd.grad(loss, list(network.parameters())), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-7)


def test_exploration_uses_uniform_labels_and_no_contrast(network, naive, batch):
    terms = GFNCPLoss(beta=0.0, delta=0.7, contrast=0.3)(network, batch, torch.Generator().manual_seed(3))
    same = torch.Generator().manual_seed(3)
    torch.rand((), generator=same)
    labels = uniform_labels(batch.labels, same)
    assert not torch.equal(labels, batch.labels)
    consistency, terminal = naive_terms(network, naive, Batch(batch.x, labels))
    expected = consistency.mean() + 0.7 * terminal.square().mean()
    torch.testing.assert_close(terms["loss"], expected, **TOLERANCE)
    assert terms["contrast"] == 0


@pytest.mark.parametrize("beta", [0.0, 0.3, 1.0])
def test_the_data_policy_is_taken_with_probability_beta(vectors, draw_points, generator, beta):
    batch = Batch(draw_points(vectors, 1, 8), torch.tensor([[0, 1, 0, 2, 1, 0, 3, 0]]))
    of_data = consistency_loss(vectors, vectors.encode(batch.x), batch)[0].mean()
    trials, objective = 60, GFNCPLoss(beta=beta)
    terms = [objective(vectors, batch, generator) for _ in range(trials)]
    taken = sum(int(torch.isclose(term["consistency"], of_data)) for term in terms)
    assert binomtest(taken, trials, beta).pvalue > 1e-3


def test_two_points_have_one_term(network, draw_points, naive):
    """The last step is the first that is decided: no shift, and the parent's energy is zero."""
    batch = Batch(draw_points(network, 2, 2), torch.tensor([[0, 0], [0, 1]]))
    consistency, _ = consistency_loss(network, network.encode(batch.x), batch)
    expected = torch.stack(
        [
            torch.logsumexp(-naive(network, x, c)[1], 0) ** 2
            for x, c in zip(batch.x, batch.labels, strict=True)
        ]
    )
    torch.testing.assert_close(consistency, expected, **TOLERANCE)


def test_single_steps_average_to_the_full_sums(network, batch, generator):
    """A drawn step estimates the sum over all: the mean over every possible draw is the sum itself."""
    full_consistency, full_terminal = consistency_loss(network, network.encode(batch.x), batch)
    full_nll = NCPLoss()(network, batch, generator)["loss"]
    consistency, nll = [], []
    for step in range(1, 7):
        one = Batch(batch.x, batch.labels, torch.full((3, 1), step))
        value, terminal = consistency_loss(network, network.encode(one.x), one)
        torch.testing.assert_close(terminal, full_terminal, **TOLERANCE)
        consistency.append(value)
        nll.append(NCPLoss()(network, one, generator)["loss"])
    torch.testing.assert_close(torch.stack(consistency).mean(0), full_consistency, **TOLERANCE)
    torch.testing.assert_close(torch.stack(nll).mean(0), full_nll, **TOLERANCE)


def test_all_steps_by_name_are_all_steps(network, batch, generator):
    steps = torch.arange(1, 7).expand(3, -1)
    for objective in OBJECTIVES.values():
        named = objective(network, Batch(batch.x, batch.labels, steps), torch.Generator().manual_seed(0))
        every = objective(network, batch, torch.Generator().manual_seed(0))
        torch.testing.assert_close(named, every, **TOLERANCE)


@pytest.mark.parametrize("sampled", [False, True])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradients_reach_every_parameter(network, batch, generator, name, sampled):
    steps = draw_steps(3, 7, 2, generator) if sampled else None
    OBJECTIVES[name](network, Batch(batch.x, batch.labels, steps), generator)["loss"].backward()
    silent = [key for key, parameter in network.named_parameters() if not parameter.grad.abs().sum() > 0]
    assert silent == []


def test_contrastive_divergence_vanishes_where_the_policy_draws_the_data(vectors, draw_points, generator):
    x, labels = draw_points(vectors, 2, 1), torch.zeros(2, 1, dtype=torch.long)
    encoding, terminal = vectors.encode(x), vectors.terminal_energy(x, labels)
    assert contrastive_divergence(vectors, encoding, terminal, generator) == 0


@pytest.mark.parametrize("clusters", [1, 2, 4])
def test_uniform_labels_are_uniform_over_labellings_and_reach_every_partition(clusters, generator):
    """Partitions of 4 points, each as likely as it has labellings with so many names, or more."""
    draws, points = 20_000, 4
    labels = torch.arange(points).clamp_max(clusters - 1)
    drawn = uniform_labels(labels.expand(draws, -1), generator)
    every = all_partitions(points)
    expected = torch.zeros(len(every), dtype=torch.float64)
    for names in range(clusters, points + 1):
        labellings = torch.cartesian_prod(*[torch.arange(names)] * points)
        share = (canonical_labels(labellings)[:, None] == every).all(-1).double().mean(0)
        last = names == points  # more names than points are as good as so many
        expected += share * 0.5 ** (names - clusters + (not last))
    assert (expected > 0).all()
    counts = (drawn[:, None] == every).all(-1).sum(0)
    assert chisquare(counts, draws * expected).pvalue > 1e-3


def test_contrastive_samples_keep_no_gradients(vectors, draw_points, generator, monkeypatch):
    """Labels are discrete: what draws them would only take memory."""
    enabled = []

    def watched(*arguments):
        enabled.append(torch.is_grad_enabled())
        return sample_encoded(*arguments)

    monkeypatch.setattr(algorithm_1, "sample_encoded", watched)
    x, labels = draw_points(vectors, 2, 5), torch.zeros(2, 5, dtype=torch.long)
    loss = contrastive_divergence(vectors, vectors.encode(x), vectors.terminal_energy(x, labels), generator)
    assert enabled == [False] and loss.requires_grad


def test_drawn_steps_are_distinct_sorted_and_uniform(generator):
    steps = draw_steps(8000, 6, 2, generator)
    assert torch.all(steps[:, 0] < steps[:, 1])
    pairs = torch.combinations(torch.arange(1, 6))
    counts = (steps[:, None] == pairs).all(-1).sum(0)
    assert counts.sum() == 8000
    assert chisquare(counts).pvalue > 1e-3
