"""Folders of images: which files are found, in which class, and what is read of them."""

import numpy as np
import pytest
import torch
from PIL import Image

from gfncp.data.image_folders import list_images, read_image


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path, **options)
    return path


@pytest.fixture
def folder(tmp_path):
    """Three classes, one of them with deeper folders; and files that are no images, or hidden."""
    grey = np.full((5, 4), 100)
    for name in ("cat/b.png", "cat/a.JPEG", "dog/x/1.jpg", "dog/y/1.jpg", "emu/1.png", "emu/.hidden.png"):
        save(tmp_path / name, grey)
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    (tmp_path / "empty").mkdir()
    return tmp_path


def relative(found):
    return [path.relative_to(found.folder).as_posix() for path in found.files]


def test_a_sub_folder_is_a_class(folder):
    found = list_images(folder)
    assert relative(found) == ["cat/a.JPEG", "cat/b.png", "dog/x/1.jpg", "dog/y/1.jpg", "emu/1.png"]
    assert found.classes == ["cat", "cat", "dog", "dog", "emu"]


def test_chosen_classes_alone_are_listed(folder):
    found = list_images(folder, ["emu", "cat"])
    assert relative(found) == ["cat/a.JPEG", "cat/b.png", "emu/1.png"]
    assert found.classes == ["cat", "cat", "emu"]


def test_a_class_may_be_a_link(folder, tmp_path_factory):
    links = tmp_path_factory.mktemp("links")
    (links / "bird").symlink_to(folder / "dog")
    assert list_images(links).classes == ["bird", "bird"]
    assert list_images(links, ["bird"]).classes == ["bird", "bird"]


def test_flat_folders_have_no_classes(folder):
    found = list_images(folder / "cat")
    assert relative(found) == ["a.JPEG", "b.png"]
    assert found.classes is None


@pytest.mark.parametrize(
    ("place", "classes", "said"),
    [
        ("empty", None, "holds no images"),
        ("nowhere", None, "there is no such folder"),
        (".", ["cat", "yak"], "yak: there is no such folder"),
        (".", ["empty"], "empty: there is no such folder, or it holds no images"),
    ],
)
def test_folders_without_images_are_refused(folder, place, classes, said):
    with pytest.raises(ValueError, match=said):
        list_images(folder / place, classes)


def test_images_beside_folders_are_refused(folder):
    save(folder / "stray.png", np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"stray\.png: lies beside sub-folders"):
        list_images(folder)


def test_pixels_of_the_middle_are_read(tmp_path):
    pixels = np.zeros((8, 20, 3))
    pixels[:, 6:14] = (10, 120, 250)
    square = read_image(save(tmp_path / "wide.png", pixels), size=4, resize=8)
    assert square.dtype == torch.uint8
    assert torch.equal(square, torch.tensor([10, 120, 250], dtype=torch.uint8)[:, None, None].expand(3, 4, 4))


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 3), (64, 64)])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK", "P", "1"])
def test_images_of_any_size_and_colours_become_three_channels(tmp_path, shape, mode):
    path = tmp_path / "image.tif"
    Image.fromarray(np.full((*shape, 3), 200, np.uint8)).convert(mode).save(path)
    assert read_image(path, size=32, resize=37).shape == (3, 32, 32)


@pytest.mark.parametrize("damage", [lambda raw: b"", lambda raw: raw[: len(raw) // 2], lambda raw: b"x" * 99])
def test_damaged_images_are_named(tmp_path, damage):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3))
    path = save(tmp_path / "image.png", noise)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"image\.png: not a readable image"):
        read_image(path, size=8, resize=9)
