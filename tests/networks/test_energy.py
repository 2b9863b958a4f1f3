"""Energies of all options: equal to the equations, whatever the batch, the mask, the steps, the chunks."""

import pytest
import torch

from gfncp.networks import layers as networks
from gfncp.networks import teacher_forcing
from gfncp.partitions import canonical_labels, prefix_mask, sample_crp

TOLERANCE = {"rtol": 0, "atol": 1e-9}


def labelled(network, draw_points, sets, points, seed=0):
    """Points, and partitions of them from one cluster over a few to all alone."""
    generator = torch.Generator().manual_seed(seed)
    some = sample_crp(sets, points, 2.0, generator=generator)
    some[0] = 0
    some[-1] = torch.arange(points)
    return draw_points(network, sets, points, seed), some


def check_set(energies, expected):
    """One set's rows: the naive values, and +inf beyond them."""
    assert len(energies) == len(expected)
    for row, options in zip(energies, expected, strict=True):
        torch.testing.assert_close(row[: len(options)], options, **TOLERANCE)
        assert torch.all(row[len(options) :] == torch.inf)


@pytest.mark.parametrize("points", [1, 2, 5, 11])
def test_energies_equal_the_naive_loop(network, draw_points, naive, points):
    x, labels = labelled(network, draw_points, 4, points)
    energies = network.energies(x, labels)
    assert energies.shape == (4, points, points + 1)
    for row in range(4):
        check_set(energies[row], naive(network, x[row], labels[row]))


def test_energies_of_padded_sets_equal_the_naive_loop_without_the_padding(network, draw_points, naive):
    x, labels = labelled(network, draw_points, 5, 9)
    mask = prefix_mask(torch.tensor([9, 1, 4, 7, 3]), 9)
    mask[3, [0, 5]] = False  # absent points may lie anywhere
    labels = torch.stack(
        [canonical_labels(torch.where(m, row, -1)) for m, row in zip(mask, labels, strict=True)]
    )
    energies = network.energies(x, labels, mask)
    for row, present in enumerate(mask):
        check_set(energies[row][present], naive(network, x[row][present], labels[row][present]))
        absent = energies[row][~present]
        assert torch.all(absent[:, 0] == 0)
        assert torch.all(absent[:, 1:] == torch.inf)


@pytest.mark.parametrize("padding", [1e6, torch.nan, torch.inf])
def test_padding_may_hold_anything(network, draw_points, padding):
    x, labels = labelled(network, draw_points, 3, 6)
    mask = prefix_mask(torch.tensor([6, 4, 2]), 6)
    labels = torch.where(mask, labels, -1)
    clean = network.energies(x, labels, mask)
    x[~mask] = padding
    dirty = network.energies(x, torch.where(mask, labels, 99), mask)
    assert torch.equal(clean, dirty)
    torch.where(dirty.isfinite(), dirty, 0.0).sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


def test_some_steps_are_rows_of_all_steps(network, draw_points, generator):
    x, labels = labelled(network, draw_points, 4, 10)
    mask = prefix_mask(torch.tensor([10, 3, 7, 10]), 10)
    mask[0, 2] = False
    labels = canonical_labels(torch.where(mask, labels, -1))
    steps = torch.stack([torch.randperm(10, generator=generator)[:6] for _ in range(4)])
    steps[:, 5] = steps[:, 0]  # a step may be asked for twice
    every = network.energies(x, labels, mask)
    expected = every.gather(1, steps[..., None].expand(-1, -1, every.shape[2]))
    torch.testing.assert_close(network.energies(x, labels, mask, steps), expected, **TOLERANCE)


@pytest.mark.parametrize("sampled", [False, True])
@pytest.mark.parametrize(("chunk", "group"), [(3, 10**6), (4, 40), (5, 1)])
def test_chunks_and_recomputation_change_neither_energies_nor_gradients(
    network, draw_points, monkeypatch, chunk, group, sampled
):
    x, labels = labelled(network, draw_points, 3, 6)
    steps = torch.tensor([[1, 5, 4]] * 3) if sampled else None

    def energies_and_gradients():
        network.zero_grad()
        energies = network.energies(x, labels, steps=steps)
        torch.where(energies.isfinite(), energies, 0.0).square().sum().backward()
        return energies.detach(), [parameter.grad for parameter in network.parameters()]

    expected, gradients = energies_and_gradients()
    monkeypatch.setattr(networks, "ROWS_PER_CHUNK", chunk)
    monkeypatch.setattr(teacher_forcing, "ROWS_PER_GROUP", group)
    monkeypatch.setattr(teacher_forcing, "ROWS_KEPT", group)
    found, found_gradients = energies_and_gradients()
    torch.testing.assert_close(found, expected, **TOLERANCE)
    for a, b in zip(found_gradients, gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)
    with torch.no_grad():
        torch.testing.assert_close(network.energies(x, labels, steps=steps), expected, **TOLERANCE)


@pytest.mark.parametrize("points", [12, 40])
def test_rows_in_one_pass_are_bounded_even_when_every_point_is_a_cluster(
    vectors, draw_points, monkeypatch, points
):
    group = 200
    monkeypatch.setattr(teacher_forcing, "ROWS_PER_GROUP", group)
    monkeypatch.setattr(teacher_forcing, "ROWS_KEPT", group)
    rows = []
    monkeypatch.setattr(vectors, "energy", lambda context: rows.append(len(context)) or context.sum(1))
    with torch.no_grad():
        vectors.energies(draw_points(vectors, 3, points), torch.arange(points).expand(3, -1))
    assert sum(rows) == 3 * points * (points + 1) // 2
    assert max(rows) <= group


def test_terminal_energy_is_the_naive_last_energy(network, draw_points, naive):
    x, labels = labelled(network, draw_points, 4, 8)
    mask = prefix_mask(torch.tensor([8, 1, 5, 8]), 8)
    terminal = network.terminal_energy(x, labels, mask)
    for row, present in enumerate(mask):
        expected = naive(network, x[row][present], labels[row][present])[-1][labels[row][present][-1]]
        torch.testing.assert_close(terminal[row], expected, **TOLERANCE)


def test_terminal_energy_depends_on_the_partition_alone(network, draw_points, generator):
    x, labels = labelled(network, draw_points, 4, 8)
    order = torch.randperm(8, generator=generator)
    reordered = network.terminal_energy(x[:, order], canonical_labels(labels[:, order]))
    torch.testing.assert_close(reordered, network.terminal_energy(x, labels), **TOLERANCE)


@pytest.mark.parametrize("step", [0, 3, 7])
def test_order_within_the_assigned_and_within_the_unassigned_does_not_matter(
    network, draw_points, generator, step
):
    x, labels = labelled(network, draw_points, 4, 8, seed=3)
    order = torch.cat(
        [
            torch.randperm(step, generator=generator),
            torch.tensor([step]),
            step + 1 + torch.randperm(7 - step, generator=generator),
        ]
    )
    reordered = labels[:, order]
    renamed = canonical_labels(reordered)
    before = network.energies(x, labels)[:, step]
    after = network.energies(x[:, order], renamed)[:, step]
    for row in range(4):
        new_name = dict(zip(reordered[row, :step].tolist(), renamed[row, :step].tolist(), strict=True))
        opened = len(new_name)
        option = torch.tensor([*(new_name[k] for k in range(opened)), opened])
        torch.testing.assert_close(after[row, option], before[row, : opened + 1], **TOLERANCE)


@pytest.mark.parametrize(
    ("labels", "place"),
    [
        ([[1, 0, 0]], "point 0 of set 0"),
        ([[0, 1, 2], [0, 2, 1]], "point 1 of set 1"),
        ([[0, -1, 0]], "point 1"),
    ],
)
def test_labels_out_of_order_are_refused(vectors, draw_points, labels, place):
    with pytest.raises(ValueError, match=f"labels: {place}.*order of appearance"):
        vectors.energies(draw_points(vectors, len(labels), 3), torch.tensor(labels))


def test_gradients_reach_every_parameter(network, draw_points):
    x, labels = labelled(network, draw_points, 6, 10)
    energies = network.energies(x, labels)
    torch.where(energies.isfinite(), energies, 0.0).square().sum().backward()
    silent = [name for name, parameter in network.named_parameters() if not parameter.grad.abs().sum() > 0]
    assert silent == []


def test_a_device_with_a_memory_of_its_own_gets_more_rows_at_once():
    assert networks.at_once(7, torch.device("cpu")) == 7
    assert networks.at_once(7, torch.device("meta")) == 7 * networks.PARALLEL
