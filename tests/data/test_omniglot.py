"""Omniglot from arrays and archives, and what stands in its place."""

import hashlib
import io
import zipfile

import numpy as np
import pooch
import pytest
import torch
from PIL import Image

from gfncp.data import labelled_images, omniglot

COUNT = 3


@pytest.fixture
def paper():
    drawings = np.ones((COUNT, omniglot.DRAWINGS, omniglot.PIXELS, omniglot.PIXELS), bool)
    ink = np.random.default_rng(0).integers(5, 100, (*drawings.shape[:2], 2))
    for character, drawing in np.ndindex(*ink.shape[:2]):
        row, column = ink[character, drawing]
        drawings[character, drawing, row : row + 4, : column + 1] = False
    return drawings


@pytest.fixture
def published(paper, monkeypatch):
    """The background split, as if it were these drawings."""
    md5 = hashlib.md5(np.packbits(paper).tobytes()).hexdigest()
    train = omniglot.SPLITS["train"]._replace(characters=COUNT, md5_unpacked=md5)
    monkeypatch.setitem(omniglot.SPLITS, "train", train)


def archive(folder, paper):
    """As it is published, its files in another order than that of their names."""
    with zipfile.ZipFile(folder / "images_background.zip", "w") as held:
        for character, drawing in reversed(list(np.ndindex(*paper.shape[:2]))):
            picture = io.BytesIO()
            Image.fromarray(paper[character, drawing]).save(picture, "png")
            name = f"images_background/Tengwar/character{character:02}/{drawing:02}.png"
            held.writestr(name, picture.getvalue())


def test_archives_and_arrays_hold_the_same(paper, published, tmp_path):
    np.savez_compressed(tmp_path / "background.npz", images=paper)
    from_arrays = omniglot.images("train", tmp_path)
    archive(tmp_path, paper)
    from_archive = omniglot.images("train", tmp_path)
    assert all(torch.equal(*pair) for pair in zip(from_arrays, from_archive, strict=True))
    assert from_archive[0].shape == (COUNT * 20, 28, 28)
    assert from_archive[1].bincount().tolist() == [20] * COUNT


def test_ink_is_light_and_its_amount_is_kept(paper):
    small = omniglot.downscaled(torch.from_numpy(~paper[0]))
    blank = omniglot.downscaled(torch.zeros(1, 105, 105, dtype=torch.bool))
    assert blank.max() == 0
    assert torch.equal(omniglot.downscaled(torch.ones(1, 105, 105, dtype=torch.bool)), 255 - blank)
    assert small.amax((1, 2)).min() > 100


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda paper: ~paper, "is not Omniglot's background: its pixels have MD5"),
        (lambda paper: paper[::-1], "is not Omniglot's background"),
        (lambda paper: paper[1:], r"shape \(2, 20, 105, 105\) and type bool: accepted are \(3, 20"),
        (lambda paper: paper.astype(np.uint8), "type uint8"),
    ],
)
def test_other_drawings_are_refused(paper, published, tmp_path, change, message):
    np.savez(tmp_path / "background.npz", images=change(paper))
    with pytest.raises(ValueError, match=message):
        omniglot.images("train", tmp_path)


def test_damaged_and_missing_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"images_evaluation\.zip is missing"):
        omniglot.images("test", tmp_path)
    (tmp_path / "images_evaluation.zip").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"images_evaluation\.zip: cannot be read"):
        omniglot.images("test", tmp_path)
    with pytest.raises(ValueError, match=r"split='validation': accepted are \['test', 'train'\]"):
        omniglot.images("validation", tmp_path)


def test_without_a_network_the_error_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(omniglot, "URL", "http://127.0.0.1:9/")
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path)
    with pytest.raises(ValueError, match=r"omniglot: cannot download http.*give a folder that holds"):
        omniglot.images("test")


def test_four_turns_are_four_classes(generator):
    images = torch.randint(256, (4, 28, 28), generator=generator).byte()
    turned, classes = omniglot.with_rotations(images, torch.tensor([0, 0, 1, 1]))
    assert sorted(classes.tolist()) == sorted([*range(8)] * 2)
    for first in range(4):
        later = turned[first::4]
        assert all(torch.equal(later[k].rot90(1, (0, 1)), later[(k + 1) % 4]) for k in range(4))


def test_parts_have_whole_characters(data_folder):
    folder = data_folder("omniglot")
    training, validation, test = (
        labelled_images("omniglot", part, folder) for part in ("training", "validation", "test")
    )
    assert [len(part.images) for part in (training, validation, test)] == [69_120, 2000, 13_180]
    assert all(set(part.classes.bincount().tolist()) <= {0, 20} for part in (training, validation, test))
