"""Sweeps on the terminal energy: equal to the naive loop, and true to softmax(-E)."""

import pytest
import torch

from gfncp.decoding.refine import descend, refine
from gfncp.networks.energy import EnergyNetwork
from gfncp.partitions import all_partitions, canonical_labels, prefix_mask, sample_crp


def labelled(sets, points, generator):
    labels = sample_crp(sets, points, 2.0, generator=generator)
    return 3 * torch.randn(sets, points, 2, generator=generator, dtype=torch.float64), labels


def naive(model, x, labels, sweeps, pick):
    """One set without padding; all energies of all options from whole clusterings."""
    labels = labels.clone()
    for _ in range(sweeps):
        for point in range(len(labels)):
            others = set(labels.tolist()[:point] + labels.tolist()[point + 1 :])
            slots = sorted(others | {min(set(range(len(labels) + 1)) - others)})
            moved = labels.repeat(len(slots), 1)
            moved[:, point] = torch.tensor(slots)
            energies = model.terminal_energy(x.expand(len(slots), -1, -1), canonical_labels(moved))
            labels = moved[pick(energies)]
        labels = canonical_labels(labels)
    return labels


@pytest.mark.parametrize("sweeps", [1, 3])
def test_sampling_sweeps_equal_the_naive_loop(model, generator, sweeps):
    x, labels = labelled(4, 9, generator)
    moves = 0
    for row in range(4):
        randoms = torch.Generator().manual_seed(row)

        def draw(energies, randoms=randoms):
            cdf = torch.softmax(-energies, -1).cumsum(-1)
            return int((cdf <= torch.rand(1, 1, dtype=cdf.dtype, generator=randoms)[0] * cdf[-1]).sum())

        expected = naive(model, x[row], labels[row], sweeps, draw)
        found = refine(model, x[row][None], labels[row][None], sweeps, torch.Generator().manual_seed(row))
        assert torch.equal(found[0], expected)
        moves += int((found[0] != labels[row]).sum())
    assert moves > 4


@pytest.mark.parametrize("sweeps", [1, 2, 10])
def test_descending_sweeps_equal_the_naive_loop_for_all_sets_at_once(model, generator, sweeps):
    x, labels = labelled(6, 10, generator)
    labels[0], labels[1] = 0, torch.arange(10)
    found = descend(model, x, labels, sweeps)
    for row in range(6):
        expected = naive(model, x[row], labels[row], sweeps, lambda energies: energies.argmin())
        assert torch.equal(found[row], expected)


def test_descending_never_raises_the_energy_and_ends_where_it_stays(model, generator):
    x, labels = labelled(20, 12, generator)
    energy = model.terminal_energy(x, labels)
    start = energy
    for _ in range(30):
        labels = descend(model, x, labels, 1)
        below = model.terminal_energy(x, labels)
        assert (below <= energy + 1e-9).all()
        energy = below
    assert (energy < start - 0.1).any()
    assert torch.equal(descend(model, x, labels, 1), labels)


def test_no_sweeps_change_nothing_and_the_given_labels_stay_as_they_are(model, generator):
    x, labels = labelled(3, 8, generator)
    before = labels.clone()
    assert torch.equal(refine(model, x, labels, 0, generator), labels)
    assert not torch.equal(refine(model, x, labels, 2, generator), labels)
    assert torch.equal(labels, before)


def test_absent_points_change_nothing(model, generator):
    x, labels = labelled(3, 8, generator)
    mask = prefix_mask(torch.tensor([8, 5, 1]), 8)
    mask[1] = mask[1].flip(0)  # absent points may lie anywhere
    found = descend(model, x, labels, 3, mask)
    assert torch.equal(found >= 0, mask)
    drawn = refine(model, x, labels, 3, generator, mask)
    assert torch.equal(drawn >= 0, mask)
    for row in range(3):
        alone = canonical_labels(labels[row][mask[row]])
        expected = descend(model, x[row][mask[row]][None], alone[None], 3)[0]
        assert torch.equal(found[row][mask[row]], expected)


@pytest.fixture
def exact(exact_mixture):
    """An exact network, five points, all their partitions and the posterior."""
    network = exact_mixture(EnergyNetwork)
    x = torch.tensor([[-2.0], [-0.7], [0.4], [1.1], [2.5]], dtype=torch.float64)
    everything = all_partitions(5)
    energies = network.terminal_energy(x.expand(52, -1, -1), everything)
    return network, x, everything, torch.softmax(-energies, 0)


def chi_square(everything, labels, expected):
    counts = (labels[:, None] == everything).all(-1).sum(0).double()
    assert counts.sum() == len(labels)
    return ((counts - expected * len(labels)) ** 2 / (expected * len(labels))).sum()


QUANTILE = 87.97  # 99.9% of a chi-square with 51 degrees of freedom


def test_sweeps_leave_an_exact_posterior_as_it_is(exact, generator):
    network, x, everything, posterior = exact
    chains = 10_000
    start = everything[torch.multinomial(posterior, chains, True, generator=generator)]
    after = refine(network, x.expand(chains, -1, -1), start, 1, generator)
    assert (after != start).any(1).double().mean() > 0.5
    assert chi_square(everything, after, posterior) < QUANTILE


def test_sweeps_lead_to_the_exact_posterior(exact, generator):
    network, x, everything, posterior = exact
    chains = 10_000
    start = torch.zeros(chains, 5, dtype=torch.long)
    once = refine(network, x.expand(chains, -1, -1), start, 1, generator)
    assert chi_square(everything, once, posterior) > QUANTILE  # one sweep is not enough
    after = refine(network, x.expand(chains, -1, -1), once, 20, generator)
    assert chi_square(everything, after, posterior) < QUANTILE
