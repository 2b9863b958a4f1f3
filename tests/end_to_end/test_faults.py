"""Full disks, read-only folders, foreign files: one clear error, and what was there is there."""

import os
import resource
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from accelerate import Accelerator
from rich.progress import Progress
from safetensors.torch import load_file, save_file

from gfncp.checkpoints import load, save
from gfncp.cli import main
from gfncp.configuration import parse
from gfncp.configuration.toml_files import to_toml
from gfncp.files import write_atomically
from gfncp.training import optimizers
from gfncp.training.preparation import prepare_embedding
from gfncp.training.run_state import iterations_done
from gfncp.training.train import train

pytestmark = pytest.mark.usefixtures("small_validation")

NOBODY = 65534


def configure(width=8, **options):
    defaults = {"iterations": 4, "batch": 2, "points": (4, 7), "save_every": 2, "validation_sets": 1}
    return parse(
        {
            "encoder": {"kind": "vectors", "dim": 2},
            "network": {"depth": 2, "width": width},
            "data": {"kind": "gaussian-mixtures", "n_clusters": (1, 3)},
            "objective": {"name": "ncp"},
            "training": defaults | options,
        },
        "test",
    )


@contextmanager
def files_of_at_most(size):
    """No file can grow beyond so many bytes: what a write meets is what it meets on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def read_only_folder():
    """A folder that this process cannot write to; a superuser becomes nobody, whom permissions bind."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        superuser = os.geteuid() == 0
        if superuser:
            os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            if superuser:
                os.seteuid(0)
            folder.chmod(0o755)


def contents(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if "events" not in path.name}


def test_a_full_disk_keeps_the_file_that_was_there(tmp_path):
    path = tmp_path / "file"
    for write in (
        lambda draft: draft.write_bytes(bytes(100_000)),
        lambda draft: save_file({"x": torch.zeros(100_000)}, draft),
    ):
        write_atomically(path, lambda draft: draft.write_text("old"))
        with files_of_at_most(50_000), pytest.raises(OSError, match=r"file: cannot be written .*too large"):
            write_atomically(path, write)
        assert contents(tmp_path) == {"file": b"old"}


def test_a_run_on_a_full_disk_keeps_its_last_state_and_goes_on_later(tmp_path, monkeypatch):
    described = configure(width=32)
    train(described, tmp_path / "whole")
    rate = optimizers.cosine

    def fail_in_the_second_half(*arguments):
        if arguments[2] >= 0.5:
            raise KeyboardInterrupt
        return rate(*arguments)

    monkeypatch.setattr(optimizers, "cosine", fail_in_the_second_half)
    with pytest.raises(KeyboardInterrupt):
        train(described, tmp_path / "run")
    monkeypatch.undo()
    before = contents(tmp_path / "run")
    assert len(before["model.safetensors"]) > 40_000
    with files_of_at_most(40_000), pytest.raises(OSError, match=r"model\.safetensors: cannot be written"):
        train(described, tmp_path / "run")
    assert contents(tmp_path / "run") == before
    train(described, tmp_path / "run")
    found, expected = (load_file(tmp_path / name / "model.safetensors") for name in ("run", "whole"))
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_a_read_only_folder_is_one_error():
    with read_only_folder() as folder:
        for path in (folder / "file", folder / "below" / "file"):
            with pytest.raises(OSError, match=r"file: cannot be written .*Permission denied"):
                write_atomically(path, lambda draft: draft.write_text("new"))
        assert not list(folder.iterdir())


def test_a_run_in_a_read_only_folder_is_one_error(tmp_path):
    train(configure(), tmp_path)  # which imports what nobody may read
    with read_only_folder() as folder:
        with pytest.raises(OSError, match=r"config\.json: cannot be written .*Permission denied"):
            train(configure(), folder)
        assert not list(folder.iterdir())


def test_a_file_in_the_place_of_a_folder_is_one_error(tmp_path):
    (tmp_path / "file").write_text("old")
    with pytest.raises(OSError, match="name: cannot be written"):
        write_atomically(tmp_path / "file" / "name", lambda draft: draft.write_text("new"))
    assert (tmp_path / "file").read_text() == "old"


@pytest.mark.parametrize(
    "left", [("config.json", "model.safetensors"), ("config.json",), ("model.safetensors",)]
)
def test_training_does_not_write_over_a_foreign_checkpoint(tmp_path, left):
    other = configure(width=16)
    save(other.build(), other, tmp_path)
    for name in {"config.json", "model.safetensors"} - set(left):
        (tmp_path / name).unlink()
    before = contents(tmp_path)
    with pytest.raises(
        ValueError, match="holds a checkpoint that is none of this run; choose another folder"
    ):
        train(configure(), tmp_path)
    assert contents(tmp_path) == before


def test_a_run_that_was_killed_in_its_first_store_starts_again(tmp_path):
    described = configure()
    train(described, tmp_path)
    before = contents(tmp_path)
    (tmp_path / "training.safetensors").unlink()
    train(described, tmp_path)
    after = contents(tmp_path)
    assert after.keys() == before.keys()  # the metadata of the state have no order, so its bytes may differ
    assert after["model.safetensors"] == before["model.safetensors"]
    assert iterations_done(tmp_path) == described.training.iterations


def test_the_state_of_another_network_is_refused(tmp_path):
    """Its configuration is this run's, but its weights are not."""
    described = configure()
    train(described, tmp_path / "run")
    train(configure(width=16), tmp_path / "other")
    state = load_file(tmp_path / "other" / "training.safetensors")
    about = {"iteration": "2", "configuration": described.model_dump_json()}
    save_file(state, tmp_path / "run" / "training.safetensors", about)
    with pytest.raises(ValueError, match=r"training\.safetensors: not the state of this run"):
        train(described, tmp_path / "run")


def test_a_damaged_embedding_is_refused(tmp_path):
    described = parse(
        {
            "encoder": {"kind": "embedded-images", "features": 4},
            "data": {"kind": "neighbour-images", "dataset": "mnist"},
            "objective": {"name": "ncp"},
        },
        "test",
    )
    encoder = described.build().encoder
    (tmp_path / "embedding.safetensors").write_bytes(b"half")
    with pytest.raises(ValueError, match=r"embedding\.safetensors: not the weights"):
        prepare_embedding(described, encoder, tmp_path, None, Accelerator(cpu=True), Progress())


def test_a_loss_that_is_not_finite_names_the_batch_and_what_is_kept(tmp_path, monkeypatch):
    described = configure().model_copy(update={"seed": 7})
    rate = optimizers.cosine
    monkeypatch.setattr(optimizers, "cosine", lambda *a: 1e30 if a[2] >= 0.5 else rate(*a))
    with pytest.raises(
        FloatingPointError,
        match=r"the loss is .* at iteration 3, whose batch is drawn with seeded\(7, 0, 3\); .* keeps the "
        "state of iteration 2",
    ):
        train(described, tmp_path)
    assert all(weight.isfinite().all() for weight in load(tmp_path).parameters())


def test_the_command_says_it_in_one_line(tmp_path, capsys):
    (tmp_path / "run.toml").write_text(to_toml(configure(width=32)))
    with files_of_at_most(30_000):
        assert main(["train", str(tmp_path / "run.toml"), "--output", str(tmp_path / "run")]) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("gfncp: ") and complaint.count("\n") == 1
    assert "model.safetensors: cannot be written" in complaint
