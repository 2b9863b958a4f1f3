"""Cells of single-cell data, as AnnData holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gfncp.estimators.gfncp import GFNCP

if TYPE_CHECKING:
    from anndata import AnnData  # pyright: ignore[reportMissingImports]  # an extra

CANDIDATES = 10


def cluster_cells(adata: AnnData, use_rep: str = "X_pca", key_added: str = "gfncp", **parameters) -> GFNCP:
    """Cluster cells, and write what was found beside them; `adata.write_h5ad` stores all of it.

    Written are, under the name ``key_added``:
    ``adata.obs[key_added]``, the cluster of each cell, as categories "0", "1", ...; noise is "-1";
    ``adata.obs[key_added + "_probability"]``, the probability of each cell to be in its cluster;
    ``adata.uns[key_added]``, arrays by name: ``K`` and ``K_probability``, the posterior over numbers of
    clusters; ``candidates``, the ten most probable clusterings, one a row, and ``candidates_log_prob``; and
    ``params``, as text.

    Args:
        use_rep: which of ``adata.obsm`` holds the points, or "X" for the matrix itself.
        key_added: name of what is written.
        parameters: those of `gfncp.GFNCP`.

    Returns:
        The fitted estimator, whose ``posterior_`` answers all else.

    Raises:
        ValueError: there is no such representation, or it is not what the checkpoint accepts.

    Example:
        >>> cluster_cells(adata, n_samples=200, random_state=0)  # doctest: +SKIP
        >>> scanpy.pl.umap(adata, color=["gfncp", "gfncp_probability"])  # doctest: +SKIP
    """
    if use_rep != "X" and use_rep not in adata.obsm:
        raise ValueError(f"use_rep={use_rep!r}: accepted are 'X' and {sorted(adata.obsm)}")
    model = GFNCP(**parameters).fit(adata.X if use_rep == "X" else adata.obsm[use_rep])
    numbers, likeliest = model.posterior_.n_clusters(), model.posterior_.candidates()[:CANDIDATES]
    names = pd.Index([str(label) for label in np.unique(model.labels_)], dtype=object)  # which HDF5 can hold
    adata.obs[key_added] = pd.Categorical(model.labels_.astype(str).astype(object), names)
    adata.obs[f"{key_added}_probability"] = model.probabilities_
    adata.uns[key_added] = {
        "K": np.array(list(numbers)),
        "K_probability": np.array(list(numbers.values())),
        "candidates": np.stack([each.labels for each in likeliest]),
        "candidates_log_prob": np.array([each.log_prob for each in likeliest]),
        "params": {"use_rep": use_rep, **{name: str(value) for name, value in parameters.items()}},
    }
    return model
