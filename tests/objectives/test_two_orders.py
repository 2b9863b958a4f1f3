"""Our objective: what its terms are, and where they vanish."""

import pytest
import torch

from gfncp.objectives.batch import Batch
from gfncp.objectives.ncp import NCPLoss
from gfncp.objectives.trajectory import follow, reorder
from gfncp.objectives.two_orders import TwoOrdersLoss
from gfncp.partitions import canonical_labels, sample_crp
from gfncp.schedules import ramp


def batch_of(network, draw_points, generator, points=7, **options):
    labels = sample_crp(4, points, 1.0, generator=generator)
    return Batch(draw_points(network, 4, points), labels, **options)


def test_two_points_leave_nothing_to_disagree_about(network, draw_points, generator):
    terms = TwoOrdersLoss()(network, batch_of(network, draw_points, generator, points=2), generator)
    assert terms["disagreement"] < 1e-18


def test_the_likelihood_is_the_mean_along_both_orders(network, draw_points, generator):
    batch = batch_of(network, draw_points, generator)
    state = generator.get_state()
    terms = TwoOrdersLoss()(network, batch, generator)
    generator.set_state(state)
    order = torch.rand(batch.labels.shape, generator=generator).argsort(1)
    x = torch.stack([points[index] for points, index in zip(batch.x, order, strict=True)])
    other = Batch(x, canonical_labels(batch.labels.gather(1, order)))
    both = [NCPLoss()(network, one, generator)["nll"] for one in (batch, other)]
    torch.testing.assert_close(terms["nll"], (both[0] + both[1]) / 2)


def test_the_loss_is_the_weighted_sum_of_its_terms(network, draw_points, generator):
    objective = TwoOrdersLoss(disagreement=2.0, terminal=0.3, anchor=0.01)
    terms = objective(network, batch_of(network, draw_points, generator, progress=0.25), generator)
    weights = {"nll": 1.0, "disagreement": 2.0 * 0.5, "terminal": 0.3, "anchor": 0.01}
    expected = sum(weight * terms[name] for name, weight in weights.items())
    torch.testing.assert_close(terms["loss"].detach(), expected)
    assert all(not terms[name].requires_grad for name in weights)


def test_gradients_reach_every_parameter(network, draw_points, generator):
    TwoOrdersLoss()(network, batch_of(network, draw_points, generator), generator)["loss"].backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


def test_conditionals_are_differences_of_terminal_energies(network, draw_points, generator):
    """Of the last point, over the clusterings that differ in its label alone."""
    x, labels = draw_points(network, 1, 4), torch.tensor([[0, 1, 0, 1]])
    last = torch.tensor([[3]])
    _, found = follow(network, network.encode(x), labels, last)
    options = torch.tensor([[0, 1, 0, k] for k in range(3)])
    energies = network.terminal_energy(x.expand(3, *x.shape[1:]), options)
    torch.testing.assert_close(found[0, 0], torch.log_softmax(-energies, 0)[1])


def test_reordering_twice_gives_the_same_sets(network, draw_points, generator):
    batch = batch_of(network, draw_points, generator)
    encoding = network.encode(batch.x)
    order = torch.rand(batch.labels.shape, generator=generator).argsort(1)
    again, labels = reorder(*reorder(encoding, batch.labels, order), order.argsort(1))
    assert torch.equal(labels, batch.labels)
    for part, other in zip(again, encoding, strict=True):
        assert torch.equal(part, other)


@pytest.mark.parametrize(("done", "weight"), [(0.0, 0.0), (0.1, 0.0), (0.25, 0.5), (0.4, 1.0), (1.0, 1.0)])
def test_the_ramp_rises_linearly_between_its_ends(done, weight):
    assert ramp(done, 0.1, 0.4) == pytest.approx(weight)
