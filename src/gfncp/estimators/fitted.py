"""The outcome of `GFNCP.fit`, and its form in a file: tensors and texts."""

import io
import json
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd
import torch
from jaxtyping import Int
from torch import Tensor

from gfncp.coresets.units import Scale
from gfncp.data.columns import Columns
from gfncp.decoding.stream import Stream
from gfncp.estimators.inference import Given
from gfncp.posterior.posterior import Posterior

GIVEN = ("core", "weights", "known", "importance")  # arrays that are stored beside the points
POSTERIOR = ("labels", "log_prob", "counts")


@dataclass(frozen=True)
class Fitted:
    """All that an estimator learns of a set.

    Attributes:
        given: the points, and what is known of them.
        clustering: the point estimate before noise is labelled.
        labels: the point estimate.
        stream: where a stream of points goes on; None where points do not come one by one.
        columns: how columns of a table become coordinates; None of images.
        outside: warnings that the points are unlike those of training.
        n_features: of a point; of an image, number of pixels.
        feature_names: names of the columns, if all are text.
    """

    given: Given
    clustering: Int[np.ndarray, "points"]
    labels: Int[np.ndarray, "points"]
    posterior: Posterior
    stream: Stream | None
    columns: Columns | None
    outside: list[str]
    n_features: int
    feature_names: np.ndarray | None

    def stored(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Return tensors and texts from which `restored` makes the same."""
        posterior = self.posterior
        arrays = {"x": self.given.x, "labels": self.labels}
        arrays |= {f"posterior/{name}": getattr(posterior, name) for name in POSTERIOR}
        if posterior.found:
            arrays["found/labels"] = np.stack([each.labels for each in posterior.found])
            arrays["found/log_prob"] = np.array([each.log_prob for each in posterior.found])
        if (self.labels != self.clustering).any():
            arrays["clustering"] = self.clustering
        if posterior.index is not None:
            arrays["index"] = _index_to_bytes(posterior.index)
        known = {name: getattr(self.given, name) for name in GIVEN}
        arrays |= {name: value for name, value in known.items() if value is not None}
        tensors = {name: torch.from_numpy(value) for name, value in arrays.items()}
        if self.stream is not None:
            tensors |= {f"stream/{name}": value.cpu() for name, value in self.stream.tensors().items()}
        texts = {
            "n_features": str(self.n_features),
            "scale": self.given.scale,
            "crowded": "yes" if self.given.crowded else None,
            "outside": json.dumps(self.outside) if self.outside else None,
            "columns": None if self.columns is None else self.columns.to_json(),
            "feature_names": None if self.feature_names is None else json.dumps(self.feature_names.tolist()),
        }
        return tensors, {name: text for name, text in texts.items() if text is not None}

    @classmethod
    def restored(cls, tensors: dict[str, Tensor], texts: dict[str, str]) -> "Fitted":
        """Return what `stored` was called on.

        Raises:
            KeyError, TypeError, IndexError, AttributeError, RecursionError: something else is stored.
            ValueError: as before.
        """
        drawn, log_prob, counts = (tensors[f"posterior/{name}"].numpy() for name in POSTERIOR)
        posterior = Posterior(drawn, log_prob, counts)
        if "found/labels" in tensors:
            for row, value in zip(tensors["found/labels"].numpy(), tensors["found/log_prob"], strict=True):
                posterior = posterior.including(row, float(value))
        if "index" in tensors:
            posterior = posterior.named(_index_from_bytes(tensors["index"].numpy()))
        stream = {
            name.removeprefix("stream/"): value
            for name, value in tensors.items()
            if name.startswith("stream/")
        }
        known = {name: tensors[name].numpy() for name in GIVEN if name in tensors}
        names = texts.get("feature_names")
        return cls(
            given=Given(
                tensors["x"].numpy(),
                scale=cast("Scale | None", texts.get("scale")),
                crowded="crowded" in texts,
                **known,
            ),
            clustering=tensors.get("clustering", tensors["labels"]).numpy(),
            labels=tensors["labels"].numpy(),
            posterior=posterior,
            stream=Stream.from_tensors(stream) if stream else None,
            columns=Columns.from_json(texts["columns"]) if "columns" in texts else None,
            outside=[str(said) for said in json.loads(texts.get("outside", "[]"))],
            n_features=int(texts["n_features"]),
            feature_names=None if names is None else np.array(json.loads(names), dtype=object),
        )


def _index_to_bytes(index: pd.Index) -> np.ndarray:
    """Return an index as a Parquet file, which keeps its types and names."""
    return np.frombuffer(pd.DataFrame(index=index).to_parquet(), np.uint8).copy()


def _index_from_bytes(content: np.ndarray) -> pd.Index:
    return pd.read_parquet(io.BytesIO(content.tobytes())).index
