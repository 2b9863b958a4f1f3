"""Configurations: read, checked, refused with the place, the value and what is accepted."""

import pytest
import torch
from torch.nn import Conv2d, Linear

from gfncp.configuration import Configuration, parse
from gfncp.configuration.toml_files import read_configuration

MINIMAL = """
[encoder]
kind = "vectors"
dim = 2
[data]
kind = "gaussian-mixtures"
[objective]
name = "ncp"
"""


def read(tmp_path, text):
    path = tmp_path / "run.toml"
    path.write_text(text)
    return read_configuration(path)


def test_omitted_options_have_their_defaults(tmp_path):
    read_back = read(tmp_path, MINIMAL)
    assert read_back.training.batch == 64
    assert read_back.data.n_clusters == (1, 10)


def test_configurations_survive_json(tmp_path):
    first = read(tmp_path, MINIMAL)
    assert Configuration.model_validate_json(first.model_dump_json()) == first
    assert parse(first.model_dump(mode="json"), "here") == first


def test_a_network_has_the_configured_shape(tmp_path):
    model = read(tmp_path, MINIMAL + "[network]\ndepth = 3\nwidth = 7").build()
    assert [layer.out_features for layer in model.h.modules() if isinstance(layer, Linear)] == [7, 7, 7]


def test_an_embedding_has_the_configured_channels_and_may_begin_with_rounds(tmp_path):
    text = MINIMAL.replace('kind = "vectors"\ndim = 2', 'kind = "embedded-images"\nchannels = [3, 5, 7]')
    text = text.replace("gaussian-mixtures", 'augmented-images"\ndataset = "mnist')
    described = read(tmp_path, text + "[encoder.pretraining]\niterations = 0\nrounds = 1")
    convolutions = [m for m in described.build().encoder.embedding.modules() if isinstance(m, Conv2d)]
    assert [convolution.out_channels for convolution in convolutions] == [3, 5, 7]
    with pytest.raises(ValueError, match=r"encoder.*pretraining.*iterations=0: accepted with rounds"):
        read(tmp_path, text + "[encoder.pretraining]\niterations = 0")


def test_a_mean_with_initial_weights_needs_these(tmp_path):
    with pytest.raises(ValueError, match=r"training.*keep='mean-with-initial': accepted with initial"):
        read(tmp_path, MINIMAL + '[training]\nkeep = "mean-with-initial"')


def test_reading_draws_no_random_numbers(tmp_path):
    before = torch.random.get_rng_state()
    read(tmp_path, MINIMAL)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("dim = 2", "dim = 0"), r"encoder\.vectors\.dim=0: .*greater than or equal to 1"),
        (("dim = 2", "dim = 'two'"), r"dim='two': .*valid integer"),
        (("dim = 2", ""), r"encoder\.vectors\.dim: Field required"),
        (("dim = 2", "dim = 2\ndepth = 4"), r"encoder\.vectors\.depth=4: .*not permitted"),
        (("dim = 2", "dim = 2\nscale = nan"), r"scale=nan: .*finite"),
        (("dim = 2", "dim = 2\nscale = inf"), r"scale=inf: .*finite"),
        (('"vectors"', '"graphs"'), "encoder: .*'graphs'.*'vectors', .*'images'"),
        (
            ('"ncp"', '"gfncp"\n[training]\nsampled_steps = 8'),
            r"disagreement=1\.0: .*sampled_steps accepted is 0",
        ),
        (('"ncp"', '"mcp"'), "objective: .*'mcp'.*'ncp', 'gfncp-paper'"),
        (("dim = 2", "dim = 3"), r"points of shape \(2,\), but encoder.kind='vectors' takes \(3,\)"),
        (
            ('kind = "vectors"\ndim = 2', 'kind = "images"'),
            r"points of shape \(2,\), .*'images' takes \(28, 28\)",
        ),
        (("[objective]", "n_clusters = 0\n[objective]"), r"n_clusters.*=0: .*greater than or equal to 1"),
        (
            ("[objective]", "n_clusters = [5, 2]\n[objective]"),
            r"n_clusters.*=\[5, 2\]: .*low=5 must not exceed high=2",
        ),
        (
            ("[objective]", "n_clusters = [0, 2]\n[objective]"),
            r"n_clusters.*=0: .*greater than or equal to 1",
        ),
        (
            ("[objective]", "n_clusters = [200, 300]\n[objective]"),
            r"n_clusters=\(200, 300\): sets of 100 points",
        ),
        (("[objective]", "n_clusters = 101\n[objective]"), "n_clusters=101: sets of 100 points"),
        (
            ("[objective]", "[training]\npoints = [9, 8]\n[objective]"),
            r"points=\[9, 8\]: .*low=9 must not exceed high=8",
        ),
        (("[objective]", "[training]\npoints = [1, 8]\n[objective]"), "points.0=1"),
        (
            ("[objective]", "[training]\nlearning_rate = -1.0\n[objective]"),
            "learning_rate=-1.0: .*greater than 0",
        ),
        (("[objective]", "[objectives]"), "objective: Field required|objectives"),
        (("[encoder]", "seed = -1\n[encoder]"), "seed=-1: .*greater than or equal to 0"),
        (("[encoder]", "[encoder"), "not a readable TOML file"),
    ],
)
def test_an_invalid_configuration_is_refused_in_one_line(tmp_path, change, message):
    assert MINIMAL.count(change[0]) == 1
    with pytest.raises(ValueError, match=message) as caught:
        read(tmp_path, MINIMAL.replace(*change))
    assert "run.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"none\.toml: not a readable TOML file"):
        read_configuration(tmp_path / "none.toml")
