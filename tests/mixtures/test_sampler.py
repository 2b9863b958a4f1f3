"""Both samplers against posteriors that can be enumerated, and their estimators."""

from itertools import islice

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import chi2
from sklearn.utils.estimator_checks import parametrize_with_checks

from gfncp import Posterior
from gfncp.mixtures.collapsed_gibbs import CollapsedGibbs, collapsed_gibbs
from gfncp.mixtures.conjugate import KnownCovariance, NormalInverseWishart, log_joint
from gfncp.mixtures.subcluster_splits import (
    SubclusterSampler,
    draw_groups,
    move_points,
    split_and_merge,
    subcluster_splits,
)
from gfncp.partitions import all_partitions, canonical_labels

X = np.array([[0.0, 0.0], [1.0, 0.5], [2.5, 0.0], [3.0, 3.0], [4.0, 2.5]])
POINTS = torch.from_numpy(X)
PARTITIONS = all_partitions(len(X)).numpy()
MODELS = {
    "known covariance": KnownCovariance(3.0),
    "normal-inverse-Wishart": NormalInverseWishart(np.zeros(2), 0.2, 4.0, np.eye(2)),
}
ESTIMATORS = [CollapsedGibbs, SubclusterSampler]


def exact(model, alpha: float) -> np.ndarray:
    """Probabilities of `PARTITIONS`."""
    values = log_joint(POINTS, torch.from_numpy(PARTITIONS), model, alpha).numpy()
    return np.exp(values - logsumexp(values))


def frequencies(states: np.ndarray) -> np.ndarray:
    """Counts of `PARTITIONS` among states."""
    place = {tuple(row): i for i, row in enumerate(PARTITIONS)}
    found, counts = np.unique(states, axis=0, return_counts=True)
    result = np.zeros(len(PARTITIONS))
    result[[place[tuple(row)] for row in found]] = counts
    return result


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("states", [collapsed_gibbs, subcluster_splits])
def test_samples_have_the_exact_posterior(states, model):
    alpha = 1.0
    sampled = islice(states(POINTS, model, alpha, 800, torch.Generator().manual_seed(0)), 4, 12)
    counts = frequencies(torch.cat([*sampled]).numpy())
    distance = 0.5 * np.abs(counts / counts.sum() - exact(model, alpha)).sum()
    assert distance <= 0.04


@pytest.mark.parametrize("alpha", [1.0, 4.0])
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("move", ["points", "split and merge"])
def test_each_move_leaves_the_posterior_as_it_is(move, model, alpha):
    """One move from exact independent samples: Pearson's test, with power that long chains lack."""
    generator = torch.Generator().manual_seed(1)
    probability = exact(model, alpha)
    drawn = torch.multinomial(torch.from_numpy(probability), 20_000, replacement=True, generator=generator)
    start = torch.from_numpy(PARTITIONS)[drawn]
    statistics = model.statistics(POINTS)
    if move == "points":
        end = move_points(start, statistics, model, generator)
    else:
        end = split_and_merge(start, statistics, torch.from_numpy(X / X.std(0)), model, alpha, generator)
    assert (canonical_labels(end) != start).any(1).double().mean() > 0.05
    expected = probability * len(end)
    common = expected >= 5
    counts = frequencies(canonical_labels(end).numpy())
    pearson = (np.square(counts - expected) / expected)[common].sum()
    rare = expected[~common].sum()
    pearson += (counts[~common].sum() - rare) ** 2 / max(rare, 1e-9)
    assert chi2.sf(pearson, common.sum()) > 1e-3


def test_groups_have_the_stated_law():
    """Ordered lists of groups of K = 3 clusters: each has probability 2^-groups / 3!."""
    groups = draw_groups(torch.full((60_000,), 3), torch.Generator().manual_seed(2))
    moves = groups.moves.any(1)
    pairs = groups.pair.sum(1)
    # (1, 1, 1) with three solos or a dud at the end, (2, 1) likewise, (1, 2): coins alone decide.
    np.testing.assert_allclose(np.bincount(pairs.numpy()) / 60_000, [0.25, 0.75], atol=0.01)
    assert moves.all()
    place = (2 * groups.group + groups.side).numpy()
    _, counts = np.unique(np.argsort(place, axis=1), axis=0, return_counts=True)
    np.testing.assert_allclose(counts / 60_000, np.full(6, 1 / 6), atol=0.01)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_clear_clusters_are_found(estimator):
    rng = np.random.default_rng(3)
    truth = np.repeat([0, 1, 2], [20, 10, 5])
    x = rng.normal(size=(35, 2)) + 15 * np.array([[0, 0], [1, 0], [0, 1]])[truth]
    order = rng.permutation(35)
    fitted = estimator(KnownCovariance(15.0), n_sweeps=25, n_warmup=10, random_state=0).fit(x[order])
    expected = canonical_labels(torch.from_numpy(truth[order])).numpy()
    np.testing.assert_array_equal(fitted.labels_, expected)
    assert fitted.n_clusters_ == 3


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_long_chains_agree(estimator):
    fitted = estimator(MODELS["known covariance"], n_sweeps=120, n_warmup=20, random_state=0).fit(X)
    assert max(fitted.rhat_.values()) < 1.1


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_attributes_fit_together(estimator):
    model = MODELS["known covariance"]
    fitted = estimator(model, n_chains=3, n_sweeps=30, n_warmup=10, thin=2, random_state=0).fit(X)
    posterior = fitted.posterior_
    assert isinstance(posterior, Posterior)
    assert fitted.log_joint_.shape == (3, 30)
    assert posterior.counts.sum() == 3 * 10
    assert fitted.log_joint_.max() == pytest.approx(
        float(log_joint(POINTS, torch.from_numpy(fitted.labels_), model, 1.0))
    )
    assert set(fitted.rhat_) == {"n_clusters", "log_joint"}
    assert fitted.n_clusters_ == fitted.labels_.max() + 1
    # Normalised over what was visited: above the true log-probability by one constant.
    assert np.exp(posterior.log_prob).sum() == pytest.approx(1.0)
    every = dict(zip(map(tuple, PARTITIONS), np.log(exact(model, 1.0)), strict=True))
    excess = posterior.log_prob - [every[tuple(row)] for row in posterior.labels]
    assert excess.min() >= -1e-9
    np.testing.assert_allclose(excess, excess[0], atol=1e-9)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_seed_repeats_the_chains(estimator):
    first, again, other = (
        estimator(n_sweeps=8, n_warmup=2, random_state=seed).fit(X).log_joint_ for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(
    "x", [np.zeros((1, 2)), np.zeros((6, 2)), np.c_[X, np.ones(5)], 1e6 + 1e-3 * X, np.full((2, 1), 3.0)]
)
def test_odd_sets_have_finite_probabilities(estimator, x):
    fitted = estimator(n_sweeps=6, n_warmup=2, random_state=0).fit(x)
    assert np.isfinite(fitted.log_joint_).all()


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"alpha": 0.0}, "alpha=0.0"),
        ({"n_chains": 0}, "n_chains=0"),
        ({"thin": 1.5}, "thin=1.5"),
        ({"n_sweeps": 10, "n_warmup": 7}, "n_warmup=7.*n_sweeps - 4 = 6"),
        ({"n_sweeps": 3, "n_warmup": 0}, "n_warmup=0"),
        (
            {"model": NormalInverseWishart(np.zeros(3), 1.0, 5.0, np.eye(3))},
            "2 features, but the model has 3",
        ),
    ],
)
def test_bad_parameters_are_named(estimator, parameters, message):
    with pytest.raises(ValueError, match=message):
        estimator(**parameters).fit(X)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_progress_is_silent_unless_asked_for(estimator, capsys):
    settings = {"n_sweeps": 5, "n_warmup": 1, "random_state": 0}
    estimator(**settings).fit(X)
    assert capsys.readouterr().out == ""
    estimator(**settings, progress=True).fit(X)
    assert estimator.__name__ in capsys.readouterr().out


@parametrize_with_checks([each(n_chains=2, n_sweeps=8, n_warmup=4) for each in ESTIMATORS])
def test_scikit_learn_conventions(estimator, check):
    check(estimator)
