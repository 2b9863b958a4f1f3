"""New points given clustered ones: the definition, each on its own."""

import pytest
import torch

from gfncp.decoding import predictive as prediction
from gfncp.decoding.model import InteractingModel, Model, OnlineModel, PairwiseModel
from gfncp.networks.attention import ContextEncoder
from gfncp.networks.encoders import (
    EmbeddedEncoder,
    ImageEncoder,
    ScaledVectorEncoder,
    VectorEncoder,
)
from gfncp.networks.image_embeddings import ImageEmbedding
from gfncp.networks.principal import PrincipalEncoder

MODELS = {
    "whole set": lambda: Model(VectorEncoder(2), depth=2, width=16, cluster_width=24),
    "pointwise": lambda: Model(ScaledVectorEncoder(2), depth=2, width=16, cluster_width=24),
    "images": lambda: Model(ImageEncoder(8), depth=2, width=16, cluster_width=24),
    "embedded images": lambda: InteractingModel(
        EmbeddedEncoder(ImageEmbedding(4, (2, 2, 2)), ContextEncoder(VectorEncoder(4), 8, 2, 1)),
        depth=2,
        width=16,
        cluster_width=24,
    ),
    "principal components": lambda: PairwiseModel(
        ContextEncoder(PrincipalEncoder(20, 3), 8, 2, 1), depth=2, width=16, cluster_width=24
    ),
    "online": lambda: OnlineModel(ScaledVectorEncoder(2), depth=2, width=16, cluster_width=24),
}


@pytest.fixture(params=MODELS)
def model(request):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        made = MODELS[request.param]().double().eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter *= 1.7
        made.f.last.weight *= 8  # energies of different options differ by about 1
    return made


@pytest.fixture
def clustered(model):
    generator = torch.Generator().manual_seed(0)
    labels = torch.tensor([0, 0, 1, 0, 2, 1, 0, 0, 2, 3, 0, 1, 0, 2])
    x = torch.rand(14, *model.encoder.point_shape, generator=generator, dtype=torch.float64)
    new = torch.rand(9, *model.encoder.point_shape, generator=generator, dtype=torch.float64)
    return (x, labels, new) if x.dim() == 3 else (8 * x - 4, labels, 8 * new - 4)


def test_predictions_are_the_policy_of_the_last_point_of_a_set_with_one_point_more(model, clustered):
    x, labels, new = clustered
    together = prediction.predictive(model, x, labels, new)
    assert together.shape == (9, int(labels.max()) + 2)
    for row, point in zip(together, new, strict=True):
        energies = model.energies(torch.cat([x, point[None]])[None], torch.cat([labels, labels[:1]])[None])
        torch.testing.assert_close(row, torch.log_softmax(-energies[0, -1], -1).detach())


def test_new_points_do_not_depend_on_each_other_nor_on_chunks(model, clustered, monkeypatch):
    x, labels, new = clustered
    together = prediction.predictive(model, x, labels, new)
    torch.testing.assert_close(prediction.predictive(model, x, labels, new.flip(0)).flip(0), together)
    torch.testing.assert_close(prediction.predictive(model, x, labels, new[3:4]), together[3:4])
    monkeypatch.setattr(prediction, "POINTS_PER_CHUNK", 31)
    torch.testing.assert_close(prediction.predictive(model, x, labels, new), together)


def test_the_order_of_the_clustered_points_does_not_matter(model, clustered):
    x, labels, new = clustered
    order = labels.argsort(stable=True)  # cluster by cluster: labels stay in order of appearance
    torch.testing.assert_close(
        prediction.predictive(model, x[order], labels[order], new),
        prediction.predictive(model, x, labels, new),
    )


def test_probabilities_sum_to_one_for_one_cluster_and_for_singletons(model, clustered):
    x, _, new = clustered
    for labels in (torch.zeros(14, dtype=torch.long), torch.arange(14)):
        log_prob = prediction.predictive(model, x, labels, new)
        assert log_prob.shape == (9, int(labels.max()) + 2)
        torch.testing.assert_close(log_prob.exp().sum(1), torch.ones(9, dtype=torch.float64))


@pytest.mark.parametrize("model", ["embedded images"], indirect=True)
def test_images_are_embedded_once_each(clustered, model, monkeypatch):
    x, labels, new = clustered
    embedded, embed = [], EmbeddedEncoder.embed
    monkeypatch.setattr(
        EmbeddedEncoder, "embed", lambda self, points: embedded.append(len(points)) or embed(self, points)
    )
    judge = prediction.judge(model, x, labels)
    judge(new), judge(new)
    assert sum(embedded) == len(x) + 2 * len(new)
