"""Embedding in chunks: every item once, whatever happens on the way."""

import pytest
import torch
from safetensors.torch import load_file

from gfncp.data import feature_files as chunks
from gfncp.data import read_embeddings
from gfncp.data.feature_files import embed_items

ITEMS = [f"{number}" for number in range(10)]
KINDS = ["even" if number % 2 == 0 else "odd" for number in range(10)]


class Encoder:
    """A number as a vector; it remembers what it was asked, and stops before item ``stop``."""

    def __init__(self, stop=None):
        self.asked, self.stop = [], stop

    def __call__(self, items):
        if self.stop in items:
            raise KeyboardInterrupt
        self.asked += items
        return torch.tensor([[float(item), -float(item)] for item in items])


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 3)


@pytest.fixture
def run(tmp_path):
    def run(encode, items=ITEMS, source="test", classes=KINDS, report=lambda done: None):
        embed_items(
            items, items, encode, tmp_path / "e.safetensors", source=source, classes=classes, report=report
        )
        return tmp_path / "e.safetensors"

    return run


def test_each_item_is_embedded_once_and_in_its_place(run):
    encode, done = Encoder(), []
    x, classes = read_embeddings(run(encode, report=done.append), "y")
    assert encode.asked == ITEMS
    assert torch.equal(x, torch.arange(10.0)[:, None] * torch.tensor([1.0, -1.0]))
    assert classes.tolist() == KINDS
    assert done == [3, 6, 9, 10]


def test_a_stopped_run_goes_on_and_leaves_nothing_behind(run, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(Encoder(stop="7"))
    assert not (tmp_path / "e.safetensors").exists()
    encode = Encoder()
    resumed = load_file(run(encode))
    assert encode.asked == ITEMS[6:]
    assert [path.name for path in tmp_path.iterdir()] == ["e.safetensors"]
    (tmp_path / "e.safetensors").unlink()
    again = load_file(run(Encoder()))
    assert all(torch.equal(again[name], resumed[name]) for name in ("x", "y"))


def test_damaged_chunks_are_made_again(run, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(Encoder(stop="9"))
    first, second, third = sorted(tmp_path.glob(".e.safetensors.*/*"))
    first.write_bytes(b"")
    third.write_bytes(second.read_bytes()[:-3])
    encode = Encoder()
    x = read_embeddings(run(encode)).x
    assert encode.asked == ITEMS[:3] + ITEMS[6:]
    assert torch.equal(x[:, 0], torch.arange(10.0))


def test_what_is_complete_is_left_as_it_is(run):
    before = run(Encoder()).stat().st_mtime_ns
    encode, done = Encoder(), []
    assert run(encode, report=done.append).stat().st_mtime_ns == before
    assert encode.asked == [] and done == [10]


@pytest.mark.parametrize(
    "other", [{"items": ITEMS[::-1]}, {"source": "another"}, {"classes": KINDS[::-1]}, {"classes": None}]
)
def test_something_else_is_not_overwritten(run, other):
    held = run(Encoder()).read_bytes()
    with pytest.raises(ValueError, match=r"e\.safetensors: holds something else"):
        run(Encoder(), **other)
    assert run(Encoder()).read_bytes() == held


@pytest.mark.parametrize("content", [b"", b"not ours"])
def test_foreign_files_are_not_overwritten(run, tmp_path, content):
    (tmp_path / "e.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match="holds something else"):
        run(Encoder())
    assert (tmp_path / "e.safetensors").read_bytes() == content


def test_without_classes_there_are_no_labels(run):
    assert set(load_file(run(Encoder(), classes=None))) == {"x"}


@pytest.mark.parametrize(
    "wrong", [torch.full((3, 2), torch.nan), torch.zeros(2, 2), torch.zeros(3), torch.full((3, 2), torch.inf)]
)
def test_bad_embeddings_are_refused(run, wrong):
    with pytest.raises(ValueError, match=r"3 items from '0' on have shape .*: accepted are finite numbers"):
        run(lambda items: wrong)


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"accepted are names that end in \.safetensors"):
        embed_items(ITEMS, ITEMS, Encoder(), tmp_path / "e.npz", source="", classes=None, report=print)
