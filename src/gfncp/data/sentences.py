"""Sentences as vectors, by sentence-transformers (Reimers and Gurevych 2019)."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from gfncp.data.feature_files import embed_items
from gfncp.extras import extra

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
OUT_OF_SCOPE = "oos"  # what the names of CLINC150's splits without an intent begin with


class Sentences(NamedTuple):
    """Sentences, and the class of each where it is known."""

    texts: list[str]
    classes: list[str] | None


def read_sentences(path: Path, label_column: str | None = None) -> Sentences:
    """Read sentences from a text file, one a line, a table's column ``text``, or CLINC150's JSON file.

    Args:
        path: ends in .txt, .csv, .parquet or .json; the last holds lists of pairs (sentence, class) in each
            split, as published; sentences out of scope, which have no class, are left out.
        label_column: with the classes; CLINC150's are ``label``.

    Raises:
        ValueError: the file cannot be read, has another suffix, lacks a column, or holds no sentences.
    """
    path = Path(path)
    if path.suffix.lower() not in READERS:
        raise ValueError(f"{path}: accepted are files that end in {', '.join(READERS)}")
    try:
        held = READERS[path.suffix.lower()](path)
    except Exception as error:  # parsers raise nearly anything on damaged files
        raise ValueError(f"{path}: cannot be read ({error or type(error).__name__})") from None
    if path.suffix.lower() == ".json":
        label_column = "label"
    columns = ["text"] if label_column is None else ["text", label_column]
    missing = [column for column in columns if column not in held]
    if missing:
        raise ValueError(f"{path}: there is no column {missing[0]!r}; there are {list(held)}")
    if held.empty or held[columns].isna().any(axis=None):
        raise ValueError(f"{path}: accepted are one or more sentences, none of them or their labels missing")
    texts, *labels = (held[column].astype(str).tolist() for column in columns)
    return Sentences(texts, labels[0] if labels else None)


def _read_lines(path: Path) -> pd.DataFrame:
    lines = path.read_text(encoding="utf-8").splitlines()
    return pd.DataFrame({"text": [line.strip() for line in lines if line.strip()]}, dtype=object)


def _read_clinc150(path: Path) -> pd.DataFrame:
    splits = json.loads(path.read_text(encoding="utf-8"))
    pairs = [pair for split, pairs in splits.items() if not split.startswith(OUT_OF_SCOPE) for pair in pairs]
    return pd.DataFrame(pairs, columns=["text", "label"])


READERS = {".txt": _read_lines, ".csv": pd.read_csv, ".parquet": pd.read_parquet, ".json": _read_clinc150}


def load_sentence_transformer(
    model: str, device: torch.device
) -> Callable[[Sequence[str]], Float[Tensor, "rows dim"]]:
    """Load a model that embeds sentences, from the Hugging Face Hub or a local folder.

    Raises:
        ValueError: `sentence-transformers` is not installed, or there is no such model.
    """
    with extra("text", f"model={model!r}"):
        from sentence_transformers import SentenceTransformer  # pyright: ignore[reportMissingImports]  # an extra
    try:
        transformer = SentenceTransformer(model, device=str(device))
    except (OSError, ValueError) as error:
        raise ValueError(f"model={model!r}: cannot be loaded ({error})") from None
    return lambda texts: transformer.encode(list(texts), convert_to_tensor=True, show_progress_bar=False)


def embed_sentences(
    sentences: Sentences,
    output: Path,
    encode: Callable[[Sequence[str]], Float[Tensor, "rows dim"]],
    *,
    source: str,
    report: Callable[[int], None],
) -> None:
    """Write the embeddings of sentences to a safetensors file; see `embed_items`."""
    texts, classes = sentences
    embed_items(texts, texts, encode, output, source=source, classes=classes, report=report)
