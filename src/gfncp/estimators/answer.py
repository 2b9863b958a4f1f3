"""Choice of the clustering that is reported, after decoding has found one and a posterior."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int

from gfncp.estimators.inference import Given, Inference
from gfncp.posterior.decision import mark_noise, merge_small
from gfncp.posterior.posterior import Posterior

Labels = Int[np.ndarray, "points"]


class Decision(NamedTuple):
    """Clustering of a set, and the posterior that has it among its candidates.

    Attributes:
        clustering: the point estimate before noise is labelled.
        labels: the point estimate.
    """

    clustering: Labels
    labels: Labels
    posterior: Posterior


def decide(
    inference: Inference,
    given: Given,
    labels: Labels,
    posterior: Posterior,
    min_cluster_size: int,
    fewest: int,
    noise_threshold: float | None,
) -> Decision:
    """Return a clustering without small clusters and noise.

    Args:
        labels: the clustering that decoding found.
        min_cluster_size: number of points that a cluster has at least.
        fewest: number of clusters that are left at least.
        noise_threshold: probability of noise from which it is labelled; None labels none.
    """
    told = None if given.known is None else given.known >= 0
    clustering = merge_small(labels, posterior, min_cluster_size, fewest, told)
    posterior = including(posterior, clustering, inference, given)
    if noise_threshold is None:
        return Decision(clustering, clustering, posterior)
    return Decision(clustering, mark_noise(clustering, posterior, noise_threshold), posterior)


def including(posterior: Posterior, labels: Labels, inference: Inference, given: Given) -> Posterior:
    """Return a posterior with a clustering among its candidates; one pass of the network if it is new."""
    log_prob = posterior.log_prob_of(labels)
    if log_prob is None:
        log_prob = float(inference.log_prob(given, torch.from_numpy(labels)[None])[0])
    return posterior.including(labels, log_prob)
