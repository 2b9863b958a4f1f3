"""Checkpoints: what is saved is what is loaded."""

import json

import pytest
import torch

import gfncp
from gfncp import checkpoints
from gfncp.checkpoints import find, load, load_configuration, save


@pytest.mark.parametrize("kind", ["vector_checkpoint", "image_checkpoint"])
def test_saved_and_loaded_networks_give_the_same_numbers(kind, request, tmp_path, generator):
    folder = request.getfixturevalue(kind)
    model, described = load(folder), load_configuration(folder)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.1)
    save(model, described, tmp_path / "again")
    again = load(tmp_path / "again")
    x = torch.rand(2, 5, *model.encoder.point_shape, generator=generator)
    labels = torch.tensor([[0, 1, 0, 2, 1]] * 2)
    assert torch.equal(again.energies(x, labels), model.energies(x, labels))
    assert load_configuration(tmp_path / "again") == described
    assert not again.training


def test_the_package_loads_checkpoints_by_folder(vector_checkpoint):
    before = torch.random.get_rng_state()
    assert isinstance(gfncp.load(str(vector_checkpoint)), torch.nn.Module)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_name_that_is_no_checkpoint_is_refused_with_what_is_accepted(tmp_path):
    with pytest.raises(ValueError, match=r"checkpoint='mog-2e': accepted are \[.*a folder with"):
        find("mog-2e")
    with pytest.raises(ValueError, match="accepted are"):
        load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no weights", "half", "missing", "of another network"])
def test_missing_damaged_and_foreign_weights_are_refused(make_checkpoint, content):
    weights = make_checkpoint() / "model.safetensors"
    other = make_checkpoint(network={"depth": 2, "width": 8}) / "model.safetensors"
    whole = weights.read_bytes()
    content = {"half": whole[: len(whole) // 2], "of another network": other.read_bytes()}.get(
        content, content
    )
    weights.unlink()
    if content != "missing":
        weights.write_bytes(content)
    with pytest.raises(ValueError, match=r"model\.safetensors: not the weights of the configured network"):
        load(weights.parent)


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '{"encoder": {"kind": "vectors"}}', "\xff"])
def test_a_damaged_configuration_is_refused(vector_checkpoint, text):
    (vector_checkpoint / "config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=r"config\.json"):
        load(vector_checkpoint)


def test_a_configuration_is_readable_json(vector_checkpoint):
    values = json.loads((vector_checkpoint / "config.json").read_text())
    assert values["encoder"] == {"kind": "vectors", "dim": 2, "scale": 10.0, "context": None}


SHIPPED = sorted(path.parent.name for path in checkpoints.PRETRAINED.glob("*/config.json"))


@pytest.mark.skipif(not SHIPPED, reason="needs the checkpoints that ship")
@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_checkpoint_loads(name):
    assert load(name).encoder.point_shape == load_configuration(find(name)).build().encoder.point_shape
