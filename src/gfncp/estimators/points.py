"""The reading of points: tables as coordinates, images as intensities, by the rules learnt in `fit`."""

from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Shaped
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from gfncp.bounds import ClusterBounds
from gfncp.data.checks import as_array, check_images, check_shape, warn_of_weights
from gfncp.data.columns import Columns, Table
from gfncp.estimators.image_range import refuse_unlike
from gfncp.estimators.inference import Given, Inference
from gfncp.estimators.outside import warn_outside_training


class PointsMixin(BaseEstimator):
    """Points of any accepted kind, as arrays of numbers; what each column is used as is learnt once."""

    checkpoint: str | Path
    scale: str
    n_clusters: object
    categorical_weight: float | None
    outside_: list[str]
    columns_: list
    n_features_in_: int
    _columns: Columns | None

    def _read(self, inference: Inference, X, reset: bool) -> Float[np.ndarray, "points *shape"]:
        """Return points as numbers; to ``reset`` is to learn from them what the columns are."""
        held = self._array_of(inference, X)
        table = held.ndim == 2
        if isinstance(held, pd.DataFrame) and not reset and self._columns is not None:
            held = self._columns.complete(held)
        if table and not reset:
            validate_data(self, held, reset=False, skip_check_array=True)  # pyright: ignore[reportArgumentType]
        x, columns = self._coordinates(inference, held, None if reset else self._columns)
        if reset and x.ndim == 3:
            refuse_unlike(x, self.checkpoint)
        outside = warn_outside_training(x, inference.joint(len(x)), inference.configuration, self.checkpoint)
        if reset:
            self.outside_ = outside
            self._columns = columns
            self.columns_ = [] if columns is None else list(columns.used)
            if columns is not None:
                columns.warn()
            if table:
                validate_data(self, held, reset=True, skip_check_array=True)  # pyright: ignore[reportArgumentType]
            else:
                self.n_features_in_ = int(np.prod(x.shape[1:]))
        return x

    def _array_of(self, inference: Inference, X) -> Shaped[np.ndarray, "points *shape"] | pd.DataFrame:
        return as_array(X, inference.point_shape, self.checkpoint)

    def _coordinates(
        self,
        inference: Inference,
        held: Shaped[np.ndarray, "points *shape"] | pd.DataFrame,
        columns: Columns | None,
    ) -> tuple[Float[np.ndarray, "points *shape"], Columns | None]:
        """Return what `_array_of` returned as numbers, by given columns or, with None, by its own."""
        if held.ndim == 2:
            columns = self._columns_of(held) if columns is None else columns
            x = columns.apply(held)
        else:
            x = check_images(np.asarray(held))
        check_shape(x, inference.point_shape, self.checkpoint)
        return x, columns

    def _columns_of(self, table: Table) -> Columns:
        columns = Columns.of(table)
        return columns.without_categories() if self.categorical_weight == 0 else columns

    def _given_of(
        self,
        inference: Inference,
        x: Float[np.ndarray, "points *shape"],
        columns: Columns | None,
        weights: Float[np.ndarray, "points"] | None = None,
        known: Int[np.ndarray, "points"] | None = None,
    ) -> Given:
        """Return a set with what is known of it; dates beside other numbers have all columns standardised.

        Raises:
            ValueError: more clusters are known than there may be.
        """
        bounds = ClusterBounds.of(self.n_clusters)
        clusters = 0 if known is None else int(known.max()) + 1
        if bounds is not None and clusters > bounds.high:
            raise ValueError(
                f"n_clusters={self.n_clusters!r}: known_labels name {clusters} clusters; accepted are bounds "
                "that leave room for them"
            )
        if weights is not None:
            warn_of_weights(weights)
        weight = self.categorical_weight
        weight = inference.categorical_weight if weight is None else float(weight)
        importance = None
        if columns is not None and (weight != 1 or inference.scales):
            importance = columns.importance(weight)
        mixed = columns is not None and columns.mixed_units and inference.scales
        scale = "columns" if mixed and self.scale == "auto" else self.scale
        return inference.given(x, scale, weights, known, importance)
