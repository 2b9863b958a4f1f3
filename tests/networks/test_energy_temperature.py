"""The temperature of decoding: energies over it, nothing else."""

import pytest
import torch

from gfncp.checkpoints import load
from gfncp.decoding.core import predictive as predictive_beside
from gfncp.decoding.predictive import predictive
from gfncp.networks.temperature import temperature_at
from gfncp.partitions import all_partitions


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_the_temperature_divides_the_energies_of_decoding(network, draw_points, temperature):
    x = draw_points(network, 2, 5)
    labels = torch.tensor([0, 0, 1, 0, 2])
    new = draw_points(network, 1, 3, seed=1)[0]

    def judged():
        return torch.cat(
            [
                network.log_prob(x, all_partitions(5).expand(2, -1, -1)).flatten(),
                network.greedy(x)[1],
                network.sample(x, 3, torch.Generator().manual_seed(0))[1].flatten(),
                predictive(network, x[0], labels, new).flatten(),
                predictive_beside(network, x[0], labels, new).flatten(),
            ]
        ).detach()

    network.temperature = temperature
    warm = judged()
    network.temperature = 1.0
    before = judged()
    with torch.no_grad():
        network.f.last.weight /= temperature
    torch.testing.assert_close(judged(), warm)
    assert not torch.allclose(before, warm)


def test_training_does_not_depend_on_the_temperature(vectors, draw_points):
    x, labels = draw_points(vectors, 2, 4), torch.tensor([[0, 0, 1, 1], [0, 1, 0, 2]])
    before = vectors.energies(x, labels)
    vectors.temperature = 0.3
    assert torch.equal(vectors.energies(x, labels), before)


def test_a_checkpoint_stores_its_temperature(make_checkpoint):
    assert load(make_checkpoint()).temperature == 1.0
    assert load(make_checkpoint(temperature=0.7)).temperature == 0.7
    with pytest.raises(ValueError, match="temperature=0"):
        make_checkpoint(temperature=0.0)


def test_a_temperature_may_depend_on_the_number_of_points(network, draw_points):
    """Linearly in its logarithm, for each set of a batch: absent points do not count."""
    pairs = ((2, 0.5), (8, 1.5))
    expected = [0.5, 1.0, 1.5, 1.5]  # for 1, 4, 8 and 16 points
    found = temperature_at(pairs, torch.tensor([1, 4, 8, 16]))
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))

    x = draw_points(network, 2, 8)
    labels, mask = torch.zeros(2, 8, dtype=torch.long), torch.arange(8) < torch.tensor([[4], [8]])
    network.temperature = pairs
    both = network.log_prob(x, labels, mask).detach()
    for row, (points, temperature) in enumerate([(4, 1.0), (8, 1.5)]):
        network.temperature = temperature
        alone = network.log_prob(x[[row], :points], labels[[row], :points])[0].detach()
        torch.testing.assert_close(both[row], alone)


@pytest.mark.parametrize("pairs", [[], [[8, 1.0], [2, 1.0]], [[2, 1.0], [2, 0.5]]])
def test_numbers_of_points_of_temperatures_increase(make_checkpoint, pairs):
    with pytest.raises(ValueError, match=r"temperature=.*accepted are increasing ones"):
        make_checkpoint(temperature=pairs)


def test_the_temperature_of_a_stream_is_one_number(make_checkpoint):
    """Nobody knows how many points are to come."""
    online = {"encoder": {"kind": "scaled-vectors", "dim": 2}, "network": {"kind": "online-energy"}}
    with pytest.raises(ValueError, match=r"temperature=.*a stream has no number of points"):
        make_checkpoint(**online, temperature=[[2, 0.5], [8, 1.5]])


def test_a_checkpoint_stores_temperatures_of_sizes(make_checkpoint):
    assert load(make_checkpoint(temperature=[[2, 0.5], [8, 1.5]])).temperature == ((2, 0.5), (8, 1.5))
