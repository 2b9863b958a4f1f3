"""Folders of images as arrays: which are read, and what is said of those that cannot be."""

import numpy as np
import pytest
from PIL import Image

from gfncp.data.pictures import PIXELS, invert, read_pictures


@pytest.fixture
def folder(tmp_path):
    """Three images, and two files that are none."""
    draw = np.random.default_rng(0)
    for name, shape in (("a.png", (PIXELS, PIXELS)), ("b.png", (40, 56)), ("c.png", (PIXELS, PIXELS))):
        Image.fromarray(draw.integers(0, 256, shape, dtype=np.uint8)).save(tmp_path / name)
    (tmp_path / "bad-1.png").write_bytes(b"no image")
    (tmp_path / "bad-2.png").write_bytes((tmp_path / "b.png").read_bytes()[:200])
    return tmp_path


def test_all_bad_files_are_named_at_once(folder):
    with pytest.raises(
        ValueError, match=r"2 of 5 images cannot be read: bad-1\.png .*bad-2\.png .*--skip-bad"
    ):
        read_pictures(folder)


def test_bad_files_are_left_out_with_a_note(folder):
    found = read_pictures(folder, skip_bad=True)
    assert found.names == ["a.png", "b.png", "c.png"]
    assert np.array_equal(found.pixels[0], np.asarray(Image.open(folder / "a.png")))
    assert all(name in found.notes[0] for name in ("bad-1.png", "bad-2.png"))
    for name in ("bad-1.png", "bad-2.png"):
        (folder / name).unlink()
    assert np.array_equal(read_pictures(folder).pixels, found.pixels)
    assert read_pictures(folder).notes == found.notes[1:]


def test_sizes_are_told(folder):
    (note,) = read_pictures(folder, skip_bad=True).notes[1:]
    assert "1 of 3 images were brought to 28 × 28 pixels (the largest from 56 × 40)" in note
    assert "1 of them were not square" in note


def test_a_folder_of_bad_files_only_is_refused(tmp_path):
    (tmp_path / "x.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"1 of 1 images cannot be read: x\.png \(not an image\)"):
        read_pictures(tmp_path, skip_bad=True)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, bool])
def test_inverting_twice_changes_nothing(dtype):
    draw = np.random.default_rng(0).uniform(0, 1, (3, 4, 4))
    x = (255 * draw).astype(dtype) if np.dtype(dtype).kind in "ui" else draw.round().astype(dtype)
    assert np.array_equal(invert(invert(x)), x)
    assert not np.array_equal(invert(x), x)
