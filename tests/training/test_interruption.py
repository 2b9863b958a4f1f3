"""Runs that are ended from outside (SIGTERM, Ctrl-C, SIGKILL), or refused."""

import os
import signal
import threading

import pytest
import torch
from safetensors.torch import load_file

from gfncp.configuration import parse
from gfncp.files import remove_drafts, write_atomically
from gfncp.training import batches, keeper
from gfncp.training.interruption import on_termination, stopping_at_once
from gfncp.training.run_state import iterations_done, store_run, unless_refused
from gfncp.training.train import train

pytestmark = pytest.mark.usefixtures("small_validation")

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


SIGNALS = {signal.SIGTERM: 143, signal.SIGINT: 130}


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_stores_the_state_and_exits(tmp_path, monkeypatch, number, capsys):
    """It comes while the third batch is drawn; that iteration is still done."""
    handlers = [signal.getsignal(each) for each in SIGNALS]
    draw, drawn = batches.draw_batch, []

    def draw_and_be_told(*arguments):
        drawn.append(None)
        if len(drawn) == 3:
            os.kill(os.getpid(), number)
        return draw(*arguments)

    monkeypatch.setattr(batches, "draw_batch", draw_and_be_told)
    with pytest.raises(SystemExit) as ended:
        train(DESCRIBED, tmp_path / "parts")
    monkeypatch.undo()
    assert ended.value.code == SIGNALS[number]
    assert "the same command goes on" in capsys.readouterr().out
    assert [signal.getsignal(each) for each in SIGNALS] == handlers
    assert iterations_done(tmp_path / "parts") == 3
    train(DESCRIBED, tmp_path / "parts")
    train(DESCRIBED, tmp_path / "whole")
    assert_same_state(tmp_path / "parts", tmp_path / "whole")


def assert_same_state(one, other):
    for name in ("model.safetensors", "training.safetensors"):
        found, expected = (load_file(folder / name) for folder in (one, other))
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[key], value) for key, value in expected.items())


def test_a_second_ctrl_c_ends_at_once():
    told = []
    with pytest.raises(KeyboardInterrupt), on_termination(told.append):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
    assert told == [signal.SIGINT]


@pytest.mark.parametrize("number", SIGNALS)
def test_what_cannot_be_stored_says_so_and_ends(number):
    said = []
    with pytest.raises(SystemExit) as ended, stopping_at_once(lambda: said.append(None)):
        os.kill(os.getpid(), number)
    assert ended.value.code == SIGNALS[number]
    assert said == [None]


def test_the_state_is_stored_when_much_would_be_lost_and_the_end_is_the_same(tmp_path, monkeypatch):
    stored = []
    monkeypatch.setattr(keeper, "MOST_LOST", 0)
    monkeypatch.setattr(keeper, "store_run", lambda *given: stored.append(given[-1]) or store_run(*given))
    train(DESCRIBED, tmp_path / "often")
    assert stored == [1, 2, 3, 4, 5]
    monkeypatch.undo()
    train(DESCRIBED, tmp_path / "once")
    assert_same_state(tmp_path / "often", tmp_path / "once")


def test_a_training_that_is_refused_leaves_nothing(tmp_path):
    wrong = DESCRIBED.model_dump(mode="json") | {
        "encoder": {"kind": "principal-components", "dim": 2, "components": 2},
        "data": {"kind": "neighbour-embeddings", "dataset": "file", "dim": 2, "test_points": 3},
    }
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    for folder, left in (("new", None), ("mine", ["notes.txt"])):
        folder = tmp_path / folder
        with pytest.raises(ValueError, match="nosuch"):
            train(parse(wrong, "test"), folder, tmp_path / "nosuch.npy")
        assert (sorted(path.name for path in folder.iterdir()) if folder.exists() else None) == left
        train(DESCRIBED, folder)  # the corrected command
        assert iterations_done(folder) == 5


def test_a_refused_command_leaves_a_run_that_is_there(tmp_path):
    train(DESCRIBED, tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ValueError, match="refused"), unless_refused(tmp_path):
        raise ValueError("refused")
    assert sorted(tmp_path.iterdir()) == before


def test_threads_leave_signals_alone():
    handler, seen = signal.getsignal(signal.SIGTERM), []

    def look():
        with on_termination(lambda number: None):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [handler]


@pytest.mark.slow
def test_runs_that_are_killed_go_on_and_end_the_same(tmp_path, import_benchmark):
    found = import_benchmark("kill").stress(kills=1, folder=tmp_path, iterations=4)
    assert found["kills"] >= 1 and found["runs"] >= 1


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
