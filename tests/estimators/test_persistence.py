"""Folders and pickles keep what was fitted."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.exceptions import NotFittedError

from gfncp import GFNCP
from gfncp.estimators.persistence import FILE

KINDS = ("online-energy", "energy")


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_estimator_is_loaded_with_the_same_numbers(check_equal, make_folder, rows, tmp_path, kind):
    model = GFNCP(make_folder(kind), n_samples=20, random_state=4).fit(rows[:20])
    model.save(tmp_path / "saved")
    loaded = GFNCP.load(tmp_path / "saved")
    check_equal(loaded, model)
    assert loaded.get_params() == {**model.get_params(), "checkpoint": str(tmp_path / "saved")}
    assert np.array_equal(loaded.predict_proba(rows[20:]), model.predict_proba(rows[20:]))
    loaded.save(tmp_path / "saved")  # over itself
    check_equal(GFNCP.load(tmp_path / "saved"), model)
    check_equal(GFNCP(tmp_path / "saved", n_samples=20, random_state=4).fit(rows[:20]), model)


def test_parameters_of_numpy_and_pytorch_are_stored_as_what_they_are(usual, rows, tmp_path):
    given = {"noise_threshold": np.float32(0.5), "n_samples": np.int64(3), "device": torch.device("cpu")}
    GFNCP(usual, random_state=0, **given).fit(rows).save(tmp_path / "saved")
    found = GFNCP.load(tmp_path / "saved").get_params()
    assert [found[name] for name in given] == [0.5, 3, "cpu"]


@pytest.mark.parametrize("keep", ["save", "pickle"])
def test_a_stream_goes_on_after_it_was_kept(check_equal, online, rows, tmp_path, keep):
    model = GFNCP(online, n_samples=20, random_state=1).partial_fit(rows[:17])
    if keep == "save":
        model.save(tmp_path / "saved")
        model = GFNCP.load(tmp_path / "saved")
    else:
        model = pickle.loads(pickle.dumps(model))
    check_equal(model.partial_fit(rows[17:]), GFNCP(online, n_samples=20, random_state=1).fit(rows))


def test_numpy_integers_and_no_seed_are_saved(usual, rows, tmp_path):
    GFNCP(usual, n_samples=np.int64(5), random_state=np.int32(3)).fit(rows).save(tmp_path / "a")
    assert GFNCP.load(tmp_path / "a").get_params()["n_samples"] == 5
    GFNCP(usual, n_samples=5).fit(rows).save(tmp_path / "b")
    assert GFNCP.load(tmp_path / "b").random_state is None
    with pytest.raises(ValueError, match="random_state=RandomState"):
        GFNCP(usual, random_state=np.random.RandomState(0)).fit(rows).save(tmp_path / "c")


def test_what_is_not_fitted_is_not_saved(usual, tmp_path):
    with pytest.raises(NotFittedError):
        GFNCP(usual).save(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


def test_damaged_folders_are_refused(usual, make_folder, rows, tmp_path):
    folder = tmp_path / "saved"
    with pytest.raises(ValueError, match="not a saved estimator"):
        GFNCP.load(folder)
    with pytest.raises(ValueError, match="not a saved estimator"):
        GFNCP.load(usual)
    GFNCP(usual, n_samples=5, random_state=0).fit(rows).save(folder)
    intact = (folder / FILE).read_bytes()
    for damaged in (b"", intact[:100], intact[:-8], b"\xff" * 64):
        (folder / FILE).write_bytes(damaged)
        with pytest.raises(ValueError, match="not a saved estimator"):
            GFNCP.load(folder)
    (folder / FILE).write_bytes(intact)
    GFNCP.load(folder)
    save_file(load_file(folder / FILE), folder / FILE)  # without what tells the parameters
    with pytest.raises(ValueError, match="not a saved estimator"):
        GFNCP.load(folder)
    (folder / FILE).write_bytes(intact)
    other = make_folder("energy", seed=9)
    (folder / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())
    with pytest.raises(ValueError, match="not the one that the estimator was fitted with"):
        GFNCP.load(folder)


def test_tables_are_kept_with_names_and_rules(check_equal, usual, tmp_path, rows):
    frame = pd.DataFrame(
        {"size": rows[:, 0], "kind": np.where(rows[:, 1] > 0, "a", "b")},
        index=pd.date_range("2020-01-01", periods=30, name="day"),
    )
    model = GFNCP(usual, n_samples=5, n_clusters=(2, 5), random_state=0).fit(frame)
    model.save(tmp_path / "saved")
    loaded = GFNCP.load(tmp_path / "saved")
    check_equal(loaded, model)
    assert loaded.get_params() == {**model.get_params(), "checkpoint": str(tmp_path / "saved")}
    assert loaded.posterior_.index.equals(frame.index)
    assert loaded.posterior_.index.name == "day"
    assert loaded.feature_names_in_.tolist() == ["size", "kind"]
    assert np.array_equal(loaded.predict_proba(frame), model.predict_proba(frame))
    with pytest.raises(ValueError, match="feature names"):
        loaded.predict(frame[["kind", "size"]])
