"""What `fuzz.py` feeds to readers, checkpoints and the estimator: properties and strategies of their cases.

A property returns if the case was accepted, and raises what refused it. Files are whole ones with damage, and
files that are well-formed but say something absurd.
"""

import gzip
import io
import json
import shutil
import struct
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis.extra.numpy as hnp
import numpy as np
import pandas as pd
import torch
from hypothesis import strategies as st
from PIL import Image
from safetensors.numpy import save as safetensors_bytes

from gfncp import GFNCP
from gfncp.checkpoints import load
from gfncp.configuration import parse
from gfncp.configuration.toml_files import read_configuration
from gfncp.data.embeddings import clinc150, read_embeddings
from gfncp.data.idx import read_idx
from gfncp.data.image_folders import list_images, read_image
from gfncp.data.point_sets import Roles, read_sets
from gfncp.data.sentences import read_sentences
from gfncp.data.splits import class_list
from gfncp.data.tables import read_points
from gfncp.training.optimizers import OPTIMIZERS
from gfncp.training.run_state import iterations_done, restore, store_run

ANY_NUMBER = st.one_of(
    st.floats(),
    st.integers(),
    st.sampled_from(
        [0, -1, 1, 2**31, 2**63, 10**9, 10**30, 1e308, -1e308, 1e-308, float("nan"), float("inf")]
    ),
)
ANY_SCALAR = st.one_of(
    st.none(),
    st.booleans(),
    ANY_NUMBER,
    st.text(max_size=6),
    st.binary(max_size=4),
    st.complex_numbers(),
    st.dates(),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), ANY_NUMBER, st.text(max_size=6)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
ANYTHING = st.recursive(
    ANY_SCALAR,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(st.text(max_size=3), inner, max_size=3),
        st.sets(st.integers(), max_size=3),
    ),
    max_leaves=12,
)


@st.composite
def damaged(draw, whole: bytes) -> bytes:
    """Bytes with a few parts replaced, removed, repeated or put in, or cut off at the end."""
    raw = bytearray(whole)
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(raw)))
        length = draw(st.integers(0, 12))
        part = draw(
            st.one_of(st.binary(max_size=12), st.sampled_from([b"\xff" * 8, b"\x00" * 8, b"[" * 9999]))
        )
        kind = draw(st.sampled_from(["replace", "remove", "repeat", "insert", "cut"]))
        if kind == "replace":
            raw[start : start + len(part)] = part
        elif kind == "remove":
            del raw[start : start + length]
        elif kind == "repeat":
            raw[start:start] = raw[start : start + length] * draw(st.integers(1, 50))
        elif kind == "insert":
            raw[start:start] = part
        else:
            del raw[start:]
    return bytes(raw)


# Files.


def _bytes_of(write: Callable[[io.BytesIO], object]) -> bytes:
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def _npy(dtype: str, shape: list[int], content: bytes = b"") -> bytes:
    sides = "".join(f"{side}," for side in shape)
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({sides})}}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text) % 2**16) + text + content


def _safetensors(header: object, content: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content


def _parquet(rows: list) -> bytes:
    try:
        return _bytes_of(pd.DataFrame(rows, columns=["a", "b", "label"]).to_parquet)
    except Exception:  # what Parquet cannot hold
        return b""


POINTS = np.random.default_rng(0).normal(size=(12, 2))
TABLE = pd.DataFrame({"a": POINTS[:, 0], "b": POINTS[:, 1], "label": list("uvw") * 4})
IDX = struct.pack(">BBBB3I", 0, 0, 8, 3, 2, 3, 4) + bytes(range(24))
PICTURE = Image.fromarray(np.arange(400, dtype=np.uint8).reshape(20, 20))
CELLS = st.one_of(
    ANY_SCALAR, st.sampled_from(["", "nan", "inf", "-1e999", '"', "'", "\n", "0x1F", "1_000", "٣"])
)
WHOLE = {
    ".csv": TABLE.to_csv(index=False).encode(),
    ".tsv": TABLE.to_csv(index=False, sep="\t").encode(),
    ".csv.gz": gzip.compress(TABLE.to_csv(index=False).encode()),
    ".parquet": _bytes_of(TABLE.to_parquet),
    ".npy": _bytes_of(lambda file: np.save(file, POINTS)),
    ".npz": _bytes_of(lambda file: np.savez_compressed(file, x=POINTS, label=np.arange(12))),
    ".safetensors": safetensors_bytes(
        {"x": POINTS, "label": np.arange(12) % 3}, {"label": '["u", "v", "w"]'}
    ),
}
SHAPES = st.lists(st.sampled_from([0, 1, 2, -1, 12, 10**6, 10**12, 2**63, 10**30]), max_size=5)
TEXTS = st.lists(st.lists(CELLS, max_size=4), max_size=5).map(
    lambda rows: "\n".join(",".join(map(str, row)) for row in rows).encode("utf-8", "replace")
)
STATED = {
    ".csv": TEXTS,
    ".tsv": TEXTS,
    ".csv.gz": TEXTS.map(gzip.compress),
    ".parquet": st.lists(st.lists(ANY_SCALAR, min_size=3, max_size=3), max_size=4).map(_parquet),
    ".npy": st.tuples(
        st.sampled_from(
            ["<f8", ">f4", "|O", "<U99999999", "|V9", "|S0", "<M8[s]", "<c16", "", "f8,f8", "|u1"]
        ),
        SHAPES,
    ).map(lambda stated: _npy(*stated, bytes(64))),
    ".safetensors": st.tuples(
        st.sampled_from(["F64", "I64", "U8", "BOOL", "F8_E4M3", "X"]), SHAPES, JSON
    ).map(
        lambda stated: _safetensors(
            {
                "x": {"dtype": stated[0], "shape": stated[1], "data_offsets": [0, 64]},
                "__metadata__": {"x": json.dumps(stated[2])},
            },
            bytes(64),
        )
    ),
    ".npz": st.dictionaries(
        st.sampled_from(["x", "label", "../x", "/x", "y"]),
        hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)),
    ).map(lambda arrays: _bytes_of(lambda file: np.savez(file, **arrays))),
}


@st.composite
def table_file(draw) -> tuple[str, bytes, str | None]:
    suffix = draw(st.sampled_from(sorted(WHOLE)))
    content = draw(
        st.one_of(
            damaged(WHOLE[suffix]),
            STATED[suffix],
            st.binary(max_size=50),
            st.sampled_from(list(WHOLE.values())),
        )
    )
    return suffix, content, draw(st.sampled_from([None, "label", "a", "x", ""]))


def table(folder: Path, case: tuple[str, bytes, str | None]) -> None:
    """`read_points`, `read_embeddings` and `read_sets`."""
    suffix, content, label = case
    path = folder / f"points{suffix}"
    path.write_bytes(content)
    reads = (
        lambda: read_points(path, label),
        lambda: read_embeddings(path, label),
        lambda: read_sets([path], Roles(labels=label)),
        lambda: read_sets([path], Roles(ids="a", sets="label")),
    )
    refused = refusals(reads, path.name)
    if len(refused) == len(reads):
        raise refused[0]


def refusals(uses: Sequence[Callable[[], object]], name: str = "") -> list[ValueError]:
    """The errors of those that refuse, each of which must hold the name."""
    refused = []
    for use in uses:
        try:
            use()
        except ValueError as error:
            _must_name(error, name)
            refused.append(error)
    return refused


def _must_name(error: ValueError, name: str) -> None:
    if name not in str(error):
        raise AssertionError(f"the message does not name {name}: {error!r}") from error


SENTENCES = {
    ".txt": b"one sentence\nanother\n",
    ".csv": b"text,label\none,u\ntwo,v\n",
    ".parquet": _bytes_of(pd.DataFrame({"text": ["one", "two"], "label": ["u", "v"]}).to_parquet),
    ".json": b'{"train": [["one", "u"], ["two", "v"]], "oos_test": []}',
}


@st.composite
def sentence_file(draw) -> tuple[str, bytes, str | None]:
    suffix = draw(st.sampled_from(sorted(SENTENCES)))
    content = draw(st.one_of(damaged(SENTENCES[suffix]), JSON.map(lambda held: json.dumps(held).encode())))
    return suffix, content, draw(st.sampled_from([None, "label", "text", ""]))


def sentences(folder: Path, case: tuple[str, bytes, str | None]) -> None:
    """`read_sentences` and `class_list`."""
    suffix, content, label = case
    path = folder / f"sentences{suffix}"
    path.write_bytes(content)
    uses = (lambda: class_list(path), lambda: read_sentences(path, label))
    refused = refusals(uses, path.name)
    if len(refused) == len(uses):
        raise refused[0]


def idx(folder: Path, content: bytes) -> None:
    """`read_idx`."""
    path = folder / "digits"
    path.write_bytes(content)
    read_idx(path)


def archive(folder: Path, content: bytes) -> None:
    """`clinc150`."""
    (folder / "minilm_l6_embeddings.npz").write_bytes(content)
    clinc150(folder)


CLINC = _bytes_of(
    lambda file: np.savez(
        file,
        classes=np.array(["u", "v"]),
        **{f"{split}_x": POINTS for split in ("train", "val", "test")},
        **{f"{split}_y": np.arange(12) % 2 for split in ("train", "val", "test")},
    )
)


def picture(folder: Path, case: tuple[str, bytes]) -> None:
    """`list_images`, `read_image`, and `read_sets` of a folder."""
    suffix, content = case
    shutil.rmtree(folder / "pictures", ignore_errors=True)
    (folder / "pictures").mkdir()
    path = folder / "pictures" / f"one{suffix}"
    path.write_bytes(content)
    list_images(folder / "pictures")
    uses = (lambda: read_image(path, 24, 28), lambda: read_sets([folder / "pictures"], Roles()))
    refused = refusals(uses, path.name)
    if len(refused) == len(uses):
        raise refused[0]


FORMATS = {".png": "PNG", ".jpg": "JPEG", ".gif": "GIF", ".bmp": "BMP", ".tif": "TIFF", ".webp": "WEBP"}


@st.composite
def picture_file(draw) -> tuple[str, bytes]:
    suffix, kind = draw(st.sampled_from(sorted(FORMATS.items())))
    whole = _bytes_of(lambda file: PICTURE.save(file, kind))
    return suffix, draw(st.one_of(damaged(whole), st.binary(max_size=30)))


# Checkpoints.

CONFIGURATION = {
    "seed": 0,
    "encoder": {"kind": "scaled-vectors", "dim": 2, "scale": 10.0},
    "network": {"kind": "online-energy", "depth": 2, "width": 8, "cluster_width": 8},
    "data": {"kind": "gaussian-mixtures", "dim": 2, "n_clusters": [1, 3]},
    "objective": {"name": "ncp"},
    "training": {"iterations": 5, "batch": 2, "points": [5, 20]},
}
KINDS = [
    *("vectors", "any-vectors", "images", "embedded-images", "principal-components", "energy"),
    *("interacting-energy", "ccp", "dac", "dac-anchored", "set-transformer", "general-mixtures"),
    *("neighbour-embeddings", "neighbour-images", "gfncp", "gfncp-paper"),
]
OPTIONS = ["heads", "blocks", "context", "features", "components", "hidden", "n_components", "latent"]
SIZES = [10**9, 10**30, 2**20, 1000, 7, -1, {"width": 10**9}, {"width": 8, "heads": 2, "blocks": 10**9}]
ABSENT = object()
TOML = b"""
seed = 0
encoder = { kind = "vectors", dim = 2 }
[data]
kind = "gaussian-mixtures"
[objective]
name = "ncp"
"""


@st.composite
def odd_configuration(draw) -> object:
    """The configuration with some values replaced, removed or added."""
    values = json.loads(json.dumps(CONFIGURATION))
    for _ in range(draw(st.integers(0, 3))):
        section = draw(st.sampled_from(sorted(values)))
        if not isinstance(values[section], dict) or draw(st.integers(0, 9)) == 0:
            values[section] = draw(JSON)
            continue
        name = draw(st.sampled_from([*sorted(values[section]), *OPTIONS]))
        values[section].pop(name, None)
        value = draw(st.one_of(JSON, st.sampled_from([*KINDS, *SIZES, ABSENT])))
        if value is not ABSENT:
            values[section][name] = value
    return values


def configuration(folder: Path, case: tuple[object, bytes]) -> None:
    """`load` with that config.json beside whole weights, and `read_configuration` of some text."""
    values, text = case
    path = folder / "run.toml"
    path.write_bytes(text)
    refusals([lambda: read_configuration(path)], path.name)
    _fill(folder, "config.json", json.dumps(values).encode())
    load(folder)


@cache
def whole_checkpoint() -> dict[str, bytes]:
    """The files of a checkpoint, a run's state, and a fitted estimator, all in one folder."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        described = parse(CONFIGURATION, "fuzz")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = described.build()
        (optimizer,) = OPTIMIZERS["adam"](model, 1e-3)
        sum(weight.sum() for weight in model.parameters()).backward()
        optimizer.step()
        store_run(model, [optimizer], described, folder, 2)
        table = pd.DataFrame({"a": POINTS[:, 0], "kind": list("uv") * 6})
        GFNCP(folder, n_samples=3, random_state=0).fit(table).save(folder)
        return {path.name: path.read_bytes() for path in folder.iterdir()}


def _fill(folder: Path, name: str, content: bytes) -> None:
    """The whole checkpoint, but for one file."""
    for each, whole in whole_checkpoint().items():
        (folder / each).write_bytes(content if each == name else whole)


@st.composite
def checkpoint_file(draw) -> tuple[str, bytes]:
    name = draw(st.sampled_from(sorted(whole_checkpoint())))
    others = st.sampled_from(sorted(whole_checkpoint().values()))
    return name, draw(st.one_of(damaged(whole_checkpoint()[name]), others, STATED[".safetensors"]))


def checkpoint(folder: Path, case: tuple[str, bytes]) -> None:
    """`load`, `GFNCP.load` with a prediction, `iterations_done` and `restore`."""
    _fill(folder, *case)
    described = parse(CONFIGURATION, "fuzz")
    uses = (
        lambda: load(folder),
        lambda: GFNCP.load(folder).predict(pd.DataFrame({"a": [0.0], "kind": ["u"]})),
        lambda: iterations_done(folder),
        lambda: restore(model := described.build(), OPTIMIZERS["adam"](model, 1e-3), described, folder),
    )
    refused = refusals(uses)
    if refused:
        raise refused[0]


# The estimator.

WIDTHS = st.sampled_from([2, 2, 2, 1, 3])
COORDINATES = st.one_of(
    st.floats(-30, 30), st.floats(), st.sampled_from([np.nan, np.inf, 1e300, -1e300, 1e-300])
)


@st.composite
def frame(draw) -> pd.DataFrame:
    """Columns of one kind each, or of all kinds."""
    rows = draw(st.integers(0, 6))
    cells = [
        COORDINATES,
        st.integers(-3, 3),
        st.booleans(),
        st.sampled_from("uv"),
        st.none(),
        ANY_SCALAR,
        ANYTHING,
    ]
    columns = [
        pd.Series(draw(st.lists(draw(st.sampled_from(cells)), min_size=rows, max_size=rows)), dtype=dtype)
        for dtype in draw(st.lists(st.sampled_from([None, object]), max_size=3))
    ]
    table = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=range(rows))
    return table.set_axis(
        draw(st.lists(st.sampled_from("ab"), min_size=len(columns), max_size=len(columns))), axis=1
    )


ARRAYS = st.one_of(
    st.tuples(st.integers(1, 8), WIDTHS).flatmap(
        lambda shape: hnp.arrays(float, shape, elements=COORDINATES)
    ),
    hnp.arrays(
        st.one_of(hnp.scalar_dtypes(), hnp.byte_string_dtypes(), hnp.unicode_string_dtypes()),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    ),
)
POINT_SETS = st.one_of(ARRAYS, ARRAYS, frame(), ANYTHING)
PLANE = st.integers(1, 6).flatmap(lambda rows: hnp.arrays(float, (rows, 2), elements=st.floats(-30, 30)))
KINDRED = st.lists(st.tuples(st.floats(-30, 30), st.sampled_from("uvw")), min_size=1, max_size=4).map(
    lambda rows: pd.DataFrame(rows, columns=["a", "kind"])
)
FEW = st.one_of(st.integers(-2, 6), ANYTHING)
PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        "n_samples": FEW,
        "n_orders": FEW,
        "n_clusters": st.one_of(st.none(), FEW, st.tuples(FEW, FEW)),
        "categorical_weight": st.one_of(st.floats(), ANYTHING),
        "random_state": st.one_of(st.none(), st.integers(-5, 2**40), ANYTHING),
        "device": st.one_of(
            st.none(), st.sampled_from(["cpu", "cpu:0", "cuda", "meta", "cuda:99", ""]), ANYTHING
        ),
        "checkpoint": st.one_of(st.text(), ANYTHING),
    },
)


def points(folder: Path, case: tuple[object, object]) -> None:
    """`fit`, `partial_fit`, `score` and `fit_sets` on any points."""
    first, second = case
    _fill(folder, "", b"")
    estimator = GFNCP(folder, n_samples=2, random_state=0)
    estimator.fit(first).partial_fit(second).score(first)
    GFNCP(folder, n_samples=2, n_clusters=2).fit_sets([first, second])


def later_points(folder: Path, case: object) -> None:
    """`predict_proba` of any points, after a fit."""
    _fill(folder, "", b"")
    GFNCP.load(folder).predict_proba(case)


def labels(folder: Path, case: tuple[np.ndarray, object]) -> None:
    """`log_prob` and `score` of any labels."""
    x, given = case
    _fill(folder, "", b"")
    estimator = GFNCP(folder, n_samples=2, random_state=0).fit(x)
    estimator.score(x, given)
    estimator.log_prob(x, given)


def parameters(folder: Path, case: tuple[np.ndarray, dict]) -> None:
    """`fit` and `log_prob` with any parameters of the constructor."""
    x, values = case
    _fill(folder, "", b"")
    estimator = GFNCP(**{"checkpoint": folder, "n_samples": 2, **values}).fit(x)
    estimator.log_prob(x, estimator.labels_)


Property = Callable[[Path, object], None]
PROPERTIES: dict[str, tuple[Property, st.SearchStrategy]] = {
    "tables": (table, table_file()),
    "sentences": (sentences, sentence_file()),
    "idx": (idx, st.one_of(damaged(IDX), damaged(gzip.compress(IDX, mtime=0)), st.binary(max_size=30))),
    "archives": (archive, damaged(CLINC)),
    "pictures": (picture, picture_file()),
    "configurations": (configuration, st.tuples(odd_configuration(), damaged(TOML))),
    "checkpoints": (checkpoint, checkpoint_file()),
    "points": (points, st.tuples(st.one_of(PLANE, POINT_SETS), st.one_of(PLANE, POINT_SETS))),
    "later points": (later_points, st.one_of(KINDRED, POINT_SETS)),
    "labels": (labels, st.tuples(PLANE, st.one_of(ARRAYS, ANYTHING))),
    "parameters": (parameters, st.tuples(PLANE, PARAMETERS)),
}
