"""Encoders: what they do not depend on."""

import pytest
import torch

from gfncp import encoders
from gfncp.encoders import AnyVectorEncoder, ImageEncoder, VectorEncoder
from gfncp.partitions import prefix_mask


def everyone(x):
    return torch.ones(x.shape[:2], dtype=torch.bool)


def test_encoders_map_points_to_features_and_follow_their_order(network, draw_points, generator):
    encoder = network.encoder
    x = draw_points(network, 3, 7)
    order = torch.randperm(7, generator=generator)
    features = encoder(x, everyone(x))
    assert features.shape == (3, 7, encoder.features)
    torch.testing.assert_close(encoder(x[:, order], everyone(x)), features[:, order], rtol=0, atol=1e-9)


def test_encoders_ignore_absent_points(network, draw_points):
    encoder = network.encoder
    x = draw_points(network, 2, 7)
    mask = prefix_mask(torch.tensor([4, 7]), 7)
    alone = encoder(x[:1, :4], everyone(x[:1, :4]))
    torch.testing.assert_close(encoder(x, mask)[:1, :4], alone, rtol=0, atol=1e-9)


def test_vectors_are_centred_on_their_median_and_scaled():
    x = torch.tensor([[[1.0, 10.0], [3.0, 30.0], [100.0, 20.0]]])
    expected = torch.tensor([[[-2.0, -10.0], [0.0, 10.0], [97.0, 0.0]]]) / 4
    torch.testing.assert_close(VectorEncoder(2, scale=4.0)(x, everyone(x)), expected)


def test_vectors_far_from_the_origin_keep_their_differences(generator):
    x = torch.randn(1, 9, 2, dtype=torch.float64, generator=generator)
    encoder = VectorEncoder(2)
    near, far = encoder(x, everyone(x)), encoder(x + 1e8, everyone(x))
    assert far.dtype == torch.float32
    torch.testing.assert_close(far, near, rtol=0, atol=1e-6)


def test_the_scale_is_no_weight():
    assert VectorEncoder(2, scale=4.0).state_dict() == {}


@pytest.mark.parametrize("dim", [1, 16, 40])
def test_vectors_of_any_width_become_features_of_one(generator, dim):
    x = torch.randn(2, 9, dim, dtype=torch.float64, generator=generator)
    features = AnyVectorEncoder()(x, everyone(x))
    assert features.shape == (2, 9, 16) and features.dtype == torch.float32
    torch.testing.assert_close(AnyVectorEncoder()(1e3 * x.flip(2) - 7, everyone(x)), features)


def test_wide_sets_are_standardised_in_parts(monkeypatch, generator):
    x = torch.randn(3, 9, 5, dtype=torch.float64, generator=generator)
    expected = AnyVectorEncoder()(x, everyone(x))
    monkeypatch.setattr(encoders, "NUMBERS_PER_CHUNK", 50)
    torch.testing.assert_close(AnyVectorEncoder()(x, everyone(x)), expected)


@pytest.mark.parametrize("gradients", [False, True])
def test_images_in_chunks_give_the_same_features_and_gradients(monkeypatch, generator, gradients):
    torch.manual_seed(0)
    encoder = ImageEncoder(6).double()
    x = torch.rand(2, 5, 28, 28, dtype=torch.float64, generator=generator)

    def features_and_gradients():
        encoder.zero_grad()
        with torch.set_grad_enabled(gradients):
            features = encoder(x, everyone(x))
        if gradients:
            features.square().sum().backward()
        return features.detach(), [parameter.grad for parameter in encoder.parameters()]

    expected = features_and_gradients()
    monkeypatch.setattr(encoders, "IMAGES_PER_CHUNK", 3)
    torch.testing.assert_close(features_and_gradients(), expected, rtol=1e-9, atol=1e-9)
