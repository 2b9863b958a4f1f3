"""Embedding many items: in chunks that are kept as they are done, so that a stopped run goes on."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from gfncp.files import write_atomically

Item = TypeVar("Item")
CHUNK = 1024  # items


def embed_items(
    items: Sequence[Item],
    names: Sequence[str],
    encode: Callable[[Sequence[Item]], Float[Tensor, "rows dim"]],
    output: Path,
    *,
    source: str,
    classes: Sequence[str] | None,
    report: Callable[[int], None],
) -> None:
    """Write ``x``, an embedding of each item, and ``y``, its class if known, to a safetensors file.

    Chunks that are done lie in a folder beside ``output`` until all are. A complete ``output`` is left as it
    is. The metadata lists the names of classes, and holds ``source`` and a digest of ``names``.

    Args:
        names: what tells items apart, in this run and when it is resumed.
        source: of the embeddings; part of what must be the same to go on.
        report: called with the number of items done.

    Raises:
        ValueError: ``output`` holds the embeddings of other items or from another source, or ``encode``
            yields numbers that are not finite.
    """
    output = Path(output)
    if output.suffix != ".safetensors":
        raise ValueError(f"output={str(output)!r}: accepted are names that end in .safetensors")
    digest = hashlib.sha256(json.dumps([source, *names, classes and list(classes)]).encode()).hexdigest()
    if output.exists():
        if _digest_of(output) != digest:
            raise ValueError(
                f"{output}: holds something else than these embeddings; choose another output, or remove it"
            )
        report(len(items))
        return
    folder = output.with_name(f".{output.name}.{digest[:16]}")
    parts = []
    for start in range(0, len(items), CHUNK):
        chunk = items[start : start + CHUNK]
        path = folder / f"{start:09d}.safetensors"
        parts.append(_stored(path, len(chunk)))
        if parts[-1] is None:
            parts[-1] = _checked(encode(chunk), chunk, names[start])
            write_atomically(path, lambda file, x=parts[-1]: save_file({"x": x}, file))
        report(start + len(chunk))
    held = {"x": torch.cat(parts)}
    metadata = {"source": source, "digest": digest}
    if classes is not None:
        distinct, codes = np.unique(classes, return_inverse=True)
        held["y"] = torch.from_numpy(codes)
        metadata["y"] = json.dumps(distinct.tolist())
    write_atomically(output, lambda file: save_file(held, file, metadata))
    for start in range(0, len(items), CHUNK):
        (folder / f"{start:09d}.safetensors").unlink()
    folder.rmdir()


def _digest_of(path: Path) -> str | None:
    try:
        with safe_open(path, "pt") as file:
            return (file.metadata() or {}).get("digest")
    except (OSError, SafetensorError):
        return None


def _stored(path: Path, rows: int) -> Float[Tensor, "rows dim"] | None:
    """Return a chunk that an earlier run left; None if there is none, or it is damaged."""
    try:
        x = load_file(path)["x"]
    except (OSError, SafetensorError, KeyError):
        return None
    return x if len(x) == rows else None


def _checked(x: Tensor, chunk: Sequence, first: str) -> Float[Tensor, "rows dim"]:
    x = x.detach().float().cpu().contiguous()
    if x.ndim != 2 or len(x) != len(chunk) or not x.isfinite().all():
        raise ValueError(
            f"embeddings of {len(chunk)} items from {first!r} on have shape {tuple(x.shape)}: accepted are "
            "finite numbers, one row for each item"
        )
    return x
