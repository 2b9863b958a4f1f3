"""Sets that a checkpoint is diagnosed on: fresh simulated ones, or whole classes of labelled data."""

from pathlib import Path
from typing import Any, cast

from gfncp.checkpoints import read
from gfncp.configuration import Configuration
from gfncp.configuration.data import EmbeddingFile
from gfncp.estimators.coreset_inference import CoresetInference
from gfncp.estimators.inference import KINDS
from gfncp.evaluation.answers import PointSubject, Subject
from gfncp.evaluation.coreset_answers import CoresetSubject
from gfncp.evaluation.sets import check_simulated, make_held_out_simulator, make_test_simulator
from gfncp.simulators import WholeClasses

SIZES = (20, 100, 300)  # points of a set
LARGE = 1000  # for checkpoints that were trained on sets of this size, or that summarise sets


def has_energies(configuration: Configuration) -> bool:
    """Tell whether a checkpoint's network assigns probabilities to clusterings."""
    return configuration.network.kind in KINDS


def make_test_subject(checkpoint: str | Path, configuration: Configuration, data: Path | None) -> Subject:
    """Return a checkpoint with its test sets.

    Args:
        data: see `gfncp.evaluation.sets.make_test_simulator`.

    Raises:
        ValueError: the checkpoint's network has no probabilities, or there are no data.
    """
    if configuration.network.kind == "coreset-energy":
        check_simulated(configuration, data)
        inference = cast(CoresetInference, CoresetInference.of(checkpoint, None, 1, None, None))
        return CoresetSubject(inference)
    model: Any = read(checkpoint, *KINDS).network  # an energy network that decodes
    return PointSubject(model, make_test_simulator(configuration, model.encoder, data))


def make_subjects(
    checkpoint: str | Path, configuration: Configuration, data: Path | None
) -> dict[str, Subject]:
    """Return the subjects of a diagnosis by name: test sets, then classes held out of training.

    Args and errors are those of `make_test_subject`.
    """
    test = make_test_subject(checkpoint, configuration, data)
    if not isinstance(test, PointSubject) or not isinstance(test.simulator, WholeClasses):
        return {"simulated sets": test}
    held_out = make_held_out_simulator(configuration, test.model.encoder, data)
    subjects: dict[str, Subject] = {"test classes": test}
    if held_out is not None:
        subjects["held-out training classes"] = PointSubject(test.model, held_out)
    return subjects


def default_sizes(configuration: Configuration) -> tuple[int, ...]:
    """Return the numbers of points at which a checkpoint is diagnosed.

    Sets of whole classes of a file of embeddings are no larger than those that were trained on: classes are
    finite.
    """
    trained = configuration.training.points[1]
    large = trained >= LARGE or configuration.network.kind == "coreset-energy"
    sizes = (*SIZES, LARGE) if large else SIZES
    if isinstance(configuration.data, EmbeddingFile):
        return tuple(size for size in sizes if size <= trained) or (configuration.data.test_points,)
    return sizes
