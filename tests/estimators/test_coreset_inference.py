"""The posterior over all points of a set by its coreset."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import make_blobs

from gfncp import GFNCP
from gfncp.coresets.placement import PlacedPoints
from gfncp.coresets.units import in_units
from gfncp.decoding.likelihood import log_prob
from gfncp.estimators.coreset_inference import CoresetInference
from gfncp.estimators.coreset_votes import consensus
from gfncp.partitions import all_partitions, canonical_labels
from gfncp.posterior.posterior import Posterior
from gfncp.seeds import seeded

TOKENS = 5


@pytest.fixture
def checkpoint(coreset_checkpoint):
    return coreset_checkpoint


@pytest.fixture
def inference(coreset_inference):
    return coreset_inference


def points(count, seed=0, dim=2):
    return np.random.default_rng(seed).normal(size=(count, dim)) * [3.0, 1.0, 2.0][:dim]


def rotation(dim, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(dim, dim)))[0]


@pytest.mark.parametrize("rows", [3, 5, 6, 8])
@pytest.mark.parametrize(("n_orders", "n_clusters"), [(1, None), (3, None), (2, 2), (1, (2, 3))])
def test_probabilities_of_all_partitions_sum_to_one(inference, rows, n_orders, n_clusters):
    made = inference(n_orders, n_clusters)
    values = made.log_prob(made.given(points(rows)), all_partitions(rows))
    assert np.exp(values).sum() == pytest.approx(1, abs=1e-5)
    assert (values > -np.inf).sum() > 2


def test_partitions_that_split_equal_rows_have_no_probability(inference):
    made = inference()
    x = np.concatenate([points(4), points(3)])
    partitions = all_partitions(7)
    values = made.log_prob(made.given(x), partitions)
    together = (partitions[:, :3] == partitions[:, 4:]).all(1).numpy()
    assert (values[~together] == -np.inf).all()
    assert np.exp(values[together]).sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("n_orders", [1, 3])
@pytest.mark.parametrize("rows", [4, 30])
def test_samples_have_the_probability_that_log_prob_says(inference, generator, n_orders, rows):
    made = inference(n_orders)
    given = made.given(np.concatenate([points(rows), points(2)]))
    labels, posterior = made.cluster([given], 40, generator)[0]
    np.testing.assert_allclose(
        posterior.log_prob, made.log_prob(given, torch.from_numpy(posterior.labels)), rtol=1e-4, atol=1e-4
    )
    assert np.array_equal(labels, made.greedy(given).numpy())
    assert posterior.labels.dtype == np.int32  # of a million points, samples take little memory


def test_a_largest_coreset_with_fewer_tokens_than_others(inference, generator):
    """Micro-clusters that lost all points are left out, of each coreset as many as it has."""
    made = inference(max_joint=30)

    def numbers_of_tokens(given):
        return [len(each.mean) for each in made.coresets(given)]

    rngs = map(np.random.default_rng, range(100))
    sets = (made.given(rng.integers(0, 5, (60, 2)) + 1e-3 * rng.normal(size=(60, 2))) for rng in rngs)
    given = next(each for each in sets if numbers_of_tokens(each)[-1] < max(numbers_of_tokens(each)))
    labels, posterior = made.cluster([given], 20, generator)[0]
    np.testing.assert_allclose(
        posterior.log_prob, made.log_prob(given, torch.from_numpy(posterior.labels)), rtol=1e-4, atol=1e-4
    )
    assert np.array_equal(labels, made.greedy(given).numpy())


def test_samples_come_as_often_as_they_are_probable(inference, generator):
    made = inference()
    given = made.given(points(6))
    _, posterior = made.cluster([given], 4000, generator)[0]
    share, probability = posterior.counts / 4000, np.exp(posterior.log_prob)
    error = np.sqrt(probability * (1 - probability) / 4000)
    assert (np.abs(share - probability) < 5 * error + 1e-3).all()


def test_coresets_take_turns_in_random_order(inference, monkeypatch):
    made = inference()
    encoding, placed = made.encode(made.coresets(made.given(points(30))))
    numbers = {id(each): number for number, each in enumerate(placed)}
    monkeypatch.setattr(
        PlacedPoints,
        "sample",
        lambda self, labels, generator: torch.full((len(labels), 30), numbers[id(self)]),
    )
    firsts = set()
    for seed in range(30):
        drawn = made._sample(1, encoding, placed, 20, seeded(seed))[0][:, 0]
        assert set(drawn[:8].tolist()) == set(range(8)) and torch.equal(drawn[8:16], drawn[:8])
        assert torch.equal(drawn[16:], drawn[:4])
        firsts.add(int(drawn[0]))
    assert len(firsts) > 4


def test_the_posterior_is_the_mean_of_those_of_the_coresets(inference, monkeypatch):
    made = inference()
    given, partitions = made.given(points(6)), all_partitions(6)
    coresets = made.coresets(given)
    assert len(coresets) > 1
    together = np.exp(made.log_prob(given, partitions))
    alone = []
    for each in coresets:
        monkeypatch.setattr(CoresetInference, "coresets", lambda self, given, each=each: [each])
        alone.append(np.exp(made.log_prob(given, partitions)))
    assert (np.array(alone) == 0).any(0).any()  # what is impossible by one may be possible by another
    np.testing.assert_allclose(np.mean(alone, 0), together, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("seed", range(6))
def test_the_answer_of_several_coresets_is_possible_in_the_largest(inference, seed):
    made = inference()
    given = made.given(points(40, seed=seed))
    assert len(made.coresets(given)) > 1
    labels, largest = made.greedy(given), made.prepared(given)
    assert torch.equal(labels, canonical_labels(labels))
    assert len(labels[largest.first_rows[largest.medoid]].unique()) == len(labels.unique())
    assert np.isfinite(made.log_prob(given, labels[None]))[0]


def test_labels_do_not_depend_on_the_temperature(inference):
    """Nor do the votes of samples on them; probabilities do."""
    asked = inference()
    given = asked.given(points(40))
    found = []
    for temperature in (0.2, 5.0):
        asked.network.temperature = temperature
        labels = asked.greedy(given)
        found.append((labels, asked.log_prob(given, labels[None])[0]))
    assert torch.equal(found[0][0], found[1][0])
    assert found[0][1] != found[1][1]


def test_few_points_are_decoded_plainly(inference):
    made = inference()
    given = made.given(points(5))
    prepared = made.prepared(given)
    assert torch.equal(prepared.medoid, torch.arange(5))
    partitions = all_partitions(5)
    tokens = canonical_labels(partitions[:, prepared.distinct.argsort()])
    order = made._along(made.encode([prepared])[0])[0, 0]
    columns = prepared.columns((1.0, float("inf")))[order][None]
    plain = log_prob(made.network, columns, canonical_labels(tokens[:, order])[None])[0].detach()
    np.testing.assert_allclose(made.log_prob(given, partitions), plain.numpy(), atol=1e-4)


@pytest.mark.parametrize("rows", [4, 40])
def test_the_order_of_the_rows_changes_nothing_at_all(inference, rows):
    x = points(rows)
    order = np.random.default_rng(1).permutation(rows)
    made = inference(n_orders=2)
    (labels, posterior), (shuffled, of_shuffled) = (
        made.cluster([made.given(each)], 20, torch.Generator().manual_seed(0))[0] for each in (x, x[order])
    )

    def named(rows):
        return canonical_labels(torch.from_numpy(rows)).numpy()

    assert np.array_equal(named(labels[order]), shuffled)
    assert np.array_equal(posterior.log_prob, of_shuffled.log_prob)
    assert np.array_equal(named(posterior.labels[:, order]), of_shuffled.labels)


def changed(x, name):
    return {
        "units": x * [1000.0, 0.01, 3.0][: x.shape[1]] + 7,
        "signs": x * [-1.0, 1.0, -1.0][: x.shape[1]],
        "columns": x[:, ::-1],
        "constant": np.c_[x, np.full(len(x), 3.0)],
        "unit": 1e5 * x - 3,
        "rotation": x @ rotation(x.shape[1]),
    }[name]


@pytest.mark.parametrize(
    ("scale", "change"),
    [("columns", name) for name in ("units", "signs", "columns", "constant")]
    + [("none", name) for name in ("unit", "signs", "rotation", "constant")],
)
@pytest.mark.parametrize("rows", [5, 25])
def test_units_signs_and_rotations_change_nothing_beyond_rounding(inference, scale, change, rows):
    made = inference()
    x = points(rows, dim=3)
    labels = torch.from_numpy(np.random.default_rng(2).integers(0, 2, (5, rows)))
    before, after = (made.log_prob(made.given(each, scale), labels) for each in (x, changed(x, change)))
    np.testing.assert_allclose(after, before, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("rows", [4, 25])
def test_a_row_twice_is_a_row_of_weight_two(inference, rows):
    made = inference()
    x = points(rows)
    twice, weights = np.concatenate([x, x[:2]]), np.r_[[2.0, 2.0], np.ones(rows - 2)]
    labels = torch.from_numpy(np.random.default_rng(2).integers(0, 2, (5, rows)))
    both = torch.cat([labels, labels[:, :2]], 1)
    np.testing.assert_allclose(
        made.log_prob(made.given(x, "columns", weights), labels),
        made.log_prob(made.given(twice, "columns"), both),
        rtol=1e-4,
        atol=1e-4,
    )


@pytest.mark.parametrize("rows", [4, 25])
def test_rows_of_weight_zero_do_not_count(inference, rows):
    made = inference()
    x = points(rows)
    more, weights = np.concatenate([x, points(3, seed=4)]), np.r_[np.ones(rows), np.zeros(3)]
    before, after = made.prepared(made.given(x, "none")), made.prepared(made.given(more, "none", weights))
    assert torch.equal(after.weight.sort().values, before.weight.sort().values) or rows > TOKENS
    assert after.weight.sum() == rows
    assert len(after.distinct) == rows + 3
    torch.testing.assert_close(after.places[after.distinct][:rows], before.places[before.distinct])


@pytest.mark.parametrize("rows", [5, 6, 7, 8])
def test_known_labels_condition_the_posterior(inference, generator, rows):
    """Partitions that keep them have all the probability; where rows are tokens, in the right proportions."""
    made = inference()
    known = np.full(rows, -1)
    known[[0, 2]], known[3] = 1, 0
    given = made.given(points(rows), known=known)
    partitions = all_partitions(rows)
    values = made.log_prob(given, partitions)
    kept = ((partitions[:, 0] == partitions[:, 2]) & (partitions[:, 0] != partitions[:, 3])).numpy()
    assert (values[~kept] == -np.inf).all()
    assert np.exp(values[kept]).sum() == pytest.approx(1, abs=1e-5)
    labels, posterior = made.cluster([given], 30, generator)[0]
    for row in (labels, *posterior.labels):
        assert row[0] == row[2] != row[3]
    assert len(posterior.labels) > 1


def test_more_clusters_than_known_labels_leave_room_for_are_refused(inference, generator):
    known = np.zeros(TOKENS, int)
    known[-2:] = -1
    for low in (2, 3):
        made = inference(n_clusters=low)
        labels, posterior = made.cluster([made.given(points(TOKENS), known=known)], 5, generator)[0]
        assert labels.max() + 1 == low and (posterior.labels.max(1) + 1 == low).all()
    made = inference(n_clusters=4)
    with pytest.raises(ValueError, match=r"low <= 3 .*those of one known cluster count once"):
        made.cluster([made.given(points(TOKENS), known=known)], 5, generator)


@pytest.mark.parametrize("n_clusters", [None, 3, (3, 5)])
def test_all_coresets_know_the_known_labels(inference, generator, n_clusters):
    """Orders start with the micro-clusters of each coreset that are known, of which some have more."""
    made = inference(n_clusters=n_clusters)
    known = np.full(60, -1)
    known[:9] = np.arange(9) % 3
    given = made.given(points(60), known=known)
    coresets = made.coresets(given)
    assert len(coresets) > 1 and len({int((each.known_tokens >= 0).sum()) for each in coresets}) > 1
    encoding, _ = made.encode(coresets)
    for along, of_tokens in zip(made._known_first(encoding, 4), encoding.known, strict=True):
        assert torch.equal(along.sort(1).values, torch.arange(along.shape[1]).expand_as(along))
        assert ((of_tokens >= 0)[along].int().diff(dim=1) <= 0).all()
    labels, posterior = made.cluster([given], 30, generator)[0]
    for row in (labels, made.greedy(given).numpy(), *posterior.labels):
        assert np.array_equal(canonical_labels(torch.from_numpy(row[:9])).numpy(), known[:9])
    np.testing.assert_allclose(
        posterior.log_prob, made.log_prob(given, torch.from_numpy(posterior.labels)), rtol=1e-4, atol=1e-4
    )
    assert np.isfinite(made.log_prob(given, torch.from_numpy(labels)[None])).all()


def test_a_consensus_that_joins_known_clusters_is_not_the_answer(inference):
    """Two points are known to be apart, and only one cluster is wanted."""
    made = inference()
    known = np.full(60, -1)
    known[:2] = 0, 1
    _, placed = made.encode(made.coresets(made.given(points(60), known=known)))
    votes = []
    for each in placed:
        tokens = each.prepared.known_tokens
        apart = canonical_labels(torch.where(tokens == 1, 1, 0))
        votes.append(torch.nn.functional.pad(apart, (0, 99 - len(apart)), value=-1).expand(4, -1))
    labels = torch.stack(votes)
    found = consensus(placed, labels, labels[-1], 1.0, 1.0)
    assert found[0] != found[1]
    assert torch.equal(found, placed[-1].most_likely(labels[-1, 0, : len(placed[-1].prepared.mean)]).long())


def test_shares_are_probabilities_and_those_of_medoids_and_known_points_are_fixed(inference):
    made = inference()
    known = np.full(60, -1)
    known[:20] = np.arange(20) % 2
    _, (placed,) = made.encode([made.prepared(made.given(points(60), known=known))])
    shares = placed.shares(torch.arange(60))
    torch.testing.assert_close(shares.sum(1), torch.ones(60, dtype=torch.float64))
    fixed = torch.cat([placed.prepared.medoid, (placed.prepared.known >= 0).nonzero()[:, 0]])
    assert torch.equal(shares[fixed].argmax(1), placed.prepared.nearest[fixed])
    assert (shares[fixed].amax(1) == 1).all() and (shares.amax(1) < 1).any()


def test_known_labels_of_equal_rows_must_agree(inference):
    made = inference()
    x = np.concatenate([points(4), points(2)])
    known = np.array([0, -1, -1, -1, 1, -1])
    with pytest.raises(ValueError, match="rows 0 and 4 of X are equal"):
        made.prepared(made.given(x, known=known))


def test_labels_split_the_tokens_that_hold_several(inference):
    made = inference()
    x = points(60)
    known = np.full(60, -1)
    known[:20] = np.arange(20) % 2
    prepared = made.prepared(made.given(x, known=known))
    tokens = prepared.known_tokens
    of_rows = prepared.nearest[prepared.distinct]
    assert torch.equal(tokens[of_rows[:20]], torch.from_numpy(known[:20]))
    assert torch.equal(tokens, prepared.known[prepared.medoid])
    assert prepared.weight.sum() == 60


def test_probabilities_of_new_points_are_those_of_fitted_ones(checkpoint):
    x = points(40)
    model = GFNCP(checkpoint, random_state=0, n_samples=10).fit(x)
    new = np.concatenate([x[:3], points(4, seed=1)])
    together = model.predict_proba(new)
    assert together.shape == (7, model.n_clusters_ + 1)
    np.testing.assert_allclose(together.sum(1), 1)
    alone = np.concatenate([model.predict_proba(each[None]) for each in new])
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize(
    "x", [points(60), np.ones((30, 2)), np.arange(3.0)[:, None]], ids=["60", "equal", "3"]
)
def test_new_points_that_equal_fitted_ones_are_with_these(checkpoint, x):
    model = GFNCP(checkpoint, random_state=0, n_samples=10).fit(x)
    np.testing.assert_array_equal(model.predict(x), model.labels_)
    np.testing.assert_array_equal(model.predict_proba(x)[np.arange(len(x)), model.labels_], 1)


@pytest.mark.parametrize("scale", ["columns", "none", "unit-length"])
def test_fits_are_saved_with_all_that_was_given(checkpoint, tmp_path, scale):
    x = points(20)
    known = ["a", "b", None, *[""] * 17]
    model = GFNCP(checkpoint, random_state=0, n_samples=10, scale=scale)
    model.fit(x, known_labels=known, sample_weight=np.arange(1, 21))
    model.save(tmp_path / "fitted")
    again = GFNCP.load(tmp_path / "fitted")
    assert again.scale_ == scale
    assert model.labels_[0] != model.labels_[1]
    new = points(3, seed=1)
    np.testing.assert_array_equal(again.predict_proba(new), model.predict_proba(new))


def test_the_answer_stays_when_told_the_number_of_clusters_that_it_has():
    """In each of these sets, votes of the network that is told K put some points elsewhere."""
    for points, dim, spread, seed in ((100, 2, 1.6, 3), (300, 2, 1.6, 2), (300, 10, 5.0, 3)):
        x, _ = make_blobs(points, dim, centers=6, cluster_std=spread, random_state=seed)
        untold = GFNCP(random_state=0, n_samples=1).fit(x)
        told = GFNCP(random_state=0, n_samples=1, n_clusters=untold.n_clusters_).fit(x)
        assert np.array_equal(told.labels_, untold.labels_)


@pytest.mark.parametrize("n_clusters", [None, 3, (2, 4)])
def test_sets_side_by_side_are_as_alone(checkpoint, n_clusters):
    few_tokens = np.random.default_rng(0).integers(0, 2, (30, 2)).astype(float)
    sets = [points(4), points(30), few_tokens, points(7, seed=3, dim=3)]
    model = GFNCP(checkpoint, random_state=0, n_samples=5, n_clusters=n_clusters)
    for x, fitted in zip(sets, model.fit_sets(sets), strict=True):
        alone = GFNCP(checkpoint, random_state=0, n_samples=5, n_clusters=n_clusters).fit(x)
        assert np.array_equal(alone.labels_, fitted.labels_)
        found = Posterior.from_samples(fitted.posterior_.labels, fitted.posterior_.log_prob)
        np.testing.assert_allclose(model.log_prob(x, found.labels), found.log_prob, atol=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"known_labels": [0, 1]}, "known_labels has shape"),
        ({"known_labels": 3}, "known_labels has shape"),
        ({"sample_weight": [1.0] * 4}, "sample_weight has shape"),
        ({"sample_weight": [0.0] * 5}, "all weights are zero"),
        ({"sample_weight": [1.0, -1.0, 1.0, 1.0, 1.0]}, r"sample_weight\[1\] is -1.0"),
        ({"sample_weight": ["a"] * 5}, "sample_weight: accepted are numbers"),
        (
            {"known_labels": [0, 1, -1, -1, -1], "sample_weight": [1, 0, 1, 1, 1]},
            "known_labels: row 1 of X has the weight 0",
        ),
    ],
)
def test_what_cannot_be_is_refused(checkpoint, arguments, message):
    with pytest.raises(ValueError, match=message):
        GFNCP(checkpoint).fit(points(5), **arguments)


def test_scales_are_checked(checkpoint, vector_checkpoint):
    with pytest.raises(ValueError, match="scale='meters': accepted are 'auto', 'columns'"):
        GFNCP(checkpoint, scale="meters").fit(points(5))
    with pytest.raises(ValueError, match="takes points as they are"):
        GFNCP(vector_checkpoint, scale="columns").fit(points(5))
    with pytest.raises(ValueError, match="known_labels"):
        GFNCP(vector_checkpoint).fit(points(5), known_labels=[0] * 5)


def table(rows=30):
    rng = np.random.default_rng(0)
    x = pd.DataFrame(points(rows), columns=["a", "b"])
    return x.assign(flag=rng.integers(0, 2, rows) > 0, kind=rng.choice(list("uvw"), rows))


def moved(frame):
    """Return rows that differ from all in a table."""
    return frame.assign(a=frame["a"] + 0.5)


@pytest.mark.parametrize("scale", ["none", "columns"])
def test_categories_of_weight_two_count_like_two_copies(checkpoint, scale):
    once, twice = (GFNCP(checkpoint, 5, random_state=0, scale=scale, categorical_weight=w) for w in (1, 2))
    frame = table()
    copied = pd.concat([frame, frame[["flag", "kind"]].add_suffix(" again")], axis=1)
    labels = frame["flag"].to_numpy(int)
    expected = once.log_prob(copied, labels)
    assert twice.log_prob(frame, labels) == pytest.approx(expected, abs=1e-4)
    assert once.log_prob(frame, labels) != pytest.approx(expected, abs=1e-3)
    twice.fit(frame)
    np.testing.assert_allclose(twice.predict_proba(moved(frame)).sum(1), 1)


@pytest.mark.parametrize("scale", ["none", "columns"])
def test_a_column_of_many_kinds_counts_like_a_flag(checkpoint, scale):
    """Its variance in units of the network, beside that of the numbers, is nearly the same for any number."""
    rows, shares = 240, []
    for kinds in (2, 3, 8):
        frame = table(rows)[["a", "b"]].assign(kind=[f"k{row % kinds}" for row in range(rows)])
        given = GFNCP(checkpoint, 2, random_state=0, scale=scale).fit(frame)._given
        x, importance = torch.from_numpy(given.x), torch.from_numpy(given.importance)
        variance = in_units(x, torch.ones(rows), scale, importance).var(0)
        shares.append(float(variance[2:].sum() / variance[:2].sum()))
    assert shares == pytest.approx([shares[0]] * 3, rel=0.3)  # tails are drawn in; not 1.5 and 4 times


def test_categories_of_weight_zero_are_left_out(checkpoint):
    frame = table()
    model = GFNCP(checkpoint, 5, random_state=0, categorical_weight=0)
    with pytest.warns(UserWarning, match=r"left out of X: flag \(a category of weight 0\), kind"):
        model.fit(frame)
    plain = GFNCP(checkpoint, 5, random_state=0).fit(frame[["a", "b"]])
    np.testing.assert_array_equal(model.X_, plain.X_)
    np.testing.assert_array_equal(model.labels_, plain.labels_)
    new = moved(frame)
    np.testing.assert_array_equal(model.predict_proba(new), plain.predict_proba(new[["a", "b"]]))
    with pytest.raises(ValueError, match="no column is left to cluster by"):
        model.fit(frame[["flag", "kind"]])


def test_the_weight_of_categories_is_stored(checkpoint, tmp_path):
    frame = table()
    model = GFNCP(checkpoint, 5, random_state=0, categorical_weight=0.3).fit(frame)
    model.save(tmp_path / "fitted")
    again = GFNCP.load(tmp_path / "fitted")
    new = moved(frame)
    np.testing.assert_array_equal(again.predict_proba(new), model.predict_proba(new))
    other = GFNCP(checkpoint, 5, random_state=0).fit(frame)
    assert not np.allclose(other.predict_proba(new), model.predict_proba(new), atol=1e-6)


@pytest.mark.parametrize("made", [bool, int, str])
def test_a_flag_counts_a_tenth_of_a_number_however_it_is_written(checkpoint, made):
    frame = table()[["a", "b", "flag"]]
    written = frame.assign(flag=frame["flag"].map(made))
    default, tenth = (
        GFNCP(checkpoint, 5, random_state=0, scale="columns", categorical_weight=w) for w in (None, 0.1)
    )
    labels = default.fit(written).labels_
    assert default.log_prob(written, labels) == pytest.approx(tenth.log_prob(frame, labels), abs=1e-3)


def test_columns_that_are_all_of_two_values_count_as_they_are(checkpoint):
    x = np.random.default_rng(0).integers(0, 2, (40, 5))
    first, second = (GFNCP(checkpoint, 5, random_state=0, categorical_weight=w).fit(x) for w in (None, 1))
    np.testing.assert_array_equal(first.labels_, second.labels_)
    assert {column.used for column in first.columns_} == {"flag"}


def test_networks_of_points_know_no_weight_of_categories(vector_checkpoint):
    frame = table()[["a", "flag"]]
    for weight in (0.5, 2):
        with pytest.raises(ValueError, match=r"categorical_weight: .*accepted are 0 and 1"):
            GFNCP(vector_checkpoint, categorical_weight=weight).fit(frame)
    GFNCP(vector_checkpoint, n_samples=2, categorical_weight=0.5).fit(table()[["a", "b"]])
