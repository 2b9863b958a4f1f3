"""Coresets of neighbours: which encoders and networks they go with."""

import pytest

from gfncp.configuration import Configuration, parse
from gfncp.networks.encoders import EmbeddedEncoder
from gfncp.networks.tokens import TokenEncoder

CONTEXT = {"width": 8, "heads": 2, "blocks": 1, "local_heads": 1}
IMAGES = {"kind": "neighbour-coresets", "dataset": "mnist"}
SENTENCES = {"kind": "neighbour-coresets", "dataset": "clinc150"}
EMBEDDED = {"kind": "embedded-tokens", "context": CONTEXT}
TOKENS = {"kind": "tokens", "context": CONTEXT}


def configure(encoder=EMBEDDED, data=IMAGES, network="coreset-energy", objective="coreset-likelihood"):
    values = {
        "encoder": encoder,
        "data": data,
        "network": {"kind": network, "depth": 2, "width": 8, "cluster_width": 8},
        "objective": {"name": objective},
    }
    return parse(values, "test")


@pytest.mark.parametrize("dataset", ["mnist", "fashion-mnist", "omniglot"])
def test_images_are_embedded_and_summarised(dataset):
    described = configure(data={**IMAGES, "dataset": dataset, "fewest": 40})
    encoder = described.build().encoder
    assert isinstance(encoder, EmbeddedEncoder) and isinstance(encoder.encoder, TokenEncoder)
    assert (described.data.tokens, described.data.fewest) == (128, 40)
    assert Configuration.model_validate_json(described.model_dump_json()) == described


@pytest.mark.parametrize("dataset", ["clinc150", "file"])
def test_vectors_are_summarised_as_they_are(dataset):
    described = configure(TOKENS, {**SENTENCES, "dataset": dataset, "noise": 0.1})
    assert isinstance(described.build().encoder, TokenEncoder)
    assert Configuration.model_validate_json(described.model_dump_json()) == described


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder": TOKENS}, r"makes points of shape \(28, 28\), but encoder.kind='tokens'"),
        (
            {"encoder": {"kind": "embedded-images"}},
            "data 'neighbour-coresets' of images needs 'embedded-tokens'",
        ),
        ({"encoder": {"kind": "images"}}, "data 'neighbour-coresets' of images needs 'embedded-tokens'"),
        ({"data": SENTENCES}, r"makes points of shape \(34,\), but encoder.kind='embedded-tokens'"),
        (
            {"data": {"kind": "neighbour-embeddings", "dataset": "mnist"}},
            "data 'neighbour-embeddings' of images needs 'embedded-images'",
        ),
        (
            {"data": {"kind": "augmented-images", "dataset": "mnist"}},
            "data.kind='augmented-images': encoder 'embedded-tokens' needs 'neighbour-coresets'",
        ),
        (
            {"network": "energy", "objective": "ncp"},
            "network.kind='energy': data 'neighbour-coresets' needs 'coreset-energy'",
        ),
        ({"data": {**IMAGES, "dataset": "own"}}, "mnist.*omniglot.*clinc150"),
        ({"data": {**IMAGES, "tokens": 1}}, "tokens=1: .*greater than or equal to 2"),
        ({"data": {**IMAGES, "dataset": "omniglot", "n_clusters": 3}}, "n_clusters=3"),
        (
            {"encoder": {**EMBEDDED, "embedding": "mnist", "pretraining": {"rounds": 1}}},
            "embedding='mnist': it is taken as it is; leave out pretraining",
        ),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        configure(**changes)
