"""Features of images: the class token of a real, small, randomly initialised Vision Transformer."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from gfncp.cli import main
from gfncp.data import features, read_embeddings
from gfncp.data.features import ClassToken, embed_images, list_classes, load_class_token

SIZE, WIDTH = 32, 24


@pytest.fixture
def pictures(tmp_path):
    """Noise of two classes, of different sizes."""
    rng = np.random.default_rng(0)
    for number in range(7):
        path = tmp_path / "pictures" / ("cat" if number < 4 else "dog") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (30 + number, 50, 3), dtype=np.uint8)).save(path)
    return tmp_path / "pictures"


class Standin(nn.Module):
    """What a transformer is called like: its class token holds the mean of each colour."""

    class Output:
        def __init__(self, pixels):
            self.last_hidden_state = torch.stack([pixels.mean((2, 3)), torch.zeros(len(pixels), 3)], 1)

    def __init__(self):
        super().__init__()
        self.config = type("Config", (), {"image_size": SIZE})()

    def forward(self, pixel_values):
        return self.Output(pixel_values)


def test_features_are_the_class_token_of_normalised_pixels(pictures, monkeypatch):
    files = list_classes(pictures, None).files
    plain = ClassToken(Standin(), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))(files)
    assert plain.shape == (7, 3) and plain.min() > 0.4 and plain.max() < 0.6
    monkeypatch.setattr(features, "BATCH", 3)
    scaled = ClassToken(Standin(), (0.5, 0.4, 0.3), (0.1, 0.2, 0.5))(files)
    expected = (plain - torch.tensor([0.5, 0.4, 0.3])) / torch.tensor([0.1, 0.2, 0.5])
    torch.testing.assert_close(scaled, expected)


def test_a_damaged_image_is_named_and_the_rest_is_kept(pictures, tmp_path):
    broken = pictures / "dog" / "5.png"
    content = broken.read_bytes()
    broken.write_bytes(content[:-40] + bytes(40))
    encode = ClassToken(Standin(), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))

    def embed():
        images = list_classes(pictures, None)
        embed_images(images, tmp_path / "f.safetensors", encode, source="", report=lambda done: None)

    with pytest.raises(ValueError, match=r"5\.png: not a readable image"):
        embed()
    broken.write_bytes(content)
    embed()
    assert read_embeddings(tmp_path / "f.safetensors", "y").classes.tolist() == ["cat"] * 4 + ["dog"] * 3


@pytest.fixture
def vision_transformer(tmp_path):
    """The folder of a model of the class of `facebook/dino-vits16`, saved."""
    transformers = pytest.importorskip("transformers", reason="needs the extra `images`")
    torch.manual_seed(0)
    config = transformers.ViTConfig(
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=SIZE,
        patch_size=8,
    )
    model = transformers.ViTModel(config).eval()
    model.save_pretrained(tmp_path / "vit")
    about = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25]}
    (tmp_path / "vit" / "preprocessor_config.json").write_text(json.dumps(about))
    return tmp_path / "vit", model


def test_a_saved_transformer_gives_its_class_tokens(pictures, vision_transformer):
    folder, model = vision_transformer
    files = list_classes(pictures, None).files
    encode = load_class_token(str(folder))
    pixels = torch.stack([features.read_image(path, SIZE, round(256 / 224 * SIZE)) for path in files])
    with torch.no_grad():
        expected = model(pixel_values=(pixels / 255 - 0.5) / 0.25).last_hidden_state[:, 0]
    assert expected.shape == (7, WIDTH)
    torch.testing.assert_close(encode(files), expected)


def test_the_command_line_embeds_images(pictures, vision_transformer, tmp_path):
    folder, _ = vision_transformer
    output = tmp_path / "f.safetensors"
    assert main(["embed", str(pictures), "--model", str(folder), "--output", str(output)]) == 0
    x, classes = read_embeddings(output, "y")
    assert x.shape == (7, WIDTH) and classes.tolist() == ["cat"] * 4 + ["dog"] * 3
    torch.testing.assert_close(x, load_class_token(str(folder))(list_classes(pictures, None).files))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere: there is no such file or folder"),
        (["pictures", "--label-column", "kind"], "--label-column=kind: the classes of images are"),
        (["s.txt", "--classes", "imagenet-50"], "--classes=imagenet-50: accepted for folders of images only"),
        (["pictures", "--classes", "imagenet-50"], "n01601694: there is no such folder"),
        (["s.doc"], "s.doc: accepted are files that end in .txt"),
    ],
)
def test_bad_sources_are_one_line(pictures, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(pictures.parent)
    Path("s.txt").write_text("hello")
    Path("s.doc").write_text("hello")
    assert main(["embed", *arguments]) == 2
    complaint = capsys.readouterr().err
    assert said in complaint and complaint.count("\n") == 1


def test_an_unknown_model_is_named(tmp_path):
    pytest.importorskip("transformers", reason="needs the extra `images`")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"model=.*empty.*: cannot be loaded"):
        load_class_token(str(tmp_path / "empty"))


def test_without_transformers_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ValueError, match=r"pip install 'gfncp\[images\]'"):
        load_class_token("facebook/dino-vits16")
