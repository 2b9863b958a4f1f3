"""Scores of a checkpoint on fresh sets of the kind that it was trained for."""

from pathlib import Path
from time import perf_counter

import torch
from torch import nn

from gfncp import simulators, unseen_classes
from gfncp.checkpoints import find, load, load_configuration, seeded
from gfncp.configuration import Configuration
from gfncp.configuration.data import EmbeddingFile
from gfncp.encoders import prepared
from gfncp.evaluation.gibbs import best_state
from gfncp.evaluation.metrics import scores
from gfncp.partitions import cluster_bounds
from gfncp.preparation import Simulator
from gfncp.sources import images

SETS_PER_BATCH = 50
TEST_STREAM = 2**31 + 1  # apart from training's and validation's


def make_test_simulator(configuration: Configuration, encoder: nn.Module, data: Path | None) -> Simulator:
    """Make the simulator of test sets: fresh ones, or whole classes of test images or of unseen classes.

    Args:
        encoder: whose embeddings of the images are drawn, if it has such.
        data: folder of the images that the configuration names, None downloads them; or embeddings.
    """
    if isinstance(configuration.data, EmbeddingFile):
        return unseen_classes.make_test_simulator(configuration.data, data)
    values = configuration.data.model_dump()
    kind = values.pop("kind")
    if kind == "gaussian-mixtures":
        return simulators.GaussianMixtures(**values)
    if kind == "general-mixtures":
        return simulators.GeneralMixtures(**values)
    if kind == "coresets":
        return simulators.LabelledCoresets(values["tokens"])
    x, classes = images(values["dataset"], "test", data)
    bounds = values["n_clusters"]
    if not isinstance(bounds, int):  # bounds are of training clusters, which are not classes
        bounds = (1, len(classes.unique()))
    return simulators.WholeClasses(prepared(encoder, x), classes, values["alpha"], bounds)


def evaluate(
    checkpoint: str, sets: int, points: int | None, seed: int, data: Path | None, exact: bool
) -> dict:
    """NMI, ARI and K of the greedy clustering; for mixtures with ``exact``, of the exact sampler too.

    The result is a record: JSON values that say what was measured, on what, and how long clustering took.

    Args:
        points: in each set; None takes as many as suit the data.

    Raises:
        ValueError: ``exact`` for anything but mixtures, or sets that the data cannot fill.
    """
    model, configuration = load(checkpoint), load_configuration(checkpoint)
    points = points or configuration.data.test_points
    if exact and configuration.data.kind != "gaussian-mixtures":
        raise ValueError("--exact: only Gaussian mixtures have an exact sampler")
    simulate = make_test_simulator(configuration, model.encoder, data)
    truth, greedy, gibbs = [], [], []
    seconds = 0.0
    for start in range(0, sets, SETS_PER_BATCH):
        generator = seeded(seed, TEST_STREAM, start)
        x, labels, *rest = simulate(min(SETS_PER_BATCH, sets - start), points, generator)
        truth.append(labels)
        start = perf_counter()
        greedy.append(model.predict(x, *rest[:1]))  # of tokens, some are absent
        seconds += perf_counter() - start
        if exact:
            least, most = cluster_bounds(simulate.n_clusters, points)
            gibbs.append(
                best_state(
                    x,
                    simulate.alpha,
                    simulate.spread,
                    least=least,
                    most=most,
                    sweeps=20,
                    chains=5,
                    generator=generator,
                )
            )
    labels = torch.cat(truth)
    result = {
        "kind": "evaluation",
        "checkpoint": find(checkpoint).resolve().name,
        "sets": sets,
        "points": points,
        "seed": seed,
        "true_clusters": float(labels.amax(1).double().mean() + 1),
    }
    result["greedy"] = scores(labels, torch.cat(greedy))
    if exact:
        result["exact"] = scores(labels, torch.cat(gibbs))
        result["nmi_of_exact"] = result["greedy"]["nmi"] / result["exact"]["nmi"]
    return result | {
        "seconds": seconds,
        "device": describe_device(torch.device("cpu")),
        "torch": torch.__version__,
        "iterations": configuration.training.iterations,
        "configuration": configuration.model_dump(mode="json"),
    }


def describe_device(device: torch.device) -> str:
    """How records name what measured."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return f"{device.type} ({torch.get_num_threads()} threads)"
