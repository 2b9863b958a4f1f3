"""MNIST and Fashion-MNIST in the IDX format, from a folder or downloaded and checked."""

import gzip
import hashlib
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from gfncp.extras import extra

SPLITS = {"train": ("train", 60_000), "test": ("t10k", 10_000)}
URLS = {
    "mnist": "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "fashion-mnist": "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
}
HEADER = 20  # bytes at most, of four dimensions
# MD5 of the published files: as they are downloaded, and unpacked (which a file compressed anew shares).
MD5_PACKED = {
    "mnist": {
        "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte": "bb300cfdad3c16e7a12a480ee83cd310",
    },
}
MD5_UNPACKED = {
    "mnist": {
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
        "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
        "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
    },
}


def read_idx(path: Path) -> UInt8[Tensor, "*shape"]:
    """Read an IDX file of unsigned bytes, gzipped or not.

    Raises:
        ValueError: there is no such file, it is of another kind, is truncated, or has bytes left over.
    """
    return _parse(_unpacked(path), path)


def images(
    dataset: str, split: str, folder: Path | None = None
) -> tuple[UInt8[Tensor, "images 28 28"], Int[Tensor, "images"]]:
    """Return images and class labels of ``mnist`` or ``fashion-mnist``.

    Args:
        split: ``"train"`` or ``"test"``.
        folder: where the four IDX files lie, gzipped or not; None downloads them to the cache.

    Raises:
        ValueError: unknown names, a missing or damaged file, or another data set in its place.
    """
    if dataset not in MD5_UNPACKED:
        raise ValueError(f"dataset={dataset!r}: accepted are {sorted(MD5_UNPACKED)}")
    if split not in SPLITS:
        raise ValueError(f"split={split!r}: accepted are {sorted(SPLITS)}")
    prefix, count = SPLITS[split]
    x = _checked(dataset, f"{prefix}-images-idx3-ubyte", (count, 28, 28), folder)
    y = _checked(dataset, f"{prefix}-labels-idx1-ubyte", (count,), folder)
    return x, y.long()


def _checked(dataset: str, name: str, shape: tuple[int, ...], folder: Path | None) -> UInt8[Tensor, "*shape"]:
    path = _locate(dataset, name, folder)
    raw = _unpacked(path, HEADER + math.prod(shape) + 1)
    array = _parse(raw, path)
    if array.shape != shape:
        raise ValueError(f"{path}: has shape {tuple(array.shape)}; {dataset!r} has {shape}")
    found, expected = hashlib.md5(raw, usedforsecurity=False).hexdigest(), MD5_UNPACKED[dataset][name]
    if found != expected:
        raise ValueError(
            f"{path}: is not that file of {dataset!r}: its unpacked content has MD5 {found}, not {expected}"
        )
    return array


def _unpacked(path: Path, most: int = -1) -> bytes:
    """Return a file's unpacked content, so many bytes at most: a small gzip file may unpack to any size."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file")
    with path.open("rb") as file:
        if file.read(2) != b"\x1f\x8b":
            file.seek(0)
            return file.read(most)
    try:
        with gzip.open(path) as file:
            return file.read(most)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path}: damaged gzip file ({error})") from None


def _parse(raw: bytes, path: Path) -> UInt8[Tensor, "*shape"]:
    if len(raw) < 4 or raw[:3] != b"\x00\x00\x08" or not 1 <= raw[3] <= 4:
        raise ValueError(f"{path}: expected an IDX file of unsigned bytes, it starts with {raw[:4].hex()!r}")
    start = 4 + 4 * raw[3]
    if len(raw) < start:
        raise ValueError(f"{path}: truncated in the header, after {len(raw)} of {start} bytes")
    shape = struct.unpack(f">{raw[3]}I", raw[4:start])
    expected = start + math.prod(shape)
    if len(raw) != expected:
        raise ValueError(f"{path}: {len(raw)} bytes, but shape {shape} needs {expected}")
    return torch.from_numpy(np.frombuffer(raw, np.uint8, offset=start).reshape(shape).copy())


def _locate(dataset: str, name: str, folder: Path | None) -> Path:
    if folder is None:
        with extra("train", f"{dataset} without a folder"):
            import pooch
        url, md5 = URLS[dataset] + name + ".gz", MD5_PACKED[dataset][name]
        try:
            return Path(pooch.retrieve(url, f"md5:{md5}", path=pooch.os_cache("gfncp") / dataset))
        except OSError as error:
            raise ValueError(
                f"{dataset}: cannot download {url} ({type(error).__name__}); "
                f"give a folder that holds {name}.gz"
            ) from None
    for path in (Path(folder) / (name + ".gz"), Path(folder) / name):
        if path.exists():
            return path
    raise ValueError(f"{folder}: {name}.gz is missing")
