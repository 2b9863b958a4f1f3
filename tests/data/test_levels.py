"""Images of any number of bits are those of 8."""

import numpy as np
import pytest
from PIL import Image

from gfncp.data.checks import check_images
from gfncp.data.image_folders import decode_image
from gfncp.data.levels import WHITE, bits_of, in_8_bits
from gfncp.data.pictures import PIXELS, invert, read_pictures

LEVELS = np.random.default_rng(0).integers(0, 256, (3, PIXELS, PIXELS))
LEVELS[0, 0, 0] = 255


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_a_folder_of_deep_images_is_one_of_8_bits(tmp_path, bits):
    deep = np.round(LEVELS * ((2**bits - 1) / 255)).astype(np.uint16)
    deep[1] = deep[1] // 20  # a dark one has as many bits as the others
    for place, image in enumerate(deep):
        Image.fromarray(image).save(tmp_path / f"{place}.png")
    found = read_pictures(tmp_path)
    np.testing.assert_allclose(found.pixels[[0, 2]], LEVELS[[0, 2]], atol=1)
    np.testing.assert_allclose(found.pixels[1], LEVELS[1] / 20, atol=1)
    assert f"3 of 3 images were read as of {bits} bits" in found.notes[0]
    np.testing.assert_allclose(np.asarray(decode_image(tmp_path / "0.png", "L")), LEVELS[0], atol=1)
    np.testing.assert_allclose(np.asarray(decode_image(tmp_path / "0.png", "RGB"))[..., 1], LEVELS[0], atol=1)


@pytest.mark.parametrize("kind", ["L", "1", "P"])
def test_images_of_one_bit_are_black_and_white(tmp_path, kind):
    drawn = LEVELS[0] > 127
    image = Image.fromarray(drawn.astype(np.uint8) * (1 if kind == "L" else WHITE))
    image.convert(kind).save(tmp_path / "x.png")
    assert np.array_equal(read_pictures(tmp_path).pixels[0], drawn * WHITE)


def test_arrays_of_one_bit_are_black_and_white():
    drawn = LEVELS > 127
    for held in (drawn, drawn.astype(np.uint8), drawn.astype(np.int64), drawn.astype(float), drawn * WHITE):
        assert np.array_equal(check_images(held), drawn)
        assert np.array_equal(check_images(invert(held)), ~drawn)


@pytest.mark.parametrize(("bits", "white"), [(12, 4095), (16, 65535)])
def test_deep_arrays_are_refused_with_advice(bits, white):
    deep = np.round(LEVELS * (white / 255)).astype(np.uint16)
    with pytest.raises(
        ValueError, match=rf"from 0 to {white}: .*X / {white} makes such of images of {bits} bits"
    ):
        check_images(deep)
    np.testing.assert_allclose(check_images(deep / white), LEVELS / 255, atol=1e-3)
    with pytest.raises(
        ValueError, match=r"from -1 to 255: accepted are images in \[0, 1\], or 0 to 255 as integers$"
    ):
        check_images(np.where(LEVELS == 0, -1, LEVELS))


def test_levels_keep_their_order_and_ends():
    for bits in (1, 8, 10, 12, 14, 16):
        levels = np.linspace(0, 2**bits - 1, 50)
        found = in_8_bits(levels, bits)
        assert found[0] == 0 and found[-1] == WHITE and (np.diff(found.astype(int)) >= 0).all()
        assert bits_of(2.0**bits - 1) == bits
