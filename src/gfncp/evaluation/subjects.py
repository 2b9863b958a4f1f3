"""Sets that a checkpoint is diagnosed on: fresh simulated ones, or whole classes of labelled data."""

from pathlib import Path
from typing import Any, cast

from torch import nn

from gfncp.checkpoints import read_checkpoint
from gfncp.configuration import Configuration
from gfncp.configuration.embedding_files import EmbeddingFile
from gfncp.configuration.neighbour_coresets import NeighbourCoresets
from gfncp.configuration.simulated_data import CoresetData
from gfncp.configuration.sources import Simulator
from gfncp.estimators.coreset_inference import CoresetInference
from gfncp.estimators.embedded_coreset_inference import class_of
from gfncp.estimators.inference import KINDS
from gfncp.evaluation.answers import PointSubject, Subject
from gfncp.evaluation.coreset_answers import CoresetSubject
from gfncp.evaluation.coreset_sets import DrawSet, draw_set, drawn_from
from gfncp.evaluation.sets import check_simulated, make_test_simulator

SIZES = (20, 100, 300)  # points of a set
LARGE = 1000  # for checkpoints that were trained on sets of this size, or that summarise sets


def has_energies(configuration: Configuration) -> bool:
    """Return True if a checkpoint's network assigns probabilities to clusterings."""
    return configuration.network.kind in KINDS


def make_test_subject(checkpoint: str | Path, configuration: Configuration, data: Path | None) -> Subject:
    """Return a checkpoint with its test sets.

    Args:
        data: see `gfncp.evaluation.sets.make_test_simulator`.

    Raises:
        ValueError: the checkpoint's network has no probabilities, or there are no data.
    """
    if isinstance(configuration.data, CoresetData):
        check_simulated(configuration, data)
        return CoresetSubject(coreset_inference(checkpoint, configuration))
    model: Any = read_checkpoint(checkpoint, *KINDS).network
    return _subject(checkpoint, configuration, make_test_simulator(configuration, model.encoder, data))


def _subject(checkpoint: str | Path, configuration: Configuration, simulate: Simulator) -> Subject:
    """Return a checkpoint with sets of a simulator of points."""
    if configuration.summarises:
        return CoresetSubject(coreset_inference(checkpoint, configuration), drawn_from(simulate))
    model: Any = read_checkpoint(checkpoint, *KINDS).network  # an energy network that decodes
    return PointSubject(model, simulate)


def coreset_inference(checkpoint: str | Path, configuration: Configuration) -> CoresetInference:
    """Return the inference of a checkpoint of coresets, on PyTorch's default device."""
    return cast(CoresetInference, class_of(configuration).of(checkpoint, None, 1, None, None))


def make_draw(configuration: Configuration, encoder: nn.Module, data: Path | None) -> DrawSet:
    """Return the function that draws sets to fit a checkpoint of coresets to: of its prior, or held out.

    Args:
        encoder, data: see `gfncp.evaluation.sets.make_test_simulator`.

    Raises:
        ValueError: there are neither.
    """
    if isinstance(configuration.data, CoresetData):
        return draw_set
    held_out = configuration.data.make_held_out_simulator(encoder, data)
    if held_out is None:
        raise ValueError("data.label: sets are whole classes held out of training, but it names no labels")
    return drawn_from(held_out)


def make_subjects(
    checkpoint: str | Path, configuration: Configuration, data: Path | None
) -> dict[str, Subject]:
    """Return the subjects of a diagnosis by name: test sets, then classes held out of training.

    Args and errors are those of `make_test_subject`.
    """
    test = make_test_subject(checkpoint, configuration, data)
    if configuration.data.is_simulated:
        return {"simulated sets": test}
    model: Any = read_checkpoint(checkpoint, *KINDS).network
    held_out = configuration.data.make_held_out_simulator(model.encoder, data)
    subjects: dict[str, Subject] = {"test classes": test}
    if held_out is not None:
        subjects["held-out training classes"] = _subject(checkpoint, configuration, held_out)
    return subjects


def default_sizes(configuration: Configuration) -> tuple[int, ...]:
    """Return the numbers of points at which a checkpoint is diagnosed.

    Sets of whole classes of a file of embeddings are no larger than those that were trained on: classes are
    finite. Coresets may be trained on sets that are larger than classes; then those of validation decide.
    """
    trained = configuration.training.points[1]
    large = trained >= LARGE or isinstance(configuration.data, CoresetData)
    sizes = (*SIZES, LARGE) if large else SIZES
    if isinstance(configuration.data, EmbeddingFile):
        validated = configuration.data.test_points
        most = validated if isinstance(configuration.data, NeighbourCoresets) else trained
        return tuple(size for size in sizes if size <= most) or (validated,)
    return sizes
