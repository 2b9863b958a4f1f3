"""Cells of AnnData: what is written beside them, and that it can be stored."""

import numpy as np
import pandas as pd
import pytest

from gfncp import GFNCP
from gfncp.integrations import cluster_cells

anndata = pytest.importorskip("anndata")


@pytest.fixture
def adata():
    """Two far groups of cells, with their components."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(30, 4)) + 30 * np.repeat([[0], [1]], 15, axis=0)
    with pd.option_context("future.infer_string", False):  # anndata cannot store pandas 3's texts yet
        return anndata.AnnData(x, obsm={"X_pca": x[:, :2]})


def test_what_is_written_is_what_the_estimator_says(adata, vector_checkpoint):
    model = cluster_cells(adata, checkpoint=vector_checkpoint, n_samples=20, random_state=0)
    alone = GFNCP(vector_checkpoint, n_samples=20, random_state=0).fit(adata.obsm["X_pca"])
    assert adata.obs["gfncp"].astype(int).tolist() == alone.labels_.tolist() == model.labels_.tolist()
    assert np.array_equal(adata.obs["gfncp_probability"], alone.probabilities_)
    held = adata.uns["gfncp"]
    numbers = dict(zip(held["K"].tolist(), held["K_probability"].tolist(), strict=True))
    assert numbers == alone.posterior_.n_clusters()
    assert (np.diff(held["candidates_log_prob"]) <= 0).all()
    for row, value in zip(held["candidates"], held["candidates_log_prob"], strict=True):
        assert alone.posterior_.log_prob_of(row) == value


def test_all_that_is_written_survives_storage(adata, vector_checkpoint, tmp_path):
    cluster_cells(adata, key_added="mine", checkpoint=vector_checkpoint, n_clusters=(2, 4), random_state=None)
    adata.write_h5ad(tmp_path / "cells.h5ad")
    found = anndata.read_h5ad(tmp_path / "cells.h5ad")
    assert found.obs["mine"].tolist() == adata.obs["mine"].tolist()
    assert np.array_equal(found.obs["mine_probability"], adata.obs["mine_probability"])
    for name in ("K", "K_probability", "candidates", "candidates_log_prob"):
        assert np.array_equal(found.uns["mine"][name], adata.uns["mine"][name])
    assert found.uns["mine"]["params"]["n_clusters"] == "(2, 4)"


def test_the_matrix_itself_can_be_clustered(adata, vector_checkpoint):
    flat = anndata.AnnData(adata.obsm["X_pca"])
    model = cluster_cells(flat, use_rep="X", checkpoint=vector_checkpoint, random_state=0)
    assert flat.obs["gfncp"].astype(int).tolist() == model.labels_.tolist()


def test_noise_has_a_category(adata, vector_checkpoint):
    model = cluster_cells(
        adata, checkpoint=vector_checkpoint, random_state=0, noise="label", noise_threshold=1e-9
    )
    assert set(adata.obs["gfncp"].cat.categories) == set(map(str, np.unique(model.labels_)))


def test_a_missing_representation_is_named(adata, vector_checkpoint):
    with pytest.raises(ValueError, match=r"use_rep='X_umap': accepted are 'X' and \['X_pca'\]"):
        cluster_cells(adata, use_rep="X_umap", checkpoint=vector_checkpoint)
    assert "gfncp" not in adata.obs
