"""Coresets are judged as users get them: rows for agreement, medoids for probabilities."""

import pytest
import torch

from gfncp.checkpoints import load_configuration
from gfncp.estimators.coreset_inference import CoresetInference
from gfncp.evaluation.coreset_answers import CoresetSubject
from gfncp.evaluation.coreset_sets import draw_set
from gfncp.evaluation.free_running import judge, summarise
from gfncp.evaluation.subjects import default_sizes, make_subjects
from gfncp.seeds import seeded


def test_answers_are_those_of_the_estimators_inference(coreset_checkpoint):
    inference = CoresetInference.of(coreset_checkpoint, None, 1, None, None)
    found = CoresetSubject(inference).answer(range(3), 12, 4, 0, 7, seeded(0))
    for number in range(3):
        drawn = draw_set(12, 0, number, 7)
        assert found.truth[number].tolist() == drawn.labels.tolist()
        labels = inference.greedy(inference.given(drawn.x))
        assert torch.equal(found.labels[number], labels.long())
        assert torch.equal(found.labels[number], found.shuffled[number])  # rows' order decides nothing
        known = inference.log_prob(inference.given(drawn.x), found.truth[number][None])
        assert found.truth_log_prob[number].item() == pytest.approx(float(known[0]), rel=1e-5)
    assert found.samples.shape == (3, 4, 12) and found.sample_log_prob.isfinite().all()
    assert summarise([judge(found, seeded(0))], seeded(0))["sets"] == 3


def test_sizes_are_those_that_a_checkpoint_is_for(make_checkpoint, coreset_checkpoint):
    coresets = load_configuration(coreset_checkpoint)
    assert default_sizes(coresets) == (20, 100, 300, 1000)
    assert list(make_subjects(coreset_checkpoint, coresets, None)) == ["simulated sets"]
    mixtures = load_configuration(make_checkpoint(training={"points": (10, 300)}))
    assert default_sizes(mixtures) == (20, 100, 300)
    large = load_configuration(make_checkpoint(training={"points": (10, 2000)}))
    assert default_sizes(large) == (20, 100, 300, 1000)
