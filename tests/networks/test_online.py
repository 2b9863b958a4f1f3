"""The online network: no point's label depends on what comes later."""

import math

import pytest
import torch

from gfncp import checkpoints, configuration
from gfncp.decoding.model import Model, OnlineModel
from gfncp.networks.encoders import ImageEncoder, ScaledVectorEncoder, VectorEncoder
from gfncp.networks.online import OnlineEnergyNetwork
from gfncp.objectives.algorithm_1 import GFNCPLoss
from gfncp.objectives.batch import Batch
from gfncp.objectives.ncp import NCPLoss
from gfncp.partitions import all_partitions, sample_crp

SECTIONS = {
    "encoder": {"kind": "scaled-vectors", "dim": 2, "scale": 2.0},
    "network": {"kind": "online-energy", "depth": 2, "width": 16},
    "data": {"kind": "gaussian-mixtures"},
    "objective": {"name": "ncp"},
}


@pytest.fixture
def model():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        made = OnlineModel(ScaledVectorEncoder(2), depth=2, width=16, cluster_width=24).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter *= 1.7
        made.f.last.weight *= 8  # energies of different options differ by about 1
    return made


def labelled(sets, points, generator):
    labels = sample_crp(sets, points, 2.0, generator=generator)
    return 3 * torch.randn(sets, points, 2, generator=generator, dtype=torch.float64), labels


def test_energies_depend_on_no_later_point(model, generator):
    x, labels = labelled(4, 12, generator)
    energies = model.energies(x, labels)
    changed = x.clone()
    changed[:, 7:] += 100
    torch.testing.assert_close(model.energies(changed, labels)[:, :7], energies[:, :7])
    prefix = model.energies(x[:, :7], labels[:, :7])
    torch.testing.assert_close(prefix, energies[:, :7, : prefix.shape[2]])
    torch.testing.assert_close(
        model.energies(x, labels, steps=torch.tensor([[6, 2]] * 4))[:, 0], energies[:, 6]
    )


def test_an_energy_network_depends_on_later_points(generator):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        usual = Model(ScaledVectorEncoder(2), depth=2, width=16, cluster_width=24).double()
    x, labels = labelled(4, 12, generator)
    changed = x.clone()
    changed[:, 7:] += 100
    with pytest.raises(AssertionError):
        torch.testing.assert_close(usual.energies(changed, labels)[:, :7], usual.energies(x, labels)[:, :7])


def test_greedy_labels_of_a_prefix_are_the_prefix_of_the_greedy_labels(model, generator):
    x, _ = labelled(3, 20, generator)
    labels, _ = model.greedy(x)
    for points in (1, 5, 19):
        assert torch.equal(model.greedy(x[:, :points])[0], labels[:, :points])


def test_probabilities_of_all_partitions_sum_to_one_and_decoding_agrees_with_teacher_forcing(
    model, generator
):
    x, _ = labelled(2, 6, generator)
    log_prob = model.log_prob(x, all_partitions(6).expand(2, -1, -1))
    torch.testing.assert_close(log_prob.exp().sum(1), torch.ones(2, dtype=torch.float64))
    drawn, value = model.sample(x, 8, generator)
    torch.testing.assert_close(value, model.log_prob(x, drawn).detach())


def test_there_are_no_parameters_for_unassigned_points(model):
    names = [name for name, _ in model.named_parameters()]
    assert not any(name.startswith("u.") for name in names)
    assert model.f.first.in_features == model.g.last.out_features


def test_every_parameter_is_trained(generator):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = OnlineModel(ScaledVectorEncoder(2), depth=2, width=16)
    x, labels = labelled(4, 10, generator)
    for objective in (NCPLoss(), GFNCPLoss(beta=1.0)):
        model.zero_grad()
        objective(model, Batch(x.float(), labels), generator)["loss"].backward()
        assert all(parameter.grad.abs().max() > 0 for parameter in model.parameters())


def test_an_encoder_that_looks_at_the_whole_set_is_refused():
    with pytest.raises(ValueError, match=r"encoder=VectorEncoder.*scaled-vectors"):
        OnlineEnergyNetwork(VectorEncoder(2))
    described = configuration.parse({**SECTIONS, "encoder": {"kind": "vectors", "dim": 2}}, "test")
    with pytest.raises(ValueError, match="encoder=VectorEncoder"):
        described.build()


@pytest.mark.parametrize("encoder", [ScaledVectorEncoder(3, 2.0), VectorEncoder(3), ImageEncoder(8)])
def test_encoders_say_truly_whether_they_are_pointwise(encoder, generator):
    x = torch.rand(2, 6, *encoder.point_shape, generator=generator)
    mask = torch.ones(2, 6, dtype=torch.bool)
    features = encoder(x, mask)
    changed = x.clone()
    changed[:, 3:] = torch.rand(2, 3, *encoder.point_shape, generator=generator) + 1
    same = torch.allclose(encoder(changed, mask)[:, :3], features[:, :3], atol=1e-6)
    assert same == encoder.pointwise


def test_a_checkpoint_is_loaded_with_the_same_numbers(tmp_path, generator):
    described = configuration.parse(SECTIONS, "test")
    made = described.build().eval()
    checkpoints.save(made, described, tmp_path)
    loaded = checkpoints.load(tmp_path)
    assert isinstance(loaded, OnlineModel)
    x, labels = labelled(2, 9, generator)
    assert torch.equal(loaded.energies(x.float(), labels), made.energies(x.float(), labels))


def test_on_an_exact_model_the_policy_is_the_sequential_predictive(generator, exact_mixture):
    network = exact_mixture(OnlineEnergyNetwork)
    x = 2 * torch.randn(1, 5, 1, generator=generator, dtype=torch.float64)
    labels = torch.tensor([[0, 1, 0, 2, 1]])
    energies = network.energies(x, labels)
    policy = torch.softmax(-energies, -1)[0]
    for n in range(5):
        weights = []
        for k in range(int(labels[0, :n].max()) + 2 if n else 1):
            members = x[0, :n, 0][labels[0, :n] == k]
            precision = len(members) + network.spread**-2
            variance = 1 + 1 / precision
            density = math.exp(-0.5 * (float(x[0, n]) - float(members.sum()) / precision) ** 2 / variance)
            weights.append((len(members) or 1) * density / math.sqrt(variance))
        expected = torch.tensor(weights, dtype=torch.float64)
        torch.testing.assert_close(policy[n, : len(weights)], expected / expected.sum())
