"""Average score (Appendix B) of the most probable samples of a posterior."""

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from gfncp.metrics import scores
from gfncp.posterior.posterior import Posterior

BEST = 100  # as in the paper's Table 5


def average_scores(
    labels: Int[Tensor, "sets points"], posteriors: list[Posterior], best: int = BEST
) -> dict[str, float]:
    """Return NMI, ARI and number of clusters, averaged over each set's most probable samples, then over sets.

    Args:
        labels: the known clusters.
        posteriors: of each set; of its distinct sampled clusterings, the ``best`` most probable count alike.

    Raises:
        ValueError: there is not one posterior per set, or ``best`` is below 1.
    """
    if len(posteriors) != len(labels):
        raise ValueError(
            f"posteriors: there are {len(posteriors)}, accepted is one for each of {len(labels)} sets"
        )
    if best < 1:
        raise ValueError(f"best={best}: accepted is at least 1")
    per_set = []
    for known, posterior in zip(labels, posteriors, strict=True):
        top = torch.from_numpy(posterior.labels[:best])
        per_set.append(scores(known.expand(len(top), -1), top))
    return {name: float(np.mean([found[name] for found in per_set])) for name in per_set[0]}
