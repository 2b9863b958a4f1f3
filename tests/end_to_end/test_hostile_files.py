"""Checkpoints that ask for more than they hold, files that unpack without end, and no pickle anywhere."""

import ast
import gzip
import json
import struct
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pooch
import pytest
import torch
from safetensors.torch import load_file, save_file

from gfncp import checkpoints
from gfncp.checkpoints import find, load, read_weights
from gfncp.configuration import parse
from gfncp.configuration.toml_files import read_configuration
from gfncp.data import idx
from gfncp.data.embeddings import read_embeddings
from gfncp.data.tables import read_points

CLEAR, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
SOURCE = Path(checkpoints.__file__).parent
NETWORKS = {
    "energy": ({"kind": "energy", "depth": 2, "width": 8}, "ncp"),
    "interacting": ({"kind": "interacting-energy", "depth": 2, "width": 8, "body": "gated"}, "ncp"),
    "ccp": ({"kind": "ccp", "depth": 2, "width": 8, "latent": 4}, "ccp"),
    "dac": ({"kind": "dac", "hidden": 8, "inducing": 2, "heads": 2, "blocks": 1}, "dac"),
    "dac-anchored": (
        {"kind": "dac-anchored", "hidden": 8, "inducing": 2, "heads": 2, "blocks": 1},
        "dac-anchored",
    ),
    "set-transformer": (
        {"kind": "set-transformer", "hidden": 8, "inducing": 2, "heads": 2, "n_components": 3},
        "set-transformer",
    ),
}
ENCODERS = {
    "vectors": ({"kind": "vectors", "dim": 2}, {"kind": "gaussian-mixtures"}),
    "context": (
        {"kind": "vectors", "dim": 2, "context": {"width": 8, "heads": 2, "blocks": 1}},
        {"kind": "gaussian-mixtures"},
    ),
    "any": ({"kind": "any-vectors"}, {"kind": "general-mixtures"}),
    "images": ({"kind": "images"}, {"kind": "neighbour-images", "dataset": "mnist"}),
    "embedded": (
        {"kind": "embedded-images", "features": 8},
        {"kind": "neighbour-embeddings", "dataset": "mnist"},
    ),
    "components": (
        {"kind": "principal-components", "dim": 4, "components": 3},
        {"kind": "neighbour-embeddings", "dataset": "file", "dim": 4},
    ),
}


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_kind_of_network_has_its_shape_without_storage(network, encoder):
    (options, objective), (points, data) = NETWORKS[network], ENCODERS[encoder]
    if network == "set-transformer":
        if "max_clusters" in data or data["kind"] == "general-mixtures":
            pytest.skip("a fixed number of clusters is no option of these data")
        data = data | {"n_clusters": 3}
    described = parse(
        {"encoder": points, "network": options, "data": data, "objective": {"name": objective}}, "test"
    )
    with torch.device("meta"):
        shape = described.build().state_dict()
    real = described.build().state_dict()
    assert {name: value.shape for name, value in shape.items()} == {
        name: value.shape for name, value in real.items()
    }
    assert all(value.is_meta for value in shape.values())


@contextmanager
def memory_of_at_most(size):
    """Refuse that this process takes so many bytes more, at any time."""
    if not CLEAR.exists():
        pytest.skip(f"needs {CLEAR}, to forget the peak so far")
    CLEAR.write_text("5")
    before = memory("VmRSS")
    yield
    assert memory("VmHWM") - before < size


def memory(name):
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return 1024 * int(line.split()[1])


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("network", "width", 2**20),  # 4 TB of weights
        ("network", "cluster_width", 2**20),
        ("network", "width", 10**9),
        ("network", "width", 10**30),
        ("network", "depth", 10**9),
        ("encoder", "dim", 10**9),
        ("encoder", "context", {"width": 2**20, "heads": 1, "blocks": 50}),
        ("encoder", "context", {"width": 8, "heads": 2, "blocks": 10**9}),
    ],
)
def test_sizes_are_refused_before_anything_is_allocated(vector_checkpoint, section, name, value):
    path = vector_checkpoint / "config.json"
    values = json.loads(path.read_text())
    values[section][name] = value
    path.write_text(json.dumps(values))
    with memory_of_at_most(200e6), pytest.raises(ValueError, match=r"config\.json|the configured network"):
        load(vector_checkpoint)


def test_the_first_tensor_that_does_not_fit_is_named(vector_checkpoint):
    path = vector_checkpoint / "model.safetensors"
    weights, model = load_file(path), load(vector_checkpoint)
    name = next(iter(weights))
    wrong = {
        "has shape None": {key: value for key, value in weights.items() if key != name},
        "more has shape [1], not None": weights | {"more": torch.zeros(1)},
        f"{name} has shape [1, 1]": weights | {name: torch.zeros(1, 1)},
    }
    for message, tensors in wrong.items():
        save_file(tensors, path)
        with pytest.raises(ValueError) as refused:
            read_weights(path, model)
        assert message in str(refused.value)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, "1" * 5000], ids=["lists", "maps", "digits"]
)
def test_nested_and_endless_text_is_refused(vector_checkpoint, tmp_path, text):
    (vector_checkpoint / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"config\.json: not a readable JSON file"):
        load(vector_checkpoint)
    (tmp_path / "run.toml").write_text(f"seed = {text}")
    with pytest.raises(ValueError, match=r"run\.toml: not a readable TOML file"):
        read_configuration(tmp_path / "run.toml")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "", "\udcff"])
def test_names_that_are_no_names_are_refused(name):
    with pytest.raises(ValueError, match="accepted are"):
        find(name)


def test_a_small_archive_of_endless_zeros_is_read_no_further_than_it_should_be(tmp_path):
    """A gzip file of some kilobytes that would unpack to 400 MB."""
    with gzip.open(tmp_path / "t10k-images-idx3-ubyte.gz", "wb", 1) as file:
        file.write(struct.pack(">BBBB3I", 0, 0, 8, 3, 10_000, 28, 28))
        for _ in range(400):
            file.write(bytes(1_000_000))
    with (
        memory_of_at_most(200e6),
        pytest.raises(ValueError, match=r"7840021 bytes, but shape \(10000, 28, 28\) needs 7840016"),
    ):
        idx.images("mnist", "test", tmp_path)


@pytest.mark.parametrize("shape", [(10**12,), (2**40, 2), (10**6, 10**9)])
def test_arrays_that_claim_to_be_huge_are_refused(tmp_path, shape):
    sides = "".join(f"{side}," for side in shape)
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({sides})}}\n".encode()
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(800)
    (tmp_path / "points.npy").write_bytes(content)
    with memory_of_at_most(200e6), pytest.raises(ValueError, match=r"points\.npy: cannot be read"):
        read_points(tmp_path / "points.npy")


def test_one_long_name_of_a_class_does_not_widen_all_labels(tmp_path):
    """In arrays of text of one width these would take 40 GB."""
    names = ["u", "v" * 1_000_000]
    tensors = {"x": torch.zeros(10_000, 1), "y": torch.arange(10_000) % 2}
    tensors["y"][2:] = 0
    save_file(tensors, tmp_path / "points.safetensors", {"y": json.dumps(names)})
    with memory_of_at_most(200e6):
        labels = read_embeddings(tmp_path / "points.safetensors", "y").classes
    assert labels[:3].tolist() == ["u", names[1], "u"]


@pytest.mark.parametrize("lists", ["3", '"text"', "[1, 2]", "{}", "[" * 10_000, '["u"]'])
def test_names_of_labels_that_are_no_list_of_texts_are_refused(tmp_path, lists):
    save_file({"x": torch.zeros(2, 1), "y": torch.arange(2)}, tmp_path / "points.safetensors", {"y": lists})
    with pytest.raises(ValueError, match=r"points\.safetensors: cannot be read"):
        read_points(tmp_path / "points.safetensors", "y")


def test_paths_in_an_archive_lead_nowhere(tmp_path):
    (tmp_path / "below").mkdir()
    np.savez(tmp_path / "below" / "points.npz", **{"../../outside": np.zeros(3), "x": np.ones((2, 2))})
    assert read_points(tmp_path / "below" / "points.npz")[0].tolist() == [[1, 1], [1, 1]]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["below", "points.npz"]


def calls(tree: ast.AST) -> list[tuple[str, ast.Call]]:
    """All calls, by the dotted name of what is called."""
    return [(ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


@pytest.mark.parametrize(
    "path", sorted(SOURCE.rglob("*.py")), ids=lambda path: path.relative_to(SOURCE).as_posix()
)
def test_nothing_can_unpickle_or_execute(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {
        alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {
        node.module.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
    }
    assert not imported & {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
    forbidden = ("torch.load", "torch.save", "eval", "exec", "pd.read_pickle", "pandas.read_pickle")
    for name, call in calls(tree):
        assert name not in forbidden, f"line {call.lineno}: {name}"
        if name in ("np.load", "numpy.load"):
            options = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            assert options.get("allow_pickle") == "False", f"line {call.lineno}: {ast.unparse(call)}"


def test_a_download_with_other_content_is_refused(tmp_path, monkeypatch):
    """What is not the published file never gets its name."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"something else"))
    monkeypatch.setattr(idx, "URLS", {"mnist": f"{(tmp_path / 'there').as_uri()}/"})
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache")
    monkeypatch.setattr(pooch, "retrieve", retrieve_from_a_file(pooch.retrieve))
    with pytest.raises(ValueError, match="hash"):
        idx.images("mnist", "test")
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def retrieve_from_a_file(retrieve):
    """Pooch, with addresses of local files, which it has no way to fetch by itself."""

    def fetch(url, output, pooch):
        Path(output).write_bytes(Path(url.removeprefix("file://")).read_bytes())

    return lambda url, known_hash, path: retrieve(url, known_hash, path=path, downloader=fetch)
