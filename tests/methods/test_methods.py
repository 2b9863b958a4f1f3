"""Laws that every baseline's network obeys, on vectors and on images."""

import pytest
import torch

from gfncp.methods.ccp import CCPLoss
from gfncp.methods.dac import AnchoredDACLoss, DACLoss
from gfncp.methods.set_transformer import SetTransformerLoss
from gfncp.objectives.batch import Batch
from gfncp.partitions import canonical_labels, sample_crp

LOSSES = {
    "ccp": CCPLoss(),
    "dac": DACLoss(),
    "dac-anchored": AnchoredDACLoss(),
    "set-transformer": SetTransformerLoss(),
}


def test_labels_are_in_order_of_appearance(network, draw_points):
    labels = network.predict(draw_points(network, 3, 12))
    assert labels.shape == (3, 12)
    assert torch.equal(labels, canonical_labels(labels))
    assert (labels >= 0).all()


def test_a_padded_set_is_clustered_like_the_set_alone(network, draw_points):
    x = draw_points(network, 3, 12)
    mask = torch.arange(12) < torch.tensor([[7], [12], [1]])
    filled = x.clone()
    filled[~mask] = 0.5
    labels = network.predict(filled, mask)
    assert (labels[~mask] == -1).all()
    for row, points in enumerate([7, 12, 1]):
        alone = network.predict(x[row : row + 1, :points])
        assert torch.equal(labels[row, :points], alone[0])


def test_a_set_does_not_depend_on_the_rest_of_its_batch(network, draw_points):
    x = draw_points(network, 4, 10)
    assert torch.equal(network.predict(x)[2:3], network.predict(x[2:3]))


def test_predicting_leaves_the_global_random_state(network, draw_points):
    x = draw_points(network, 2, 10)
    before = torch.get_rng_state()
    first = network.predict(x)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(first, network.predict(x))


def test_gradients_reach_all_that_is_trained(network, kind, draw_points, generator):
    labels = sample_crp(4, 12, 1.0, generator=generator, n_clusters=3)
    terms = LOSSES[kind](network, Batch(draw_points(network, 4, 12), labels), generator)
    terms["loss"].backward()
    trained = {name: p for name, p in network.named_parameters() if p.requires_grad}
    assert trained
    still = {name for name, p in trained.items() if p.grad is None or not p.grad.any()}
    # A key's bias adds the same to all of a query's logits, and a single key has attention 1 whatever it is.
    still = {name for name in still if not name.endswith("key.bias")}
    assert still <= {"find.compare.key.weight", "relate.key.weight"}
    assert not any(value.requires_grad for name, value in terms.items() if name != "loss")


def test_loss_is_a_function_of_the_generator(network, kind, draw_points, generator):
    labels = sample_crp(4, 12, 1.0, generator=generator, n_clusters=3)
    batch = Batch(draw_points(network, 4, 12), labels)
    first, again = (LOSSES[kind](network, batch, torch.Generator().manual_seed(5))["loss"] for _ in range(2))
    assert first == again


def test_there_are_no_probabilities_of_clusterings(network, draw_points):
    x = draw_points(network, 1, 3)
    with pytest.raises(NotImplementedError, match="probabilit"):
        network.log_prob(x, torch.zeros(1, 3, dtype=torch.long))
