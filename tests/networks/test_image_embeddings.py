"""Embeddings of single images."""

import pytest
import torch

from gfncp.networks.image_embeddings import ImageEmbedding, ResidualImageEmbedding, embed


@pytest.mark.parametrize("embedding", [ImageEmbedding, ResidualImageEmbedding])
def test_images_lie_on_a_sphere_whose_coordinates_have_size_one(embedding, generator, monkeypatch):
    """Each on its own: the same beside others, and in chunks."""
    network = embedding(8, (2, 4, 4)).eval()
    images = torch.rand(7, 28, 28, generator=generator)
    found = embed(network, images)
    torch.testing.assert_close(found.square().mean(1), torch.ones(7))
    assert len(found.unique(dim=0)) == 7
    monkeypatch.setattr("gfncp.networks.image_embeddings.IMAGES_PER_CHUNK", 3)
    torch.testing.assert_close(embed(network, images), found)
    torch.testing.assert_close(embed(network, images[2:3]), found[2:3])
