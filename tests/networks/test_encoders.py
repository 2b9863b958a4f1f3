"""Encoders: what they do not depend on."""

import pytest
import torch

from gfncp.networks import encoders
from gfncp.networks.attention import Block, ContextEncoder, split_precision
from gfncp.networks.encoders import (
    AnyVectorEncoder,
    EmbeddedEncoder,
    ImageEncoder,
    ScaledVectorEncoder,
    VectorEncoder,
)
from gfncp.networks.image_embeddings import ImageEmbedding
from gfncp.networks.principal import PrincipalEncoder
from gfncp.networks.tokens import COLUMNS, TokenEncoder
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


# Points beside others.

WITHOUT_ATTENTION = {
    "scaled": lambda: ScaledVectorEncoder(3, 2.0),
    "vectors": lambda: VectorEncoder(3, 2.0),
    "principal components": lambda: PrincipalEncoder(3, components=5, scale=2.0),
    "any width": lambda: AnyVectorEncoder(),
    "images": lambda: ImageEncoder(6),
    "embedded images": lambda: EmbeddedEncoder(ImageEmbedding(8), VectorEncoder(8)).eval(),
}


def points_for(encoder, count, generator):
    shape = [size or 3 for size in encoder.point_shape]
    return torch.rand(count, *shape, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("kind", WITHOUT_ATTENTION)
def test_a_point_beside_its_own_set_has_the_features_that_it_has_there(kind, generator):
    encoder = WITHOUT_ATTENTION[kind]().double()
    x = points_for(encoder, 12, generator)
    torch.testing.assert_close(encoder.conditioned_on(x)(x), encoder(x[None], everyone(x[None]))[0])


@pytest.mark.parametrize("dim", [1, 30])
def test_vectors_of_any_width_beside_their_own_set_have_their_features_there(dim, generator):
    x = torch.rand(12, dim, dtype=torch.float64, generator=generator)
    for encoder in (AnyVectorEncoder().double(), PrincipalEncoder(dim, 16).double()):
        expected = encoder(x[None], everyone(x[None]))[0]
        torch.testing.assert_close(encoder.conditioned_on(x)(x), expected, rtol=1e-6, atol=1e-6)


def test_embeddings_stand_for_images(generator):
    encoder = WITHOUT_ATTENTION["embedded images"]().double()
    given, new = points_for(encoder, 7, generator), points_for(encoder, 3, generator)
    found = encoder.conditioned_on(encoder.embed(given))(encoder.embed(new))
    torch.testing.assert_close(found, encoder.conditioned_on(given)(new))


def test_tokens_of_embedded_images_are_encoded_as_other_tokens_are(generator):
    encoder = EmbeddedEncoder(ImageEmbedding(COLUMNS, (2, 2, 2)), TokenEncoder(8, 2, 1, 1)).eval()
    columns = torch.randn(2, 5, COLUMNS, generator=generator)
    mask = prefix_mask(torch.tensor([3, 5]), 5)
    assert encoder.features == encoder.encoder.features and not encoder.pointwise
    assert torch.equal(encoder(columns, mask), encoder.encoder(columns, mask))
    images = torch.rand(2, 5, 28, 28, generator=generator)
    of_images = encoder.embedding(images.flatten(0, 1)).unflatten(0, (2, 5))
    torch.testing.assert_close(encoder(images, mask)[mask], encoder.encoder(of_images, mask)[mask])
    new = torch.randn(3, COLUMNS, generator=generator)
    given = columns[1]
    assert torch.equal(encoder.conditioned_on(given)(new), encoder.encoder.conditioned_on(given)(new))


def test_features_beside_others_do_not_depend_on_each_other(network, draw_points):
    encoder = network.encoder
    given, new = draw_points(network, 1, 9)[0], draw_points(network, 1, 5, seed=1)[0]
    join = encoder.conditioned_on(given)
    assert join(new).shape == (5, encoder.features)
    torch.testing.assert_close(join(new[3:4]), join(new)[3:4])


@pytest.mark.parametrize("local_heads", [0, 1, 2])
def test_attention_of_one_block_is_that_of_a_set_with_one_point_more(generator, local_heads):
    """Given points do not see the new one; with one block, nobody has seen anybody before."""
    encoder = ContextEncoder(ScaledVectorEncoder(2), 8, heads=2, blocks=1, local_heads=local_heads).double()
    given, new = torch.randn(2, 6, 2, dtype=torch.float64, generator=generator)
    for row, point in zip(encoder.conditioned_on(given)(new), new, strict=True):
        joined = torch.cat([given, point[None]])[None]
        torch.testing.assert_close(row, encoder(joined, everyone(joined))[0, -1])


def test_local_heads_attend_to_what_is_near(generator):
    """Two points have a logit less by the steepness times their squared distance; none has one of 0."""
    block = Block(width=4, heads=2, local_heads=1).double()
    places = torch.randn(1, 5, 3, dtype=torch.float64, generator=generator)
    x = torch.randn(1, 5, 4, dtype=torch.float64, generator=generator)
    queries, keys, _ = block._parts(x, places)
    plain_queries, plain_keys, _ = Block._parts(Block(4, 2).double(), x, places)
    assert plain_queries.shape[-1] == plain_keys.shape[-1] == 2
    logits = queries @ keys.mT
    content = queries[..., :2] @ keys[..., :2].mT
    steep = block.log_steepness.exp().double()
    torch.testing.assert_close(logits[:, 0], content[:, 0] - steep * torch.cdist(places, places).square())
    torch.testing.assert_close(logits[:, 1], content[:, 1])


def test_local_heads_tell_near_points_apart_under_autocast(generator):
    block = Block(width=8, heads=2, local_heads=2)
    places = 3 + 0.05 * torch.randn(1, 20, 2, generator=generator)
    x, everyone = torch.randn(1, 20, 8, generator=generator), torch.ones(1, 20, dtype=torch.bool)
    with torch.no_grad():
        exact = block(x, places, everyone)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = block(x, places, everyone)
    torch.testing.assert_close(rounded.float(), exact, atol=0.05, rtol=0.05)


def test_products_in_parts_have_twice_the_digits(generator):
    here, there = 10 * torch.randn(2, 50, 18, generator=generator)
    exact = here @ there.mT
    short = here.bfloat16().float() @ there.bfloat16().float().mT
    parts = [part.float() for part in split_precision(here, there, torch.bfloat16)]
    error = (parts[0] @ parts[1].mT - exact).abs().max()
    assert error < (short - exact).abs().max() / 50
    assert error < 18 * 10 * 10 * 2**-14


def test_points_beyond_all_that_was_measured_have_finite_features():
    given = torch.tensor([[0.0, 1e-300], [1e-300, 0.0], [2e-300, 1e-300], [1e-300, 3e-300]]).double()
    new = torch.tensor([[1e300, -1e300], [1.0, 1.0]]).double()
    assert AnyVectorEncoder().double().conditioned_on(given)(new).isfinite().all()
