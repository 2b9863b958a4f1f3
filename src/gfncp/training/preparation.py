"""Preparation of a run: simulators of its sets, and the pre-training of an embedding if it has one."""

from collections.abc import Callable
from pathlib import Path

import torch
from accelerate import Accelerator
from jaxtyping import Float, UInt8
from rich.progress import Progress
from safetensors.torch import save_file
from torch import Tensor, nn

from gfncp import simulators
from gfncp.checkpoints import load, read_weights
from gfncp.configuration import Configuration
from gfncp.configuration.data import (
    CoresetData,
    EmbeddingData,
    EmbeddingFile,
    ImageData,
    NeighbourCoresets,
    OwnImages,
)
from gfncp.configuration.encoder import EmbeddedPictures, Pretraining
from gfncp.data import labelled_images
from gfncp.files import write_atomically
from gfncp.networks.encoders import EmbeddedEncoder, ImageEmbedding, embedded, prepared
from gfncp.seeds import VIEWS, seeded
from gfncp.simulators.labelled_coresets import Family
from gfncp.training import own_images, unseen_classes
from gfncp.training.pretraining import pretrain

Simulator = Callable[[int, int, torch.Generator], tuple[Tensor, ...]]  # of points, labels and what is beside
EMBEDDING = "embedding.safetensors"  # of images, in the folder of a run
IMAGES_AT_ONCE = 5000  # images that are augmented and embedded together


def make_simulators(
    configuration: Configuration, encoder: nn.Module, data: Path | None
) -> tuple[Simulator, Simulator]:
    """Return the simulators of training and of validation sets."""
    options = configuration.data
    if isinstance(options, CoresetData):
        training = simulators.LabelledCoresets(options.tokens, options.fewest)
        return training, simulators.LabelledCoresets(options.tokens)
    training, validation = _simulators_of_points(configuration, encoder, data)
    if not isinstance(options, NeighbourCoresets):
        return training, validation
    return (
        simulators.LabelledCoresets(options.tokens, options.fewest, ((1.0, training),)),
        simulators.LabelledCoresets(options.tokens, families=((1.0, validation),)),
    )


def _simulators_of_points(
    configuration: Configuration, encoder: nn.Module, data: Path | None
) -> tuple[Family, Family]:
    """Return the simulators of sets, before coresets are made of neighbours."""
    if isinstance(configuration.data, EmbeddingFile):
        return unseen_classes.make_simulators(configuration.data, data)
    values = configuration.data.model_dump(exclude=set(NeighbourCoresets.model_fields) - {"kind"})
    kind = values.pop("kind")
    if kind == "gaussian-mixtures":
        mixtures = simulators.GaussianMixtures(**values)
        return mixtures, mixtures
    if kind == "general-mixtures":
        general = simulators.GeneralMixtures(**values)
        return general, general
    views_generator = seeded(configuration.seed, VIEWS)
    if isinstance(configuration.data, OwnImages):
        return own_images_simulators(configuration.data, encoder, data, views_generator)
    dataset = values.pop("dataset")
    x, classes = labelled_images(dataset, "validation", data)
    held_out = simulators.WholeClasses(
        prepared(encoder, x), classes, values["alpha"], largest=values.get("largest")
    )
    x = labelled_images(dataset, "training", data).images[: values.pop("images")]
    if kind in ("neighbour-embeddings", "neighbour-coresets"):
        views = embedded_views(encoder, x, values.pop("views"), views_generator)
        return simulators.NeighbourEmbeddings(views, **values), held_out
    training = {
        "augmented-images": simulators.AugmentedImages,
        "neighbour-images": simulators.NeighbourImages,
    }[kind]
    # Images are augmented on the network's device, which is fast on a GPU.
    return training(x.to(next(encoder.parameters()).device), **values), held_out


def own_images_simulators(
    options: OwnImages, encoder: nn.Module, data: Path | None, generator: torch.Generator
) -> tuple[Family, Family]:
    """Return simulators of neighbouring images without labels: to train on, and held out."""
    parts = own_images.split(options, data)
    views = embedded_views(encoder, parts.training, options.views, generator)
    training, validation = (
        simulators.NeighbourEmbeddings(x, options.alpha, options.n_clusters, options.reach)
        for x in (views, prepared(encoder, parts.validation)[None])
    )
    return training, validation


def embedded_views(
    encoder: nn.Module, x: UInt8[Tensor, "images height width"], views: int, generator: torch.Generator
) -> Float[Tensor, "views images features"]:
    """Return embeddings of images and of ``views - 1`` augmentations of each, on the images' device."""
    device = next(encoder.parameters()).device

    def augmented(part: UInt8[Tensor, "part height width"]) -> Float[Tensor, "part features"]:
        return embedded(encoder, simulators.augment(part.to(device) / 255, generator)).to(x.device)

    parts = x.split(IMAGES_AT_ONCE)
    others = [torch.cat([augmented(part) for part in parts]) for _ in range(views - 1)]
    return torch.stack([prepared(encoder, x), *others])


def prepare_embedding(
    configuration: Configuration,
    encoder: nn.Module,
    folder: Path,
    data: Path | None,
    accelerator: Accelerator,
    bar: Progress,
) -> None:
    """Pre-train the encoder's embedding, if it has one, or take it from ``folder`` if that is done.

    Where the configuration names a checkpoint for it, it is that one's.
    """
    options = configuration.encoder
    if not isinstance(options, EmbeddedPictures) or not isinstance(encoder, EmbeddedEncoder):
        return
    path = Path(folder) / EMBEDDING
    if accelerator.is_main_process and not path.exists():
        if options.embedding is None:
            pretrain_embedding(configuration, options.pretraining, encoder.embedding, data, bar)
        else:
            take_embedding(encoder, options.embedding)
        write_atomically(path, lambda file: save_file(encoder.embedding.state_dict(), file))
    accelerator.wait_for_everyone()
    encoder.embedding.load_state_dict(read_weights(path, encoder.embedding))


def take_embedding(encoder: EmbeddedEncoder, checkpoint: str) -> None:
    """Copy the weights of a checkpoint's embedding.

    Raises:
        ValueError: it has none, or one of another shape.
    """
    other = load(checkpoint).encoder
    if not isinstance(other, EmbeddedEncoder):
        raise ValueError(f"encoder.embedding={checkpoint!r}: accepted are checkpoints with an embedding")
    try:
        encoder.embedding.load_state_dict(other.embedding.state_dict())
    except RuntimeError as error:
        reason = str(error).split("\n")[1].strip()
        raise ValueError(
            f"encoder.embedding={checkpoint!r}: its embedding has another shape ({reason})"
        ) from None


def pretrain_embedding(
    configuration: Configuration,
    options: Pretraining,
    embedding: ImageEmbedding,
    data: Path | None,
    bar: Progress,
) -> None:
    """Pre-train an embedding on the images that the configuration names."""
    match configuration.data:
        case OwnImages() as own:
            x, _ = own_images.split(own, data)
        case ImageData() | EmbeddingData() as own:
            x = labelled_images(own.dataset, "training", data).images[: own.images]
        case other:
            raise ValueError(f"data.kind={other.kind!r}: an embedding of images is trained on images alone")
    total = options.iterations + options.rounds * options.round_iterations
    task = bar.add_task("pre-training", total=total, loss=float("nan"))
    pretrain(
        embedding,
        x,
        **options.model_dump(),
        seed=configuration.seed,
        report=lambda iteration, loss: bar.update(task, completed=iteration, loss=loss),
    )
