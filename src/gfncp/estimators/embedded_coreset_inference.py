"""Inference by a checkpoint of an embedding and a network of coresets: images in, clusterings out.

Images are embedded, and coresets made of the embedded points, whose columns share a unit.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float

from gfncp.configuration import Configuration
from gfncp.coresets.units import Scale
from gfncp.estimators.coreset_inference import CoresetInference
from gfncp.estimators.inference import Inference, Points
from gfncp.estimators.kept import KeptByArray
from gfncp.networks.encoders import embedded
from gfncp.networks.interfaces import PointShape
from gfncp.networks.layers import at_once

Vectors = Float[np.ndarray, "points dim"]

EMBEDDED = 128  # images that are embedded together on a CPU, where larger chunks take longer


@dataclass(frozen=True)
class EmbeddedCoresetInference(CoresetInference):
    """Inference with a network of micro-clusters of embedded images; sets keep their images as they are.

    Args:
        kept: embeddings of sets of images, which are asked for several times.
    """

    kept: KeptByArray[Vectors] = field(default_factory=KeptByArray, repr=False, compare=False)
    scales = False

    @property
    def point_shape(self) -> PointShape:
        return self.network.encoder.point_shape

    def scale(self, x: Points, asked: str, weights: Float[np.ndarray, "points"] | None) -> Scale:
        """Return "none": embeddings have one unit.

        Raises:
            ValueError: something else than "auto" is asked for.
        """
        if asked != "auto":
            raise ValueError(f"scale={asked!r}: {self.name!r} embeds images; accepted is 'auto'")
        return "none"

    def vectors(self, x: Points) -> Vectors:
        return self.kept.get(x, lambda: self._embed(x))

    def _embed(self, x: Points) -> Vectors:
        """Return embeddings, those of distinct images in a canonical order: rounding might depend on it."""
        images, of_rows = np.unique(x, axis=0, return_inverse=True)
        device = next(self.network.parameters()).device
        chunks = torch.from_numpy(images).float().split(at_once(EMBEDDED, device))
        vectors = torch.cat([embedded(self.network.encoder, chunk) for chunk in chunks])
        return vectors.double().numpy()[of_rows.reshape(-1)]


def class_of(configuration: Configuration) -> type[Inference]:
    """Return the class that clusters by a checkpoint."""
    if not configuration.summarises:
        return Inference
    return EmbeddedCoresetInference if configuration.encoder.kind == "embedded-tokens" else CoresetInference
