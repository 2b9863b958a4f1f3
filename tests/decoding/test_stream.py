"""Streams: however they are cut into batches, and stored in between, the clusterings are the same."""

import pytest
import torch

from gfncp.decoding.model import OnlineModel
from gfncp.decoding.stream import Stream
from gfncp.networks.encoders import ScaledVectorEncoder


@pytest.fixture
def model():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        made = OnlineModel(ScaledVectorEncoder(2), depth=2, width=32, cluster_width=24).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter *= 1.7
        made.f.last.weight *= 8  # energies of different options differ by about 1
    return made


@pytest.fixture
def x():
    return 3 * torch.randn(40, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def start(n_samples=15):
    return Stream.start(n_samples, torch.Generator().manual_seed(7))


@pytest.mark.parametrize("sizes", [[40], [1] * 40, [13, 1, 20, 6], [39, 1]])
def test_any_batches_give_what_decoding_the_whole_set_gives(model, x, sizes):
    stream = start()
    for batch in x.split(sizes):
        stream = stream.extend(model, batch)
    labels, log_prob = model.greedy(x[None])
    assert torch.equal(stream.greedy.labels, labels)
    torch.testing.assert_close(stream.greedy.log_prob, log_prob)
    drawn, value = model.sample(x[None], 15, torch.Generator().manual_seed(7))
    assert len(drawn[0].unique(dim=0)) > 5
    assert torch.equal(stream.samples[0], drawn[0])
    torch.testing.assert_close(stream.samples[1], value[0])


def test_labels_of_earlier_points_stay(model, x):
    stream = start().extend(model, x[:10])
    before, drawn = stream.greedy.labels, stream.samples[0]
    for point in range(10, 40):
        stream = stream.extend(model, x[point : point + 1])
    assert torch.equal(stream.greedy.labels[:, :10], before)
    assert torch.equal(stream.samples[0][:, :10], drawn)


def test_a_stream_stays_as_it_is_when_it_is_extended(model, x):
    stream = start().extend(model, x[:10])
    stored = {name: value.clone() for name, value in stream.tensors().items()}
    once = stream.extend(model, x[10:30])
    again = stream.extend(model, x[10:30])
    for name, value in stream.tensors().items():
        assert torch.equal(value, stored[name]), name
    for name, value in again.tensors().items():
        assert torch.equal(value, once.tensors()[name]), name


def test_a_stored_stream_goes_on_the_same(model, x):
    stream = start().extend(model, x[:25])
    restored = Stream.from_tensors({name: value.clone() for name, value in stream.tensors().items()})
    expected = stream.extend(model, x[25:]).tensors()
    found = restored.extend(model, x[25:]).tensors()
    assert found.keys() == expected.keys()
    for name, value in found.items():
        assert torch.equal(value, expected[name]), name


@pytest.mark.parametrize("name", ["labels", "log_prob", "samples"])
def test_a_stream_without_points_has_no_answer(name):
    with pytest.raises(ValueError, match="no points yet"):
        getattr(start(), name)
