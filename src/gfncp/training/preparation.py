"""Preparation of a run: the pre-training of its embedding of images, if it has one."""

from pathlib import Path

from accelerate import Accelerator
from rich.progress import Progress
from safetensors.torch import save_file
from torch import nn

from gfncp.checkpoints import load, read_weights
from gfncp.configuration import Configuration
from gfncp.configuration.encoder import EmbeddedPictures, Pretraining
from gfncp.files import write_atomically
from gfncp.networks.encoders import EmbeddedEncoder
from gfncp.networks.image_embeddings import ImageEmbedding
from gfncp.training.pretraining import pretrain

EMBEDDING = "embedding.safetensors"  # of images, in the folder of a run


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
    x = configuration.data.images_to_embed(data)
    total = options.iterations + options.rounds * options.round_iterations
    task = bar.add_task("pre-training", total=total, loss=float("nan"))
    pretrain(
        embedding,
        x,
        **options.model_dump(),
        seed=configuration.seed,
        report=lambda iteration, loss: bar.update(task, completed=iteration, loss=loss),
    )
