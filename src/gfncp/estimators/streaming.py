"""Streams of points for `GFNCP.partial_fit`: what they need, and how they go on."""

from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from gfncp.checkpoints import load_configuration
from gfncp.decoding.stream import Stream
from gfncp.estimators.inference import Inference
from gfncp.posterior.posterior import Posterior

WHOLE_SET = {  # parameters that need all points of a set: what a stream accepts, and why
    "n_orders": ((None, 1), "a stream has one order"),
    "n_clusters": ((None,), "a stream has no end"),
    "min_cluster_size": ((1,), "labels of a stream stay"),
    "noise": ((None,), "labels of a stream stay"),
}


def check_online(checkpoint: str | Path) -> bool:
    """Return True for a checkpoint that was trained online.

    Raises:
        ValueError: it was trained otherwise.
    """
    if not load_configuration(checkpoint).is_online:
        raise ValueError(
            f"checkpoint={str(checkpoint)!r}: partial_fit accepts checkpoints that were trained "
            "online (network.kind = 'online-energy')"
        )
    return True


def check_parameters(parameters: dict) -> None:
    """Refuse parameters of an estimator that need all points of a set.

    Raises:
        ValueError: naming the first such parameter.
    """
    for name, (accepted, reason) in WHOLE_SET.items():
        value = parameters[name]
        if value not in accepted:
            raise ValueError(
                f"{name}={value!r}: {reason}, partial_fit accepts {' and '.join(map(str, accepted))}"
            )


def extend(
    inference: Inference, stream: Stream, x: Float[np.ndarray, "points *shape"], *earlier: np.ndarray
) -> tuple[Stream, Float[np.ndarray, "all *shape"], Int[np.ndarray, "all"], Posterior]:
    """Return a stream after more points, with all of its points, their labels and their posterior.

    Args:
        earlier: the points so far, if there are any.

    Raises:
        ValueError: points are too far apart for the network.
    """
    stream = inference.extend(stream, x)
    every = np.concatenate([*earlier, x])
    inference.check_finite(bool(stream.log_prob.isfinite()), every)
    drawn, log_prob = stream.samples
    labels = stream.labels.cpu().numpy().copy()
    posterior = Posterior.from_samples(drawn.cpu().numpy(), log_prob.cpu().numpy())
    return stream, every, labels, posterior.including(labels, float(stream.log_prob))
