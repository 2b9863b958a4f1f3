"""How the benchmark of many kinds of data draws its sets, runs its methods and judges the figures."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import NearestNeighbors

SHAPES = {  # points, columns, clusters
    "rounded to integers": (150, 2, 3),
    "Likert answers": (150, 3, 3),
    "chain, N = 270": (270, 2, 9),
    "chain, N = 900": (900, 2, 9),
    "chain, N = 3000": (3000, 2, 9),
    "ten columns of noise": (300, 13, 4),
    "three clusters, a flag": (150, 3, 3),
    "outliers of -999": (155, 2, 3),
    "outliers of 1e6": (155, 2, 3),
    "120 clusters": (2400, 2, 120),
    "no structure: square": (300, 2, 1),
    "no structure: Gaussian, 2 columns": (300, 2, 1),
    "no structure: Gaussian, 10 columns": (300, 10, 1),
    "row beside noise, N = 270": (270, 2, 9),
    "row beside noise, N = 3000": (3000, 2, 9),
    "twenty columns of noise": (300, 23, 4),
    "components of a larger set": (300, 20, 4),
}


@pytest.fixture
def sets(import_benchmark):
    return import_benchmark("families_data")


@pytest.fixture
def beside(import_benchmark):
    return import_benchmark("families_methods")


@pytest.fixture
def judge(import_benchmark):
    return import_benchmark("families_targets")


@pytest.fixture
def families(import_benchmark):
    return import_benchmark("families")


def rng(seed=0):
    return np.random.default_rng(seed)


# Recipes.


def test_reported_sets_have_the_declared_shapes_and_depend_on_their_seeds_alone(sets):
    first, again = (list(sets.trackers(Path(), 2)) for _ in range(2))
    shapes = {case.real.name: (*case.real.x.shape, *case.real.numbers) for case in first}
    assert shapes == SHAPES
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.real.x, other.real.x)
        np.testing.assert_array_equal(one.real.references[0], other.real.references[0])
    for one, other in zip(first[::2], first[1::2], strict=True):
        assert (one.real.name, one.seed, other.seed) == (other.real.name, 0, 1)
        assert not np.array_equal(one.real.x, other.real.x)


def test_rounded_and_answered_values_are_whole_numbers(sets):
    for draw in (sets.rounded, sets.likert):
        x, _ = draw(rng())
        np.testing.assert_array_equal(x, np.rint(x))
        assert len(np.unique(x, axis=0)) < len(x)
    answers, kinds = sets.likert(rng())
    assert set(np.unique(answers)) == {1, 2, 3, 4, 5}
    for kind, profile in enumerate(sets.PROFILES, 1):
        np.testing.assert_array_equal(np.median(answers[kinds == kind], axis=0), profile)


def test_neighbours_in_a_chain_are_6_apart_and_it_does_not_turn_back(sets):
    x, labels = sets.chain(90_000, rng())
    means = np.stack([x[labels == each].mean(0) for each in range(1, 10)])
    gaps = np.linalg.norm(means[:, None] - means, axis=-1)
    np.testing.assert_allclose(np.diagonal(gaps, 1), 6, atol=0.1)
    for near, far in zip(range(1, 8), range(2, 9), strict=True):
        assert np.diagonal(gaps, near).max() < np.diagonal(gaps, far).min()
    assert gaps[0, 8] < 8 * 6 - 0.1  # it bends


def test_clusters_differ_in_the_informative_columns_alone(sets):
    x, labels = sets.noise_columns(rng())
    means = np.stack([x[labels == each].mean(0) for each in range(1, 5)])
    gaps = np.linalg.norm(means[:, None, :3] - means[:, :3], axis=-1)[np.triu_indices(4, 1)]
    np.testing.assert_allclose(gaps, 6, atol=0.7)
    assert np.abs(means[:, 3:]).max() < 0.7


def test_a_flag_is_a_column_of_booleans_that_says_nothing(sets):
    case = next(case for case in sets.trackers(Path(), 1) if case.real.name == sets.FLAG)
    assert case.given.dtypes["flag"].kind == "b"
    np.testing.assert_array_equal(case.given.astype(float), case.real.x)
    assert abs(adjusted_rand_score(case.real.references[0], case.given["flag"])) < 0.05


@pytest.mark.parametrize("value", [-999.0, 1e6])
def test_outliers_are_the_rows_that_are_not_scored(sets, value):
    x, labels = sets.outliers(value, rng())
    np.testing.assert_array_equal(labels == 0, (x == value).all(1))
    assert 0.025 < np.mean(labels == 0) < 0.035
    assert np.abs(x[labels > 0]).max() < 20


def test_the_many_clusters_are_separated(sets):
    x, labels = sets.many(rng())
    near = NearestNeighbors(n_neighbors=5).fit(x).kneighbors(return_distance=False)
    assert (labels[near] == labels[:, None]).all()


@pytest.mark.parametrize("dim", [2, 10, 30])
def test_told_numbers_are_those_of_clusters_that_have_points(sets, dim):
    numbers = set()
    for seed in range(30):
        x, labels = sets.moderate(dim, rng(seed))
        sizes = np.bincount(labels)[1:]
        assert x.shape == (300, dim) and sizes.sum() == 300 and sizes.min() >= 8
        numbers.add(len(sizes))
    assert min(numbers) >= 3 and max(numbers) <= 12 and len(numbers) > 5


def test_first_tries_are_sets_of_every_number_of_blobs(sets):
    cases = list(sets.first_tries(Path(), 1))
    assert {case.real.numbers for case in cases} == {(k,) for k in range(3, 13)}
    assert all(100 <= len(case.real.x) <= 1000 for case in cases)


# Real sets.


def test_components_of_cells_do_not_depend_on_their_totals_or_on_the_order_of_genes(sets):
    counts = rng().poisson(rng(1).gamma(1.0, 4.0, (2, 60))[rng(2).integers(0, 2, 41)])
    components = sets.cell_components(counts)
    covariance = np.cov(components.T)
    variances = np.diag(covariance)
    np.testing.assert_allclose(covariance, np.diag(variances), atol=1e-10)
    assert (np.diff(variances) <= 0).all()
    deeper = counts * np.where(np.arange(41) == counts.sum(1).argmax(), 3, 1)[:, None]
    shuffled = counts[:, rng().permutation(60)]
    for same in (deeper, shuffled):  # a component's sign means nothing
        np.testing.assert_allclose(np.abs(sets.cell_components(same)), np.abs(components), atol=1e-9)


def test_a_text_set_holds_ten_whole_intents(sets):
    x, intents = np.arange(450.0)[:, None], np.repeat(np.arange(15), 30)
    real, again = (sets.some_intents(x, intents, rng()) for _ in range(2))
    rows = real.x[:, 0].astype(int)
    assert len(np.unique(rows)) == 300 and real.numbers == (10,)
    assert adjusted_rand_score(intents[rows], real.references[0]) == 1
    np.testing.assert_array_equal(real.x, again.x)


def test_groups_whose_data_are_missing_are_skipped_with_a_reason(families, tmp_path, capsys):
    for group in ("planar", "single-cell", "wide", "text"):
        assert families.read(group, tmp_path, 1, None) == []
        assert f"Skipped {group}: " in capsys.readouterr().out
    assert [case.real.name for case in families.read("trackers", tmp_path, 2, ["120 clusters"])] == [
        "120 clusters"
    ] * 2


# Methods.


def test_average_linkage_at_a_quantile_keeps_its_clusters_under_scaling_and_reordering(beside):
    x = rng().normal(size=(60, 3))
    order = rng(1).permutation(60)
    labels = beside.cut(x, 0.2)
    assert 1 < labels.max() < 60
    assert adjusted_rand_score(labels, beside.cut(7 * x, 0.2)) == 1
    assert adjusted_rand_score(labels[order], beside.cut(x[order], 0.2)) == 1


def test_the_quantile_that_training_sentences_choose_finds_clear_intents(sets, beside, tmp_path):
    arrays = {}
    for split in ("train", "test"):
        intents = np.repeat(np.arange(12), 30)
        spread = rng(len(split)).normal(size=(360, 6))
        arrays |= {f"{split}_x": 50 * rng(3).normal(size=(12, 6))[intents] + spread, f"{split}_y": intents}
    (tmp_path / "clinc150").mkdir()
    np.savez(tmp_path / "clinc150" / "minilm_l6_embeddings.npz", **arrays)
    quantile = beside.best_quantile(tmp_path)
    for case in sets.text(tmp_path, 1):
        assert adjusted_rand_score(case.real.references[0], beside.cut(case.real.x, quantile)) == 1


def test_methods_that_targets_need_are_run_without_peers(beside):
    def names(group, peers):
        return [method.name for method in beside.methods(group, Path(), "general", peers)]

    assert names("trackers", False) == []
    assert names("text", False) == ["clinc150"]
    assert names("told K", False) == ["gfncp, true K", "k-means, true K"]
    assert sorted(names("told K", True)) == sorted(["gfncp, true K", *beside.BESIDE])
    assert names("make_blobs", False) == ["gfncp, true K", "k-means, true K", "GMM + BIC"]


def test_the_number_of_clusters_is_judged_by_the_reference_that_fits_best(families, sets):
    coarse, fine = np.array([1, 1, 1, 2, 2, 2]), np.array([1, 1, 2, 3, 4, 4])
    real = sets.RealSet("any", np.zeros((6, 2)), (coarse, fine))
    assert families.nearest(real, coarse) == 2
    assert families.nearest(real, fine) == 4


# Targets.


def test_a_mean_is_met_from_the_side_that_is_wanted(judge):
    for at_most, met in ((False, [True, True, False]), (True, [False, True, True])):
        found = [judge.Target("any", [0.0, 2.0], wanted, at_most).met for wanted in (0.5, 1.0, 1.5)]
        assert found == met
    assert judge.Target("any", [0.0, 2.0], 1.0).error == 1.0
    assert judge.Target("any", [2.0], 1.0).error is None


def figures(group, name, ari, clusters=(3,), found=3, nearest=3, gaussian_like=False, others=None):
    aris = {"gfncp": ari} | (others or {})
    return {
        "group": group,
        "set": name,
        "clusters": clusters,
        "found": found,
        "nearest": nearest,
        "gaussian_like": gaussian_like,
        "methods": {method: {"ari": value} for method, value in aris.items()},
    }


def values(judge, rows=(), speed=(), orders=()):
    return {target.what: target.values for target in judge.targets(list(rows), list(speed), list(orders))}


def test_planar_sets_count_by_kind_and_numbers_of_clusters_where_these_are_few(judge):
    rows = [
        figures("planar", "a", 0.5, gaussian_like=True),
        figures("planar", "b", 0.7, found=5),
        figures("planar", "c", 0.9, clusters=(35,), found=20, nearest=35, gaussian_like=True),
        figures("planar", "d", 0.1, clusters=(3, 8), found=7, nearest=8),
    ]
    assert values(judge, rows) == {
        "planar: ARI, all": [0.5, 0.7, 0.9, 0.1],
        "planar: ARI, Gaussian-like": [0.5, 0.9],
        "planar: ARI, others": [0.7, 0.1],
        "planar: K right": [1, 0, 0],
        "planar: K within 1": [1, 0, 1],
        "planar: error of K": [0, 2, 1],
    }


def test_only_what_was_measured_has_targets(judge):
    assert values(judge) == {}
    rows = [figures("wide", "UMIST", 0.4), figures("single-cell", "p2", 0.7), figures("wide", "UMIST", 0.6)]
    assert values(judge, rows) == {"single-cell: ARI, p2": [0.7], "wide: ARI, UMIST": [0.4, 0.6]}


def test_sets_without_structure_are_judged_by_their_number_of_clusters(judge):
    rows = [
        figures("trackers", "no structure: square", 0.0, found=2),
        figures("trackers", "no structure: square", 1.0, found=1),
        figures("trackers", "120 clusters", 0.85),
        figures("trackers", "rounded to integers", 0.85),
    ]
    found = {target.what: (target.value, target.met) for target in judge.targets(rows, [], [])}
    assert found == {
        "no structure: square: K = 1": (0.5, False),
        "trackers: ARI, 120 clusters": (0.85, True),
        "trackers: ARI, rounded to integers": (0.85, False),
    }


def test_leads_are_counted_set_by_set(judge):
    told = {"gfncp, true K": 0.75, "k-means, true K": 0.5}
    rows = [figures("told K", "2 columns", ari, others=told) for ari in (0.5, 1.0)]
    assert values(judge, rows) == {
        "told K: ARI beyond k-means": [0.25, 0.25],
        "told K: not below K unknown": [1, 0],
    }
    assert values(judge, [figures("text", "ten intents", 0.75, others={"clinc150": 1.0})]) == {
        "text: ARI beyond clinc150": [-0.25]
    }
    assert values(judge, [figures("make_blobs", "4 blobs", 0.75, others=told | {"GMM + BIC": 0.5})]) == {
        "make_blobs: ARI beyond GMM + BIC": [0.25],
        "make_blobs: ARI beyond k-means, told K": [0.25],
    }


def test_times_and_shuffles_are_taken_as_they_are(judge):
    speed = [{"points": 150, "seconds": [0.1, 0.2]}, {"points": 1_000_000, "seconds": [90.0]}]
    orders = [{"ari": [1.0, 0.9]}, {"ari": [1.0]}]
    assert values(judge, speed=speed, orders=orders) == {
        "speed: seconds, N = 150": [0.1, 0.2],
        "row orders: ARI of shuffles": [1.0, 0.9, 1.0],
    }


# The program.


def test_a_run_leaves_a_record_and_counts_what_is_refused_as_nothing(families, vector_checkpoint, tmp_path):
    record, names = tmp_path / "families.json", ["Likert answers", "rounded to integers"]
    families.main(
        tmp_path, str(vector_checkpoint), only=["trackers"], sets=names, seeds=1, peers=False, record=record
    )
    held = json.loads(record.read_text())
    assert held["kind"] == "families" and held["seeds"] == 1
    rows = {row["set"]: row for row in held["rows"]}
    assert set(rows) == set(names)
    assert rows["Likert answers"]["found"] == rows["Likert answers"]["methods"]["gfncp"]["ari"] == 0
    assert "error" in rows["Likert answers"]  # it has three columns, and the checkpoint takes two
    assert rows["rounded to integers"]["found"] >= 1 and "error" not in rows["rounded to integers"]
    assert [target["sets"] for target in held["targets"]] == [1, 1]
