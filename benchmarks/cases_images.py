"""Cases A7: folders of images that no checkpoint was trained on, and damaged ones."""

from functools import partial
from pathlib import Path

import numpy as np
from cases_checks import Case, Outcome, Place, all_of, command, holds, says
from PIL import Image

DIGITS = Path(__file__).parents[1] / "examples" / "mnist-300.npz"
SOME = 20


def digits(place: Place) -> np.ndarray:
    """Return handwritten digits, white on black."""
    with np.load(DIGITS) as arrays:
        images = next(arrays[name] for name in arrays.files if arrays[name].ndim == 3)
    scaled = images if images.dtype == np.uint8 else np.round(255 * images).astype(np.uint8)
    return scaled[place.rng.permutation(len(scaled))[:SOME]]


def write_images(place: Place, images: np.ndarray) -> Path:
    folder = place.folder / "images"
    folder.mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{number}.png")
    return folder


def cluster(place: Place, folder: Path, *options: str) -> tuple[int, str]:
    return command(["cluster", folder, "--output", place.folder / "out", "--samples", "5", *options])


def understood(place: Place) -> Outcome:
    """Expect digits to go to the checkpoint that was trained on digits."""
    code, said = cluster(place, write_images(place, digits(place)))
    return all_of(holds("code 0", f"code {code}", code == 0), says(said, "Checkpoint: mnist"))


def refused(make, advice: str, place: Place) -> Outcome:
    """Expect images of another kind to be refused with advice."""
    code, said = cluster(place, write_images(place, make(place)))
    return all_of(holds("code 2", f"code {code}", code == 2), says(said, advice))


def inverted(place: Place) -> np.ndarray:
    return 255 - digits(place)


def noise(place: Place) -> np.ndarray:
    return place.rng.integers(0, 256, (SOME, 40, 60, 3), dtype=np.uint8)


def damaged(place: Place) -> Outcome:
    """Expect all damaged images to be named, and to be left out if so asked."""
    folder = write_images(place, digits(place))
    for name in ("3.png", "7.png"):
        (folder / name).write_bytes((folder / name).read_bytes()[:60])
    code, said = cluster(place, folder)
    named = all_of(holds("code 2", f"code {code}", code == 2), says(said, "3.png", "7.png", "--skip-bad"))
    code, _ = cluster(place, folder, "--skip-bad")
    return all_of(named, holds("then code 0", f"then code {code}", code == 0))


CASES: dict[str, dict[str, Case]] = {
    "A7": {
        "digits": understood,
        "inverted digits": partial(refused, inverted, "--invert"),
        "noise": partial(refused, noise, "gfncp embed"),
        "damaged images": damaged,
    }
}
