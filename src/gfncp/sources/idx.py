"""MNIST and Fashion-MNIST in the IDX format, from a folder or downloaded and checked."""

import gzip
import hashlib
import struct
import zlib
from pathlib import Path

import numpy as np
import pooch
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

SPLITS = {"train": ("train", 60_000), "test": ("t10k", 10_000)}
URLS = {
    "mnist": "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "fashion-mnist": "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
}
# MD5 of the published gz files.
MD5 = {
    "mnist": {
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
}


def read_idx(path: Path) -> UInt8[Tensor, "*shape"]:
    """An IDX file of unsigned bytes, gzipped or not.

    Raises:
        ValueError: the file is not such a file, is truncated, or has bytes left over.
    """
    raw = Path(path).read_bytes()
    if raw[:2] == b"\x1f\x8b":
        try:
            raw = gzip.decompress(raw)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"{path}: damaged gzip file ({error})") from None
    if len(raw) < 4 or raw[:3] != b"\x00\x00\x08" or not 1 <= raw[3] <= 4:
        raise ValueError(f"{path}: expected an IDX file of unsigned bytes, it starts with {raw[:4].hex()!r}")
    start = 4 + 4 * raw[3]
    if len(raw) < start:
        raise ValueError(f"{path}: truncated in the header, after {len(raw)} of {start} bytes")
    shape = struct.unpack(f">{raw[3]}I", raw[4:start])
    expected = start + int(np.prod(shape, dtype=object))
    if len(raw) != expected:
        raise ValueError(f"{path}: {len(raw)} bytes, but shape {shape} needs {expected}")
    return torch.from_numpy(np.frombuffer(raw, np.uint8, offset=start).reshape(shape).copy())


def images(
    dataset: str, split: str, folder: Path | None = None
) -> tuple[UInt8[Tensor, "images 28 28"], Int[Tensor, "images"]]:
    """Images and class labels of ``mnist`` or ``fashion-mnist``.

    Args:
        split: ``"train"`` or ``"test"``.
        folder: where the four IDX files lie; None downloads them to the cache, checked by MD5.

    Raises:
        ValueError: unknown names, a missing or damaged file, or another data set in its place.
    """
    if dataset not in MD5:
        raise ValueError(f"dataset={dataset!r}: accepted are {sorted(MD5)}")
    if split not in SPLITS:
        raise ValueError(f"split={split!r}: accepted are {sorted(SPLITS)}")
    prefix, count = SPLITS[split]
    x, y = (
        read_idx(_locate(dataset, f"{prefix}-{name}-ubyte", folder))
        for name in ("images-idx3", "labels-idx1")
    )
    if x.shape != (count, 28, 28) or y.shape != (count,):
        raise ValueError(
            f"{folder or dataset}: expected {count} images of 28 x 28 and as many labels, "
            f"found {tuple(x.shape)} and {tuple(y.shape)}"
        )
    return x, y.long()


def _locate(dataset: str, name: str, folder: Path | None) -> Path:
    if folder is None:
        md5 = MD5[dataset][name + ".gz"]
        return Path(
            pooch.retrieve(URLS[dataset] + name + ".gz", f"md5:{md5}", path=pooch.os_cache("gfncp") / dataset)
        )
    for path in (Path(folder) / (name + ".gz"), Path(folder) / name):
        if path.exists():
            return path
    raise ValueError(f"{folder}: {name}.gz is missing")


def sha256(data: Tensor) -> str:
    """Hash of decompressed content, to recognise files that were compressed anew."""
    return hashlib.sha256(data.numpy().tobytes()).hexdigest()
