"""The average score against one set and one sample at a time."""

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from gfncp.evaluation.average_score import average_scores
from gfncp.partitions import sample_crp
from gfncp.posterior.posterior import Posterior


@pytest.fixture
def sets():
    """Known labels of three sets, and posteriors with 1 to about 40 distinct clusterings."""
    generator = torch.Generator().manual_seed(0)
    known = sample_crp(3, 10, 1.0, generator=generator)
    posteriors = []
    for draws in (1, 7, 40):
        labels = sample_crp(draws, 10, 1.0, generator=generator).numpy()
        distinct, first = np.unique(labels, axis=0, return_inverse=True)
        values = -np.random.default_rng(draws).random(len(distinct))
        posteriors.append(Posterior.from_samples(labels, values[first.ravel()]))
    return known, posteriors


@pytest.mark.parametrize("best", [1, 5, 100])
def test_the_score_is_the_mean_over_sets_of_the_mean_over_the_most_probable_samples(sets, best):
    known, posteriors = sets
    nmi, ari, clusters = [], [], []
    for truth, posterior in zip(known.numpy(), posteriors, strict=True):
        top = posterior.labels[np.argsort(-posterior.log_prob)[:best]]
        nmi.append(np.mean([normalized_mutual_info_score(truth, row) for row in top]))
        ari.append(np.mean([adjusted_rand_score(truth, row) for row in top]))
        clusters.append(np.mean([row.max() + 1 for row in top]))
    found = average_scores(known, posteriors, best)
    assert found == pytest.approx({"nmi": np.mean(nmi), "ari": np.mean(ari), "clusters": np.mean(clusters)})


def test_a_posterior_that_is_certain_of_the_truth_scores_one(sets):
    known, _ = sets
    certain = [Posterior.from_samples(np.tile(row, (5, 1)), np.zeros(5)) for row in known.numpy()]
    found = average_scores(known, certain)
    assert found["nmi"] == pytest.approx(1)
    assert found["ari"] == pytest.approx(1)


def test_what_does_not_fit_is_refused(sets):
    known, posteriors = sets
    with pytest.raises(ValueError, match="posteriors: there are 2"):
        average_scores(known, posteriors[:2])
    with pytest.raises(ValueError, match="best=0"):
        average_scores(known, posteriors, 0)
