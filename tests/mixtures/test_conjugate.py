"""Evidence, predictive, joint and draws of the conjugate models against independent formulas."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import gamma, kstest, multivariate_normal, multivariate_t

from gfncp.mixtures.conjugate import (
    KnownCovariance,
    NormalInverseWishart,
    cluster_sums,
    draw_log_gamma,
    log_joint,
    log_mass,
    log_predictive,
)
from gfncp.partitions import all_partitions, crp_log_prob
from gfncp.seeds import seeded

DIMS = (1, 2, 4)


def wishart(dim: int, seed: int = 0) -> NormalInverseWishart:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(dim, dim))
    return NormalInverseWishart(rng.normal(size=dim), 0.3, dim + 1.5, root @ root.T + np.eye(dim))


def points(dim: int, count: int = 7, seed: int = 1) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(1.0, 2.0, size=(count, dim)))


def evidence(members):
    """log p(members of one cluster), the mean integrated out: each coordinate is jointly Gaussian."""
    covariance = np.eye(len(members)) + 3.0**2
    return sum(multivariate_normal.logpdf(column, cov=covariance) for column in members.T.numpy())


def test_log_joint_is_the_prior_times_gaussian_evidence():
    x, every = points(2, count=5), all_partitions(5)
    found = log_joint(x, every, KnownCovariance(3.0), 1.3)
    expected = [
        crp_log_prob(labels, 1.3).item() + sum(evidence(x[labels == k]) for k in labels.unique())
        for labels in every
    ]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=1e-9, atol=1e-9)


MODELS = [(wishart(dim), dim) for dim in DIMS] + [(KnownCovariance(3.0), dim) for dim in DIMS]


@pytest.mark.parametrize("dim", DIMS)
def test_evidence_is_the_product_of_student_t_predictives(dim):
    model, x = wishart(dim), points(dim)
    total = 0.0
    for n in range(len(x)):
        # Murphy 2007, Eq. 250-254 and 258, from the points rather than from sums.
        seen = x[:n].numpy()
        prior_mean, prior_scale = model.mean.numpy(), model.scale.numpy()
        centre = seen.mean(0) if n else prior_mean
        kappa, dof = model.kappa + n, model.dof + n
        mean = (model.kappa * prior_mean + n * centre) / kappa
        off = centre - prior_mean
        scale = prior_scale + (seen - centre).T @ (seen - centre)
        scale = scale + model.kappa * n / kappa * np.outer(off, off)
        shape = scale * (kappa + 1) / (kappa * (dof - dim + 1))
        expected = multivariate_t(mean, shape, df=dof - dim + 1).logpdf(x[n].numpy())
        assert log_predictive(model, x[n], model.statistics(x[:n]).sum(0)) == pytest.approx(
            expected, abs=1e-9
        )
        total += expected
    assert model.log_evidence(model.statistics(x).sum(0)) == pytest.approx(total, abs=1e-9)


@pytest.mark.parametrize("dim", DIMS)
def test_evidence_with_known_covariance_is_a_joint_normal_density(dim):
    model, x = KnownCovariance(3.0), points(dim)
    assert model.log_evidence(model.statistics(x).sum(0)) == pytest.approx(evidence(x), abs=1e-9)


@pytest.mark.parametrize(("model", "dim"), MODELS)
def test_no_members_have_evidence_one(model, dim):
    none = torch.zeros_like(model.statistics(torch.zeros(dim)))
    assert model.log_evidence(none) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("model", "dim"), MODELS)
def test_evidence_does_not_depend_on_the_order(model, dim):
    x = points(dim, count=20)
    shuffled = x[torch.randperm(20, generator=seeded(2))]
    grown = [model.statistics(each).sum(0) for each in (x, shuffled)]
    assert model.log_evidence(grown[0]) == pytest.approx(float(model.log_evidence(grown[1])), abs=1e-9)
    steps = model.statistics(shuffled).cumsum(0)
    one_by_one = model.log_evidence(steps[0])
    one_by_one += log_predictive(model, shuffled[1:], steps[:-1]).sum()
    assert model.log_evidence(grown[0]) == pytest.approx(float(one_by_one), abs=1e-8)


@pytest.mark.parametrize(("model", "dim"), MODELS)
def test_draws_average_to_the_predictive(model, dim):
    x = points(dim)
    sums = model.statistics(x[:-1]).sum(0).repeat(40_000, 1)
    parameters = model.draw(sums, seeded(3))
    density = (parameters @ model.statistics(x[-1])).exp().numpy()
    expected = math.exp(log_predictive(model, x[-1], sums[0]))
    assert abs(density.mean() - expected) < 5 * density.std() / math.sqrt(len(density))


@pytest.mark.parametrize(("model", "dim"), MODELS)
def test_draws_are_densities(model, dim):
    """The log-density is that of the Gaussian whose precision and mean it is made of."""
    eta = model.draw(model.statistics(points(dim)).sum(0), seeded(4)).numpy()
    width = dim * dim if isinstance(model, NormalInverseWishart) else 1
    quadratic = -2 * eta[-width:]
    precision = quadratic.reshape(dim, dim) if width == dim * dim else quadratic * np.eye(dim)
    mean = np.linalg.solve(precision, eta[1 : dim + 1])
    shift = model.mean.numpy() if isinstance(model, NormalInverseWishart) else 0.0
    x = points(dim, seed=5)
    expected = multivariate_normal(mean + shift, np.linalg.inv(precision)).logpdf(x.numpy())
    np.testing.assert_allclose(model.statistics(x).numpy() @ eta, expected, atol=1e-8)


def test_weak_prior_follows_the_units_of_the_data():
    x = points(2, count=30)
    stretch, shift = torch.tensor([[10.0, 0.01], [3.0, -700.0]], dtype=torch.float64)
    moved = x * stretch + shift
    model, model_moved = NormalInverseWishart.weak(x), NormalInverseWishart.weak(moved)
    evidence = model.log_evidence(model.statistics(x[:9]).sum(0))
    evidence_moved = model_moved.log_evidence(model_moved.statistics(moved[:9]).sum(0))
    assert evidence_moved + 9 * stretch.log().sum() == pytest.approx(float(evidence), abs=1e-8)


@pytest.mark.parametrize("x", [torch.ones(5, 2), torch.tensor([[n, 7.0] for n in range(5)])])
def test_weak_prior_exists_for_constant_columns(x):
    model = NormalInverseWishart.weak(x)
    assert model.log_evidence(model.statistics(x).sum(0)).isfinite()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: KnownCovariance(0.0), "spread=0.0"),
        (lambda: KnownCovariance(math.nan), "spread=nan"),
        (lambda: NormalInverseWishart(np.zeros(2), 0.0, 4.0, np.eye(2)), "kappa=0.0"),
        (lambda: NormalInverseWishart(np.zeros(2), 1.0, 1.0, np.eye(2)), "dof=1.0.*dim - 1 = 1"),
        (lambda: NormalInverseWishart(np.zeros(2), 1.0, 4.0, np.eye(3)), r"scale has shape \(3, 3\)"),
        (lambda: NormalInverseWishart(np.zeros(2), 1.0, 4.0, -np.eye(2)), "positive definite"),
        (lambda: NormalInverseWishart(np.zeros(2), 1.0, 4.0, np.array([[1.0, 0.5], [0, 1]])), "symmetric"),
        (lambda: NormalInverseWishart.weak(torch.eye(3), 0.0), "cluster_scale=0.0"),
        (lambda: wishart(2).statistics(torch.zeros(4, 3)), "3 features, but the model has 2"),
    ],
)
def test_bad_parameters_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("shape", [0.05, 1.0, 7.5])
def test_log_gamma_draws_have_their_law(shape):
    drawn = draw_log_gamma(torch.full((20_000,), shape, dtype=torch.float64), seeded(6)).exp()
    assert kstest(drawn.numpy(), gamma(shape).cdf).pvalue > 1e-3


def test_log_gamma_draws_do_not_underflow():
    drawn = draw_log_gamma(torch.tensor([1e-5, 0.0], dtype=torch.float64).expand(100, 2), seeded(7))
    assert drawn[:, 0].isfinite().all()
    assert (drawn[:, 1] == -torch.inf).all()


def test_log_joint_is_free_of_order_and_names():
    generator = torch.Generator().manual_seed(2)
    x = 4 * torch.randn(30, 2, dtype=torch.float64, generator=generator)
    labels = torch.randint(5, (4, 30), generator=generator)
    model = NormalInverseWishart.weak(x)
    value = log_joint(x, labels, model, 1.0)
    order = torch.randperm(30, generator=generator)
    torch.testing.assert_close(log_joint(x[order], labels[:, order], model, 1.0), value)
    torch.testing.assert_close(log_joint(x, 4 - labels, model, 1.0), value)


def test_one_set_and_a_set_for_each_clustering_agree():
    x = torch.randn(9, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    labels = torch.arange(9).repeat(3, 1) % torch.tensor([[1], [2], [3]])
    model = NormalInverseWishart.weak(x)
    torch.testing.assert_close(
        log_joint(x.expand(3, -1, -1), labels, model, 0.7), log_joint(x, labels, model, 0.7)
    )


def test_negative_labels_belong_to_no_cluster():
    sums = cluster_sums(torch.tensor([[0, -1, 1]]), 2, torch.tensor([[1.0], [10.0], [100.0]]))
    assert sums[0, :, 0].tolist() == [1.0, 100.0]


def test_ratios_of_joints_are_those_of_the_changed_clusters():
    x = torch.randn(6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    model, apart, together = (
        KnownCovariance(2.0),
        torch.tensor([0, 1, 1, 2, 0, 2]),
        torch.tensor([0, 1, 1, 0, 0, 0]),
    )
    sums = cluster_sums(apart, 3, model.statistics(x))
    expected = log_mass(sums[[0, 2]], model, 0.7).sum() - log_mass(sums[[0, 2]].sum(0), model, 0.7)
    found = log_joint(x, apart, model, 0.7) - log_joint(x, together, model, 0.7)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("size", [0, 1, 4])
def test_log_predictive_is_a_ratio_of_evidences(size):
    model, x = KnownCovariance(3.0), points(2)
    members, new = x[:size], x[size : size + 1]
    expected = evidence(torch.cat([members, new])) - (evidence(members) if size else 0.0)
    found = log_predictive(model, new[0], model.statistics(members).sum(0))
    assert found.item() == pytest.approx(expected, abs=1e-9)
