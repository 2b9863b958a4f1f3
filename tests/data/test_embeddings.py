"""Embeddings files: vectors and the names of their classes, whatever the format."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import save_file

from gfncp.data import read_embeddings
from gfncp.data.embeddings import CLINC150, clinc150


@pytest.fixture
def vectors():
    return np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)


KINDS = np.array(["b", "a", "b", "c", "a", "b"])


def write(path, vectors):
    match path.suffix:
        case ".npz":
            np.savez(path, x=vectors, y=KINDS)
        case ".parquet":
            pd.DataFrame(vectors, columns=["p", "q", "r"]).assign(y=KINDS).to_parquet(path)
        case ".safetensors":
            names, codes = np.unique(KINDS, return_inverse=True)
            save_file({"x": vectors, "y": codes}, path, {"y": json.dumps(names.tolist()), "source": "test"})
    return path


@pytest.mark.parametrize("suffix", [".npz", ".parquet", ".safetensors"])
def test_vectors_and_classes_round_trip(tmp_path, vectors, suffix):
    x, classes = read_embeddings(write(tmp_path / f"e{suffix}", vectors), "y")
    np.testing.assert_allclose(x.numpy(), vectors, rtol=1e-6)
    assert x.dtype == torch.float32
    assert classes.tolist() == KINDS.tolist()


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_labels_are_not_read_unasked(tmp_path, vectors, suffix):
    assert read_embeddings(write(tmp_path / f"e{suffix}", vectors)).classes is None


def test_labels_may_be_numbers(tmp_path, vectors):
    np.savez(tmp_path / "e.npz", x=vectors, y=np.arange(6) % 2)
    assert read_embeddings(tmp_path / "e.npz", "y").classes.tolist() == ["0", "1"] * 3


def test_images_are_no_vectors(tmp_path):
    np.save(tmp_path / "e.npy", np.zeros((4, 28, 28)))
    with pytest.raises(ValueError, match=r"points of shape \(28, 28\): accepted are vectors"):
        read_embeddings(tmp_path / "e.npy")


@pytest.mark.parametrize("content", [b"", b"\x08\x00\x00\x00\x00\x00\x00\x00{}", b"x" * 100])
def test_damaged_safetensors_are_refused(tmp_path, content):
    (tmp_path / "e.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=r"e\.safetensors: (cannot be read|expected an array named 'x')"):
        read_embeddings(tmp_path / "e.safetensors", "y" if content.startswith(b"x") else None)


def test_clinc150_has_150_classes_of_150_unit_vectors(data_folder):
    x, classes = clinc150(data_folder("clinc150"))
    assert x.shape == (22_500, 384)
    torch.testing.assert_close(x.norm(dim=1), torch.ones(22_500), rtol=0, atol=1e-3)
    names, counts = np.unique(classes, return_counts=True)
    assert len(names) == 150 and set(counts) == {150}
    assert {"translate", "alarm"} <= set(names)


@pytest.mark.parametrize("content", [None, b"", "lacking"])
def test_a_damaged_or_missing_clinc150_is_refused(tmp_path, content):
    path = tmp_path / CLINC150
    if content == "lacking":
        np.savez(path, train_x=np.zeros((2, 3)))
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"minilm_l6_embeddings\.npz: (there is no|cannot be read)"):
        clinc150(tmp_path)
