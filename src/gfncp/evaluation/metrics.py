"""Agreement of clusterings with known labels."""

import numpy as np
from jaxtyping import Int
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from torch import Tensor


def scores(labels: Int[Tensor, "sets points"], predicted: Int[Tensor, "sets points"]) -> dict[str, float]:
    """Mean NMI, ARI and number of clusters found, over sets; points of label -1 are absent."""
    present = labels >= 0
    pairs = [
        (a[here].numpy(), b[here].numpy()) for a, b, here in zip(labels, predicted, present, strict=True)
    ]
    return {
        "nmi": float(np.mean([normalized_mutual_info_score(a, b) for a, b in pairs])),
        "ari": float(np.mean([adjusted_rand_score(a, b) for a, b in pairs])),
        "clusters": float(np.mean([b.max() + 1 for _, b in pairs])),
    }
