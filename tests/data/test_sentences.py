"""Sentences: what is read of files, and their embeddings by a real, small model where that can be had."""

import json
import sys

import pandas as pd
import pytest
import torch

from gfncp.data import read_embeddings
from gfncp.data.sentences import embed_sentences, load_sentence_transformer, read_sentences

TEXTS = ["turn on the light", "what, exactly?", "  spaces  "]
KINDS = ["lamp", "talk", "talk"]


def test_a_line_is_a_sentence(tmp_path):
    (tmp_path / "s.txt").write_text("\n".join([*TEXTS, "", "   "]), encoding="utf-8")
    assert read_sentences(tmp_path / "s.txt") == (["turn on the light", "what, exactly?", "spaces"], None)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_tables_have_texts_and_may_have_labels(tmp_path, suffix):
    path = tmp_path / f"s{suffix}"
    table = pd.DataFrame({"kind": KINDS, "text": TEXTS})
    table.to_csv(path, index=False) if suffix == ".csv" else table.to_parquet(path)
    assert read_sentences(path) == (TEXTS, None)
    assert read_sentences(path, "kind") == (TEXTS, KINDS)


def test_parts_of_clinc150_are_joined_without_those_out_of_scope(tmp_path):
    pairs = [list(pair) for pair in zip(TEXTS, KINDS, strict=True)]
    held = {"train": pairs[:2], "val": pairs[2:], "test": [], "oos_test": [["whatever", "oos"]]}
    (tmp_path / "s.json").write_text(json.dumps(held))
    assert read_sentences(tmp_path / "s.json") == (TEXTS, KINDS)


def test_clinc150_has_22500_sentences_of_150_classes(data_folder):
    texts, classes = read_sentences(data_folder("clinc150") / "sentences.json")
    assert len(texts) == len(classes) == 22_500
    assert len(set(classes)) == 150
    assert classes[0] == "translate"


@pytest.mark.parametrize(
    ("name", "content", "label", "said"),
    [
        ("s.doc", "x", None, "accepted are files that end in .txt, .csv, .parquet, .json"),
        ("s.txt", "\n\n", None, "one or more sentences"),
        ("s.csv", "a,b\n1,2\n", None, "no column 'text'"),
        ("s.csv", "text,b\nhello,2\n", "kind", "no column 'kind'"),
        ("s.csv", "text,b\nhello,\n", "b", "one or more sentences"),
        ("s.json", "[1, 2]", None, "cannot be read"),
        ("s.json", "{", None, "cannot be read"),
        ("s.parquet", "x", None, "cannot be read"),
    ],
)
def test_damaged_files_are_refused(tmp_path, name, content, label, said):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=said):
        read_sentences(tmp_path / name, label)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        read_sentences(tmp_path / "none.txt")


def test_embeddings_and_classes_are_written(tmp_path):
    (tmp_path / "s.json").write_text(json.dumps({"train": [["a", "one"], ["bcd", "two"]]}))
    embed_sentences(
        read_sentences(tmp_path / "s.json"),
        tmp_path / "e.safetensors",
        lambda texts: torch.tensor([[float(len(text)), 1.0] for text in texts]),
        source="lengths",
        report=lambda done: None,
    )
    x, classes = read_embeddings(tmp_path / "e.safetensors", "y")
    assert x.tolist() == [[1.0, 1.0], [3.0, 1.0]] and classes.tolist() == ["one", "two"]


def test_a_saved_model_embeds_sentences(tmp_path):
    """The bag of words: the one model of sentence-transformers that has no weights to download."""
    package = pytest.importorskip("sentence_transformers", reason="needs the extra `text`")
    words = package.models.BoW(vocab=["light", "turn", "what"])
    package.SentenceTransformer(modules=[words]).save(str(tmp_path / "bag"))
    encode = load_sentence_transformer(str(tmp_path / "bag"), torch.device("cpu"))
    assert encode(["turn on the light", "what what"]).tolist() == [[1.0, 1.0, 0.0], [0.0, 0.0, 2.0]]


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ValueError, match=r"pip install 'gfncp\[text\]'"):
        load_sentence_transformer("any", torch.device("cpu"))
