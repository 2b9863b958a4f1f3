"""Model cards: the README of each shipped checkpoint."""

from pathlib import Path

from gfncp.checkpoints import load, load_configuration
from gfncp.configuration import Configuration
from gfncp.configuration.embedding_files import EmbeddingFile
from gfncp.configuration.encoder import EmbeddedPictures, Pretraining
from gfncp.configuration.image_data import EmbeddingData, ImageSets, PixelData
from gfncp.configuration.neighbour_coresets import NeighbourCoresets
from gfncp.configuration.recorded_coresets import RecordedCoresets
from gfncp.configuration.simulated_data import CoresetData, GeneralData, MixtureData
from gfncp.configuration.toml_files import to_toml
from gfncp.data.checks import array_shape
from gfncp.estimators.limits import accepted_shape
from gfncp.shipped import shipped


def model_card(folder: Path, measured: str) -> str:
    """Return the README of a checkpoint: accepted data, training, and the given figures."""
    configuration = load_configuration(folder)
    name, training = folder.name, configuration.training
    shape = array_shape(accepted_shape(configuration))
    parameters = sum(weight.numel() for weight in load(folder).parameters())
    low, high = training.points
    if training.initial is None:
        made = "`gfncp train` makes it again from:"
    elif training.initial in shipped():
        made = f"The weights of `{training.initial}` were tuned; `gfncp train` makes it again from:"
    else:
        made = f"That is one step of several, which `experiments/{name}.toml` tells:"
    return f"""# {name}

Clusters arrays of shape {shape}; {parameters:,} parameters.

```python
from gfncp import GFNCP

labels = GFNCP(checkpoint="{name}", random_state=0).fit_predict(X)
```

## Training

{_training_sets(configuration)} Sets of {low} to {high} points, {training.batch} sets in each of
{training.iterations} iterations, seed {configuration.seed}. {made}

```toml
{to_toml(configuration)}```

## Figures

{measured}
"""


def _training_sets(configuration: Configuration) -> str:
    data = configuration.data
    match data:
        case MixtureData():
            return (
                f"Mixtures of spherical Gaussians in {data.dim} dimensions: {_prior(data)}, means of "
                f"standard deviation {data.spread:g} around the origin, points of 1 around the means."
            )
        case GeneralData():
            return (
                f"Mixtures of up to {data.max_clusters} clusters in 1 to 16 dimensions: full covariances, "
                "long tails, sizes and densities that differ, bent shapes, background points and dimensions "
                "of noise; `gfncp.simulators.GeneralMixtures` says in what shares."
            )
        case CoresetData():
            return (
                f"Sets of the prior's families (docs/prior.md){_beside_the_prior(data)}, summarised by at "
                f"most {data.tokens} micro-clusters."
            )
        case PixelData():
            return (
                f"{data.images:,} training images of {data.dataset}, without their labels: {_prior(data)}, "
                f"each cluster made of {data.made_of}."
            )
        case EmbeddingData():
            return (
                f"{data.images:,} training images of {data.dataset}, without their labels: {_prior(data)}, "
                f"each cluster made of {data.made_of}, in {_embedding(configuration)}."
                f"{_summary(data)}"
            )
        case EmbeddingFile():
            return (
                f"Embeddings of half of the classes of {data.dataset}, without their labels: {_prior(data)}, "
                f"each cluster made of {data.made_of}.{_summary(data)} Tests are on the other half."
            )


def _summary(data: EmbeddingData | EmbeddingFile) -> str:
    if not isinstance(data, NeighbourCoresets):
        return ""
    return f" Sets are summarised by at most {data.tokens} micro-clusters."


def _embedding(configuration: Configuration) -> str:
    encoder = configuration.encoder
    if not isinstance(encoder, EmbeddedPictures):
        raise ValueError(f"encoder.kind={encoder.kind!r}: accepted are encoders with an embedding")
    if encoder.embedding is not None:
        return f"the embedding of `{encoder.embedding}`, which was learned before"
    return f"an embedding that came from {_pretraining(encoder.pretraining)}"


def _pretraining(options: Pretraining) -> str:
    parts = []
    if options.iterations:
        parts.append(f"{options.iterations} iterations of instance discrimination")
    if options.rounds:
        rounds = "one round" if options.rounds == 1 else f"{options.rounds} rounds"
        parts.append(f"{rounds} of drawing neighbours together")
    at_first = "" if options.iterations else ", at first those of pixels"
    return " and ".join(parts) + at_first


def _beside_the_prior(data: CoresetData) -> str:
    if not isinstance(data, RecordedCoresets):
        return ""
    shares = f"{data.recorded:.0%} of recorded images, and {data.faceted:.0%}"
    return f", {shares} in which near clusters count as one"


def _prior(data: MixtureData | ImageSets | EmbeddingFile) -> str:
    match data.n_clusters:
        case None:
            number = "any number of"
        case (low, high):
            number = f"{low} to {high}"
        case fixed:
            number = str(fixed)
    return f"partitions from CRP({data.alpha:g}) with {number} clusters"
