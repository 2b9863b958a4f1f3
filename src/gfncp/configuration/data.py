"""Sections of a configuration for the sets that are trained on; each builds its own simulators."""

from typing import Annotated

from pydantic import Field

from gfncp.configuration.embedding_files import AugmentedEmbeddingFile, FileCoresets, NeighbourEmbeddingFile
from gfncp.configuration.image_data import (
    AugmentedImageData,
    CharacterCoresets,
    Characters,
    EmbeddingData,
    ImageCoresets,
    NeighbourImageData,
    OwnImages,
)
from gfncp.configuration.recorded_coresets import RecordedCoresets
from gfncp.configuration.simulated_data import CoresetData, GeneralData, MixtureData

AnyNeighbourEmbeddings = Annotated[
    EmbeddingData | Characters | OwnImages | NeighbourEmbeddingFile, Field(discriminator="dataset")
]
AnyNeighbourCoresets = Annotated[
    ImageCoresets | CharacterCoresets | FileCoresets, Field(discriminator="dataset")
]
AnyData = Annotated[
    MixtureData
    | GeneralData
    | CoresetData
    | RecordedCoresets
    | AugmentedImageData
    | NeighbourImageData
    | AnyNeighbourEmbeddings
    | AnyNeighbourCoresets
    | AugmentedEmbeddingFile,
    Field(discriminator="kind"),
]
