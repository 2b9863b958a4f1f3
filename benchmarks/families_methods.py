"""Methods beside the checkpoint that `families.py` judges: peers, and what targets compare it with."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from families_data import TUNING, Labels, Points, sentences, some_intents
from families_targets import KMEANS, MIXTURES, OURS_TOLD, SPECIAL
from real_data import PEERS, SAMPLES, Method, ours
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist
from sklearn.metrics import adjusted_rand_score

from gfncp import GFNCP

BESIDE = (KMEANS, "GMM, true K", MIXTURES, "HDBSCAN")  # the peers of `real_data.py` that are run here
TUNING_SETS = 10  # of training sentences, on which average linkage gets its threshold
QUANTILES = np.linspace(0.01, 0.6, 60)


def cut(x: Points, quantile: float) -> Labels:
    """Return average linkage's clusters below a quantile of the distances of all pairs."""
    distances = pdist(x)
    return fcluster(linkage(distances, "average"), np.quantile(distances, quantile), "distance")


def best_quantile(data: Path) -> float:
    """Return the quantile that serves best, by mean ARI, on sets of sentences of the training split."""
    x, intents = sentences(data, "train")
    sets = [some_intents(x, intents, np.random.default_rng([TUNING, each])) for each in range(TUNING_SETS)]
    totals = np.zeros(len(QUANTILES))
    for real in sets:
        distances = pdist(real.x)
        tree, heights = linkage(distances, "average"), np.quantile(distances, QUANTILES)
        found = (fcluster(tree, height, "distance") for height in heights)
        totals += [adjusted_rand_score(real.references[0], labels) for labels in found]
    return float(QUANTILES[totals.argmax()])


def methods(group: str, data: Path, checkpoint: str, peers: bool) -> list[Method]:
    """Return what is run beside the checkpoint: what the group's targets need, and peers."""
    known = {peer.name: peer for peer in PEERS if peer.name in BESIDE}
    known_k = Method(
        OURS_TOLD,
        True,
        lambda x, k, seed: GFNCP(checkpoint, SAMPLES, n_clusters=k, random_state=seed).fit_predict(x),
    )
    needed = []
    if group == "told K":
        needed = [known_k, known[KMEANS]]
    elif group == "make_blobs":
        needed = [known_k, known[KMEANS], known[MIXTURES]]
    elif group == "text":
        needed = [replace(ours(SPECIAL), name=SPECIAL)]
        if peers:
            quantile = best_quantile(data)
            needed.append(Method("average linkage", False, lambda x, k, seed: cut(x, quantile)))
    beside = peers and group != "planar"  # there they take an hour, and `real_data.py` has them
    rest = [peer for peer in known.values() if peer not in needed] if beside else []
    return needed + rest
