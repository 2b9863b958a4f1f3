"""Folders of images as arrays: which are read, and what is said of those that cannot be."""

import numpy as np
import pytest
from PIL import Image

from gfncp.data.image_folders import decode_image
from gfncp.data.levels import WHITE
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


def test_changed_sizes_of_pictures_are_told(folder):
    (note,) = read_pictures(folder, skip_bad=True).notes[1:]
    assert "1 of 3 images were brought to 28 × 28 pixels (the largest from 56 × 40)" in note
    assert "1 of them were not square" in note


def test_a_folder_of_bad_files_only_is_refused(tmp_path):
    (tmp_path / "x.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"1 of 1 images cannot be read: x\.png \(not an image\)"):
        read_pictures(tmp_path, skip_bad=True)


@pytest.mark.parametrize("ink", [0, 255])
def test_what_is_transparent_is_unlike_the_ink(tmp_path, ink):
    alpha = np.random.default_rng(0).integers(0, 256, (PIXELS, PIXELS), dtype=np.uint8)
    for name, below in (("one", 0), ("other", 255)):  # colours of what is not seen change nothing
        colours = np.where(alpha > 0, ink, below).astype(np.uint8)
        Image.merge("LA", [Image.fromarray(colours), Image.fromarray(alpha)]).save(tmp_path / f"{name}.png")
    expected = alpha if ink else 255 - alpha
    for found in read_pictures(tmp_path).pixels:
        np.testing.assert_allclose(found, expected, atol=1)


@pytest.mark.parametrize("times", [1, 257])
def test_images_of_16_bits_are_those_of_8(tmp_path, times):
    levels = np.random.default_rng(0).integers(0, 256, (PIXELS, PIXELS)).astype(np.uint16)
    Image.fromarray(levels * np.uint16(times)).save(tmp_path / "x.png")
    assert np.array_equal(read_pictures(tmp_path).pixels[0], levels)


def test_of_images_that_move_the_first_frame_is_taken_and_said(tmp_path):
    first, second = (Image.fromarray(np.full((PIXELS, PIXELS), level, np.uint8)) for level in (10, 200))
    first.save(tmp_path / "x.gif", save_all=True, append_images=[second])
    found = read_pictures(tmp_path)
    assert (found.pixels == 10).all()
    assert "1 of 1 images move: their first frame was taken" in found.notes[0]


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, bool])
def test_inverting_twice_changes_nothing(dtype):
    draw = np.random.default_rng(0).uniform(0, 1, (3, 4, 4))
    x = (255 * draw).astype(dtype) if np.dtype(dtype).kind in "ui" else draw.round().astype(dtype)
    assert np.array_equal(invert(invert(x)), x)
    assert not np.array_equal(invert(x), x)


@pytest.mark.parametrize(("tag", "turned"), [(3, 2), (6, 1), (8, 3)])
def test_images_are_turned_as_their_exif_tag_says(tmp_path, tag, turned):
    levels = np.random.default_rng(0).integers(0, 256, (PIXELS, PIXELS)).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = tag
    Image.fromarray(np.rot90(levels, turned)).save(tmp_path / "x.png", exif=exif)
    assert np.array_equal(read_pictures(tmp_path).pixels[0], levels)
    assert np.array_equal(np.asarray(decode_image(tmp_path / "x.png", "L")), levels)


def test_images_of_floats_are_those_of_8_bits(tmp_path):
    levels = np.random.default_rng(0).integers(0, 256, (PIXELS, PIXELS)).astype(np.uint8)
    for scale in (1, WHITE):
        Image.fromarray((levels / np.float32(scale)).astype(np.float32)).save(tmp_path / "x.tif")
        assert np.array_equal(read_pictures(tmp_path).pixels[0], levels)
