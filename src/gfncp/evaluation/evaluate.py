"""Scores of a checkpoint on fresh sets of the kind that it was trained for."""

from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from gfncp.checkpoints import find, load, load_configuration
from gfncp.configuration import Configuration
from gfncp.configuration.sources import Simulator
from gfncp.evaluation.answers import PointSubject
from gfncp.evaluation.free_running import run_free, summarise_judged
from gfncp.evaluation.means import Mean, mean
from gfncp.evaluation.plain import plain
from gfncp.evaluation.sets import DRAWN, batches, draw_sets, make_test_simulator
from gfncp.evaluation.subjects import has_energies, make_test_subject
from gfncp.metrics import agreements
from gfncp.mixtures.conjugate import KnownCovariance
from gfncp.mixtures.exact_chains import best_state
from gfncp.partitions import n_clusters
from gfncp.seeds import SAMPLED, TEST, seeded

SAMPLES = 20  # samples of each posterior
SWEEPS, CHAINS = 20, 5  # of the exact sampler, in search of its most probable state
APART = "scores", "true_clusters", "per_set", "seconds"  # keys of a summary that have places of their own


def evaluate(
    checkpoint: str,
    sets: int,
    points: int | None,
    seed: int,
    data: Path | None,
    exact: bool,
    n_samples: int = SAMPLES,
) -> dict[str, Any]:
    """Measure NMI, ARI and K of clusterings, and the calibration of a posterior that runs free.

    The result is a record: JSON values that say what was measured, on what, and how long clustering took.
    Scores are by clustering: ``greedy`` along one order, ``labels`` (what users get: with networks of points,
    the most typical of 16 orders, unless samples contradict it), ``samples``, for mixtures ``exact draws`` of
    the posterior, and with ``exact`` its most probable visited state; ``errors`` are their standard errors
    over sets.
    Networks without probabilities have ``greedy`` alone.

    Args:
        points: in each set; None takes as many as suit the data.
        n_samples: of each posterior.

    Raises:
        ValueError: ``exact`` for anything but mixtures, or sets that the data cannot fill.
    """
    configuration = load_configuration(checkpoint)
    points = points or configuration.data.test_points
    if exact and configuration.data.kind != "gaussian-mixtures":
        raise ValueError("--exact: only Gaussian mixtures have an exact sampler")
    about = {
        "kind": "evaluation",
        "checkpoint": find(checkpoint).resolve().name,
        "sets": sets,
        "points": points,
        "seed": seed,
        "drawn": DRAWN,
    }
    if has_energies(configuration):
        subject = make_test_subject(checkpoint, configuration, data)
        generator = seeded(seed, SAMPLED, TEST, points)
        judged = run_free(subject, points, sets, n_samples, seed, TEST, generator)
        summary = summarise_judged(judged, generator)
        seconds, true, scores = (summary[name] for name in ("seconds", "true_clusters", "scores"))
        rest = {name: value for name, value in summary.items() if name not in APART}
        about |= {"n_samples": n_samples, "posterior": rest}
        if exact and isinstance(subject, PointSubject):
            scores["exact"] = _exact_scores(subject.simulator, sets, points, seed)
    else:
        model: Any = load(checkpoint)  # an energy network, or one of another method
        simulate = make_test_simulator(configuration, model.encoder, data)
        scores, true, seconds = _greedy_scores(model, simulate, sets, points, seed)
    return plain(about | _apart(scores, true)) | _about(configuration, seconds)


def _greedy_scores(
    model: Any, simulate: Simulator, sets: int, points: int, seed: int
) -> tuple[dict[str, dict[str, Mean]], Mean, float]:
    """Return scores of the clusterings of `predict`, the true number of clusters, and the time taken."""
    truth, found, seconds = [], [], 0.0
    for numbers in batches(sets):
        x, labels, *_ = draw_sets(simulate, numbers, points, seed)
        truth.append(labels)
        start = perf_counter()
        found.append(model.predict(x))
        seconds += perf_counter() - start
    labels = torch.cat(truth)
    return {"greedy": _scores(labels, torch.cat(found))}, _mean(n_clusters(labels)), seconds


def _exact_scores(simulate: Any, sets: int, points: int, seed: int) -> dict[str, Mean]:
    """Return scores of the most probable state that the exact sampler visits."""
    model = KnownCovariance(simulate.spread)
    truth, found = [], []
    for numbers in batches(sets):
        x, labels = draw_sets(simulate, numbers, points, seed)
        generator = seeded(seed, SAMPLED, TEST, points, numbers[0])
        truth.append(labels)
        prior = model, simulate.alpha, generator, simulate.n_clusters
        found.append(best_state(x, *prior, chains=CHAINS, sweeps=SWEEPS))
    return _scores(torch.cat(truth), torch.cat(found))


def _scores(labels: torch.Tensor, found: torch.Tensor) -> dict[str, Mean]:
    agreement = agreements(labels, found[:, None])
    return {
        "nmi": _mean(agreement.nmi),
        "ari": _mean(agreement.ari),
        "clusters": _mean(n_clusters(found)),
    }


def _mean(values: torch.Tensor) -> Mean:
    return mean(values.flatten().double().numpy())


def _apart(scores: dict[str, dict[str, Mean]], true: Mean) -> dict[str, Any]:
    """Return values and standard errors separately, as records have them."""
    values = {name: {score: of.value for score, of in each.items()} for name, each in scores.items()}
    errors = {name: {score: of.error for score, of in each.items()} for name, each in scores.items()}
    found = {"true_clusters": true.value, **values, "errors": errors | {"true_clusters": true.error}}
    if "exact" in scores:
        found["nmi_of_exact"] = values["greedy"]["nmi"] / values["exact"]["nmi"]
    return found


def _about(configuration: Configuration, seconds: float) -> dict[str, Any]:
    return {
        "seconds": seconds,
        "device": describe_device(torch.device("cpu")),
        "torch": torch.__version__,
        "iterations": configuration.training.iterations,
        "configuration": configuration.model_dump(mode="json"),
    }


def describe_device(device: torch.device) -> str:
    """Return the name of a device, as records have it."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return f"{device.type} ({torch.get_num_threads()} threads)"
