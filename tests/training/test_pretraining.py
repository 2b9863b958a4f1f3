"""Contrastive pre-training, and encoders that stand on a frozen embedding."""

import pytest
import torch

from gfncp.decoding.model import Model
from gfncp.networks.encoders import EmbeddedEncoder, VectorEncoder, prepared
from gfncp.networks.image_embeddings import ImageEmbedding, ResidualImageEmbedding
from gfncp.simulators.neighbours import NeighbourClusters, nearest_points
from gfncp.training.pretraining import info_nce, pretrain, same_image, same_neighbourhood, same_walk


@pytest.fixture(scope="module")
def images():
    """Noise of four kinds: bright in one quarter."""
    made = torch.rand(64, 28, 28, generator=torch.Generator().manual_seed(0)) * 80
    for quarter in range(4):
        top, left = 14 * (quarter // 2), 14 * (quarter % 2)
        made[quarter::4, top : top + 14, left : left + 14] += 170
    return made.to(torch.uint8)


def embedded(seed=0):
    torch.manual_seed(seed)
    return ImageEmbedding(8, channels=(2, 4, 4))


def losses_of(embedding, images, iterations=25, rounds=0, round_iterations=None, **options):
    losses = []
    pretrain(
        embedding,
        images,
        iterations=iterations,
        rounds=rounds,
        round_iterations=round_iterations or iterations,
        reach=0.1,
        alike=0.3,
        strength=1.0,
        batch=16,
        temperature=0.2,
        learning_rate=3e-3,
        seed=0,
        report=lambda iteration, loss: losses.append(float(loss)),
        **options,
    )
    return losses


@pytest.fixture(scope="module")
def spread_told_apart(images):
    """The spread of a kind after telling each image from all others."""
    return spread(images, iterations=40)


def spread(images, **options):
    """How far apart the images of a kind are, as a share of all images' variance, after pre-training."""
    embedding = embedded()
    losses_of(embedding, images, **options)
    z = embedding(images / 255).unflatten(0, (16, 4))
    return float((z.var(0).sum() / z.flatten(0, 1).var(0).sum()).detach())


def test_low_precision_of_products_hardly_changes_the_training_of_residual_blocks(images):
    losses = {}
    for precision in ("float32", "bfloat16"):
        torch.manual_seed(0)
        embedding = ResidualImageEmbedding(8, (2, 4, 4))
        losses[precision] = losses_of(embedding, images, 60, augmentations="handwriting", precision=precision)
        assert all(weight.dtype == torch.float32 for weight in embedding.parameters())
    exact, low = (torch.tensor(losses[precision]) for precision in ("float32", "bfloat16"))
    assert exact[-10:].mean() < 0.9 * exact[:10].mean()
    assert not torch.equal(exact, low)
    torch.testing.assert_close(low, exact, rtol=0.1, atol=0.1)


def test_the_loss_is_least_where_views_agree_and_images_differ():
    corners = torch.eye(8)
    apart = torch.eye(8, dtype=torch.bool)
    agree = info_nce(corners, corners, apart)
    assert agree < info_nce(corners, corners.roll(1, 0), apart)
    assert agree < info_nce(corners[:1].expand(8, -1), corners[:1].expand(8, -1), apart)
    torch.testing.assert_close(agree, info_nce(3 * corners, 5 * corners, apart))


def test_the_temperature_divides_similarities(generator):
    first, second = torch.randn(2, 8, 3, generator=generator)
    apart = torch.eye(8, dtype=torch.bool)
    torch.testing.assert_close(info_nce(first, second, apart, 1e6), torch.tensor(15.0).log())
    corners = torch.eye(8)
    assert info_nce(corners, corners, apart, 0.1) < info_nce(corners, corners, apart, 0.2)


def test_nothing_is_told_apart_where_all_are_alike(generator):
    first, second = torch.randn(2, 8, 3, generator=generator)
    assert info_nce(first, second, torch.ones(8, 8, dtype=torch.bool)) == 0


def test_pairs_belong_together_and_are_alike_with_themselves(generator):
    points = torch.cat([torch.randn(40, 2, generator=generator) + place for place in (0, 100)])
    near = same_neighbourhood(nearest_points(points, 5))
    for draw in (same_image(80), same_walk(NeighbourClusters(points, 0.1, 20).walks, 0.3), near):
        first, second, alike = draw(30, generator)
        assert torch.equal(first < 40, second < 40)
        assert alike.diagonal().all() and torch.equal(alike, alike.T)
        side = first < 40
        assert not alike[side][:, ~side].any()


def test_pairs_of_a_neighbourhood_are_near_each_other(generator):
    points = torch.arange(20.0)[:, None] ** 1.5  # neighbours are those before, mostly
    first, second, alike = same_neighbourhood(nearest_points(points, 3))(500, generator)
    assert (first - second).abs().max() <= 2 and (first != second).any() and (first == second).any()
    nearest = nearest_points(points, 3)
    expected = (nearest[first][:, None] == first[:, None]).any(2)
    assert torch.equal(alike, expected | expected.T)


def test_rounds_bring_neighbours_together(images, spread_told_apart):
    """Kinds of noise: within a kind, images come nearer to each other than telling each apart leaves them."""
    assert spread(images, iterations=40, rounds=2) < spread_told_apart


def test_a_first_round_brings_neighbours_in_pixels_together(images, spread_told_apart):
    assert spread(images, iterations=0, rounds=1, round_iterations=40) < spread_told_apart


def test_pretraining_lowers_the_loss_and_freezes_the_embedding(images):
    embedding = embedded()
    losses = losses_of(embedding, images, iterations=60)
    assert sum(losses[-10:]) < 0.9 * sum(losses[:10])
    assert not any(parameter.requires_grad for parameter in embedding.parameters())
    assert not embedding.training


def test_the_seed_decides_and_the_global_stream_is_left_alone(images):
    first, second = embedded(), embedded()
    before = torch.random.get_rng_state()
    losses = losses_of(first, images, iterations=3, rounds=1)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(7)
    assert losses_of(second, images, iterations=3, rounds=1) == losses
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


def test_embeddings_lie_on_a_sphere_and_do_not_depend_on_the_batch(images):
    embedding = embedded().eval()
    z = embedding(images[:10] / 255)
    torch.testing.assert_close(z.norm(dim=1), torch.full((10,), 8**0.5))
    torch.testing.assert_close(embedding(images[3:4] / 255), z[3:4])


def test_images_and_their_embeddings_are_clustered_alike(images):
    model = Model(EmbeddedEncoder(embedded(), VectorEncoder(8)), depth=2, width=16).eval()
    assert model.encoder.point_shape == (28, 28)
    points = prepared(model.encoder, images[:12])
    assert points.shape == (12, 8)
    labels, log_prob = model.greedy(images[None, :12] / 255)
    again, log_prob_again = model.greedy(points[None])
    assert torch.equal(labels, again)
    torch.testing.assert_close(log_prob, log_prob_again)


def test_training_leaves_the_embedding_frozen(images):
    model = Model(EmbeddedEncoder(embedded(), VectorEncoder(8)), depth=2, width=16).train()
    assert model.training and not model.encoder.embedding.training
    x, labels = images[None, :6] / 255, torch.tensor([[0, 1, 0, 2, 1, 0]])
    model.energies(x, labels)[0, 5, 0].backward()
    assert all(parameter.grad is None for parameter in model.encoder.embedding.parameters())
    assert model.h.first.weight.grad.abs().max() > 0


def test_an_embedding_is_frozen_before_anything_is_trained(images):
    """A run that goes on takes it from its folder: statistics of batches must not change it."""
    encoder = EmbeddedEncoder(embedded(), VectorEncoder(8))
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    torch.testing.assert_close(encoder.embed(images[:3] / 255), encoder.embed(images / 255)[:3])
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())


def test_images_without_an_embedding_are_scaled(images):
    torch.testing.assert_close(prepared(VectorEncoder(8), images), images / 255)
