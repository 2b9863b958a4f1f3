"""Simulators: endless streams of labelled sets to train on.

A simulator is called with a number of sets, a number of points and a `torch.Generator`, and returns
points ``(sets, points, *shape)`` and labels ``(sets, points)`` in order of appearance.
"""

from gfncp.simulators.augmented_embeddings import AugmentedEmbeddings
from gfncp.simulators.embedded_views import embedded_views
from gfncp.simulators.general import GeneralMixtures
from gfncp.simulators.images import AugmentedImages, NeighbourImages, augment
from gfncp.simulators.labelled_coresets import LabelledCoresets
from gfncp.simulators.mixtures import GaussianMixtures
from gfncp.simulators.neighbours import NeighbourClusters, NeighbourEmbeddings
from gfncp.simulators.recorded import RecordedImages
from gfncp.simulators.whole_classes import WholeClasses

__all__ = [
    "AugmentedEmbeddings",
    "AugmentedImages",
    "GaussianMixtures",
    "GeneralMixtures",
    "LabelledCoresets",
    "NeighbourClusters",
    "NeighbourEmbeddings",
    "NeighbourImages",
    "RecordedImages",
    "WholeClasses",
    "augment",
    "embedded_views",
]
