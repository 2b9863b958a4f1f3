"""The examples run, and show what they say."""

import runpy
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAMS = sorted({path.stem for path in EXAMPLES.glob("*.py")} - {"make_mnist_sample"})


def cluster_dataframe(main, picture, pixels):
    table = main(each=10, n_samples=10)
    places = [name.split()[0] for name in table.index]
    assert len(table) == 30 and list(table) == ["label", "probability", "entropy"]
    assert len(set(zip(places, table["label"], strict=True))) == table["label"].nunique() == 3


def uncertain_points(main, picture, pixels):
    model = main(picture=picture, each=10, n_samples=10)
    pixels(picture)
    apart = model.X_[:, 1] > 8
    assert model.probabilities_[apart].mean() > model.probabilities_[~apart].mean()


def custom_simulator(main, picture, pixels):
    before, after = main(iterations=40, sets=8, points=20)
    assert after > before


def compare_with_scikit_learn(main, picture, pixels):
    found = main(sets=2, points=60)
    assert found["GFNCP"]["mixtures"] > 0.8
    assert all(np.isfinite(list(scores.values())).all() for scores in found.values())


CHECKS = {
    each.__name__: each
    for each in (cluster_dataframe, uncertain_points, custom_simulator, compare_with_scikit_learn)
}


@pytest.mark.filterwarnings("ignore:X lacks values")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("program", PROGRAMS)
def test_an_example_shows_what_it_says(program, tmp_path, pixels):
    main = runpy.run_path(str(EXAMPLES / f"{program}.py"))["main"]
    CHECKS[program](main, tmp_path / "picture.png", pixels)
