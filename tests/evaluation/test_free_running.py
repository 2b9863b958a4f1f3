"""A posterior that made the labels is found right when it runs free, and another one is found out."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gfncp.decoding import orders
from gfncp.estimators.inference import GREEDY_ORDERS
from gfncp.evaluation import answers
from gfncp.evaluation.answers import Answers, PointSubject, answer, typical, without_rounding
from gfncp.evaluation.exact import exact_posterior
from gfncp.evaluation.free_running import compare_with_truth, run_free, summarise_judged
from gfncp.partitions import all_partitions
from gfncp.seeds import seeded
from gfncp.simulators import GaussianMixtures

STREAM = 7


def toy(mixture, believed, sets=400, points=5, draws=20):
    """Answers of an exact posterior under a prior that may differ from that of the truth."""
    x, truth = mixture(sets, points, seeded(1))
    table, partitions = exact_posterior(x, believed), all_partitions(points)
    drawn = torch.multinomial(table.exp(), draws, replacement=True, generator=seeded(2))
    place = (partitions == truth[:, None]).all(2).long().argmax(1)
    best = partitions[table.argmax(1)]
    return Answers(
        truth=truth,
        samples=partitions[drawn],
        greedy=best,
        labels=best,
        shuffled=best,
        order_agreement=torch.ones(sets, dtype=torch.float64),
        truth_log_prob=table.gather(1, place[:, None])[:, 0],
        sample_log_prob=table.gather(1, drawn),
        exact=None,
        seconds=0.0,
    )


def test_a_calibrated_posterior_is_found_right(mixture):
    found = summarise_judged([compare_with_truth(toy(mixture, mixture), seeded(0))], seeded(0))
    assert abs(found["ratio"].value - 1) < 3 * found["ratio"].error
    assert min(test["p_value"] for test in found["ranks"].values()) > 0.01
    assert abs(found["scores"]["samples"]["clusters"].value - found["true_clusters"].value) < 0.15
    assert found["possible"] == (1.0, 0.0)
    curves = found["pairs"]
    spread = curves["truth"]["standard_error"]
    assert abs(curves["truth"]["error"] - curves["sample"]["error"]) < 4 * spread
    assert found["row_agreement"].value == 1
    assert found["scores"]["labels"]["ari"].value > found["scores"]["samples"]["ari"].value


def test_the_probability_of_the_true_number_of_clusters_is_the_share_of_samples_with_it(mixture):
    given = toy(mixture, mixture, sets=3, points=4, draws=4)
    truth = torch.tensor([[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 2, 3]])
    samples = torch.tensor([[0, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 1, 2, 3]]).expand(3, 4, 4)
    found = compare_with_truth(replace(given, truth=truth, samples=samples), seeded(0))
    assert found.columns["p true clusters"].tolist() == [0.25, 0.5, 0.25]
    assert summarise_judged([found], seeded(0))["p_true_clusters"].value == pytest.approx(1 / 3)


def test_another_posterior_is_found_out(mixture):
    believed = GaussianMixtures(dim=2, alpha=8.0, spread=3.0)
    found = summarise_judged([compare_with_truth(toy(mixture, believed), seeded(0))], seeded(0))
    assert found["ranks"]["clusters"]["p_value"] < 1e-6
    assert found["pairs"]["truth"]["error"] > found["pairs"]["sample"]["error"] + 0.03


def test_sets_whose_truth_is_impossible_leave_the_others_exchangeable(mixture):
    """A posterior given that the first two points are apart, which it holds for certain."""
    whole = toy(mixture, mixture, sets=1000, draws=60)
    apart = whole.samples[..., 0] != whole.samples[..., 1]
    kept = (apart.sum(1) >= 10).nonzero()[:, 0]  # enough such samples
    chosen = apart[kept].byte().topk(10, dim=1).indices
    truth = whole.truth[kept]
    of_samples = whole.samples[kept].gather(1, chosen[..., None].expand(-1, -1, 5))
    log_prob = torch.where(truth[:, 0] != truth[:, 1], whole.truth_log_prob[kept], -torch.inf)
    given = replace(
        whole,
        **{name: getattr(whole, name)[kept] for name in ("greedy", "labels", "shuffled", "order_agreement")},
        truth=truth,
        samples=of_samples,
        truth_log_prob=log_prob,
        sample_log_prob=whole.sample_log_prob[kept].gather(1, chosen),
    )
    found = summarise_judged([compare_with_truth(given, seeded(0))], seeded(0))
    assert 0.2 < found["possible"].value < 1
    assert abs(found["ratio"].value - 1) < 4 * found["ratio"].error
    assert min(test["p_value"] for test in found["ranks"].values()) > 0.005


def test_batches_are_joined_as_one(mixture):
    whole = toy(mixture, mixture, sets=40)

    def some(first, last):
        values = {name: getattr(whole, name) for name in Answers.__dataclass_fields__}
        return Answers(
            **{
                name: value[first:last] if isinstance(value, torch.Tensor) else value
                for name, value in values.items()
            }
        )

    one = summarise_judged([compare_with_truth(whole, seeded(0))], seeded(0))
    parts = summarise_judged(
        [compare_with_truth(some(0, 15), seeded(0)), compare_with_truth(some(15, 40), seeded(0))], seeded(0)
    )
    for name in ("sample_nll", "truth_nll", "ratio", "true_clusters", "possible", "scores"):
        assert parts[name] == one[name]
    assert parts["sets"] == one["sets"] == 40


@pytest.fixture
def subject(model, mixture):
    return PointSubject(model, mixture)


def test_a_network_that_made_the_labels_is_calibrated(model, mixture):
    x, _ = mixture(300, 6, seeded(0))
    truth = model.sample(x, 1, seeded(5))[0][:, 0]
    found = summarise_judged(
        [compare_with_truth(answer(model, x, truth, 20, seeded(6)), seeded(0))], seeded(0)
    )
    assert abs(found["ratio"].value - 1) < 4 * found["ratio"].error
    assert min(test["p_value"] for test in found["ranks"].values()) > 0.005


def test_answers_of_many_sets_are_those_of_each_alone(subject, monkeypatch):
    """All that is not drawn at random: the truth's probability, and greedy clusterings along given orders."""
    along = orders.random_orders(GREEDY_ORDERS, 7, seeded(0))
    monkeypatch.setattr(answers.orders, "random_orders", lambda *given: along)
    together = subject.answer(range(6), 7, 3, 0, STREAM, seeded(0))
    for number in range(6):
        alone = subject.answer(range(number, number + 1), 7, 3, 0, STREAM, seeded(0))
        for name in ("truth", "greedy", "labels", "shuffled"):
            assert torch.equal(getattr(alone, name)[0], getattr(together, name)[number])
        torch.testing.assert_close(
            alone.truth_log_prob[0], together.truth_log_prob[number], rtol=1e-5, atol=1e-5
        )


def test_fewer_sets_are_the_first_ones(subject):
    few = run_free(subject, 6, 3, 4, 0, STREAM, seeded(0))
    many = run_free(subject, 6, 55, 4, 0, STREAM, seeded(0))
    assert [len(part.columns["truth_nll"]) for part in many] == [50, 5]
    np.testing.assert_allclose(few[0].columns["truth_nll"], many[0].columns["truth_nll"][:3], rtol=1e-5)
    np.testing.assert_array_equal(few[0].columns["true clusters"], many[0].columns["true clusters"][:3])


def test_labels_are_those_that_users_get(model, mixture):
    x, _ = mixture(5, 9, seeded(0))
    along = orders.random_orders(GREEDY_ORDERS, 9, seeded(0))
    with torch.no_grad():
        encoding = model.encode(x)
    each = orders.greedy_each(model, encoding, along)[0]
    labels, agreement = typical(each)
    assert torch.equal(labels, orders.greedy(model, encoding, along)[0])
    assert ((agreement < 1) == (each != each[:, :1]).any(2).any(1)).all()


def test_exact_draws_are_of_the_posterior(model, mixture):
    x, _ = mixture(2, 4, seeded(0))
    drawn = PointSubject(model, mixture).exact_draws(x.repeat(400, 1, 1), seeded(0))
    same = (drawn[..., 0] == drawn[..., 1]).double().mean(1).view(400, 2).mean(0)
    partitions = all_partitions(4)
    together = (partitions[:, 0] == partitions[:, 1]).double()
    torch.testing.assert_close(same, exact_posterior(x, mixture).exp() @ together, atol=0.04, rtol=0)


def test_samples_that_equal_the_truth_tie_with_it():
    truth = torch.tensor([[0, 1, 0]])
    samples = torch.tensor([[[0, 1, 0], [0, 0, 0]]])
    log_prob = torch.tensor([[-1.0001, -2.0]], dtype=torch.float64)
    found = without_rounding(log_prob, samples, torch.tensor([-1.0], dtype=torch.float64), truth)
    assert found.tolist() == [[-1.0, -2.0]]
