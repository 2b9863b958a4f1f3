"""Images unlike those that a checkpoint was trained on are refused, with advice that holds."""

import json

import numpy as np
import pytest

from gfncp import GFNCP
from gfncp.checkpoints import RANGES
from gfncp.data import labelled_images
from gfncp.data.pictures import invert, read_pictures
from gfncp.estimators.image_range import STATISTICS, choose_checkpoint, describe_unlike, refuse_unlike

NAMES = ["mnist", "fashion-mnist", "omniglot"]
EVERYTHING = {name: [-10.0, 10.0] for name in STATISTICS}


@pytest.fixture
def of(data_folder):
    """The first test images of a data set, in [0, 1]."""

    def first(name):
        return labelled_images(name, "test", data_folder(name)).images[:200].numpy() / np.float32(255)

    return first


def noise(seed=0):
    return np.random.default_rng(seed).uniform(size=(60, 28, 28)).astype(np.float32)


def texture():
    """Clouds of middle grey, as photographs of walls and skies."""
    draw = np.random.default_rng(0).normal(size=(60, 28, 28))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(28), np.fft.fftfreq(28)))
    waves = np.fft.ifft2(np.fft.fft2(draw) / np.maximum(frequency, 1 / 28)).real
    return np.clip(0.5 + 0.2 * waves / waves.std((1, 2), keepdims=True), 0, 1).astype(np.float32)


@pytest.mark.parametrize("name", NAMES)
def test_own_images_fit_and_inverted_ones_are_to_be_inverted(of, name):
    x = of(name)
    refuse_unlike(x, name)
    assert describe_unlike(x, name) is None
    assert choose_checkpoint([x]) == name
    with pytest.raises(ValueError, match=r"invert them \(255 - X"):
        refuse_unlike(invert(x).astype(np.float32), name)
    with pytest.raises(ValueError, match="--invert"):
        choose_checkpoint([invert(x)])


@pytest.mark.parametrize(
    ("given", "trained"),
    [("mnist", "fashion-mnist"), ("fashion-mnist", "mnist"), ("fashion-mnist", "omniglot")],
)
def test_images_of_another_checkpoint_are_sent_there(of, given, trained):
    with pytest.raises(ValueError, match=f"checkpoint='{given}' was trained on such images"):
        refuse_unlike(of(given), trained)


@pytest.mark.parametrize("make", [noise, texture])
@pytest.mark.parametrize("name", NAMES)
def test_photographs_and_noise_are_to_be_embedded(make, name):
    with pytest.raises(ValueError, match="gfncp embed FOLDER"):
        GFNCP(name).fit(make())
    with pytest.raises(ValueError, match="gfncp embed FOLDER"):
        choose_checkpoint([make()])


def test_drawings_in_black_and_white_fit(of):
    x = (of("mnist") >= 0.5).astype(np.float32)
    refuse_unlike(x, "mnist")
    assert describe_unlike(x, "mnist") is None
    assert choose_checkpoint([x]) == choose_checkpoint([x.astype(bool)]) == "mnist"
    with pytest.raises(ValueError, match=r"invert them \(255 - X"):
        refuse_unlike(1 - x, "mnist")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8])
def test_noise_in_black_and_white_does_not_fit(name, threshold):
    for x in (noise() >= threshold, noise() < threshold):
        with pytest.raises(ValueError, match="60 of 60 images of X are unlike"):
            refuse_unlike(x.astype(np.float32), name)


@pytest.mark.parametrize("name", NAMES)
def test_photographs_in_black_and_white_do_not_fit(name):
    x = texture()
    dithered = x > np.random.default_rng(1).uniform(size=x.shape)
    for black_and_white in (x >= 0.5, x < 0.5, dithered):
        with pytest.raises(ValueError, match="images of X are unlike"):
            refuse_unlike(black_and_white.astype(np.float32), name)


def test_a_folder_of_scans_of_1_bit_is_clustered(of, tmp_path):
    image = pytest.importorskip("PIL.Image")
    for place, digit in enumerate(of("mnist")[:12]):
        image.fromarray((digit >= 0.5).astype(np.uint8) * 255).convert("1").save(tmp_path / f"{place:02}.png")
    x = read_pictures(tmp_path).pixels
    assert set(np.unique(x)) == {0, 255}
    assert GFNCP(choose_checkpoint([x]), n_samples=2, random_state=0).fit(x).outside_ == []


@pytest.mark.parametrize("points", [2, 3, 60])
def test_few_images_are_refused_as_many_are(points):
    with pytest.raises(ValueError, match=f"{points} of {points} images of X are unlike"):
        refuse_unlike(noise()[:points], "mnist")


def test_a_few_strange_images_are_no_reason(of):
    x = of("mnist")
    x[:2] = noise()[:2]
    assert describe_unlike(x, "mnist") is None
    x[:60] = noise()
    refuse_unlike(x, "mnist")
    assert "62 of 200 images of X are unlike" in describe_unlike(x, "mnist")  # two of these digits are odd


def test_the_order_of_images_does_not_matter(of):
    x = np.concatenate([of("mnist"), noise()])
    assert describe_unlike(x, "mnist") == describe_unlike(x[::-1], "mnist")


def test_without_ranges_nothing_is_said(image_checkpoint):
    assert describe_unlike(noise(), image_checkpoint) is None
    assert GFNCP(image_checkpoint, n_samples=2).fit(noise()[:5]).outside_ == []


def test_a_warning_stays_with_the_saved_estimator(image_checkpoint, tmp_path):
    narrow = EVERYTHING | {"border": [0.0, 0.1]}
    (image_checkpoint / RANGES).write_text(json.dumps({"of": "images", "command": "", "ranges": narrow}))
    x = noise()[:12]
    x[:8, [0, -1]], x[:8, :, [0, -1]] = 0, 0
    with pytest.warns(UserWarning, match="4 of 12 images of X are unlike"):
        model = GFNCP(image_checkpoint, n_samples=2, random_state=0).fit(x)
    assert len(model.outside_) == 1
    model.save(tmp_path / "fitted")
    assert GFNCP.load(tmp_path / "fitted").outside_ == model.outside_
    assert (tmp_path / "fitted" / RANGES).read_bytes() == (image_checkpoint / RANGES).read_bytes()


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"of": "images", "command": "", "ranges": {}}', "[" * 5000]
    + [
        json.dumps({"of": "images", "command": "", "ranges": EVERYTHING | {"border": limits}})
        for limits in ([1, 0], [0], ["a", 1], [0, float("nan")])
    ],
)
def test_damaged_ranges_are_named(image_checkpoint, content):
    (image_checkpoint / RANGES).write_text(content)
    with pytest.raises(ValueError, match=r"range\.json: not the ranges of a checkpoint"):
        GFNCP(image_checkpoint).fit(noise()[:5])


def test_ranges_of_other_statistics_are_refused(image_checkpoint):
    held = {"of": "images", "command": "", "ranges": {"hue": [0, 1]}}
    (image_checkpoint / RANGES).write_text(json.dumps(held))
    with pytest.raises(ValueError, match="has ranges of \\['hue'\\]"):
        GFNCP(image_checkpoint).fit(noise()[:5])
