"""The examples run, and show what they say."""

import runpy
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name, **sizes):
    return runpy.run_path(str(EXAMPLES / name))["main"](**sizes)


@pytest.mark.filterwarnings("ignore:X lacks values")
def test_cluster_dataframe():
    table = run("cluster_dataframe.py", each=10, n_samples=10)
    places = [name.split()[0] for name in table.index]
    assert len(table) == 30 and list(table) == ["label", "probability", "entropy"]
    assert len(set(zip(places, table["label"], strict=True))) == table["label"].nunique() == 3


def test_uncertain_points(tmp_path):
    model = run("uncertain_points.py", picture=tmp_path / "picture.png", each=10, n_samples=10)
    assert (tmp_path / "picture.png").stat().st_size > 0
    apart = model.X_[:, 1] > 8
    assert model.probabilities_[apart].mean() > model.probabilities_[~apart].mean()


def test_custom_simulator():
    before, after = run("custom_simulator.py", iterations=40, sets=8, points=20)
    assert after > before


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_compare_with_scikit_learn():
    found = run("compare_with_scikit_learn.py", sets=2, points=60)
    assert found["GFNCP"]["mixtures"] > 0.8
    assert all(np.isfinite(list(scores.values())).all() for scores in found.values())


def test_every_example_is_run():
    programs = {path.stem for path in EXAMPLES.glob("*.py")} - {"make_mnist_sample"}
    assert {f"test_{name}" for name in programs} <= set(globals())
