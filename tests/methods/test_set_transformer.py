import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from gfncp.methods.set_transformer import SetTransformerLoss, SetTransformerNetwork, normalise_sets
from gfncp.networks.encoders import ImageEncoder, VectorEncoder
from gfncp.objectives.batch import Batch


@pytest.fixture
def network():
    return SetTransformerNetwork(VectorEncoder(2, 10.0), 3, hidden=16, inducing=4, heads=2)


def test_log_joint_is_equivariant(network, generator):
    features = torch.randn(2, 9, 2, generator=generator)
    order = torch.randperm(9, generator=generator)
    torch.testing.assert_close(network.log_joint(features[:, order]), network.log_joint(features)[:, order])


def test_loss_is_the_likelihood_of_a_mixture(network, generator):
    x = 10 * torch.randn(4, 9, 2, generator=generator)
    seen = {}
    network.weight.register_forward_hook(lambda _module, _inputs, out: seen.update(weight=out))
    network.gaussian.register_forward_hook(lambda _module, _inputs, out: seen.update(gaussian=out))
    labels = torch.zeros(4, 9, dtype=torch.long)
    loss = SetTransformerLoss()(network, Batch(x, labels), generator)["loss"]
    mean, raw = seen["gaussian"].chunk(2, -1)
    scale = torch.nn.functional.softplus(raw) + 0.01
    mixture = MixtureSameFamily(
        Categorical(logits=seen["weight"][..., 0]), Independent(Normal(mean, scale), 1)
    )
    features = network.encoder(x, torch.ones(4, 9, dtype=torch.bool))
    torch.testing.assert_close(loss, -mixture.log_prob(features.transpose(0, 1)).mean())


def test_labels_do_not_matter_to_the_loss(network, generator):
    x = torch.randn(2, 9, 2, generator=generator)
    one, many = (
        SetTransformerLoss()(network, Batch(x, labels), generator)["loss"]
        for labels in (torch.zeros(2, 9, dtype=torch.long), torch.arange(9).expand(2, -1))
    )
    assert one == many


def test_there_are_at_most_k_clusters(network, generator):
    assert network.predict(10 * torch.randn(20, 30, 2, generator=generator)).max() < 3


def test_a_trainable_encoder_is_frozen():
    network = SetTransformerNetwork(ImageEncoder(8), 3, hidden=16, inducing=4, heads=2)
    assert not any(p.requires_grad for p in network.encoder.parameters())
    assert all(p.requires_grad for p in network.encode.parameters())


def test_standardised_features_know_no_scale(generator):
    features = 5 * torch.randn(3, 12, 4, generator=generator) + 2
    mask = torch.arange(12) < torch.tensor([[12], [8], [1]])
    out = normalise_sets(features, mask)
    assert not out[~mask].any()
    torch.testing.assert_close(out, normalise_sets(100 * features - 3, mask), atol=1e-4, rtol=1e-4)
    for row in out[:2].unbind():
        inside = row[row.any(-1)]
        torch.testing.assert_close(inside.mean(0), torch.zeros(4), atol=1e-5, rtol=0)
        torch.testing.assert_close(inside.square().mean(), torch.tensor(1.0))
    assert out.isfinite().all()
