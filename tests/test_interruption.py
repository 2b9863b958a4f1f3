"""Runs that are ended from outside: SIGTERM, SIGKILL."""

import importlib
import os
import signal
import threading
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from gfncp import batches
from gfncp.checkpoints import remove_drafts, write_atomically
from gfncp.configuration import parse
from gfncp.interruption import on_termination
from gfncp.run_state import iterations_done
from gfncp.training import train

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
DESCRIBED = parse(
    {
        "encoder": {"kind": "vectors", "dim": 2},
        "network": {"depth": 2, "width": 8},
        "data": {"kind": "gaussian-mixtures", "n_clusters": (1, 3)},
        "objective": {"name": "ncp"},
        "training": {"iterations": 5, "batch": 2, "points": (4, 7), "save_every": 5, "validation_sets": 1},
    },
    "test",
)


def test_sigterm_stores_the_state_and_exits(tmp_path, monkeypatch):
    """It comes while the third batch is drawn; that iteration is still done."""
    handler = signal.getsignal(signal.SIGTERM)
    draw, drawn = batches.draw_batch, []

    def draw_and_be_told(*arguments):
        drawn.append(None)
        if len(drawn) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return draw(*arguments)

    monkeypatch.setattr(batches, "draw_batch", draw_and_be_told)
    with pytest.raises(SystemExit) as ended:
        train(DESCRIBED, tmp_path / "parts")
    monkeypatch.undo()
    assert ended.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is handler
    assert iterations_done(tmp_path / "parts") == 3
    train(DESCRIBED, tmp_path / "parts")
    train(DESCRIBED, tmp_path / "whole")
    for name in ("model.safetensors", "training.safetensors"):
        found, expected = (load_file(tmp_path / folder / name) for folder in ("parts", "whole"))
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[key], value) for key, value in expected.items())


def test_threads_leave_signals_alone():
    handler, seen = signal.getsignal(signal.SIGTERM), []

    def look():
        with on_termination(lambda: None):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [handler]


def test_runs_that_are_killed_go_on_and_end_the_same(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    found = importlib.import_module("kill").stress(kills=2, folder=tmp_path, iterations=6)
    assert found["kills"] >= 2
    assert found["runs"] >= 1


def test_drafts_of_killed_processes_are_removed_and_nothing_else(tmp_path):
    kept = ["model.safetensors", ".model.safetensors", ".gitignore", ".config.json.0123", "events.out.1"]
    for name in kept:
        (tmp_path / name).touch()

    def be_killed(draft):
        (tmp_path / "left").write_text(draft.name)
        draft.touch()

    for name in ("model.safetensors", "config.json"):
        write_atomically(tmp_path / "again" / name, be_killed)
        (tmp_path / (tmp_path / "left").read_text()).touch()  # as if the process had ended there
    (tmp_path / "left").unlink()
    assert len(list(tmp_path.iterdir())) == len(kept) + 2 + 1
    remove_drafts(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, "again"])
