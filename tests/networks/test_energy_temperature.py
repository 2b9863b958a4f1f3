"""The temperature of decoding: energies over it, nothing else."""

import pytest
import torch

from gfncp.checkpoints import load
from gfncp.decoding.core import predictive as predictive_beside
from gfncp.decoding.predictive import predictive
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
