"""R-hat on chains whose agreement is known."""

import numpy as np
import pytest

from gfncp.mixtures.convergence import rhat


def normal(chains: int = 4, draws: int = 1000, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(chains, draws))


def test_chains_of_one_law_agree():
    assert 0.99 < rhat(normal()) < 1.01


def test_identical_chains_agree():
    assert 0.99 < rhat(np.tile(normal(1), (4, 1))) < 1.01


def test_chains_apart_do_not():
    assert rhat(normal() + 5 * np.arange(4)[:, None]) > 2


def test_chains_of_other_spread_do_not():
    """Folding finds what equal centres hide."""
    assert rhat(normal() * np.array([[1.0], [1.0], [10.0], [10.0]])) > 1.1


def test_a_drift_shows_even_in_one_chain():
    assert rhat(normal(1) + np.linspace(0, 5, 1000)) > 1.5


def test_heavy_tails_do_not_hide_a_shift():
    tails = np.random.default_rng(1).standard_cauchy((4, 1000))
    assert rhat(tails) < 1.02
    assert rhat(tails + 10 * np.arange(4)[:, None]) > 1.5


def test_ranks_make_it_free_of_monotone_maps():
    draws = normal() + np.arange(4)[:, None]
    from_ranks = rhat(draws.argsort(axis=None).argsort().reshape(draws.shape))
    assert rhat(draws) == pytest.approx(from_ranks, abs=0.05)  # the folded part alone is not free of them


def test_constant_chains_agree_if_and_only_if_they_are_equal():
    assert rhat(np.full((3, 10), 4)) == 1.0
    assert rhat(np.repeat([[1.0], [2.0]], 10, axis=1)) == np.inf


@pytest.mark.parametrize("draws", [np.zeros((4, 3)), np.zeros(100)])
def test_too_few_draws_are_an_error(draws):
    with pytest.raises(ValueError, match="draws has shape"):
        rhat(draws)
