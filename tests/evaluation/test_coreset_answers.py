"""Coresets are judged as users get them: rows for agreement, medoids for probabilities."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gfncp.checkpoints import load_configuration
from gfncp.estimators.coreset_inference import CoresetInference
from gfncp.evaluation.coreset_answers import CoresetSubject
from gfncp.evaluation.coreset_sets import draw_set
from gfncp.evaluation.diagnose import QUICK, diagnose
from gfncp.evaluation.evaluate import evaluate
from gfncp.evaluation.free_running import compare_with_truth, summarise_judged
from gfncp.evaluation.sets import draw_sets
from gfncp.evaluation.subjects import default_sizes, make_subjects
from gfncp.seeds import seeded
from gfncp.simulators import WholeClasses


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
    assert summarise_judged([compare_with_truth(found, seeded(0))], seeded(0))["sets"] == 3


def test_embedded_images_are_those_of_whole_classes(embedded_coreset_checkpoint, few_images):
    configuration = load_configuration(embedded_coreset_checkpoint)
    subjects = make_subjects(embedded_coreset_checkpoint, configuration, Path("images"))
    assert list(subjects) == ["test classes", "held-out training classes"]
    for subject, part in zip(subjects.values(), ("test", "validation"), strict=True):
        images, classes = few_images("mnist", part)
        simulate = WholeClasses(images / 255, classes, n_clusters=(1, 3))
        x, labels = draw_sets(simulate, range(3), 12, 0, 7)
        found = subject.answer(range(3), 12, 4, 0, 7, seeded(0))
        assert torch.equal(found.truth, labels)
        assert torch.equal(found.labels, found.shuffled)
        for points, own in zip(x.double().numpy(), found.labels, strict=True):
            inference = subject.inference
            assert torch.equal(inference.greedy(inference.given(points)).long(), own)


def test_checkpoints_of_embedded_images_are_evaluated_and_diagnosed(embedded_coreset_checkpoint, few_images):
    record = evaluate(str(embedded_coreset_checkpoint), 3, 12, 0, Path("images"), False, 4)
    assert 1 <= record["true_clusters"] <= 3 and set(record) >= {"greedy", "labels", "samples"}
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    configuration = load_configuration(embedded_coreset_checkpoint)
    assert default_sizes(configuration) == (20, 100, 300)
    subjects = make_subjects(embedded_coreset_checkpoint, configuration, Path("images"))
    sizes = replace(QUICK, free_points=(8,), free_sets=3, samples=4)
    found = diagnose(subjects, sizes)["free"]
    assert {name: list(of) for name, of in found.items()} == {name: ["8"] for name in subjects}


def test_sizes_are_those_that_a_checkpoint_is_for(make_checkpoint, coreset_checkpoint):
    coresets = load_configuration(coreset_checkpoint)
    assert default_sizes(coresets) == (20, 100, 300, 1000)
    assert list(make_subjects(coreset_checkpoint, coresets, None)) == ["simulated sets"]
    mixtures = load_configuration(make_checkpoint(training={"points": (10, 300)}))
    assert default_sizes(mixtures) == (20, 100, 300)
    large = load_configuration(make_checkpoint(training={"points": (10, 2000)}))
    assert default_sizes(large) == (20, 100, 300, 1000)


def test_sets_of_classes_in_a_file_are_no_larger_than_those_of_validation(
    make_checkpoint, coreset_checkpoint
):
    values = load_configuration(coreset_checkpoint).model_dump(mode="json")
    values["data"] = {"kind": "neighbour-coresets", "dataset": "clinc150", "tokens": 5}
    assert default_sizes(load_configuration(make_checkpoint(**values))) == (20, 100)
