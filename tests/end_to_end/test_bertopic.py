"""`GFNCP` as the clustering of BERTopic, which asks for `fit`, `labels_`, `probabilities_` and `predict`."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from gfncp import GFNCP

bertopic = pytest.importorskip("bertopic")
WORDS = {0: "cat dog bird horse fish", 1: "bread cheese soup apple rice", 2: "car train ship plane bus"}


@pytest.fixture
def documents():
    """Texts of three kinds, and vectors that tell them apart."""
    draw = np.random.default_rng(0)
    kinds = np.repeat([0, 1, 2], 20)
    texts = [" ".join(draw.choice(WORDS[kind].split(), 6)) for kind in kinds.tolist()]
    return texts, draw.normal(size=(60, 8)) + 20 * np.eye(3, 8)[kinds], kinds


def test_topics_are_clusters(documents):
    texts, vectors, kinds = documents
    clusters = GFNCP(n_samples=20, random_state=0)
    model = bertopic.BERTopic(umap_model=PCA(2, random_state=0), hdbscan_model=clusters, min_topic_size=2)
    topics, probabilities = model.fit_transform(texts, vectors)
    assert np.array_equal(probabilities, clusters.probabilities_)
    pairs = set(zip(topics, clusters.labels_.tolist(), strict=True))
    assert len(pairs) == len(set(topics)) == clusters.n_clusters_  # one topic for each cluster
    assert len(set(zip(topics, kinds.tolist(), strict=True))) == 3
    again, _ = model.transform(texts, vectors)
    assert list(again) == list(topics)


def test_documents_that_would_open_a_cluster_are_outliers(documents, monkeypatch):
    texts, vectors, _ = documents
    clusters = GFNCP(n_samples=20, random_state=0)
    model = bertopic.BERTopic(umap_model=PCA(2, random_state=0), hdbscan_model=clusters, min_topic_size=2)
    model.fit(texts, vectors)
    monkeypatch.setattr(clusters, "predict", lambda X: np.full(len(X), clusters.n_clusters_))
    assert model.transform(texts[:2], vectors[:2])[0] == [-1, -1]
