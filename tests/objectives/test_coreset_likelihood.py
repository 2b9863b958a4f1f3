"""Training by labelled coresets: what is minimised is the likelihood, and runs resume to the bit."""

import pytest
import torch
from safetensors.torch import load_file

from gfncp.configuration import parse
from gfncp.decoding.likelihood import log_prob
from gfncp.evaluation.evaluate import evaluate
from gfncp.objectives.batch import Batch
from gfncp.objectives.coreset_likelihood import CoresetLikelihood, grouped_order
from gfncp.partitions import canonical_labels
from gfncp.seeds import seeded
from gfncp.simulators import LabelledCoresets
from gfncp.training import batches
from gfncp.training.train import train

SECTIONS = {
    "encoder": {"kind": "tokens", "context": {"width": 8, "heads": 2, "blocks": 1, "local_heads": 1}},
    "network": {"kind": "coreset-energy", "depth": 2, "width": 8, "cluster_width": 8, "body": "gated"},
    "data": {"kind": "coresets", "tokens": 6},
    "objective": {"name": "coreset-likelihood"},
    "training": {"iterations": 4, "batch": 3, "points": (4, 20), "save_every": 2, "validation_sets": 2},
}


def draw(sets, points, seed=0):
    x, labels, *rest = LabelledCoresets(6)(sets, points, seeded(seed))
    return Batch(x, labels, None, 1.0, *rest)


def test_the_loss_is_the_likelihood_of_the_tokens_along_some_order(monkeypatch):
    torch.manual_seed(0)
    network = parse(SECTIONS, "test").build()
    batch = draw(4, 12)
    plain = torch.arange(batch.labels.shape[1]).expand_as(batch.labels)
    monkeypatch.setattr("gfncp.objectives.coreset_likelihood.grouped_order", lambda labels, generator: plain)
    terms = CoresetLikelihood(placement=0.0, anchor=0.0)(network, batch, seeded(0))
    values = log_prob(network, batch.x, batch.labels, batch.mask)
    torch.testing.assert_close(terms["loss"].double(), -(values / batch.mask.sum(1)).mean())


def test_placement_is_the_likelihood_of_points_whose_clusters_have_tokens():
    torch.manual_seed(0)
    network = parse(SECTIONS, "test").build()
    batch = draw(2, 20)
    features = network.encoder(batch.x, batch.mask)
    found = CoresetLikelihood.placement_loss(network, features, batch)
    shares = network.placement.log_shares(network.placement.weights(features, batch.mask), batch.placed).exp()
    losses = []
    for s in range(2):
        for i in range(batch.placed.shape[1]):
            label = batch.placed_labels[s, i]
            if label >= 0:
                losses.append(-shares[s, i][batch.labels[s] == label].sum().log())
    torch.testing.assert_close(found, torch.stack(losses).mean())


def test_orders_are_permutations_in_which_whole_clusters_may_come_last(generator):
    labels = canonical_labels(torch.randint(4, (400, 12), generator=generator))
    order = grouped_order(labels, generator)
    assert torch.equal(order.sort(1).values, torch.arange(12).expand(400, -1))
    along = labels.gather(1, order)

    def parts(row):  # runs in which clusters are apart from those before
        return sum(set(row[:n].tolist()).isdisjoint(row[n:].tolist()) for n in range(1, len(row)))

    share = sum(parts(row) > 0 for row in along) / 400
    assert 0.15 < share < 0.4


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, monkeypatch):
    described = parse(SECTIONS, "test")
    train(described, tmp_path / "whole")
    drawn = batches.draw_batch
    left = [3]

    def stop(*arguments):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return drawn(*arguments)

    monkeypatch.setattr(batches, "draw_batch", stop)
    with pytest.raises(KeyboardInterrupt):
        train(described, tmp_path / "parts")
    monkeypatch.undo()
    train(described, tmp_path / "parts")
    first, second = (load_file(tmp_path / name / "training.safetensors") for name in ("whole", "parts"))
    assert [name for name, value in first.items() if not torch.equal(value, second[name])] == []


def test_every_weight_is_trained(tmp_path):
    described = parse(SECTIONS, "test")
    torch.manual_seed(described.seed)
    initial = described.build().state_dict()
    trained = train(described, tmp_path).state_dict()
    assert [name for name, value in trained.items() if torch.equal(value, initial[name])] == []


def test_a_run_is_evaluated(tmp_path):
    train(parse(SECTIONS, "test"), tmp_path / "run")
    found = evaluate(str(tmp_path / "run"), 3, 12, 0, None, False)
    assert found["true_clusters"] >= 1
    assert found["greedy"]["clusters"] >= 1
